// The C ABI of the library as a whole.
#include <string>

#include "abi/handle.hpp"
#include "backends/onnxruntime.hpp"
#include "backends/tensorrt/loader.hpp"
#include "edge_irdet.h"
#include "package/package.hpp"

namespace eird {

ThreadError& thread_error() {
  thread_local ThreadError slot;
  return slot;
}

namespace {

thread_local std::string text_of_thread;

}  // namespace
}  // namespace eird

extern "C" {

const char* eird_version(void) { return EIRD_VERSION; }

const char* eird_backends(void) {
  eird::without_handle([] {
    bool found = false;
    std::string text = "ONNX Runtime: ";
    const std::string runtime = eird::describe_onnxruntime("", found);
    text += (found ? "" : "not found: ") + runtime + "\nTensorRT: ";
    const std::string tensorrt = eird::describe_tensorrt(found);
    eird::text_of_thread = text + (found ? "" : "not found: ") + tensorrt;
  });
  return eird::text_of_thread.c_str();
}

const char* eird_package_path(const char* name) {
  const char* path = nullptr;
  eird::without_handle([&] {
    if (name == nullptr) throw eird::Failure(eird::Code::option, "the name is NULL", "pass one");
    eird::text_of_thread = eird::Package::open(name).directory();
    path = eird::text_of_thread.c_str();
  });
  return path;
}

int eird_last_error(const void* handle, eird_error* error) {
  const eird::ThreadError& slot = eird::thread_error();
  const eird::StoredError* stored = &slot.error;
  if (handle != nullptr && slot.handle != handle) stored = &static_cast<const eird::Handle*>(handle)->error;
  if (handle == nullptr && slot.handle != nullptr) stored = nullptr;  // the slot holds the error of a handle
  const int code = stored == nullptr ? 0 : stored->code;
  if (error != nullptr) {
    eird_error found{};
    found.size = sizeof found;
    found.code = code;
    found.title = code == 0 ? "" : eird::title_of(code);
    found.what = code == 0 ? "" : stored->what.c_str();
    found.next_step = code == 0 ? "" : stored->next_step.c_str();
    try {
      eird::fill(error, found, "error");
    } catch (const eird::Failure&) {
      return code;  // a struct without a size cannot be filled; the code is told all the same
    }
  }
  return code;
}

}  // extern "C"
