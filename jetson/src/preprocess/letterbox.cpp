#include "preprocess/letterbox.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>

namespace eird {
namespace {

constexpr std::uint32_t kOne = 256;
constexpr std::uint32_t kHalf = 1U << 15U;

}  // namespace

void Placement::to_frame(const float network[4], float source[4]) const {
  const float scale[2] = {static_cast<float>(scale_x), static_cast<float>(scale_y)};
  const float offset[2] = {static_cast<float>(left), static_cast<float>(top)};
  const float limit[2] = {static_cast<float>(source_width), static_cast<float>(source_height)};
  for (int i = 0; i < 4; ++i) {
    const float place = (network[i] - offset[i % 2]) / scale[i % 2];
    source[i] = std::min(std::max(place, 0.0F), limit[i % 2]);
  }
}

Placement place(int source_width, int source_height, int network_width, int network_height) {
  const double scale = std::min(static_cast<double>(network_width) / source_width,
                                static_cast<double>(network_height) / source_height);
  const auto scaled = [scale](int side, int limit) {
    return std::max(1, std::min(limit, static_cast<int>(std::floor(side * scale + 0.5))));
  };
  Placement placement;
  placement.width = scaled(source_width, network_width);
  placement.height = scaled(source_height, network_height);
  placement.left = (network_width - placement.width) / 2;
  placement.top = (network_height - placement.height) / 2;
  placement.scale_x = static_cast<double>(placement.width) / source_width;
  placement.scale_y = static_cast<double>(placement.height) / source_height;
  placement.source_width = source_width;
  placement.source_height = source_height;
  return placement;
}

void Scaler::Taps::start(int source, int target) {
  first.resize(static_cast<std::size_t>(target));
  weight.resize(static_cast<std::size_t>(target));
  const double step = 1.0 / (static_cast<double>(target) / source);
  for (int index = 0; index < target; ++index) {
    const double place = step * (index + 0.5) - 0.5;
    const int before = static_cast<int>(std::floor(place));
    const bool inside = before >= 0 && before < source - 1;
    const auto i = static_cast<std::size_t>(index);
    first[i] = std::max(0, std::min(before, source - 1));
    weight[i] = inside ? static_cast<std::uint16_t>(std::nearbyint((place - before) * kOne)) : std::uint16_t{0};
  }
}

void Scaler::start(const Placement& placement) {
  placement_ = placement;
  across_.start(placement.source_width, placement.width);
  down_.start(placement.source_height, placement.height);
  row_.assign(static_cast<std::size_t>(placement.source_width) + 1, 0);  // one more: the last sample has no neighbour
}

void Scaler::scale(const std::uint8_t* grey, std::size_t pitch, std::uint8_t* out, std::size_t out_pitch) {
  const Placement& p = placement_;
  if (p.width == p.source_width && p.height == p.source_height) {
    copy(grey, pitch, out, out_pitch);
  } else if (2 * p.width == p.source_width && 2 * p.height == p.source_height) {
    halve(grey, pitch, out, out_pitch);
  } else {
    interpolate(grey, pitch, out, out_pitch);
  }
}

void Scaler::copy(const std::uint8_t* grey, std::size_t pitch, std::uint8_t* out, std::size_t out_pitch) const {
  const auto width = static_cast<std::size_t>(placement_.width);
  for (int row = 0; row < placement_.height; ++row) {
    std::memcpy(out + static_cast<std::size_t>(row) * out_pitch, grey + static_cast<std::size_t>(row) * pitch, width);
  }
}

// All weights are 128: four pixels, rounded half up.
void Scaler::halve(const std::uint8_t* grey, std::size_t pitch, std::uint8_t* out, std::size_t out_pitch) const {
  const int width = placement_.width;
  for (int line = 0; line < placement_.height; ++line) {
    const std::uint8_t* upper = grey + static_cast<std::size_t>(2 * line) * pitch;
    const std::uint8_t* lower = upper + pitch;
    std::uint8_t* to = out + static_cast<std::size_t>(line) * out_pitch;
    for (int i = 0; i < width; ++i) {
      const int sum = upper[2 * i] + upper[2 * i + 1] + lower[2 * i] + lower[2 * i + 1];
      to[i] = static_cast<std::uint8_t>((sum + 2) >> 2);
    }
  }
}

// Sums and products of whole numbers: exact in any order, so the rows are mixed first, which is one straight loop.
void Scaler::interpolate(const std::uint8_t* grey, std::size_t pitch, std::uint8_t* out, std::size_t out_pitch) {
  const auto source_width = static_cast<std::size_t>(placement_.source_width);
  const auto width = static_cast<std::size_t>(placement_.width);
  std::uint16_t* mixed = row_.data();
  const std::int32_t* first = across_.first.data();
  const std::uint16_t* weight = across_.weight.data();
  for (std::size_t line = 0; line < static_cast<std::size_t>(placement_.height); ++line) {
    const std::uint8_t* upper = grey + static_cast<std::size_t>(down_.first[line]) * pitch;
    const std::uint16_t below = down_.weight[line];
    const std::uint8_t* lower = below == 0 ? upper : upper + pitch;
    const auto above = static_cast<std::uint16_t>(kOne - below);
    for (std::size_t i = 0; i < source_width; ++i) {
      mixed[i] = static_cast<std::uint16_t>(upper[i] * above + lower[i] * below);
    }
    std::uint8_t* to = out + line * out_pitch;
    for (std::size_t i = 0; i < width; ++i) {
      const std::uint16_t* pair = mixed + first[i];
      const std::uint32_t sum = pair[0] * (kOne - weight[i]) + pair[1] * static_cast<std::uint32_t>(weight[i]);
      to[i] = static_cast<std::uint8_t>((sum + kHalf) >> 16U);
    }
  }
}

}  // namespace eird
