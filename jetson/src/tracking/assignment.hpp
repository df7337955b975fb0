// The cheapest one-to-one assignment, by shortest augmenting paths (Jonker and Volgenant, "A shortest augmenting path
// algorithm for dense and sparse linear assignment problems", Computing 38, 1987).
#pragma once

#include <cstddef>
#include <vector>

namespace eird {

// Keeps its memory from call to call. Not thread-safe.
class Assignment {
 public:
  static constexpr std::size_t kNone = static_cast<std::size_t>(-1);

  // For each of `rows` the column it is given. Of the shorter side all are given one; of a longer one some get kNone.
  // `cost` is [rows, columns], finite. Valid until the next call.
  const std::vector<std::size_t>& solve(const std::vector<double>& cost, std::size_t rows, std::size_t columns);

  // Makes room for problems up to a size.
  void reserve(std::size_t rows, std::size_t columns);

 private:
  template <typename Cost>
  void augment(std::size_t agents, std::size_t tasks, Cost cost);

  std::vector<std::size_t> column_of_row_;
  std::vector<std::size_t> agent_of_task_;
  std::vector<std::size_t> previous_;
  std::vector<double> agent_price_;
  std::vector<double> task_price_;
  std::vector<double> shortest_;
  std::vector<char> reached_;
};

}  // namespace eird
