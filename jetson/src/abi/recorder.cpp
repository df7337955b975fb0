// The C ABI of record writers.
#include <time.h>  // NOLINT(modernize-deprecated-headers): clock_gettime

#include <cstdio>
#include <limits>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "abi/handle.hpp"
#include "abi/items.hpp"
#include "edge_irdet.h"
#include "record/writer.hpp"

struct eird_recorder : eird::Handle {
  explicit eird_recorder(eird::RecordWriter made) : writer(std::move(made)) {
    findings.reserve(eird::kUsualDetections);
    tracks.reserve(eird::kUsualDetections);
  }

  eird::RecordWriter writer;
  std::vector<eird::Finding> findings;
  std::vector<eird::TrackState> tracks;
};

namespace eird {
namespace {

constexpr std::int64_t kNone = std::numeric_limits<std::int64_t>::min();
constexpr std::size_t kLongestRunId = 64;

std::int64_t clock_ns(clockid_t clock) {
  timespec now{};
  clock_gettime(clock, &now);
  return static_cast<std::int64_t>(now.tv_sec) * 1'000'000'000 + now.tv_nsec;
}

std::string random_run_id() {
  std::random_device device;
  std::string id;
  for (int part = 0; part < 4; ++part) {
    char digits[9];
    std::snprintf(digits, sizeof digits, "%08x", static_cast<unsigned>(device()));
    id += digits;
  }
  return id;
}

RecordWriter writer_of(const eird_recorder_options& options) {
  if (options.source == nullptr) throw Failure(Code::option, "the source is NULL", "pass its URI");
  if (options.classes == nullptr && options.class_count > 0) {
    throw Failure(Code::option, "the classes are NULL", "pass the classes of the detector");
  }
  const std::string run_id = options.run_id == nullptr ? random_run_id() : options.run_id;
  if (run_id.size() > kLongestRunId) {
    throw Failure(Code::option, "run_id has " + std::to_string(run_id.size()) + " bytes", "choose at most 64");
  }
  std::vector<std::string> classes;
  for (std::size_t i = 0; i < options.class_count; ++i) {
    if (options.classes[i] == nullptr) throw Failure(Code::option, "a class is NULL", "pass the classes of the detector");
    classes.emplace_back(options.classes[i]);
  }
  return {options.source, options.source_index, run_id, classes};
}

eird_record_frame default_frame() {
  eird_record_frame frame{};
  frame.size = sizeof frame;
  frame.realtime_offset_ns = kNone;
  frame.media_ns = kNone;
  return frame;
}

RecordFrame frame_of(const eird_record_frame& given, const eird_detections& found) {
  RecordFrame frame;
  frame.sequence = given.sequence;
  frame.capture_ns = given.capture_ns;
  const std::int64_t monotonic = clock_ns(CLOCK_MONOTONIC);
  frame.emit_ns = given.emit_ns == 0 ? monotonic : given.emit_ns;
  frame.has_realtime_offset = true;
  frame.realtime_offset_ns =
      given.realtime_offset_ns == kNone ? clock_ns(CLOCK_REALTIME) - monotonic : given.realtime_offset_ns;
  frame.has_media_time = given.media_ns != kNone;
  frame.media_ns = given.media_ns;
  frame.width = found.width;
  frame.height = found.height;
  frame.sixteen_bits = found.format == EIRD_GREY16;
  frame.dropped = given.dropped;
  frame.skipped = given.skipped;
  frame.missed = given.missed;
  frame.interruptions = given.interruptions;
  frame.queued = given.queued;
  frame.discontinuity = given.discontinuity != 0;
  frame.shutter = found.shutter != 0;
  return frame;
}

TrackState track_of(const eird_track& item) {
  return {item.track_id,
          item.coasting != 0,
          {item.centre[0], item.centre[1]},
          {item.velocity[0], item.velocity[1]},
          item.sigma,
          {item.box[0], item.box[1], item.box[2], item.box[3]},
          item.class_id,
          item.score,
          item.hits,
          item.missed};
}

}  // namespace
}  // namespace eird

extern "C" {

void eird_record_frame_init(eird_record_frame* frame, uint32_t size) {
  if (frame == nullptr) return;
  frame->size = size;
  eird::without_handle([&] { eird::fill(frame, eird::default_frame(), "frame"); });
}

int eird_recorder_open(const eird_recorder_options* options, eird_recorder** recorder) {
  if (recorder != nullptr) *recorder = nullptr;
  return eird::without_handle([&] {
    if (recorder == nullptr) throw eird::Failure(eird::Code::option, "the place of the recorder is NULL", "pass one");
    const eird_recorder_options given = eird::stated(options, eird_recorder_options{}, "options");
    *recorder = std::make_unique<eird_recorder>(eird::writer_of(given)).release();
  });
}

void eird_recorder_close(eird_recorder* recorder) { delete recorder; }

int eird_record(eird_recorder* recorder, const eird_record_frame* frame, const eird_detections* detections,
                const eird_track_list* tracks, const char** line, size_t* bytes) {
  if (line != nullptr) *line = nullptr;
  if (bytes != nullptr) *bytes = 0;
  return eird::entered(recorder, [&] {
    if (line == nullptr || bytes == nullptr) {
      throw eird::Failure(eird::Code::option, "the place of the line or of its length is NULL", "pass both");
    }
    const eird_record_frame given = eird::stated(frame, eird::default_frame(), "frame");
    const eird_detections found = eird::stated(detections, eird_detections{}, "detections");
    recorder->findings.clear();
    eird::for_each_detection(found, [&](const eird_detection& item) {
      recorder->findings.push_back({{item.box[0], item.box[1], item.box[2], item.box[3]},
                                    item.score,
                                    item.class_id,
                                    item.centroid[0],
                                    item.centroid[1],
                                    item.scr});
    });
    eird::RecordTracks tracked;
    recorder->tracks.clear();
    if (tracks != nullptr) {
      const eird_track_list list = eird::stated(tracks, eird_track_list{}, "tracks");
      eird::for_each_item(list.items, list.count, list.stride, "tracks",
                          [&](const eird_track& item) { recorder->tracks.push_back(eird::track_of(item)); });
      if (list.detection_count != found.count) {
        throw eird::Failure(eird::Code::option,
                            "the tracks are of " + std::to_string(list.detection_count) + " detections, there are " +
                                std::to_string(found.count),
                            "pass the tracks and the detections of one frame");
      }
      tracked = {recorder->tracks.data(), recorder->tracks.size(), list.track_ids};
    }
    const std::string_view text =
        recorder->writer.line(eird::frame_of(given, found), recorder->findings.data(), recorder->findings.size(),
                              tracks == nullptr ? nullptr : &tracked);
    *line = text.data();
    *bytes = text.size();
  });
}

}  // extern "C"
