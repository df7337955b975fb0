#include "preprocess/preprocessor.hpp"

#include <algorithm>
#include <string>

#include "failure.hpp"

namespace eird {
namespace {

bool all_equal(const Frame& grey) {
  const auto width = static_cast<std::size_t>(grey.width);
  for (int row = 0; row < grey.height; ++row) {
    const std::uint8_t* pixels = grey.row(row);
    if (!std::all_of(pixels, pixels + width, [first = grey.data[0]](std::uint8_t pixel) { return pixel == first; })) {
      return false;
    }
  }
  return true;
}

// OpenCV's weights of blue, green and red in 1/32768, rounded half up.
template <int blue, int red>
void fill_grey(const Frame& frame, std::uint8_t* out) {
  for (int row = 0; row < frame.height; ++row) {
    const std::uint8_t* pixels = frame.row(row);
    for (int i = 0; i < frame.width; ++i) {
      const int sum = 3735 * pixels[3 * i + blue] + 19235 * pixels[3 * i + 1] + 9798 * pixels[3 * i + red];
      out[i] = static_cast<std::uint8_t>((sum + 16384) >> 15);
    }
    out += frame.width;
  }
}

}  // namespace

Preprocessor::Preprocessor(const PreprocessSpec& spec, int network_width, int network_height)
    : spec_(spec), network_width_(network_width), network_height_(network_height) {
  tensor_.assign(static_cast<std::size_t>(network_width) * static_cast<std::size_t>(network_height), spec_.pad_value);
}

const Placement& Preprocessor::operator()(const Frame& frame) {
  require_sound(frame);
  if (frame.format == PixelFormat::grey16 && !spec_.sixteen_bit) {
    throw Failure(Code::sixteen_bit_unmapped,
                  "a 16-bit frame (" + std::to_string(frame.width) + "x" + std::to_string(frame.height) +
                      ") arrived and the package names no 16 -> 8 bit mapping",
                  "name one: map16 linear-percentile, plateau, or fixed-range:LOW,HIGH");
  }
  if (frame.width != source_width_ || frame.height != source_height_ || frame.format != source_format_) start(frame);
  grey_ = frame;
  Frame eight_bits = frame;
  if (frame.format != PixelFormat::grey8) {
    eight_bits.data = eight_bits_.data();
    eight_bits.pitch = static_cast<std::size_t>(frame.width);
    eight_bits.bytes = eight_bits_.size();
    eight_bits.format = PixelFormat::grey8;
  }
  if (mapper_) {
    (*mapper_)(frame, eight_bits_.data());
    shutter_ = mapper_->shutter();
  } else {
    if (frame.format == PixelFormat::bgr8) fill_grey<0, 2>(frame, eight_bits_.data());
    if (frame.format == PixelFormat::rgb8) fill_grey<2, 0>(frame, eight_bits_.data());
    grey_ = eight_bits;
    shutter_ = all_equal(eight_bits);
  }
  const auto pitch = static_cast<std::size_t>(network_width_);
  scaler_.scale(eight_bits.data, eight_bits.pitch,
                tensor_.data() + static_cast<std::size_t>(placement_.top) * pitch +
                    static_cast<std::size_t>(placement_.left),
                pitch);
  return placement_;
}

void Preprocessor::reset() {
  shutter_ = false;
  if (mapper_) mapper_->reset();
}

void Preprocessor::start(const Frame& frame) {
  source_width_ = 0;  // until all is there: what cannot be allocated must not look like a start
  mapper_.reset();
  if (frame.format == PixelFormat::grey16) mapper_.emplace(*spec_.sixteen_bit);
  if (frame.format != PixelFormat::grey8) eight_bits_.resize(frame.pixels());
  placement_ = place(frame.width, frame.height, network_width_, network_height_);
  scaler_.start(placement_);
  std::fill(tensor_.begin(), tensor_.end(), spec_.pad_value);
  source_width_ = frame.width;
  source_height_ = frame.height;
  source_format_ = frame.format;
}

}  // namespace eird
