#include "tracking/tracker.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

namespace eird {
namespace {

constexpr double kFarthest = 1e6;

bool is_usable(const Sighting& one) {
  const auto near = [](double place) { return std::abs(place) <= kFarthest; };  // which no NaN is
  return std::all_of(std::begin(one.box), std::end(one.box), [&](float side) { return near(static_cast<double>(side)); }) &&
         near(one.x) && near(one.y) && std::isfinite(one.score);
}

double seconds_between(std::int64_t before, std::int64_t now) {
  std::int64_t difference = 0;
  if (__builtin_sub_overflow(now, before, &difference)) {
    difference = now > before ? std::numeric_limits<std::int64_t>::max() : std::numeric_limits<std::int64_t>::min();
  }
  return static_cast<double>(difference) / 1e9;
}

}  // namespace

Tracker::Tracker(const TrackerConfig& config)
    : config_(config),
      gate_(-2.0 * std::log1p(-config.gate_probability)),  // chi-square with two degrees of freedom
      variance_(config.centroid_sigma * config.centroid_sigma),
      density_(config.acceleration * config.acceleration) {
  config.check();
  const auto most = static_cast<std::size_t>(config.max_tracks);
  rows_.reserve(most);
  which_.reserve(most);
  tracks_.reserve(most);
  left_.reserve(kUsualDetections);
  columns_.reserve(kUsualDetections);
  near_.reserve(kUsualDetections);
  track_ids_.reserve(kUsualDetections);
  occupied_.reserve(2 * (most + kUsualDetections));
  distance_.reserve(most * kUsualDetections);
  cost_.reserve(most * kUsualDetections);
  assignment_.reserve(most, kUsualDetections);
}

void Tracker::reset() {
  rows_.clear();
  has_last_ = false;
  width_ = height_ = 0;
  shutter_seconds_ = 0.0;
}

void Tracker::update(const FrameMoment& frame, const Sighting* sightings, std::size_t count) {
  advance(frame);
  track_ids_.assign(count, 0);
  if (frame.shutter) {
    for (Row& row : rows_) ++row.missed;
    report();
    return;
  }
  left_.clear();
  for (std::size_t i = 0; i < count; ++i) {
    if (is_usable(sightings[i])) left_.push_back(i);
  }
  give(true, sightings);
  give(false, sightings);
  end_lost();
  begin(sightings);
  confirm();
  for (const Row& row : rows_) {
    if (row.track_id != 0 && row.detection != kNoDetection) track_ids_[row.detection] = row.track_id;
  }
  report();
}

// Brings the tracks to the moment of the frame.
void Tracker::advance(const FrameMoment& frame) {
  double seconds = has_last_ ? seconds_between(last_ns_, frame.capture_ns) : 0.0;
  const bool gap = seconds >= config_.max_gap_seconds && frame.discontinuity;
  const bool known = width_ != 0 && frame.width != 0;
  const bool resized = known && (width_ != frame.width || height_ != frame.height);
  if (gap || -seconds >= config_.max_gap_seconds || resized) {
    reset();
    seconds = 0.0;
  }
  has_last_ = true;
  last_ns_ = frame.capture_ns;
  if (frame.width != 0) {
    width_ = frame.width;
    height_ = frame.height;
  }
  seconds = std::max(0.0, seconds);
  const double allowed = std::max(0.0, config_.max_shutter_seconds - shutter_seconds_);
  const double excused = frame.shutter ? std::min(seconds, allowed) : 0.0;
  shutter_seconds_ = frame.shutter ? shutter_seconds_ + seconds : 0.0;
  for (Row& row : rows_) row.unseen_seconds += seconds - excused;
  rows_.erase(std::remove_if(rows_.begin(), rows_.end(),
                             [this](const Row& row) { return !(row.unseen_seconds <= config_.max_coast_seconds); }),
              rows_.end());
  for (Row& row : rows_) {
    if (seconds > 0.0) predict(row, seconds);
    row.detection = kNoDetection;
  }
}

// Continuous white-noise acceleration (Bar-Shalom, Li, Kirubarajan, 2001, section 6.2.2).
void Tracker::predict(Row& row, double seconds) const {
  row.x += seconds * row.vx;
  row.y += seconds * row.vy;
  row.place += seconds * (2.0 * row.mixed + seconds * row.speed) + density_ * (seconds * seconds * seconds) / 3.0;
  row.mixed += seconds * row.speed + density_ * (seconds * seconds) / 2.0;
  row.speed += density_ * seconds;
}

// Gives the confirmed tracks, or those on trial, what they take of the detections that are left.
void Tracker::give(bool confirmed, const Sighting* sightings) {
  which_.clear();
  for (std::size_t i = 0; i < rows_.size(); ++i) {
    if ((rows_[i].track_id != 0) == confirmed) which_.push_back(i);
  }
  if (which_.empty() || left_.empty()) return;
  const std::size_t count = left_.size();
  distance_.resize(which_.size() * count);
  near_.assign(count, 0);
  std::size_t tracks = 0;
  for (const std::size_t track : which_) {
    const Row& row = rows_[track];
    const double variance = row.place + variance_;
    double* distance = distance_.data() + tracks * count;
    bool any = false;
    for (std::size_t j = 0; j < count; ++j) {
      const double x = sightings[left_[j]].x - row.x;
      const double y = sightings[left_[j]].y - row.y;
      distance[j] = (x * x + y * y) / variance;
      if (distance[j] <= gate_) {
        near_[j] = 1;
        any = true;
      }
    }
    if (any) which_[tracks++] = track;  // only what is in some gate takes part
  }
  which_.resize(tracks);
  columns_.clear();
  for (std::size_t j = 0; j < count; ++j) {
    if (near_[j] != 0) columns_.push_back(j);
  }
  if (tracks == 0) return;
  // A pair outside of a gate costs nothing, as being left alone does, and every pair inside costs less, so that the
  // cheapest full assignment contains the best partial one.
  double widest = -std::numeric_limits<double>::infinity();
  for (const std::size_t track : which_) widest = std::max(widest, 2.0 * std::log(rows_[track].place + variance_));
  cost_.resize(tracks * columns_.size());
  for (std::size_t i = 0; i < tracks; ++i) {
    const double spread = 2.0 * std::log(rows_[which_[i]].place + variance_);
    for (std::size_t j = 0; j < columns_.size(); ++j) {
      const double distance = distance_[i * count + columns_[j]];
      cost_[i * columns_.size() + j] = distance <= gate_ ? distance + spread - (gate_ + widest + 1.0) : 0.0;
    }
  }
  const std::vector<std::size_t>& chosen = assignment_.solve(cost_, tracks, columns_.size());
  for (std::size_t i = 0; i < tracks; ++i) {
    if (chosen[i] == Assignment::kNone) continue;
    const std::size_t place = columns_[chosen[i]];
    if (!(distance_[i * count + place] <= gate_)) continue;
    take(rows_[which_[i]], sightings, left_[place]);
    near_[place] = 2;
  }
  std::size_t kept = 0;
  for (std::size_t j = 0; j < count; ++j) {
    if (near_[j] != 2) left_[kept++] = left_[j];
  }
  left_.resize(kept);
}

// The update is written as sums and products of what is not negative, so that no rounding makes it indefinite.
void Tracker::take(Row& row, const Sighting* sightings, std::size_t detection) const {
  const Sighting& sighting = sightings[detection];
  const double x = sighting.x - row.x;
  const double y = sighting.y - row.y;
  const double total = row.place + variance_;
  const double gain = row.place / total;
  const double velocity_gain = row.mixed / total;
  row.x += x * gain;
  row.y += y * gain;
  row.vx += x * velocity_gain;
  row.vy += y * velocity_gain;
  const double determinant = std::max(row.place * row.speed - row.mixed * row.mixed, 0.0);
  row.speed = (determinant + variance_ * row.speed) / total;
  row.place *= variance_ / total;
  row.mixed *= variance_ / total;
  describe(row, sighting, detection);
  ++row.hits;
}

void Tracker::describe(Row& row, const Sighting& sighting, std::size_t detection) const {
  const auto side = [&sighting](int i) { return static_cast<double>(sighting.box[i]); };
  row.half_width = 0.5 * (side(2) - side(0));
  row.half_height = 0.5 * (side(3) - side(1));
  row.score = static_cast<double>(sighting.score);
  row.class_id = sighting.class_id;
  row.detection = detection;
  row.unseen_seconds = 0.0;
  row.missed = 0;
}

// Counts the frame and ends what was lost in it.
void Tracker::end_lost() {
  for (Row& row : rows_) {
    ++row.frames;
    if (row.detection == kNoDetection) ++row.missed;
  }
  const auto is_over = [this](const Row& row) {
    if (row.track_id == 0 && row.hits + config_.confirm_frames - row.frames < config_.confirm_hits) return true;
    if (row.detection != kNoDetection) return false;
    if (row.missed > config_.max_coast_frames) return true;
    return width_ != 0 && (row.x < 0.0 || row.x > width_ || row.y < 0.0 || row.y > height_);
  };
  rows_.erase(std::remove_if(rows_.begin(), rows_.end(), is_over), rows_.end());
}

// Begins tracks at the best of the detections that no track took: by score and place, not by their order, so that the
// order of the detections means nothing.
void Tracker::begin(const Sighting* sightings) {
  left_.erase(std::remove_if(left_.begin(), left_.end(),
                             [&](std::size_t i) {
                               return !(sightings[i].score >= static_cast<float>(config_.birth_score));
                             }),
              left_.end());
  const auto most = static_cast<std::size_t>(config_.max_tracks);
  if (left_.empty() || rows_.size() == most) return;
  std::sort(left_.begin(), left_.end(), [sightings](std::size_t a, std::size_t b) {
    const Sighting& one = sightings[a];
    const Sighting& other = sightings[b];
    if (one.score != other.score) return one.score > other.score;
    if (one.x != other.x) return one.x < other.x;
    return one.y != other.y ? one.y < other.y : a < b;
  });
  occupied_.clear();
  for (const Row& row : rows_) {
    if (row.detection == kNoDetection) continue;
    occupied_.push_back(sightings[row.detection].x);
    occupied_.push_back(sightings[row.detection].y);
  }
  const double nearest = config_.birth_distance * config_.birth_distance;
  for (const std::size_t index : left_) {
    const Sighting& one = sightings[index];
    bool is_free = true;
    for (std::size_t i = 0; i < occupied_.size() && is_free; i += 2) {
      const double x = one.x - occupied_[i];
      const double y = one.y - occupied_[i + 1];
      is_free = x * x + y * y >= nearest;
    }
    if (!is_free) continue;
    occupied_.push_back(one.x);
    occupied_.push_back(one.y);
    Row row{};
    row.x = one.x;
    row.y = one.y;
    row.place = variance_;
    row.speed = config_.initial_speed * config_.initial_speed;
    row.hits = row.frames = 1;
    describe(row, one, index);
    rows_.push_back(row);
    if (rows_.size() == most) return;
  }
}

void Tracker::confirm() {
  for (Row& row : rows_) {
    if (row.track_id == 0 && row.hits >= config_.confirm_hits) row.track_id = next_id_++;
  }
}

void Tracker::report() {
  tracks_.clear();
  for (const Row& row : rows_) {
    if (row.track_id == 0) continue;
    tracks_.push_back({row.track_id,
                       row.missed != 0,
                       {row.x, row.y},
                       {row.vx, row.vy},
                       std::sqrt(row.place),
                       {row.x - row.half_width, row.y - row.half_height, row.x + row.half_width, row.y + row.half_height},
                       row.class_id,
                       row.score,
                       row.hits,
                       row.missed});
  }
  std::sort(tracks_.begin(), tracks_.end(),
            [](const TrackState& a, const TrackState& b) { return a.track_id < b.track_id; });
}

}  // namespace eird
