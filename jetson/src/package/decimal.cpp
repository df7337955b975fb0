#include "package/decimal.hpp"

#include <algorithm>
#include <charconv>
#include <clocale>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <limits>
#include <locale.h>  // NOLINT(modernize-deprecated-headers): newlocale, which <clocale> does not promise
#include <string>

// GCC 9 and 10 have std::to_chars and std::from_chars for whole numbers only.
#if defined(__cpp_lib_to_chars) && __cpp_lib_to_chars >= 201611L
#define EIRD_HAS_DOUBLE_CHARS 1
#else
#define EIRD_HAS_DOUBLE_CHARS 0
#endif

namespace eird {
namespace {

#if !EIRD_HAS_DOUBLE_CHARS
locale_t c_locale() {
  static const locale_t kept = newlocale(LC_ALL_MASK, "C", nullptr);
  return kept;
}
#endif

}  // namespace

double parse_double(const char* text, std::size_t bytes) {
#if EIRD_HAS_DOUBLE_CHARS
  double value = 0.0;
  const std::from_chars_result result = std::from_chars(text, text + bytes, value);
  if (result.ec != std::errc::result_out_of_range) return value;
#endif
  // Out of range means too large or too small; strtod tells which.
  const std::string copy(text, bytes);
#if EIRD_HAS_DOUBLE_CHARS
  const std::size_t exponent = copy.find_first_of("eE");
  const bool small = exponent != std::string::npos && exponent + 1 < copy.size() && copy[exponent + 1] == '-';
  const bool fraction = copy.compare(copy[0] == '-' ? 1 : 0, 2, "0.") == 0;
  return small || (fraction && exponent == std::string::npos) ? 0.0 : std::numeric_limits<double>::infinity();
#else
  return strtod_l(copy.c_str(), nullptr, c_locale());
#endif
}

std::size_t write_double(double value, char* out) {
#if EIRD_HAS_DOUBLE_CHARS
  const std::to_chars_result result = std::to_chars(out, out + kLongestDouble, value);
  return static_cast<std::size_t>(result.ptr - out);
#else
  // uselocale is of this thread alone.
  const locale_t before = uselocale(c_locale());
  int length = 0;
  for (int digits = 15; digits <= 17; ++digits) {
    length = std::snprintf(out, kLongestDouble, "%.*g", digits, value);
    if (strtod(out, nullptr) == value) break;
  }
  uselocale(before);
  return static_cast<std::size_t>(std::max(length, 0));
#endif
}

std::string format_double(double value) {
  if (std::isnan(value)) return "nan";
  if (std::isinf(value)) return value < 0 ? "-inf" : "inf";
  char buffer[kLongestDouble];
  return std::string(buffer, write_double(value, buffer));
}

}  // namespace eird
