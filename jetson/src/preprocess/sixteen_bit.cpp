#include "preprocess/sixteen_bit.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>

namespace eird {
namespace {

constexpr double kJumpOverlap = 0.5;

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

// Rounded half up.
std::uint8_t grey_of(double level) {
  return static_cast<std::uint8_t>(static_cast<int>(std::min(std::max(level + 0.5, 0.0), 255.0)));
}

}  // namespace

SixteenBitMapper::SixteenBitMapper(const SixteenBitSpec& spec)
    : spec_(spec), detector_(spec.shutter_frames), table_(kLevels, 0) {
  if (spec.mapping == SixteenBitMapping::plateau) {
    own_.values.assign(kLevels, 0.0);
    smoothed_.values.assign(spec.smoothing_frames > 0.0 ? kLevels : 0, 0.0);
  }
}

void SixteenBitMapper::reset() {
  shutter_ = false;
  detector_.reset();
  bounds_.reset();
}

void SixteenBitMapper::operator()(const Frame& frame, std::uint8_t* out) {
  histogram_.count(frame);
  const Sight sight = detector_.look(histogram_);
  shutter_ = sight == Sight::shutter;
  if (spec_.mapping == SixteenBitMapping::plateau) {
    fill_plateau_table(sight);
  } else {
    fill_linear_table(sight);
  }
  const std::uint8_t* table = table_.data();
  const auto width = static_cast<std::size_t>(frame.width);
  for (int row = 0; row < frame.height; ++row) {
    const std::uint16_t* counts = frame.row16(row);
    std::uint8_t* mapped = out + static_cast<std::size_t>(row) * width;
    for (std::size_t column = 0; column < width; ++column) mapped[column] = table[counts[column]];
  }
}

void SixteenBitMapper::fill_linear_table(Sight sight) {
  Bounds bounds{spec_.low, spec_.high};
  if (spec_.mapping == SixteenBitMapping::linear_percentile) {
    bounds = percentile_bounds();
    if (spec_.smoothing_frames > 0.0) {
      pull(bounds, sight);
      bounds = bounds_.value_or(bounds);
    }
  }
  const std::pair<double, double> range = widened(bounds, spec_.min_span);
  const double low = range.first;
  const double span = range.second;
  histogram_.for_each_block([&](int first) {
    std::uint8_t* table = table_.data() + first;
    for (int i = 0; i < CountHistogram::kBlock; ++i) table[i] = grey_of((first + i - low) * 255.0 / span);
  });
}

void SixteenBitMapper::fill_plateau_table(Sight sight) {
  if (spec_.smoothing_frames == 0.0) {
    fill_own_curve();
    fill_table(own_);
    return;
  }
  const double part = pull(percentile_bounds(), sight);
  if (!bounds_) {
    fill_own_curve();
    fill_table(own_);
    return;
  }
  if (part > 0.0) {
    fill_own_curve();
    follow(part);
  }
  fill_table(smoothed_);
}

void SixteenBitMapper::fill_table(const Curve& curve) {
  histogram_.for_each_block([&](int first) {
    for (int count = first; count < first + CountHistogram::kBlock; ++count) {
      table_[static_cast<std::size_t>(count)] = grey_of(curve.at(count));
    }
  });
}

void SixteenBitMapper::fill_own_curve() {
  const int low = histogram_.percentile(spec_.low);
  const int high = histogram_.percentile(spec_.high);
  own_.low = low;
  own_.high = high;
  std::vector<double>& curve = own_.values;
  if (low == high) {
    curve[static_cast<std::size_t>(low)] = 127.5;
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
  curve[static_cast<std::size_t>(low)] = base;
}

void SixteenBitMapper::Curve::widen(int to_low, int to_high) {
  std::fill(values.begin() + std::min(to_low, low), values.begin() + low, values[static_cast<std::size_t>(low)]);
  std::fill(values.begin() + high + 1, values.begin() + std::max(to_high, high) + 1,
            values[static_cast<std::size_t>(high)]);
  low = std::min(to_low, low);
  high = std::max(to_high, high);
}

// Lets the smoothed curve go a part of the way to the frame's own.
void SixteenBitMapper::follow(double part) {
  if (part == 1.0) {
    smoothed_.low = own_.low;
    smoothed_.high = own_.high;
    std::copy(own_.values.begin() + own_.low, own_.values.begin() + own_.high + 1, smoothed_.values.begin() + own_.low);
    return;
  }
  smoothed_.widen(own_.low, own_.high);
  own_.widen(smoothed_.low, smoothed_.high);
  for (auto count = static_cast<std::size_t>(smoothed_.low); count <= static_cast<std::size_t>(smoothed_.high); ++count) {
    smoothed_.values[count] += (own_.values[count] - smoothed_.values[count]) * part;
  }
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
  return {static_cast<double>(histogram_.percentile(spec_.low)), static_cast<double>(histogram_.percentile(spec_.high))};
}

}  // namespace eird
