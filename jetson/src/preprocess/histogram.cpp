#include "preprocess/histogram.hpp"

#include <algorithm>
#include <cmath>

namespace eird {

CountHistogram::CountHistogram() : pixels_(kLevels, 0), odd_(kLevels, 0) {}

void CountHistogram::count(const Frame& frame) {
  for_each_block([this](int first) {
    std::fill_n(pixels_.begin() + first, kBlock, 0U);
    std::fill_n(odd_.begin() + first, kBlock, 0U);
  });
  occurs_.fill(0);
  for (int row = 0; row < frame.height; ++row) {
    const std::uint16_t* counts = frame.row16(row);
    const int pairs = frame.width & ~1;
    for (int column = 0; column < pairs; column += 2) {
      const std::uint32_t first = counts[column];
      const std::uint32_t second = counts[column + 1];
      ++pixels_[first];
      ++odd_[second];
      occurs_[first / kBlock] = 1;
      occurs_[second / kBlock] = 1;
    }
    if (pairs < frame.width) {
      ++pixels_[counts[pairs]];
      occurs_[static_cast<std::size_t>(counts[pairs] / kBlock)] = 1;
    }
  }
  size_ = frame.pixels();
  used_ = 0;
  for (int block = 0; block < kBlocks; ++block) {
    if (occurs_[static_cast<std::size_t>(block)] == 0) continue;
    const auto first = static_cast<std::size_t>(block * kBlock);
    std::uint64_t sum = 0;
    for (std::size_t count = first; count < first + kBlock; ++count) {
      pixels_[count] += odd_[count];
      sum += pixels_[count];
    }
    blocks_[static_cast<std::size_t>(used_)] = block;
    sums_[static_cast<std::size_t>(used_)] = sum;
    ++used_;
  }
  lowest_ = blocks_[0] * kBlock;
  while ((*this)[lowest_] == 0) ++lowest_;
  highest_ = blocks_[static_cast<std::size_t>(used_ - 1)] * kBlock + kBlock - 1;
  while ((*this)[highest_] == 0) --highest_;
}

int CountHistogram::percentile(double percentile) const {
  const auto wanted = static_cast<std::uint64_t>(
      std::max(1.0, std::ceil(percentile / 100.0 * static_cast<double>(size_))));
  std::uint64_t below = 0;
  int index = 0;
  while (index < used_ - 1 && below + sums_[static_cast<std::size_t>(index)] < wanted) {
    below += sums_[static_cast<std::size_t>(index)];
    ++index;
  }
  int count = blocks_[static_cast<std::size_t>(index)] * kBlock;
  const int last = count + kBlock - 1;
  for (below += (*this)[count]; below < wanted && count < last; below += (*this)[count]) ++count;
  return count;
}

}  // namespace eird
