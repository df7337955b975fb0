// From a frame to the network's input tensor, byte for byte what the Python package does.
//
// The steps are those of the manifest's preprocess spec: colour to grey, a named 16 -> 8 bit mapping, then a letterbox
// with bilinear scaling in fixed point. tests/golden/preprocess holds arrays that both implementations must meet.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "package/manifest.hpp"
#include "preprocess/frame.hpp"
#include "preprocess/letterbox.hpp"
#include "preprocess/sixteen_bit.hpp"

namespace eird {

// Fills one tensor of network_height x network_width bytes; allocates only when a frame's size or format changes. Not
// thread-safe.
class Preprocessor {
 public:
  Preprocessor(const PreprocessSpec& spec, int network_width, int network_height);

  // Puts a frame into the tensor; one of another size or format than the last is the first of its stream. Throws
  // Failure E105 or E107, and then has forgotten nothing.
  const Placement& operator()(const Frame& frame);

  // Forgets the frames so far, as after a gap in them: the next one is the first.
  void reset();

  // Whether the last frame showed the camera's closed shutter, or nothing at all.
  bool shutter() const { return shutter_; }

  // The last frame as grey counts of 8 or 16 bits: what is measured in. Valid as long as the frame is.
  const Frame& grey() const { return grey_; }

  const Placement& placement() const { return placement_; }
  const std::uint8_t* tensor() const { return tensor_.data(); }
  std::size_t size() const { return tensor_.size(); }

 private:
  void start(const Frame& frame);

  PreprocessSpec spec_;
  int network_width_;
  int network_height_;
  int source_width_ = 0;
  int source_height_ = 0;
  PixelFormat source_format_ = PixelFormat::grey8;
  Placement placement_;
  Scaler scaler_;
  std::vector<std::uint8_t> eight_bits_;  // of a 16-bit or a colour frame
  std::optional<SixteenBitMapper> mapper_;
  bool shutter_ = false;
  Frame grey_;
  std::vector<std::uint8_t> tensor_;
};

}  // namespace eird
