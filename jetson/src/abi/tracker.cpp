// The C ABI of trackers.
#include <memory>
#include <vector>

#include "abi/handle.hpp"
#include "abi/items.hpp"
#include "edge_irdet.h"
#include "tracking/tracker.hpp"

struct eird_tracker : eird::Handle {
  explicit eird_tracker(const eird::TrackerConfig& config) : tracker(config) {
    sightings.reserve(eird::kUsualDetections);
    items.reserve(static_cast<std::size_t>(config.max_tracks));
  }

  eird::Tracker tracker;
  std::vector<eird::Sighting> sightings;
  std::vector<eird_track> items;
};

namespace eird {
namespace {

eird_tracker_options default_options() {
  const TrackerConfig config;
  eird_tracker_options options{};
  options.size = sizeof options;
  options.confirm_hits = config.confirm_hits;
  options.confirm_frames = config.confirm_frames;
  options.max_coast_frames = config.max_coast_frames;
  options.max_tracks = config.max_tracks;
  options.acceleration = config.acceleration;
  options.centroid_sigma = config.centroid_sigma;
  options.initial_speed = config.initial_speed;
  options.gate_probability = config.gate_probability;
  options.birth_score = config.birth_score;
  options.birth_distance = config.birth_distance;
  options.max_coast_seconds = config.max_coast_seconds;
  options.max_gap_seconds = config.max_gap_seconds;
  options.max_shutter_seconds = config.max_shutter_seconds;
  return options;
}

TrackerConfig config_of(const eird_tracker_options& options) {
  TrackerConfig config;
  config.confirm_hits = options.confirm_hits;
  config.confirm_frames = options.confirm_frames;
  config.max_coast_frames = options.max_coast_frames;
  config.max_tracks = options.max_tracks;
  config.acceleration = options.acceleration;
  config.centroid_sigma = options.centroid_sigma;
  config.initial_speed = options.initial_speed;
  config.gate_probability = options.gate_probability;
  config.birth_score = options.birth_score;
  config.birth_distance = options.birth_distance;
  config.max_coast_seconds = options.max_coast_seconds;
  config.max_gap_seconds = options.max_gap_seconds;
  config.max_shutter_seconds = options.max_shutter_seconds;
  config.check();
  return config;
}

eird_track item_of(const TrackState& track) {
  eird_track item{};
  item.size = sizeof item;
  item.coasting = track.coasting ? 1 : 0;
  item.track_id = track.track_id;
  for (int axis = 0; axis < 2; ++axis) {
    item.centre[axis] = track.centre[axis];
    item.velocity[axis] = track.velocity[axis];
  }
  item.sigma = track.sigma;
  for (int side = 0; side < 4; ++side) item.box[side] = track.box[side];
  item.score = track.score;
  item.class_id = track.class_id;
  item.hits = track.hits;
  item.missed = track.missed;
  return item;
}

}  // namespace
}  // namespace eird

extern "C" {

void eird_tracker_options_init(eird_tracker_options* options, uint32_t size) {
  if (options == nullptr) return;
  options->size = size;
  eird::without_handle([&] { eird::fill(options, eird::default_options(), "options"); });
}

int eird_tracker_open(const eird_tracker_options* options, eird_tracker** tracker) {
  if (tracker != nullptr) *tracker = nullptr;
  return eird::without_handle([&] {
    if (tracker == nullptr) throw eird::Failure(eird::Code::option, "the place of the tracker is NULL", "pass one");
    eird_tracker_options given = eird::default_options();
    if (options != nullptr) given = eird::stated(options, given, "options");
    *tracker = std::make_unique<eird_tracker>(eird::config_of(given)).release();
  });
}

void eird_tracker_close(eird_tracker* tracker) { delete tracker; }

int eird_tracks(eird_tracker* tracker, const eird_frame* frame, const eird_detections* detections,
                eird_track_list* tracks) {
  return eird::entered(tracker, [&] {
    const eird_frame moment = eird::stated(frame, eird_frame{}, "frame");
    const eird_detections found = eird::stated(detections, eird_detections{}, "detections");
    if (tracks == nullptr) throw eird::Failure(eird::Code::option, "tracks is NULL", "pass one");
    tracker->sightings.clear();
    eird::for_each_detection(found, [&](const eird_detection& item) {
      tracker->sightings.push_back({{item.box[0], item.box[1], item.box[2], item.box[3]},
                                    item.score,
                                    item.class_id,
                                    item.centroid[0],
                                    item.centroid[1]});
    });
    tracker->tracker.update(
        {moment.capture_ns, moment.discontinuity != 0, found.shutter != 0, found.width, found.height},
        tracker->sightings.data(), tracker->sightings.size());
    tracker->items.clear();
    for (const eird::TrackState& track : tracker->tracker.tracks()) tracker->items.push_back(eird::item_of(track));
    eird_track_list list{};
    list.size = sizeof list;
    list.stride = sizeof(eird_track);
    list.items = tracker->items.data();
    list.count = tracker->items.size();
    list.track_ids = tracker->tracker.track_ids().data();
    list.detection_count = tracker->sightings.size();
    eird::fill(tracks, list, "tracks");
  });
}

int eird_tracker_reset(eird_tracker* tracker) {
  return eird::entered(tracker, [&] { tracker->tracker.reset(); });
}

}  // extern "C"
