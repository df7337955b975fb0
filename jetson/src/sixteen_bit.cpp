#include "edge_irdet/sixteen_bit.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>

namespace edge_irdet {
namespace {

constexpr int kLevels = 1 << 16;
constexpr double kJumpOverlap = 0.5;
constexpr double kSpanLow = 1.0;  // percentiles between which the span of a frame lies
constexpr double kSpanHigh = 99.0;
constexpr double kShutterSpan = 0.2;
constexpr double kSceneFrames = 15.0;

const std::uint16_t* row16(const ImageView& frame, int row) {
  const auto* bytes = static_cast<const std::uint8_t*>(frame.data) + static_cast<std::size_t>(row) * frame.pitch;
  return reinterpret_cast<const std::uint16_t*>(bytes);
}

// Low end and span of a range, widened about its middle where it is below min_span.
std::pair<double, double> widened(const std::pair<double, double>& bounds, double min_span) {
  const double span = bounds.second - bounds.first;
  if (span >= min_span) return {bounds.first, span};
  return {bounds.first - (min_span - span) / 2.0, min_span};
}

bool jumped(const std::pair<double, double>& own, const std::pair<double, double>& held, double min_span) {
  const auto [own_low, own_span] = widened(own, min_span);
  const auto [held_low, held_span] = widened(held, min_span);
  const double shared = std::min(own_low + own_span, held_low + held_span) - std::max(own_low, held_low);
  return shared < kJumpOverlap * std::min(own_span, held_span);
}

}  // namespace

CountHistogram::CountHistogram() : pixels_(kLevels, 0) {}

void CountHistogram::count(const ImageView& frame) {
  std::fill(pixels_.begin(), pixels_.end(), 0U);
  int lowest = kLevels - 1;
  int highest = 0;
  for (int row = 0; row < frame.height; ++row) {
    const std::uint16_t* counts = row16(frame, row);
    for (int column = 0; column < frame.width; ++column) {
      const int count = counts[column];
      ++pixels_[static_cast<std::size_t>(count)];
      lowest = std::min(lowest, count);
      highest = std::max(highest, count);
    }
  }
  lowest_ = lowest;
  highest_ = highest;
  size_ = static_cast<std::uint64_t>(frame.width) * static_cast<std::uint64_t>(frame.height);
}

int CountHistogram::percentile(double percentile) const {
  const double share = percentile / 100.0 * static_cast<double>(size_);
  const auto wanted = std::max<std::uint64_t>(1, static_cast<std::uint64_t>(std::ceil(share)));
  std::uint64_t sum = 0;
  for (int count = lowest_; count < highest_; ++count) {
    sum += pixels_[static_cast<std::size_t>(count)];
    if (sum >= wanted) return count;
  }
  return highest_;
}

void ShutterDetector::reset() {
  usual_.reset();
  flat_ = 0;
}

Sight ShutterDetector::look(const CountHistogram& histogram) {
  if (histogram.lowest() == histogram.highest()) return Sight::shutter;
  const double span = histogram.percentile(kSpanHigh) - histogram.percentile(kSpanLow);
  if (!usual_) usual_ = span;
  if (span < kShutterSpan * *usual_) {
    ++flat_;
    if (flat_ <= limit_) return Sight::shutter;
    flat_ = 0;
    usual_ = span;
    return Sight::new_scene;
  }
  flat_ = 0;
  *usual_ += (span - *usual_) / (1.0 + kSceneFrames);
  return Sight::scene;
}

SixteenBitMapper::SixteenBitMapper(SixteenBitSpec spec)
    : spec_(spec), detector_(spec.shutter_frames), levels_(kLevels, 0.0), table_(kLevels, 0) {}

void SixteenBitMapper::reset() {
  shutter_ = false;
  detector_.reset();
  bounds_.reset();
}

void SixteenBitMapper::operator()(const ImageView& frame, std::uint8_t* out) {
  histogram_.count(frame);
  const Sight sight = detector_.look(histogram_);
  shutter_ = sight == Sight::shutter;
  if (spec_.mapping == SixteenBitMapping::plateau) {
    plateau_levels(sight);
  } else {
    linear_levels(sight);
  }
  for (int count = histogram_.lowest(); count <= histogram_.highest(); ++count) {
    const auto place = static_cast<std::size_t>(count);
    table_[place] = static_cast<std::uint8_t>(std::clamp(levels_[place] + 0.5, 0.0, 255.0));
  }
  const auto width = static_cast<std::size_t>(frame.width);
  for (int row = 0; row < frame.height; ++row) {
    const std::uint16_t* counts = row16(frame, row);
    std::uint8_t* mapped = out + static_cast<std::size_t>(row) * width;
    for (std::size_t column = 0; column < width; ++column) mapped[column] = table_[counts[column]];
  }
}

void SixteenBitMapper::linear_levels(Sight sight) {
  Bounds bounds{spec_.low, spec_.high};
  if (spec_.mapping == SixteenBitMapping::linear_percentile) {
    bounds = percentile_bounds();
    if (spec_.smoothing_frames > 0.0) {
      pull(bounds, sight);
      bounds = bounds_.value_or(bounds);
    }
  }
  const auto [low, span] = widened(bounds, spec_.min_span);
  for (int count = histogram_.lowest(); count <= histogram_.highest(); ++count) {
    levels_[static_cast<std::size_t>(count)] = (count - low) * 255.0 / span;
  }
}

void SixteenBitMapper::plateau_levels(Sight sight) {
  if (spec_.smoothing_frames == 0.0) {
    fill_curve(levels_);
    return;
  }
  const double part = pull(percentile_bounds(), sight);
  if (!bounds_) {
    fill_curve(levels_);
    return;
  }
  if (curve_.empty()) curve_.assign(kLevels, 0.0);
  if (part == 1.0) {
    fill_curve(curve_);
  } else if (part > 0.0) {
    fill_curve(levels_);
    for (std::size_t count = 0; count < kLevels; ++count) {
      curve_[count] += (levels_[count] - curve_[count]) * part;
    }
  }
  std::copy(curve_.begin(), curve_.end(), levels_.begin());
}

void SixteenBitMapper::fill_curve(std::vector<double>& curve) const {
  const int low = histogram_.percentile(spec_.low);
  const int high = histogram_.percentile(spec_.high);
  if (low == high) {
    std::fill(curve.begin(), curve.end(), 127.5);
    return;
  }
  const double share = spec_.linear / 100.0;
  const double limit = std::max(1.0, std::floor(spec_.plateau / 100.0 * static_cast<double>(histogram_.size())));
  double total = 0.0;  // whole numbers: exact in any order
  for (int count = low + 1; count <= high; ++count) {
    total += std::min(static_cast<double>(histogram_[count]), limit);
  }
  const double weight = 255.0 * (1.0 - share) / total;
  const double even = 255.0 * share / (high - low);
  double sum = 0.0;
  for (int count = low + 1; count <= high; ++count) {
    sum += std::min(std::min(static_cast<double>(histogram_[count]), limit) * weight + even, spec_.max_gain);
    curve[static_cast<std::size_t>(count)] = sum;
  }
  const double base = (255.0 - sum) / 2.0;
  for (int count = low + 1; count <= high; ++count) curve[static_cast<std::size_t>(count)] += base;
  std::fill(curve.begin(), curve.begin() + low + 1, base);
  std::fill(curve.begin() + high + 1, curve.end(), curve[static_cast<std::size_t>(high)]);
}

// Lets the smoothed bounds follow; how far they went: 0 not at all, 1 all the way.
double SixteenBitMapper::pull(const Bounds& own, Sight sight) {
  if (sight == Sight::shutter) return 0.0;
  if (!bounds_ || sight == Sight::new_scene || jumped(own, *bounds_, spec_.min_span)) {
    bounds_ = own;
    return 1.0;
  }
  const double part = 1.0 / (1.0 + spec_.smoothing_frames);
  bounds_ = Bounds{bounds_->first + (own.first - bounds_->first) * part,
                   bounds_->second + (own.second - bounds_->second) * part};
  return part;
}

SixteenBitMapper::Bounds SixteenBitMapper::percentile_bounds() const {
  return {static_cast<double>(histogram_.percentile(spec_.low)),
          static_cast<double>(histogram_.percentile(spec_.high))};
}

}  // namespace edge_irdet
