#include "measurement/measure.hpp"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>

namespace eird {
namespace {

constexpr int kGuard = 1;
constexpr int kRing = 9;
constexpr int kMinBackgroundPixels = 16;
constexpr double kSignalSigmas = 2.0;
constexpr double kWindowSigma = 0.45;
constexpr double kMinWindowSigma = 1.0;
constexpr int kWindowSteps = 2;
constexpr double kWindowGain = 1.4;
constexpr double kSigmaFloor = 0.28867513459481287;  // sqrt(1 / 12): the rounding of a count

template <typename SpanType>
SpanType widened(const SpanType& span, int reach, const Frame& grey) {
  return {std::max(span.left - reach, 0), std::max(span.top - reach, 0), std::min(span.right + reach, grey.width),
          std::min(span.bottom + reach, grey.height)};
}

template <typename Pixel>
const Pixel* row_of(const Frame& grey, int row) {
  return reinterpret_cast<const Pixel*>(grey.row(row));
}

}  // namespace

void Measurer::reserve(std::size_t boxes) {
  results_.reserve(boxes);
  targets_.reserve(boxes);
  others_.reserve(boxes);
}

// A box may be as large as its frame: the room for it is taken with the first frame of a size, not when it comes.
void Measurer::make_room(const Frame& grey) {
  const std::size_t pixels = grey.pixels();
  if (free_.capacity() >= pixels && across_.size() >= static_cast<std::size_t>(grey.width) &&
      down_.size() >= static_cast<std::size_t>(grey.height)) {
    return;
  }
  free_.reserve(pixels);
  weights_.reserve(pixels);
  across_.resize(std::max(across_.size(), static_cast<std::size_t>(grey.width)));
  down_.resize(std::max(down_.size(), static_cast<std::size_t>(grey.height)));
}

const std::vector<Measurement>& Measurer::operator()(const Frame& grey, const float* boxes, std::size_t count,
                                                     std::size_t stride) {
  make_room(grey);
  results_.clear();
  targets_.clear();
  for (std::size_t i = 0; i < count; ++i) {
    const float* box = boxes + i * stride;
    const double side[4] = {static_cast<double>(box[0]), static_cast<double>(box[1]), static_cast<double>(box[2]),
                            static_cast<double>(box[3])};
    results_.push_back({(side[0] + side[2]) * 0.5, (side[1] + side[3]) * 0.5, std::numeric_limits<double>::quiet_NaN()});
    if (!std::isfinite(side[0] + side[1] + side[2] + side[3])) continue;
    Target target{i, std::max(side[0], 0.0), std::max(side[1], 0.0), std::min(side[2], static_cast<double>(grey.width)),
                  std::min(side[3], static_cast<double>(grey.height)), {}};
    if (!(target.left < target.right && target.top < target.bottom)) continue;
    target.span = {static_cast<int>(target.left), static_cast<int>(target.top), static_cast<int>(std::ceil(target.right)),
                   static_cast<int>(std::ceil(target.bottom))};
    targets_.push_back(target);
  }
  if (grey.format == PixelFormat::grey16) {
    measure<std::uint16_t>(grey);
  } else {
    measure<std::uint8_t>(grey);
  }
  return results_;
}

template <typename Pixel>
void Measurer::measure(const Frame& grey) {
  for (const Target& target : targets_) {
    find_neighbours(target);
    Background ring{};
    if (!background<Pixel>(grey, target, ring)) continue;
    Measurement& result = results_[target.detection];
    const Span& span = target.span;
    const double pixels = static_cast<double>(span.right - span.left) * static_cast<double>(span.bottom - span.top);
    result.scr = std::abs(ring.sum * (1.0 / pixels) - ring.mean) / std::max(ring.sigma, kSigmaFloor);
    Span window{};
    if (weigh<Pixel>(grey, target, ring, window)) centre(target, window, result);
  }
}

// Those whose guard reaches into the target's ring.
void Measurer::find_neighbours(const Target& target) {
  constexpr int kReach = 2 * kGuard + kRing;
  others_.clear();
  const Span& own = target.span;
  for (const Target& other : targets_) {
    const Span& span = other.span;
    if (other.detection != target.detection && span.left < own.right + kReach && own.left < span.right + kReach &&
        span.top < own.bottom + kReach && own.top < span.bottom + kReach) {
      others_.push_back(span);
    }
  }
}

// Mean and standard deviation of the ring, counts; false where it is too small. Sums of counts are whole numbers and
// exact; mean and deviation are put together as OpenCV does.
template <typename Pixel>
bool Measurer::background(const Frame& grey, const Target& target, Background& found) {
  const Span ring = widened(target.span, kGuard + kRing, grey);
  const auto width = static_cast<std::size_t>(ring.right - ring.left);
  const auto height = static_cast<std::size_t>(ring.bottom - ring.top);
  free_.assign(width * height, 1);
  const auto take = [&](const Span& span) {
    const Span taken = widened(span, kGuard, grey);
    const int left = std::max(taken.left, ring.left);
    const int right = std::min(taken.right, ring.right);
    if (left >= right) return;
    for (int row = std::max(taken.top, ring.top); row < std::min(taken.bottom, ring.bottom); ++row) {
      unsigned char* from = free_.data() + static_cast<std::size_t>(row - ring.top) * width;
      std::fill(from + (left - ring.left), from + (right - ring.left), static_cast<unsigned char>(0));
    }
  };
  take(target.span);
  for (const Span& other : others_) take(other);
  std::uint64_t count = 0;
  std::uint64_t sum = 0;
  std::uint64_t squares = 0;
  const unsigned char* is_free = free_.data();
  for (int row = ring.top; row < ring.bottom; ++row) {
    const Pixel* pixels = row_of<Pixel>(grey, row) + ring.left;
    for (std::size_t i = 0; i < width; ++i, ++is_free) {
      const std::uint64_t value = *is_free != 0 ? pixels[i] : 0U;
      count += *is_free;
      sum += value;
      squares += value * value;
    }
  }
  if (count < kMinBackgroundPixels) return false;
  const double scale = 1.0 / static_cast<double>(count);
  found.mean = static_cast<double>(sum) * scale;
  found.sigma = std::sqrt(std::max(static_cast<double>(squares) * scale - found.mean * found.mean, 0.0));
  std::uint64_t total = 0;
  Pixel lowest = std::numeric_limits<Pixel>::max();
  Pixel highest = 0;
  const Span& span = target.span;
  for (int row = span.top; row < span.bottom; ++row) {
    const Pixel* pixels = row_of<Pixel>(grey, row);
    for (int column = span.left; column < span.right; ++column) {
      total += pixels[column];
      lowest = std::min(lowest, pixels[column]);
      highest = std::max(highest, pixels[column]);
    }
  }
  found.sum = static_cast<double>(total);
  found.lowest = lowest;
  found.highest = highest;
  return true;
}

// The weights of a box and its guard; false where nothing in the box stands out.
template <typename Pixel>
bool Measurer::weigh(const Frame& grey, const Target& target, const Background& ring, Span& window) {
  const bool dark = ring.mean - ring.lowest > ring.highest - ring.mean;
  const double least = kSignalSigmas * ring.sigma;
  if (!(std::max(ring.mean - ring.lowest, ring.highest - ring.mean) > least)) return false;
  window = widened(target.span, kGuard, grey);
  weights_.clear();
  for (int row = window.top; row < window.bottom; ++row) {
    const Pixel* pixels = row_of<Pixel>(grey, row);
    for (int column = window.left; column < window.right; ++column) {
      const double above = static_cast<double>(pixels[column]) - ring.mean;
      weights_.push_back(std::max((dark ? -above : above) - least, 0.0));
    }
  }
  for (const Span& other : others_) leave_to(other, target.span, window);
  return others_.empty() || std::any_of(weights_.begin(), weights_.end(), [](double weight) { return weight != 0.0; });
}

// Takes the weight from pixels of another box that are nearer to its middle than to the own one's. Twice the distances
// in whole numbers: pixels in the middle between both stay with both.
void Measurer::leave_to(const Span& other, const Span& own, const Span& window) {
  const auto width = static_cast<std::size_t>(window.right - window.left);
  const auto square = [](std::int64_t value) { return value * value; };
  for (int row = std::max(other.top, window.top); row < std::min(other.bottom, window.bottom); ++row) {
    for (int column = std::max(other.left, window.left); column < std::min(other.right, window.right); ++column) {
      const std::int64_t x = 2 * column + 1;
      const std::int64_t y = 2 * row + 1;
      const std::int64_t ours = square(x - own.left - own.right) + square(y - own.top - own.bottom);
      const std::int64_t theirs = square(x - other.left - other.right) + square(y - other.top - other.bottom);
      if (theirs < ours) {
        weights_[static_cast<std::size_t>(row - window.top) * width + static_cast<std::size_t>(column - window.left)] = 0.0;
      }
    }
  }
}

// Averages the weights in a Gaussian window that follows the average.
void Measurer::centre(const Target& target, const Span& window, Measurement& result) {
  const auto width = static_cast<std::size_t>(window.right - window.left);
  const auto height = static_cast<std::size_t>(window.bottom - window.top);
  const auto precision = [](double side) {
    const double sigma = std::max(kMinWindowSigma, kWindowSigma * side);
    return -0.5 / (sigma * sigma);
  };
  double x = (target.left + target.right) * 0.5 - window.left;
  double y = (target.top + target.bottom) * 0.5 - window.top;
  const double precision_x = precision(target.right - target.left);
  const double precision_y = precision(target.bottom - target.top);
  for (int step = 0; step < kWindowSteps; ++step) {
    for (std::size_t i = 0; i < width; ++i) {
      const double distance = static_cast<double>(i) + 0.5 - x;
      across_[i] = std::exp(distance * distance * precision_x);
    }
    for (std::size_t i = 0; i < height; ++i) {
      const double distance = static_cast<double>(i) + 0.5 - y;
      down_[i] = std::exp(distance * distance * precision_y);
    }
    double sum = 0.0;
    double moment_x = 0.0;
    double moment_y = 0.0;
    const double* weight = weights_.data();
    for (std::size_t row = 0; row < height; ++row) {
      double row_sum = 0.0;
      double row_moment = 0.0;
      for (std::size_t column = 0; column < width; ++column, ++weight) {
        const double part = *weight * across_[column];
        row_sum += part;
        row_moment += part * (static_cast<double>(column) + 0.5);
      }
      sum += down_[row] * row_sum;
      moment_x += down_[row] * row_moment;
      moment_y += down_[row] * row_sum * (static_cast<double>(row) + 0.5);
    }
    x += kWindowGain * (moment_x / sum - x);
    y += kWindowGain * (moment_y / sum - y);
  }
  x += window.left;
  y += window.top;
  if (target.left <= x && x <= target.right && target.top <= y && y <= target.bottom) {
    result.x = x;
    result.y = y;
  }
}

}  // namespace eird
