// How the library says inside that something failed. It is caught where the C ABI ends: no exception crosses it.
#pragma once

#include <exception>
#include <string>
#include <utility>

namespace eird {

// The codes of docs/reference/errors.md that this library uses, with the same meaning as in Python.
enum class Code : int {
  frame_format = 105,
  sixteen_bit_unmapped = 107,
  camera = 108,
  source_missing = 102,
  unknown_source = 101,
  package_missing = 201,
  manifest_invalid = 202,
  package_hash = 203,
  schema_newer = 204,
  precision_missing = 205,
  graph_refused = 206,
  extra_missing = 404,
  output_failed = 501,
  runner = 601,
  driver_missing = 602,
  driver_outdated = 603,
  cuda = 604,
  engine_missing = 607,
  engine_mismatch = 608,
  engine_damaged = 609,
  wrong_thread = 610,
  tensorrt = 611,
  engine_untrusted = 612,
  option = 701,
};

// The error's name, as Python's class states it.
const char* title_of(int code) noexcept;

class Failure : public std::exception {
 public:
  Failure(Code code, std::string what, std::string next_step)
      : code_(code), what_(std::move(what)), next_step_(std::move(next_step)) {}

  Code code() const noexcept { return code_; }
  const char* what() const noexcept override { return what_.c_str(); }
  const std::string& text() const noexcept { return what_; }
  const std::string& next_step() const noexcept { return next_step_; }

 private:
  Code code_;
  std::string what_;
  std::string next_step_;
};

}  // namespace eird
