// The text that names a mapping, as edge_irdet/detection/sixteen_bit/text.py reads it.
#include <cmath>
#include <cstddef>
#include <vector>

#include "failure.hpp"
#include "package/decimal.hpp"
#include "package/intake.hpp"
#include "preprocess/sixteen_bit.hpp"

namespace eird {
namespace {

constexpr double kPlateauSmoothing = 15.0;
constexpr double kMostSmoothing = 10000.0;

[[noreturn]] void refuse(const std::string& text, const std::string& why) {
  throw Failure(Code::option, quoted(text) + " " + why,
                "write linear-percentile[:LOW,HIGH][@FRAMES], fixed-range:LOW,HIGH or "
                "plateau[:PERCENT,GAIN[,LINEAR]][@FRAMES]; for example linear-percentile:0.5,99.9@15");
}

double number_of(const std::string& text, const std::string& part) {
  std::size_t at = 0;
  const auto digits = [&] {
    const std::size_t first = at;
    while (at < part.size() && part[at] >= '0' && part[at] <= '9') ++at;
    return at - first;
  };
  if (at < part.size() && (part[at] == '-' || part[at] == '+')) ++at;
  const std::size_t start = part.empty() || part[0] != '+' ? 0 : 1;
  std::size_t mantissa = digits();
  if (at < part.size() && part[at] == '.') {
    ++at;
    mantissa += digits();
  }
  bool good = mantissa > 0;
  if (good && at < part.size() && (part[at] == 'e' || part[at] == 'E')) {
    ++at;
    if (at < part.size() && (part[at] == '-' || part[at] == '+')) ++at;
    good = digits() > 0;
  }
  if (!good || at != part.size()) refuse(text, "is not a 16 -> 8 bit mapping: " + quoted(part) + " is no number");
  const double number = parse_double(part.data() + start, part.size() - start);
  if (!std::isfinite(number)) refuse(text, "has a number that is not finite");
  return number;
}

std::vector<double> numbers_of(const std::string& text, const std::string& list) {
  std::vector<double> numbers;
  std::size_t start = 0;
  while (true) {
    const std::size_t comma = list.find(',', start);
    numbers.push_back(number_of(text, list.substr(start, comma == std::string::npos ? comma : comma - start)));
    if (comma == std::string::npos) return numbers;
    start = comma + 1;
  }
}

void take_bounds(SixteenBitSpec& spec, const std::string& text, const std::vector<double>& bounds, double highest) {
  if (bounds.size() != 2 || !(0.0 <= bounds[0] && bounds[0] < bounds[1] && bounds[1] <= highest)) {
    refuse(text, "needs two rising bounds in 0.." + format_double(highest));
  }
  spec.low = bounds[0];
  spec.high = bounds[1];
}

void take_plateau(SixteenBitSpec& spec, const std::string& text, const std::vector<double>& numbers) {
  if (numbers.size() == 1 || numbers.size() > 3) {
    refuse(text, "has " + std::to_string(numbers.size()) + " numbers, plateau takes none, 2 or 3");
  }
  if (numbers.size() >= 2) {
    spec.plateau = numbers[0];
    spec.max_gain = numbers[1];
  }
  if (numbers.size() == 3) spec.linear = numbers[2];
  const bool good = spec.plateau > 0.0 && spec.plateau <= 100.0 && spec.max_gain > 0.0 && spec.max_gain <= 255.0 &&
                    spec.linear >= 0.0 && spec.linear <= 100.0;
  if (!good) {
    refuse(text, "has a plateau, gain or linear share that is not above 0 to 100, above 0 to 255, and 0 to 100");
  }
}

}  // namespace

SixteenBitSpec parse_mapping(const std::string& text) {
  const std::size_t at = text.find('@');
  const std::string body = text.substr(0, at);
  const std::size_t colon = body.find(':');
  const std::string name = body.substr(0, colon);
  const bool known = name == "linear-percentile" || name == "fixed-range" || name == "plateau";
  if (!known) refuse(text, "is not a 16 -> 8 bit mapping");
  const std::vector<double> numbers =
      colon == std::string::npos ? std::vector<double>() : numbers_of(text, body.substr(colon + 1));
  const bool smoothed = at != std::string::npos;
  const double frames = smoothed ? number_of(text, text.substr(at + 1)) : 0.0;
  if (!(frames >= 0.0 && frames <= kMostSmoothing)) refuse(text, "is smoothed over more than 10000 frames, or less than 0");
  SixteenBitSpec spec;
  spec.smoothing_frames = frames;
  if (name == "plateau") {
    spec.mapping = SixteenBitMapping::plateau;
    if (!smoothed) spec.smoothing_frames = kPlateauSmoothing;
    take_plateau(spec, text, numbers);
  } else if (name == "linear-percentile") {
    if (colon != std::string::npos) take_bounds(spec, text, numbers, 100.0);
  } else {
    spec.mapping = SixteenBitMapping::fixed_range;
    if (frames > 0.0) refuse(text, ": a fixed range never changes, there is nothing to smooth");
    take_bounds(spec, text, numbers, kLevels - 1);
  }
  return spec;
}

}  // namespace eird
