#include "package/graph.hpp"

#include <string>

#include "package/intake.hpp"

namespace eird {
namespace {

constexpr int kMostLevels = 64;
constexpr int kMostFields = 4'000'000;  // that are looked at; a graph of 200 convolutions has some ten thousand

// One field of a protocol buffer: its number, and its value or bytes.
struct Entry {
  std::uint64_t field = 0;
  std::uint64_t value = 0;
  const std::uint8_t* bytes = nullptr;
  std::size_t size = 0;
};

class Message {
 public:
  Message(const std::uint8_t* bytes, std::size_t size) : at_(bytes), end_(bytes + size) {}

  bool next(Entry& entry) {
    if (at_ == end_) return false;
    const std::uint64_t tag = varint();
    entry = {};
    entry.field = tag >> 3U;
    switch (tag & 7U) {
      case 0: entry.value = varint(); break;
      case 1: skip(8); break;
      case 2:
        entry.size = static_cast<std::size_t>(varint());
        entry.bytes = at_;
        skip(entry.size);
        break;
      case 5: skip(4); break;
      default: throw ContentRefused("is no ONNX model");
    }
    return true;
  }

 private:
  std::uint64_t varint() {
    std::uint64_t value = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
      if (at_ == end_) throw ContentRefused("is no ONNX model: it ends too early");
      const std::uint8_t byte = *at_++;
      value |= static_cast<std::uint64_t>(byte & 0x7fU) << shift;
      if (byte < 0x80) return value;
    }
    throw ContentRefused("is no ONNX model");
  }

  void skip(std::size_t bytes) {
    if (bytes > static_cast<std::size_t>(end_ - at_)) throw ContentRefused("is no ONNX model: it ends too early");
    at_ += bytes;
  }

  const std::uint8_t* at_;
  const std::uint8_t* end_;
};

enum class Kind { model, training, graph, node, attribute, tensor, sparse, function };

// Field numbers of onnx.proto that lead to tensors.
bool leads_to(Kind kind, std::uint64_t field, Kind& inner) {
  struct Step {
    Kind from;
    std::uint64_t field;
    Kind to;
  };
  static constexpr Step kSteps[] = {
      {Kind::model, 7, Kind::graph},       {Kind::model, 20, Kind::training},  {Kind::model, 25, Kind::function},
      {Kind::training, 1, Kind::graph},    {Kind::training, 2, Kind::graph},   {Kind::graph, 1, Kind::node},
      {Kind::graph, 5, Kind::tensor},      {Kind::graph, 15, Kind::sparse},    {Kind::function, 7, Kind::node},
      {Kind::function, 11, Kind::attribute}, {Kind::node, 5, Kind::attribute}, {Kind::attribute, 5, Kind::tensor},
      {Kind::attribute, 6, Kind::graph},   {Kind::attribute, 10, Kind::tensor}, {Kind::attribute, 11, Kind::graph},
      {Kind::attribute, 22, Kind::sparse}, {Kind::attribute, 23, Kind::sparse}, {Kind::sparse, 1, Kind::tensor},
      {Kind::sparse, 2, Kind::tensor},
  };
  for (const Step& step : kSteps) {
    if (step.from == kind && step.field == field) {
      inner = step.to;
      return true;
    }
  }
  return false;
}

void require_inside(Kind kind, const std::uint8_t* bytes, std::size_t size, int level, int& fields) {
  if (level > kMostLevels) throw ContentRefused("is no ONNX model: it nests too deep");
  Message message(bytes, size);
  Entry entry;
  while (message.next(entry)) {
    if (++fields > kMostFields) throw ContentRefused("has more than " + std::to_string(kMostFields) + " fields");
    // TensorProto: external_data is 13; data_location is 14, and 0 is inside.
    if (kind == Kind::tensor && (entry.field == 13 || (entry.field == 14 && entry.value != 0))) {
      throw ContentRefused("loads values from outside of itself (external data), which no hash covers");
    }
    Kind inner{};
    if (entry.bytes != nullptr && leads_to(kind, entry.field, inner)) {
      require_inside(inner, entry.bytes, entry.size, level + 1, fields);
    }
  }
}

}  // namespace

void require_self_contained(const std::uint8_t* bytes, std::size_t size) {
  int fields = 0;
  require_inside(Kind::model, bytes, size, 0, fields);
}

}  // namespace eird
