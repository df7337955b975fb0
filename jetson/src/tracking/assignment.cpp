#include "tracking/assignment.hpp"

#include <algorithm>
#include <limits>

namespace eird {

void Assignment::reserve(std::size_t rows, std::size_t columns) {
  const std::size_t longer = std::max(rows, columns) + 1;
  column_of_row_.reserve(rows);
  for (auto* one : {&agent_of_task_, &previous_}) one->reserve(longer);
  for (auto* one : {&agent_price_, &task_price_, &shortest_}) one->reserve(longer);
  reached_.reserve(longer);
}

const std::vector<std::size_t>& Assignment::solve(const std::vector<double>& cost, std::size_t rows,
                                                  std::size_t columns) {
  column_of_row_.assign(rows, kNone);
  if (rows <= columns) {
    augment(rows, columns, [&](std::size_t row, std::size_t column) { return cost[row * columns + column]; });
    for (std::size_t column = 1; column <= columns; ++column) {
      if (agent_of_task_[column] != 0) column_of_row_[agent_of_task_[column] - 1] = column - 1;
    }
  } else {
    augment(columns, rows, [&](std::size_t column, std::size_t row) { return cost[row * columns + column]; });
    for (std::size_t row = 1; row <= rows; ++row) {
      if (agent_of_task_[row] != 0) column_of_row_[row - 1] = agent_of_task_[row] - 1;
    }
  }
  return column_of_row_;
}

// Gives each agent a task, agents <= tasks. Both count from 1; task 0 holds the agent that is looked after.
template <typename Cost>
void Assignment::augment(std::size_t agents, std::size_t tasks, Cost cost) {
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  agent_price_.assign(agents + 1, 0.0);
  task_price_.assign(tasks + 1, 0.0);
  agent_of_task_.assign(tasks + 1, 0);
  previous_.assign(tasks + 1, 0);
  for (std::size_t agent = 1; agent <= agents; ++agent) {
    shortest_.assign(tasks + 1, kInfinity);
    reached_.assign(tasks + 1, 0);
    agent_of_task_[0] = agent;
    std::size_t task = 0;
    do {
      reached_[task] = 1;
      const std::size_t from = agent_of_task_[task];
      double step = kInfinity;
      std::size_t next = 0;
      for (std::size_t other = 1; other <= tasks; ++other) {
        if (reached_[other] != 0) continue;
        const double reduced = cost(from - 1, other - 1) - agent_price_[from] - task_price_[other];
        if (reduced < shortest_[other]) {
          shortest_[other] = reduced;
          previous_[other] = task;
        }
        if (shortest_[other] < step) {
          step = shortest_[other];
          next = other;
        }
      }
      for (std::size_t other = 0; other <= tasks; ++other) {
        if (reached_[other] != 0) {
          agent_price_[agent_of_task_[other]] += step;
          task_price_[other] -= step;
        } else {
          shortest_[other] -= step;
        }
      }
      task = next;
    } while (agent_of_task_[task] != 0);
    while (task != 0) {
      const std::size_t before = previous_[task];
      agent_of_task_[task] = agent_of_task_[before];
      task = before;
    }
  }
}

}  // namespace eird
