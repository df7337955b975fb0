// A host that has 16-bit frames and fills the network's input tensor, without a copy on the way.
#include <cstdint>
#include <cstdio>
#include <vector>

#include "edge_irdet/preprocess.hpp"

int main() {
  // A frame of your camera: 320x256 counts, rows directly one after another.
  const int width = 320, height = 256;
  std::vector<std::uint16_t> counts(width * height);
  for (int i = 0; i < width * height; ++i) counts[i] = static_cast<std::uint16_t>(7000 + i / width);  // a sky
  counts[100 * width + 160] = 9000;                                                                 // a target

  // 16-bit frames need a mapping to 8 bits; without one they are refused.
  edge_irdet::PreprocessSpec spec;
  spec.sixteen_bit = edge_irdet::SixteenBitSpec{};

  edge_irdet::Preprocessor preprocess(spec, 320, 320);
  const edge_irdet::Placement placement = preprocess(
      {counts.data(), width, height, width * sizeof(std::uint16_t), edge_irdet::PixelFormat::grey16});

  std::printf("tensor of %zu bytes, frame at row %d\n", preprocess.size(), placement.top);
  const std::uint8_t* row = preprocess.tensor() + (placement.top + 100) * 320;
  std::printf("beside the target %d, on it %d\n", row[155], row[160]);
}
