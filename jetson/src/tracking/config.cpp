#include "tracking/config.hpp"

#include <cmath>
#include <string>

#include "failure.hpp"
#include "package/decimal.hpp"

namespace eird {
namespace {

constexpr int kMostTracks = 512;  // beyond it one frame's assignment would take longer than the detector

void require(bool good, const char* name, double value, const char* allowed) {
  if (good) return;
  throw Failure(Code::option, std::string("a tracker cannot have ") + name + "=" + format_double(value),
                std::string("choose ") + name + ": " + allowed);
}

}  // namespace

void TrackerConfig::check() const {
  const auto positive = [](const char* name, double value) {
    require(std::isfinite(value) && value > 0.0, name, value, "a positive number");
  };
  positive("acceleration", acceleration);
  positive("centroid_sigma", centroid_sigma);
  positive("initial_speed", initial_speed);
  positive("max_coast_seconds", max_coast_seconds);
  positive("max_gap_seconds", max_gap_seconds);
  const auto not_negative = [](const char* name, double value) {
    require(std::isfinite(value) && value >= 0.0, name, value, "0 or more");
  };
  not_negative("birth_distance", birth_distance);
  not_negative("max_shutter_seconds", max_shutter_seconds);
  require(gate_probability > 0.0 && gate_probability < 1.0, "gate_probability", gate_probability, "as 0.99");
  require(birth_score >= 0.0 && birth_score <= 1.0, "birth_score", birth_score, "0 to 1");
  require(confirm_hits >= 1, "confirm_hits", confirm_hits, "at least 1");
  require(confirm_frames >= confirm_hits, "confirm_frames", confirm_frames, "at least confirm_hits");
  require(max_coast_frames >= 0, "max_coast_frames", max_coast_frames, "0 or more");
  require(max_tracks >= 1 && max_tracks <= kMostTracks, "max_tracks", max_tracks, "1 to 512");
}

}  // namespace eird
