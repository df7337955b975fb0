// What a tracker assumes about targets and about the detector. The fields and their defaults are those of
// edge_irdet/tracking/config.py, which explains them.
#pragma once

namespace eird {

struct TrackerConfig {
  double acceleration = 100.0;         // px/s^2
  double centroid_sigma = 1.0;         // px
  double initial_speed = 300.0;        // px/s
  double gate_probability = 0.99;      // between 0 and 1
  double birth_score = 0.0;            // 0..1
  double birth_distance = 4.0;         // px
  int confirm_hits = 3;                // seen in this many ...
  int confirm_frames = 5;              // ... of the first so many frames
  double max_coast_seconds = 1.0;
  int max_coast_frames = 60;
  double max_gap_seconds = 0.5;
  double max_shutter_seconds = 2.0;
  int max_tracks = 64;

  // Throws Failure E701 where a value is out of its range.
  void check() const;
};

}  // namespace eird
