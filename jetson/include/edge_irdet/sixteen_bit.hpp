// 16 -> 8 bit mapping of thermal frames, byte for byte what edge_irdet/detection/sixteen_bit/mapper.py does; its definition is
// written there.
#pragma once

#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "edge_irdet/image_view.hpp"

namespace edge_irdet {

enum class SixteenBitMapping { linear_percentile, fixed_range, plateau };

// The fields are those of the manifest's sixteen_bit.
struct SixteenBitSpec {
  SixteenBitMapping mapping = SixteenBitMapping::linear_percentile;
  double low = 0.5;               // percentile (0..100) or count that becomes 0
  double high = 99.9;             // percentile (0..100) or count that becomes 255
  double min_span = 64.0;         // smallest range of counts that is stretched to 255
  double plateau = 0.03;          // most a count weighs, percent of the pixels
  double linear = 50.0;           // share of the grey levels that is spread evenly, percent
  double max_gain = 4.0;          // most grey levels a count
  double smoothing_frames = 0.0;  // time constant of the smoothing; 0 maps every frame by itself
  int shutter_frames = 60;        // flat frames in a row that may be the shutter
};

// How often each count occurs in a frame.
class CountHistogram {
 public:
  CountHistogram();

  // Counts a frame of 16 bits.
  void count(const ImageView& frame);

  int lowest() const { return lowest_; }
  int highest() const { return highest_; }
  std::uint64_t size() const { return size_; }
  std::uint32_t operator[](int count) const { return pixels_[static_cast<std::size_t>(count)]; }

  // Smallest count that at least `percentile` % of the pixels do not exceed.
  int percentile(double percentile) const;

 private:
  std::vector<std::uint32_t> pixels_;
  std::uint64_t size_ = 0;
  int lowest_ = 0;
  int highest_ = 0;
};

// What a frame shows: the scene, the closed shutter (or nothing at all), or a flat scene that is no shutter.
enum class Sight { scene, shutter, new_scene };

// Compares the span of each frame with what it usually is.
class ShutterDetector {
 public:
  explicit ShutterDetector(int shutter_frames) : limit_(shutter_frames) {}

  void reset();
  Sight look(const CountHistogram& histogram);

 private:
  int limit_;
  std::optional<double> usual_;
  int flat_ = 0;
};

// Maps the frames of one source and holds what smoothing and the shutter need of the past. From a reset, the same
// frames give the same bytes. Not thread-safe.
class SixteenBitMapper {
 public:
  explicit SixteenBitMapper(SixteenBitSpec spec);

  // Maps a frame of 16 bits into width x height bytes.
  void operator()(const ImageView& frame, std::uint8_t* out);

  void reset();
  bool shutter() const { return shutter_; }

 private:
  using Bounds = std::pair<double, double>;

  void linear_levels(Sight sight);
  void plateau_levels(Sight sight);
  void fill_curve(std::vector<double>& curve) const;
  double pull(const Bounds& own, Sight sight);
  Bounds percentile_bounds() const;

  SixteenBitSpec spec_;
  bool shutter_ = false;
  ShutterDetector detector_;
  CountHistogram histogram_;
  std::optional<Bounds> bounds_;
  std::vector<double> curve_;   // smoothed
  std::vector<double> levels_;  // of the frame at hand, by count
  std::vector<std::uint8_t> table_;
};

}  // namespace edge_irdet
