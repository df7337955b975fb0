// A frame that the host owns.
#pragma once

#include <cstddef>
#include <cstdint>

namespace eird {

enum class PixelFormat { grey8 = 1, grey16 = 2, bgr8 = 3, rgb8 = 4 };

struct Frame {
  const std::uint8_t* data = nullptr;
  std::size_t bytes = 0;  // that may be read from data on
  int width = 0;
  int height = 0;
  std::size_t pitch = 0;  // bytes from one row to the next
  PixelFormat format = PixelFormat::grey8;

  const std::uint8_t* row(int index) const { return data + static_cast<std::size_t>(index) * pitch; }
  const std::uint16_t* row16(int index) const { return reinterpret_cast<const std::uint16_t*>(row(index)); }
  std::size_t pixels() const { return static_cast<std::size_t>(width) * static_cast<std::size_t>(height); }
};

// Throws Failure E105 where the frame is null, empty, too large, or its bytes, pitch or format cannot be.
void require_sound(const Frame& frame);

}  // namespace eird
