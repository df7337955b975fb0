// A record's values out of its JSON, and back through the writer: the way there and back must change nothing.
#pragma once

#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "package/json.hpp"
#include "record/writer.hpp"

inline const eird::Json* member(const eird::Json& object, const std::string& name) {
  for (const eird::Json::Member& one : object.object) {
    if (one.first == name) return &one.second;
  }
  return nullptr;
}

inline bool same_json(const eird::Json& a, const eird::Json& b) {
  using Kind = eird::Json::Kind;
  const auto number = [](const eird::Json& json) { return json.kind == Kind::integer || json.kind == Kind::real; };
  if (number(a) && number(b)) return a.real == b.real && a.integer == b.integer;
  if (a.kind != b.kind || a.boolean != b.boolean || a.string != b.string || a.array.size() != b.array.size() ||
      a.object.size() != b.object.size()) {
    return false;
  }
  for (std::size_t i = 0; i < a.array.size(); ++i) {
    if (!same_json(a.array[i], b.array[i])) return false;
  }
  for (const eird::Json::Member& one : a.object) {
    const eird::Json* other = member(b, one.first);
    if (other == nullptr || !same_json(one.second, *other)) return false;
  }
  return true;
}

// Whether two records say the same; what one leaves out has its default.
inline bool same_record(const eird::Json& a, const eird::Json& b) {
  for (const auto* pair : {&a, &b}) {
    const eird::Json& other = pair == &a ? b : a;
    for (const eird::Json::Member& one : pair->object) {
      const eird::Json* found = member(other, one.first);
      if (found == nullptr ? !(one.first == "degraded_outputs" && one.second.array.empty())
                           : !same_json(one.second, *found)) {
        return false;
      }
    }
  }
  return true;
}

// What the writer takes. Kinds are not checked: the JSON must be a record's.
class RecordValues {
 public:
  explicit RecordValues(const eird::Json& json) {
    source_ = text(json, "source");
    run_id_ = text(json, "run_id");
    source_index_ = static_cast<std::uint32_t>(integer(json, "source_index"));
    frame_.sequence = integer(json, "sequence");
    frame_.capture_ns = integer(json, "capture_ns");
    frame_.emit_ns = integer(json, "emit_ns");
    frame_.has_realtime_offset = has(json, "realtime_offset_ns");
    frame_.realtime_offset_ns = integer(json, "realtime_offset_ns");
    frame_.has_media_time = has(json, "media_ns");
    frame_.media_ns = integer(json, "media_ns");
    frame_.width = static_cast<int>(integer(json, "width"));
    frame_.height = static_cast<int>(integer(json, "height"));
    frame_.sixteen_bits = text(json, "pixel_format") == "Y16";
    frame_.dropped = static_cast<std::uint64_t>(integer(json, "dropped"));
    frame_.skipped = static_cast<std::uint64_t>(integer(json, "skipped"));
    frame_.missed = static_cast<std::uint64_t>(integer(json, "missed"));
    frame_.interruptions = static_cast<std::uint64_t>(integer(json, "interruptions"));
    frame_.queued = static_cast<std::uint64_t>(integer(json, "queued"));
    frame_.discontinuity = truth(json, "discontinuity");
    frame_.shutter = truth(json, "shutter");
    for (const eird::Json& one : array(json, "detections")) read_detection(one);
    has_tracks_ = has(json, "tracks");
    if (has_tracks_) {
      for (const eird::Json& one : array(json, "tracks")) read_track(one);
    }
  }

  std::string write() {
    eird::RecordWriter writer(source_, source_index_, run_id_, classes_);
    const eird::RecordTracks tracked{tracks_.data(), tracks_.size(), ids_.data()};
    return std::string(writer.line(frame_, findings_.data(), findings_.size(), has_tracks_ ? &tracked : nullptr));
  }

 private:
  static bool has(const eird::Json& json, const char* name) {
    const eird::Json* found = member(json, name);
    return found != nullptr && found->kind != eird::Json::Kind::null;
  }
  static std::int64_t integer(const eird::Json& json, const char* name) {
    return has(json, name) ? member(json, name)->integer : 0;
  }
  static bool truth(const eird::Json& json, const char* name) { return has(json, name) && member(json, name)->boolean; }
  static double number(const eird::Json& json, const char* name) {
    return has(json, name) ? member(json, name)->real : std::numeric_limits<double>::quiet_NaN();
  }
  static std::string text(const eird::Json& json, const char* name) {
    return has(json, name) ? member(json, name)->string : "";
  }
  static std::vector<eird::Json> array(const eird::Json& json, const char* name) {
    return has(json, name) ? member(json, name)->array : std::vector<eird::Json>();
  }
  static double at(const eird::Json& json, const char* name, std::size_t index) {
    const std::vector<eird::Json> values = array(json, name);
    return index < values.size() ? values[index].real : 0.0;
  }

  void read_detection(const eird::Json& json) {
    eird::Finding finding{};
    for (std::size_t i = 0; i < 4; ++i) finding.box[i] = static_cast<float>(at(json, "box", i));
    finding.score = static_cast<float>(number(json, "score"));
    finding.class_id = static_cast<std::int32_t>(integer(json, "class_id"));
    finding.x = at(json, "centroid", 0);
    finding.y = at(json, "centroid", 1);
    finding.scr = number(json, "scr");
    const auto index = static_cast<std::size_t>(finding.class_id);
    if (finding.class_id >= 0 && index < 100) {
      if (classes_.size() <= index) classes_.resize(index + 1);
      classes_[index] = text(json, "class_name");
    }
    findings_.push_back(finding);
    ids_.push_back(integer(json, "track_id"));
  }

  void read_track(const eird::Json& json) {
    eird::TrackState track{};
    track.track_id = integer(json, "track_id");
    track.coasting = text(json, "state") == "coasting";
    for (std::size_t i = 0; i < 2; ++i) {
      track.centre[i] = at(json, "centre", i);
      track.velocity[i] = at(json, "velocity", i);
    }
    track.sigma = number(json, "sigma");
    for (std::size_t i = 0; i < 4; ++i) track.box[i] = at(json, "box", i);
    track.class_id = static_cast<std::int32_t>(integer(json, "class_id"));
    track.score = number(json, "score");
    track.hits = integer(json, "hits");
    track.missed = integer(json, "missed");
    tracks_.push_back(track);
  }

  std::string source_;
  std::string run_id_;
  std::uint32_t source_index_ = 0;
  std::vector<std::string> classes_;
  eird::RecordFrame frame_;
  std::vector<eird::Finding> findings_;
  std::vector<std::int64_t> ids_;
  bool has_tracks_ = false;
  std::vector<eird::TrackState> tracks_;
};
