// How often each count occurs in a 16-bit frame, and the percentiles of it.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "preprocess/frame.hpp"

namespace eird {

constexpr int kLevels = 1 << 16;

// Counts in blocks of 256: whatever is done for each count is done in the blocks that occur only.
class CountHistogram {
 public:
  static constexpr int kBlock = 256;
  static constexpr int kBlocks = kLevels / kBlock;

  CountHistogram();

  // Counts a frame of 16 bits in one pass.
  void count(const Frame& frame);

  int lowest() const { return lowest_; }
  int highest() const { return highest_; }
  std::uint64_t size() const { return size_; }
  std::uint32_t operator[](int count) const { return pixels_[static_cast<std::size_t>(count)]; }

  // Smallest count that at least `percentile` % of the pixels do not exceed; 0 gives the smallest that occurs.
  int percentile(double percentile) const;

  // Calls `use(first)` for each block that occurs, rising; its counts are first to first + 255.
  template <typename Use>
  void for_each_block(Use use) const {
    for (int index = 0; index < used_; ++index) use(blocks_[static_cast<std::size_t>(index)] * kBlock);
  }

 private:
  std::vector<std::uint32_t> pixels_;
  std::vector<std::uint32_t> odd_;  // of every second pixel: neighbours are often equal and would wait for one another
  std::array<std::uint8_t, kBlocks> occurs_{};
  std::array<int, kBlocks> blocks_{};
  std::array<std::uint64_t, kBlocks> sums_{};
  int used_ = 0;
  std::uint64_t size_ = 0;
  int lowest_ = 0;
  int highest_ = 0;
};

}  // namespace eird
