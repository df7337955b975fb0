// What every handle of the C ABI has: its last error, and that one call at a time runs on it.
#pragma once

#include <atomic>
#include <cfenv>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <exception>
#include <new>
#include <string>
#include <utility>

#include "edge_irdet.h"
#include "failure.hpp"

namespace eird {

// No struct of any version is larger: a size beyond it was not set.
constexpr std::uint32_t kLargestStruct = 1U << 16U;

struct StoredError {
  int code = 0;
  std::string what;
  std::string next_step;

  void set(const Failure& failure) {
    code = static_cast<int>(failure.code());
    what = failure.text();
    next_step = failure.next_step();
  }
};

// The first part of each handle, so that eird_last_error takes any.
struct Handle {
  std::atomic_flag busy = ATOMIC_FLAG_INIT;
  StoredError error;
};

// Of this thread: what had no handle, or could not enter one that was busy.
struct ThreadError {
  const void* handle = nullptr;
  StoredError error;
};
ThreadError& thread_error();

// The host's rounding mode and its treatment of tiny numbers must change nothing.
class FloatingPoint {
 public:
  FloatingPoint() {
    std::fegetenv(&before_);
    std::fesetenv(FE_DFL_ENV);
  }
  ~FloatingPoint() { std::fesetenv(&before_); }
  FloatingPoint(const FloatingPoint&) = delete;
  FloatingPoint& operator=(const FloatingPoint&) = delete;

 private:
  std::fenv_t before_{};
};

// Runs `work`, which throws Failure, and turns what it throws into a code and the error.
template <typename Work>
int guarded(StoredError& error, Work work) noexcept {
  const FloatingPoint floating_point;
  try {
    try {
      work();
      error.code = 0;
    } catch (const Failure& failure) {
      error.set(failure);
    } catch (const std::bad_alloc&) {
      error.set(Failure(Code::runner, "there is not enough memory", "free memory (free -h), then open the handle again"));
    } catch (const std::exception& unexpected) {
      error.set(Failure(Code::runner, std::string("an unexpected fault: ") + unexpected.what(),
                        "report it with the message"));
    }
  } catch (const std::bad_alloc&) {  // while the error was put into words
    error.code = static_cast<int>(Code::runner);
    error.what.clear();
    error.next_step.clear();
  }
  return error.code;
}

template <typename Work>
int without_handle(Work work) noexcept {
  ThreadError& slot = thread_error();
  slot.handle = nullptr;
  return guarded(slot.error, std::move(work));
}

// Runs `work` as the one call on the handle.
template <typename Work>
int entered(Handle* handle, Work work) noexcept {
  if (handle == nullptr) {
    return without_handle([] { throw Failure(Code::option, "the handle is NULL", "open one first"); });
  }
  ThreadError& slot = thread_error();
  if (handle->busy.test_and_set(std::memory_order_acquire)) {
    slot.handle = handle;
    return guarded(slot.error, [] {
      throw Failure(Code::wrong_thread, "two threads use one handle at the same time",
                    "give each thread a handle of its own: eird_clone()");
    });
  }
  if (slot.handle == handle) slot.handle = nullptr;
  const int code = guarded(handle->error, std::move(work));
  handle->busy.clear(std::memory_order_release);
  return code;
}

// A struct of the caller, who may know fewer fields or more: what he states, and defaults for the rest.
template <typename Struct>
Struct stated(const Struct* from, Struct defaults, const char* name) {
  if (from == nullptr) throw Failure(Code::option, std::string(name) + " is NULL", "pass one");
  const std::uint32_t size = from->size;
  if (size < sizeof(std::uint32_t) || size > kLargestStruct) {
    throw Failure(Code::option, std::string(name) + " has the size " + std::to_string(size),
                  "set its first field to its sizeof");
  }
  std::memcpy(&defaults, from, size < sizeof(Struct) ? size : sizeof(Struct));
  return defaults;
}

// Fills a struct of the caller, as far as he knows it.
template <typename Struct>
void fill(Struct* to, const Struct& value, const char* name) {
  if (to == nullptr) throw Failure(Code::option, std::string(name) + " is NULL", "pass one");
  const std::uint32_t size = to->size;
  if (size < sizeof(std::uint32_t) || size > kLargestStruct) {
    throw Failure(Code::option, std::string(name) + " has the size " + std::to_string(size),
                  "set its first field to its sizeof");
  }
  std::memcpy(to, &value, size < sizeof(Struct) ? size : sizeof(Struct));
  to->size = size;
}

}  // namespace eird
