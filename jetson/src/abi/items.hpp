// Reading the arrays that the library handed out, or that a host made itself: elements lie `stride` bytes apart.
#pragma once

#include <cstddef>
#include <cstring>
#include <string>

#include "edge_irdet.h"
#include "failure.hpp"

namespace eird {

// Calls `use` with a copy of each element; what an older host's are too short for is 0.
template <typename Item, typename Use>
void for_each_item(const Item* items, std::size_t count, std::size_t stride, const char* name, Use use) {
  if (count == 0) return;
  if (items == nullptr || stride < sizeof(Item::size) || stride % alignof(Item) != 0) {
    throw Failure(Code::option,
                  std::string(name) + " has " + std::to_string(count) + " items at a stride of " + std::to_string(stride),
                  "pass what the library gave");
  }
  const auto* bytes = reinterpret_cast<const unsigned char*>(items);
  for (std::size_t i = 0; i < count; ++i) {
    Item item{};
    std::memcpy(&item, bytes + i * stride, stride < sizeof(Item) ? stride : sizeof(Item));
    use(item);
  }
}

template <typename Use>
void for_each_detection(const eird_detections& detections, Use use) {
  for_each_item(detections.items, detections.count, detections.stride, "detections", use);
}

}  // namespace eird
