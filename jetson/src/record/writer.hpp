// The record of one frame as a line of JSON, as edge_irdet/record.py defines it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "tracking/tracker.hpp"

namespace eird {

constexpr int kRecordSchema = 3;

// One detection with what was measured at it.
struct Finding {
  float box[4];
  float score;
  std::int32_t class_id;
  double x;    // of the centroid
  double y;
  double scr;  // NaN: none
};

struct RecordFrame {
  std::int64_t sequence = 0;
  std::int64_t capture_ns = 0;
  std::int64_t emit_ns = 0;
  bool has_realtime_offset = false;
  std::int64_t realtime_offset_ns = 0;
  bool has_media_time = false;
  std::int64_t media_ns = 0;
  int width = 0;
  int height = 0;
  bool sixteen_bits = false;
  std::uint64_t dropped = 0;
  std::uint64_t skipped = 0;
  std::uint64_t missed = 0;
  std::uint64_t interruptions = 0;
  std::uint64_t queued = 0;
  bool discontinuity = false;
  bool shutter = false;
};

struct RecordTracks {
  const TrackState* tracks = nullptr;
  std::size_t count = 0;
  const std::int64_t* ids = nullptr;  // of each detection; 0: none
};

// Keeps its buffer from line to line. Not thread-safe.
class RecordWriter {
 public:
  // What all records of a source share. Text that is not UTF-8 is mended.
  RecordWriter(const std::string& source, std::uint32_t source_index, const std::string& run_id,
               const std::vector<std::string>& classes);

  // One line without its newline. `tracks` is null without a tracker. Throws Failure E701 where a class is unknown or
  // a number is not finite. Valid until the next call.
  std::string_view line(const RecordFrame& frame, const Finding* findings, std::size_t count,
                        const RecordTracks* tracks);

 private:
  void text(std::string_view text) { buffer_.append(text); }
  void integer(std::int64_t value);
  void count(std::uint64_t value);
  void truth(bool value) { text(value ? "true" : "false"); }
  void number(double value);
  void numbers(const double* values, std::size_t count);
  void detection(const Finding& finding, const RecordTracks* tracks, std::size_t index);
  void track(const TrackState& track);

  std::string head_;  // from the brace to the sequence
  std::vector<std::string> classes_;  // as JSON
  std::string buffer_;
};

// Text as a JSON string; bytes that are not UTF-8 become U+FFFD.
std::string json_string(std::string_view text);

}  // namespace eird
