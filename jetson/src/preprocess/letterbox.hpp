// Fitting a grey frame into the network input, as the manifest's preprocess spec says.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace eird {

// Where a frame lies in the network input: network = source * scale + offset, in continuous pixels.
struct Placement {
  int width = 0;
  int height = 0;
  int left = 0;
  int top = 0;
  double scale_x = 1.0;
  double scale_y = 1.0;
  int source_width = 0;
  int source_height = 0;

  // A box in network pixels becomes one of the source frame, clipped to it.
  void to_frame(const float network[4], float source[4]) const;
};

Placement place(int source_width, int source_height, int network_width, int network_height);

// Scales frames of one size in fixed point with 8 fractional bits, as OpenCV's INTER_LINEAR_EXACT does.
class Scaler {
 public:
  // Allocates what frames of this placement need.
  void start(const Placement& placement);

  // Writes the scaled frame to `out`, whose rows are `out_pitch` bytes apart.
  void scale(const std::uint8_t* grey, std::size_t pitch, std::uint8_t* out, std::size_t out_pitch);

 private:
  struct Taps {
    std::vector<std::int32_t> first;      // of two neighbouring source samples; the weight of a missing one is 0
    std::vector<std::uint16_t> weight;    // of the second, in 1/256
    void start(int source, int target);
  };

  void copy(const std::uint8_t* grey, std::size_t pitch, std::uint8_t* out, std::size_t out_pitch) const;
  void halve(const std::uint8_t* grey, std::size_t pitch, std::uint8_t* out, std::size_t out_pitch) const;
  void interpolate(const std::uint8_t* grey, std::size_t pitch, std::uint8_t* out, std::size_t out_pitch);

  Placement placement_;
  Taps across_;
  Taps down_;
  std::vector<std::uint16_t> row_;  // one vertically scaled row of the source's width, 8 fractional bits
};

}  // namespace eird
