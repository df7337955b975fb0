// Follows the targets of one source from frame to frame by distance: a Kalman filter of nearly constant velocity for
// each, as edge_irdet/tracking does, which explains it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "tracking/assignment.hpp"
#include "tracking/config.hpp"

namespace eird {

// One detection of a frame.
struct Sighting {
  float box[4];
  float score;
  std::int32_t class_id;
  double x;  // of the centroid
  double y;
};

// One confirmed track.
struct TrackState {
  std::int64_t track_id;  // from 1, never used again
  bool coasting;          // not seen in this frame: the position is predicted
  double centre[2];
  double velocity[2];
  double sigma;
  double box[4];
  std::int32_t class_id;
  double score;
  std::int64_t hits;
  std::int64_t missed;
};

struct FrameMoment {
  std::int64_t capture_ns = 0;
  bool discontinuity = false;
  bool shutter = false;
  int width = 0;  // 0: not known
  int height = 0;
};

// Detections of a frame that a tracker and a record writer have room for from the start; more make them grow once.
constexpr std::size_t kUsualDetections = 300;

// Not thread-safe.
class Tracker {
 public:
  explicit Tracker(const TrackerConfig& config);

  // Takes the next frame. What tracks() and track_ids() give is valid until the next call.
  void update(const FrameMoment& frame, const Sighting* sightings, std::size_t count);

  // Ends all tracks and forgets the time; numbers go on after the last one used.
  void reset();

  const std::vector<TrackState>& tracks() const { return tracks_; }           // by number
  const std::vector<std::int64_t>& track_ids() const { return track_ids_; }   // of each sighting; 0: none

 private:
  static constexpr std::size_t kNoDetection = static_cast<std::size_t>(-1);

  struct Row {
    double x, y, vx, vy;
    double place, mixed, speed;  // the covariance of place and velocity on an axis
    double half_width, half_height;
    double score;
    double unseen_seconds;
    std::int64_t track_id;  // 0: on trial
    std::int64_t hits, missed, frames;
    std::int32_t class_id;
    std::size_t detection;
  };

  void advance(const FrameMoment& frame);
  void predict(Row& row, double seconds) const;
  void give(bool confirmed, const Sighting* sightings);
  void take(Row& row, const Sighting* sightings, std::size_t detection) const;
  void describe(Row& row, const Sighting& sighting, std::size_t detection) const;
  void end_lost();
  void begin(const Sighting* sightings);
  void confirm();
  void report();

  TrackerConfig config_;
  double gate_;
  double variance_;
  double density_;
  std::int64_t next_id_ = 1;
  bool has_last_ = false;
  std::int64_t last_ns_ = 0;
  int width_ = 0;
  int height_ = 0;
  double shutter_seconds_ = 0.0;
  std::vector<Row> rows_;
  std::vector<std::size_t> left_;     // detections that no track has taken
  std::vector<std::size_t> which_;    // tracks that are in some gate
  std::vector<std::size_t> columns_;  // places in left_ that are in some gate
  std::vector<double> distance_;
  std::vector<double> cost_;
  std::vector<char> near_;
  std::vector<double> occupied_;
  Assignment assignment_;
  std::vector<TrackState> tracks_;
  std::vector<std::int64_t> track_ids_;
};

}  // namespace eird
