// A frame that somebody else owns.
#pragma once

#include <cstddef>

namespace edge_irdet {

enum class PixelFormat { grey8, grey16 };

struct ImageView {
  const void* data = nullptr;
  int width = 0;
  int height = 0;
  std::size_t pitch = 0;  // bytes from one row to the next
  PixelFormat format = PixelFormat::grey8;
};

}  // namespace edge_irdet
