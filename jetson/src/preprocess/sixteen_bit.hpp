// 16 -> 8 bit mapping of thermal frames, byte for byte what edge_irdet/detection/sixteen_bit/mapper.py does; its
// definition is written there.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "package/manifest.hpp"
#include "preprocess/frame.hpp"
#include "preprocess/histogram.hpp"
#include "preprocess/shutter.hpp"

namespace eird {

// A mapping from its name and numbers, as --map16 takes them. Throws Failure E701.
SixteenBitSpec parse_mapping(const std::string& text);

// Maps the frames of one source and holds what smoothing and the shutter need of the past. From a reset, the same
// frames give the same bytes. Not thread-safe.
class SixteenBitMapper {
 public:
  explicit SixteenBitMapper(const SixteenBitSpec& spec);

  // Maps a frame of 16 bits into width x height bytes.
  void operator()(const Frame& frame, std::uint8_t* out);

  void reset();
  bool shutter() const { return shutter_; }

 private:
  using Bounds = std::pair<double, double>;

  // A function of the count that is constant up to `low` and from `high` on: only what lies between is kept.
  struct Curve {
    std::vector<double> values;
    int low = 0;
    int high = 0;

    double at(int count) const {
      const int inside = count < low ? low : count > high ? high : count;
      return values[static_cast<std::size_t>(inside)];
    }
    void widen(int to_low, int to_high);
  };

  void fill_linear_table(Sight sight);
  void fill_plateau_table(Sight sight);
  void fill_table(const Curve& curve);
  void fill_own_curve();
  void follow(double part);
  double pull(const Bounds& own, Sight sight);
  Bounds percentile_bounds() const;

  SixteenBitSpec spec_;
  bool shutter_ = false;
  ShutterDetector detector_;
  CountHistogram histogram_;
  std::optional<Bounds> bounds_;
  Curve own_;       // of the frame at hand
  Curve smoothed_;
  std::vector<std::uint8_t> table_;
};

}  // namespace eird
