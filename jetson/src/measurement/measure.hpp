// What is measured in the frame itself at each detection: where the target is, and how far it stands out. The
// definitions are those of edge_irdet/detection/measurement.py.
#pragma once

#include <cstddef>
#include <vector>

#include "preprocess/frame.hpp"

namespace eird {

struct Measurement {
  double x = 0.0;    // of the centroid, continuous pixels; the middle of the box where nothing stands out
  double y = 0.0;
  double scr = 0.0;  // signal-to-clutter ratio; NaN where there is none
};

// Keeps its memory from frame to frame. Not thread-safe.
class Measurer {
 public:
  // Makes room for so many boxes.
  void reserve(std::size_t boxes);

  // Measures the targets of one frame of grey8 or grey16: `count` boxes of left, top, right, bottom, `stride` floats
  // from one to the next. Valid until the next call.
  const std::vector<Measurement>& operator()(const Frame& grey, const float* boxes, std::size_t count,
                                             std::size_t stride);

 private:
  // Whole pixels: first column and row, and column and row past the last.
  struct Span {
    int left, top, right, bottom;
  };
  struct Target {
    std::size_t detection;
    double left, top, right, bottom;  // the box inside the frame
    Span span;
  };
  struct Background {
    double mean, sigma;
    double lowest, highest, sum;  // of the box itself
  };

  void make_room(const Frame& grey);
  template <typename Pixel>
  void measure(const Frame& grey);
  void find_neighbours(const Target& target);
  template <typename Pixel>
  bool background(const Frame& grey, const Target& target, Background& found);
  template <typename Pixel>
  bool weigh(const Frame& grey, const Target& target, const Background& ring, Span& window);
  void leave_to(const Span& other, const Span& own, const Span& window);
  void centre(const Target& target, const Span& window, Measurement& result);

  std::vector<Measurement> results_;
  std::vector<Target> targets_;
  std::vector<Span> others_;
  std::vector<unsigned char> free_;
  std::vector<double> weights_;
  std::vector<double> across_;
  std::vector<double> down_;
};

}  // namespace eird
