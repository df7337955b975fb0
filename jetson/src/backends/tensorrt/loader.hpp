// The TensorRT module, loaded from beside the library where it is there.
#pragma once

#include <memory>
#include <string>

#include "backends/backend.hpp"
#include "backends/tensorrt/module_interface.hpp"
#include "engine/store.hpp"

namespace eird {

class TensorRtLoader {
 public:
  // The module, loaded once. Throws Failure E404 where it is not there or cannot be loaded.
  static TensorRtLoader& load();

  explicit TensorRtLoader(const EirdModule& module) : module_(module) {}

  // Asks the driver, then TensorRT, what this machine is. Throws Failure E602, E603, E604.
  Host probe(int device) const;

  std::unique_ptr<Backend> open(const Package& package, const StoredEngine& engine, int device, void* stream,
                                bool cuda_graph) const;

 private:
  const EirdModule& module_;
};

// Version of TensorRT and CUDA, or why there are none.
std::string describe_tensorrt(bool& found);

}  // namespace eird
