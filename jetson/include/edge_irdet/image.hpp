// A frame that the host owns.
#pragma once

#include <edge_irdet.h>

#include <cstddef>
#include <cstdint>

namespace edge_irdet {
inline namespace v0 {

enum class PixelFormat {
  grey8 = EIRD_GREY8,
  grey16 = EIRD_GREY16,  // whole counts in the byte order of this machine
  bgr8 = EIRD_BGR8,
  rgb8 = EIRD_RGB8,
};

// Memory that a frame lies in. All but host are reserved: frames there are refused today.
enum class MemoryKind { host = EIRD_HOST, cuda = EIRD_CUDA_MEMORY, dmabuf = EIRD_DMABUF };

struct ImageView {
  const void* data = nullptr;
  std::size_t bytes = 0;  // that may be read from data on
  int width = 0;
  int height = 0;
  std::size_t pitch = 0;  // bytes from one row to the next
  PixelFormat format = PixelFormat::grey8;
  MemoryKind memory = MemoryKind::host;
};

// When a frame was captured, and whether something is missing before it.
struct FrameInfo {
  std::int64_t capture_ns = 0;  // of one clock that does not jump, such as CLOCK_MONOTONIC
  std::uint64_t sequence = 0;
  bool discontinuity = false;
};

}  // namespace v0
}  // namespace edge_irdet
