#include "preprocess/frame.hpp"

#include <string>

#include "failure.hpp"
#include "package/manifest.hpp"

namespace eird {
namespace {

std::size_t bytes_per_pixel(PixelFormat format) {
  switch (format) {
    case PixelFormat::grey8: return 1;
    case PixelFormat::grey16: return 2;
    case PixelFormat::bgr8:
    case PixelFormat::rgb8: return 3;
  }
  return 0;
}

[[noreturn]] void refuse(const std::string& what, const std::string& next_step) {
  throw Failure(Code::frame_format, what, next_step);
}

}  // namespace

void require_sound(const Frame& frame) {
  const std::size_t pixel = bytes_per_pixel(frame.format);
  if (pixel == 0) {
    refuse("the pixel format is " + std::to_string(static_cast<int>(frame.format)), "pass grey8, grey16, bgr8 or rgb8");
  }
  const std::string size = std::to_string(frame.width) + "x" + std::to_string(frame.height);
  if (frame.data == nullptr) refuse("the frame of " + size + " has no data", "pass the address of its first pixel");
  if (frame.width < 1 || frame.height < 1 || frame.width > kLongestSide || frame.height > kLongestSide) {
    refuse("the frame is " + size, "pass frames with sides of 1 to " + std::to_string(kLongestSide));
  }
  const std::size_t row = pixel * static_cast<std::size_t>(frame.width);
  if (frame.pitch < row) {
    refuse("the frame of " + size + " has a pitch of " + std::to_string(frame.pitch) + " bytes, a row has " +
               std::to_string(row),
           "pass the bytes from one row to the next");
  }
  const auto rows_before = static_cast<std::size_t>(frame.height - 1);
  if (frame.bytes < row || (rows_before > 0 && frame.pitch > (frame.bytes - row) / rows_before)) {
    refuse("the frame of " + size + " with a pitch of " + std::to_string(frame.pitch) + " bytes does not fit into " +
               std::to_string(frame.bytes) + " bytes",
           "pass all bytes of the frame");
  }
  if (frame.format == PixelFormat::grey16 &&
      (frame.pitch % 2 != 0 || reinterpret_cast<std::uintptr_t>(frame.data) % 2 != 0)) {
    refuse("the rows of a 16-bit frame begin at odd addresses (pitch " + std::to_string(frame.pitch) + ")",
           "align data and pitch to 2 bytes");
  }
}

}  // namespace eird
