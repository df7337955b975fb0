// Numbers as text and back, whatever the host's locale is.
#pragma once

#include <cstddef>
#include <string>

namespace eird {

// The double nearest to a decimal number of JSON's form; infinite where it is out of range.
double parse_double(const char* text, std::size_t bytes);

// Longest text that write_double writes.
constexpr std::size_t kLongestDouble = 32;

// Writes a finite double so that it reads back equal, in at most kLongestDouble bytes; gives how many.
std::size_t write_double(double value, char* out);

std::string format_double(double value);

}  // namespace eird
