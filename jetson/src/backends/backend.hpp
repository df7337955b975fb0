// What every back end is: the input tensor in, boxes and scores out.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "detection/select.hpp"

namespace eird {

class Backend {
 public:
  Backend() = default;
  virtual ~Backend() = default;
  Backend(const Backend&) = delete;
  Backend& operator=(const Backend&) = delete;

  // Runs one frame. What it gives is valid until the next call. Throws Failure; the back end is of no use then.
  virtual NetworkOutput run(const std::uint8_t* tensor, std::size_t bytes) = 0;

  // Another one on the same weights, with memory of its own.
  virtual std::unique_ptr<Backend> clone() const = 0;

  // How a frame is launched, in words.
  virtual std::string launch() const = 0;
};

}  // namespace eird
