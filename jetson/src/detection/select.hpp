// Threshold and non-maximum suppression in the three rules of the package, as edge_irdet/detection/nms.py.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "package/manifest.hpp"

namespace eird {

// Boxes that enter suppression, the best; more never carry a target and would cost the frame its time.
constexpr std::size_t kMostCandidates = 3000;

// What the network gave for one frame.
struct NetworkOutput {
  const float* boxes = nullptr;   // [count, 4] left, top, right, bottom in network pixels
  const float* scores = nullptr;  // [count, classes]
  std::size_t count = 0;
  std::size_t classes = 1;
};

struct Selected {
  float box[4] = {0, 0, 0, 0};
  float score = 0;
  std::int32_t class_id = 0;
};

// Keeps its memory from frame to frame. Not thread-safe.
class Selector {
 public:
  explicit Selector(const PostprocessSpec& spec);

  // The best boxes of one frame, best first; equal scores keep the graph's order. Throws Failure E601 where a score is
  // no number in 0..1, or a box above the threshold is no place. Valid until the next call.
  const std::vector<Selected>& operator()(const NetworkOutput& output);

 private:
  struct Candidate {
    float score;
    std::int32_t class_id;
    std::size_t index;
  };
  struct Box {
    float left, top, right, bottom, area;
    std::int32_t class_id;
    float score;
  };

  void collect_single_class(const NetworkOutput& output);
  void collect_best_class(const NetworkOutput& output);
  void order_candidates();
  void take_boxes(const NetworkOutput& output);
  template <typename SameTarget>
  void suppress(SameTarget same_target);

  NmsRule rule_;
  std::size_t most_;
  float threshold_;
  float limit_;          // IoU
  float distance_square_;  // of the distance rule
  double nwd_square_;    // of the NWD rule: (C ln(1 / limit))^2
  std::vector<Candidate> candidates_;
  std::vector<Box> left_;
  std::vector<Selected> selected_;
};

}  // namespace eird
