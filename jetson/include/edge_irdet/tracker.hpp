// Follows the targets of one source from frame to frame.
#pragma once

#include <edge_irdet.h>
#include <edge_irdet/detector.hpp>
#include <edge_irdet/image.hpp>
#include <edge_irdet/result.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>

namespace edge_irdet {
inline namespace v0 {

using Track = eird_track;  // track_id, coasting, centre, velocity, sigma, box, score, class_id, hits, missed

// The settings, with their defaults.
struct TrackerOptions : eird_tracker_options {
  TrackerOptions() : eird_tracker_options{} { eird_tracker_options_init(this, sizeof(eird_tracker_options)); }
};

// The confirmed tracks of a frame, by number: a view into memory of the tracker, valid until its next call.
class Tracks {
 public:
  explicit Tracks(const eird_track_list& list) : list_(list) {}

  std::size_t size() const { return list_.count; }
  bool empty() const { return list_.count == 0; }
  const Track& operator[](std::size_t index) const {
    const auto* bytes = reinterpret_cast<const char*>(list_.items) + index * list_.stride;
    return *reinterpret_cast<const Track*>(bytes);
  }

  // The track that took a detection of the frame; 0: none.
  std::int64_t of_detection(std::size_t index) const { return list_.track_ids[index]; }

  const eird_track_list& raw() const { return list_; }

 private:
  eird_track_list list_;
};

class Tracker {
 public:
  static Result<Tracker> open(const TrackerOptions& options = {}) {
    eird_tracker* handle = nullptr;
    if (eird_tracker_open(&options, &handle) != EIRD_OK) return detail::last_error(nullptr);
    return Tracker(handle);
  }

  // Takes the next frame's detections; tracks also end where they leave a frame of width x height.
  Result<Tracks> update(const FrameInfo& frame, const Detections& detections, int width, int height) {
    eird_frame moment{};
    moment.size = sizeof moment;
    moment.discontinuity = frame.discontinuity ? 1 : 0;
    moment.capture_ns = frame.capture_ns;
    moment.sequence = frame.sequence;
    eird_detections found = detections.raw();
    found.width = width;
    found.height = height;
    eird_track_list tracks{};
    tracks.size = sizeof tracks;
    if (eird_tracks(handle_.get(), &moment, &found, &tracks) != EIRD_OK) return detail::last_error(handle_.get());
    return Tracks(tracks);
  }

  Result<Tracks> update(const FrameInfo& frame, const Detections& detections) {
    return update(frame, detections, detections.raw().width, detections.raw().height);
  }

  // Ends all tracks; numbers go on after the last one used.
  void reset() { eird_tracker_reset(handle_.get()); }

 private:
  struct Close {
    void operator()(eird_tracker* handle) const { eird_tracker_close(handle); }
  };

  explicit Tracker(eird_tracker* handle) : handle_(handle) {}

  std::unique_ptr<eird_tracker, Close> handle_;
};

}  // namespace v0
}  // namespace edge_irdet
