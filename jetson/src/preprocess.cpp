#include "edge_irdet/preprocess.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <stdexcept>
#include <string>
#include <utility>

namespace edge_irdet {
namespace {

constexpr std::uint32_t kOne = 256;  // 8 fractional bits, as OpenCV's INTER_LINEAR_EXACT

bool all_equal(const std::uint8_t* grey, const ImageView& frame) {
  const auto width = static_cast<std::size_t>(frame.width);
  for (int row = 0; row < frame.height; ++row) {
    const std::uint8_t* pixels = grey + static_cast<std::size_t>(row) * frame.pitch;
    if (!std::all_of(pixels, pixels + width, [first = grey[0]](std::uint8_t pixel) { return pixel == first; })) {
      return false;
    }
  }
  return true;
}

}  // namespace

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
  return placement;
}

Preprocessor::Preprocessor(PreprocessSpec spec, int network_width, int network_height)
    : spec_(std::move(spec)), network_width_(network_width), network_height_(network_height) {
  if (network_width < 1 || network_height < 1) {
    throw std::invalid_argument("the network input is " + std::to_string(network_width) + "x" +
                                std::to_string(network_height));
  }
  tensor_.assign(static_cast<std::size_t>(network_width) * static_cast<std::size_t>(network_height), spec_.pad_value);
}

Placement Preprocessor::operator()(const ImageView& frame) {
  const std::size_t pixel = frame.format == PixelFormat::grey16 ? 2 : 1;
  if (frame.data == nullptr || frame.width < 1 || frame.height < 1 ||
      frame.pitch < pixel * static_cast<std::size_t>(frame.width)) {
    throw std::invalid_argument("E105 frame format: the frame is " + std::to_string(frame.width) + "x" +
                                std::to_string(frame.height) + " with a pitch of " + std::to_string(frame.pitch) +
                                " bytes");
  }
  if (pixel == 2 && (frame.pitch % 2 != 0 || reinterpret_cast<std::uintptr_t>(frame.data) % 2 != 0)) {
    throw std::invalid_argument("E105 frame format: the rows of a 16-bit frame must begin at even addresses");
  }
  if (frame.format == PixelFormat::grey16 && !spec_.sixteen_bit) {
    throw std::invalid_argument("E107 16-bit mapping not named: name one in the spec");
  }
  if (frame.width != source_width_ || frame.height != source_height_ || frame.format != source_format_) start(frame);
  if (mapper_) {
    (*mapper_)(frame, eight_bits_.data());
    shutter_ = mapper_->shutter();
    scale(eight_bits_.data(), static_cast<std::size_t>(frame.width));
  } else {
    const auto* grey = static_cast<const std::uint8_t*>(frame.data);
    shutter_ = all_equal(grey, frame);
    scale(grey, frame.pitch);
  }
  return placement_;
}

void Preprocessor::reset() {
  shutter_ = false;
  if (mapper_) mapper_->reset();
}

void Preprocessor::start(const ImageView& frame) {
  source_width_ = frame.width;
  source_height_ = frame.height;
  source_format_ = frame.format;
  mapper_.reset();
  if (frame.format == PixelFormat::grey16) {
    mapper_.emplace(*spec_.sixteen_bit);
    eight_bits_.resize(static_cast<std::size_t>(frame.width) * static_cast<std::size_t>(frame.height));
  }
  placement_ = place(frame.width, frame.height, network_width_, network_height_);
  across_ = taps(frame.width, placement_.width);
  down_ = taps(frame.height, placement_.height);
  for (auto& row : rows_) row.resize(static_cast<std::size_t>(placement_.width));
  std::fill(tensor_.begin(), tensor_.end(), spec_.pad_value);
}

std::vector<Preprocessor::Tap> Preprocessor::taps(int source, int target) {
  std::vector<Tap> result(static_cast<std::size_t>(target));
  const double step = 1.0 / (static_cast<double>(target) / source);
  for (int index = 0; index < target; ++index) {
    const double place = step * (index + 0.5) - 0.5;
    const int first = static_cast<int>(std::floor(place));
    Tap& tap = result[static_cast<std::size_t>(index)];
    if (first < 0) {
      tap = {0, 0, 0};
    } else if (first >= source - 1) {
      tap = {source - 1, source - 1, 0};
    } else {
      tap = {first, first + 1, static_cast<std::uint32_t>(std::nearbyint((place - first) * kOne))};
    }
  }
  return result;
}

void Preprocessor::scale(const std::uint8_t* grey, std::size_t pitch) {
  const auto width = static_cast<std::size_t>(placement_.width);
  std::array<int, 2> held = {-1, -1};  // which source rows rows_ holds
  const auto scaled_row = [&](int source, int keep) -> int {
    for (int slot = 0; slot < 2; ++slot) {
      if (held[static_cast<std::size_t>(slot)] == source) return slot;
    }
    const int slot = held[0] == keep ? 1 : 0;
    const std::uint8_t* pixels = grey + static_cast<std::size_t>(source) * pitch;
    auto& row = rows_[static_cast<std::size_t>(slot)];
    for (std::size_t column = 0; column < width; ++column) {
      const Tap& tap = across_[column];
      row[column] = pixels[tap.first] * (kOne - tap.weight) + pixels[tap.second] * tap.weight;
    }
    held[static_cast<std::size_t>(slot)] = source;
    return slot;
  };
  for (int line = 0; line < placement_.height; ++line) {
    const Tap& tap = down_[static_cast<std::size_t>(line)];
    const int first = scaled_row(tap.first, tap.second);
    const int second = scaled_row(tap.second, tap.first);
    const auto& upper = rows_[static_cast<std::size_t>(first)];
    const auto& lower = rows_[static_cast<std::size_t>(second)];
    std::uint8_t* out = tensor_.data() +
                        static_cast<std::size_t>(placement_.top + line) * static_cast<std::size_t>(network_width_) +
                        static_cast<std::size_t>(placement_.left);
    for (std::size_t column = 0; column < width; ++column) {
      const std::uint32_t sum = upper[column] * (kOne - tap.weight) + lower[column] * tap.weight;
      out[column] = static_cast<std::uint8_t>((sum + (1U << 15)) >> 16);
    }
  }
}

}  // namespace edge_irdet
