// From a grey camera frame to the network's input tensor, byte for byte what the Python package does.
//
// The steps are those of the manifest's preprocess spec: a named 16 -> 8 bit mapping, then a letterbox with
// bilinear scaling in fixed point. tests/golden/preprocess holds arrays that both implementations must meet.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "edge_irdet/sixteen_bit.hpp"

namespace edge_irdet {

struct PreprocessSpec {
  std::uint8_t pad_value = 114;
  std::optional<SixteenBitSpec> sixteen_bit;  // none refuses 16-bit frames: nothing is mapped silently
};

// Where a frame lies in the network input: network = source * scale + offset, in continuous pixels.
struct Placement {
  int width = 0;
  int height = 0;
  int left = 0;
  int top = 0;
  double scale_x = 1.0;
  double scale_y = 1.0;
};

Placement place(int source_width, int source_height, int network_width, int network_height);

// Fills one tensor of network_height x network_width bytes; allocates only when a frame's size changes.
// Not thread-safe: one object a thread.
class Preprocessor {
 public:
  Preprocessor(PreprocessSpec spec, int network_width, int network_height);

  // Puts a frame into the tensor; one of another size or format than the last is the first of its stream. Throws
  // std::invalid_argument for an empty frame, a pitch shorter than a row, 16-bit rows that begin at odd addresses, or
  // a 16-bit frame where the spec names no mapping.
  Placement operator()(const ImageView& frame);

  // Forgets the frames so far, as after a gap in them: the next one is the first.
  void reset();

  // Whether the last frame showed the camera's closed shutter, or nothing at all.
  bool shutter() const { return shutter_; }

  const std::uint8_t* tensor() const { return tensor_.data(); }
  std::size_t size() const { return tensor_.size(); }

 private:
  // Two neighbouring source samples of one target sample, and the second one's weight in 1/256.
  struct Tap {
    int first = 0;
    int second = 0;
    std::uint32_t weight = 0;
  };

  void start(const ImageView& frame);
  static std::vector<Tap> taps(int source, int target);
  void scale(const std::uint8_t* grey, std::size_t pitch);

  PreprocessSpec spec_;
  int network_width_;
  int network_height_;
  int source_width_ = 0;
  int source_height_ = 0;
  PixelFormat source_format_ = PixelFormat::grey8;
  Placement placement_;
  std::vector<Tap> across_;
  std::vector<Tap> down_;
  std::array<std::vector<std::uint32_t>, 2> rows_;  // horizontally scaled source rows, 8 fractional bits
  std::vector<std::uint8_t> eight_bits_;
  std::optional<SixteenBitMapper> mapper_;
  bool shutter_ = false;
  std::vector<std::uint8_t> tensor_;
};

}  // namespace edge_irdet
