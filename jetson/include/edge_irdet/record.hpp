// The record of one frame as a line of JSON (docs/reference/record.md).
#pragma once

#include <edge_irdet.h>
#include <edge_irdet/detector.hpp>
#include <edge_irdet/result.hpp>
#include <edge_irdet/tracker.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace edge_irdet {
inline namespace v0 {

// What a record says besides detections and tracks; emit_ns 0 is now.
struct RecordFrame : eird_record_frame {
  RecordFrame() : eird_record_frame{} { eird_record_frame_init(this, sizeof(eird_record_frame)); }
};

class RecordWriter {
 public:
  // `source` is its URI without credentials; an empty `run_id` makes a random one.
  static Result<RecordWriter> open(const std::string& source, const std::vector<std::string>& classes,
                                   const std::string& run_id = {}, std::uint32_t source_index = 0) {
    std::vector<const char*> names;
    for (const std::string& name : classes) names.push_back(name.c_str());
    eird_recorder_options options{};
    options.size = sizeof options;
    options.source_index = source_index;
    options.source = source.c_str();
    options.run_id = run_id.empty() ? nullptr : run_id.c_str();
    options.classes = names.data();
    options.class_count = names.size();
    eird_recorder* handle = nullptr;
    if (eird_recorder_open(&options, &handle) != EIRD_OK) return detail::last_error(nullptr);
    return RecordWriter(handle);
  }

  // One line without its newline, valid until the next call. `tracks` is null without a tracker.
  Result<std::string_view> line(const RecordFrame& frame, const Detections& detections, const Tracks* tracks = nullptr) {
    const char* text = nullptr;
    std::size_t bytes = 0;
    const int code = eird_record(handle_.get(), &frame, &detections.raw(), tracks == nullptr ? nullptr : &tracks->raw(),
                                 &text, &bytes);
    if (code != EIRD_OK) return detail::last_error(handle_.get());
    return std::string_view(text, bytes);
  }

 private:
  struct Close {
    void operator()(eird_recorder* handle) const { eird_recorder_close(handle); }
  };

  explicit RecordWriter(eird_recorder* handle) : handle_(handle) {}

  std::unique_ptr<eird_recorder, Close> handle_;
};

}  // namespace v0
}  // namespace edge_irdet
