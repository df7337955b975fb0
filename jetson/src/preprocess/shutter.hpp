// Telling a closed shutter from a scene: cameras close theirs now and then to even out their pixels.
#pragma once

#include <cstdint>
#include <optional>

#include "preprocess/histogram.hpp"

namespace eird {

// What a frame shows: the scene, the closed shutter (or nothing at all), or a flat scene that is no shutter.
enum class Sight { scene, shutter, new_scene };

// Compares the span of each frame with what it usually is; as edge_irdet/detection/sixteen_bit/shutter.py.
class ShutterDetector {
 public:
  explicit ShutterDetector(std::int64_t shutter_frames) : limit_(shutter_frames) {}

  void reset() {
    usual_.reset();
    flat_ = 0;
  }

  Sight look(const CountHistogram& histogram) {
    if (histogram.lowest() == histogram.highest()) return Sight::shutter;
    const double span = histogram.percentile(kSpanHigh) - histogram.percentile(kSpanLow);
    if (!usual_) usual_ = span;
    if (span < kShutterSpan * *usual_) {
      if (++flat_ <= limit_) return Sight::shutter;
      flat_ = 0;
      usual_ = span;
      return Sight::new_scene;
    }
    flat_ = 0;
    *usual_ += (span - *usual_) / (1.0 + kSceneFrames);
    return Sight::scene;
  }

 private:
  static constexpr double kSpanLow = 1.0;  // percentiles between which the span of a frame lies
  static constexpr double kSpanHigh = 99.0;
  static constexpr double kShutterSpan = 0.2;
  static constexpr double kSceneFrames = 15.0;

  std::int64_t limit_;
  std::optional<double> usual_;
  std::int64_t flat_ = 0;
};

}  // namespace eird
