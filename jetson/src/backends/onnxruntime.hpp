// ONNX Runtime through its C API, from a library that is loaded at run time.
#pragma once

#include <memory>
#include <string>

#include "backends/backend.hpp"
#include "package/package.hpp"

namespace eird {

struct OnnxRuntimeOptions {
  std::string library;  // empty: EDGE_IRDET_ONNXRUNTIME, then libonnxruntime.so.1
  int threads = 0;      // of one inference; 0 takes one per core
};

// Throws Failure: E404 without the library, E205, E203, E206 of the graph, E601 where ONNX Runtime refuses it.
std::unique_ptr<Backend> open_onnxruntime(const Package& package, Precision precision,
                                          const OnnxRuntimeOptions& options);

// Version and place of the library, or why there is none.
std::string describe_onnxruntime(const std::string& library, bool& found);

}  // namespace eird
