// The tracker against the golden arrays, and the assignment against all permutations.
#include <algorithm>
#include <cmath>
#include <numeric>
#include <random>

#include "failure.hpp"
#include "golden.hpp"
#include "tracking/assignment.hpp"
#include "tracking/tracker.hpp"

namespace {

TEST(Tracker, MeetsTheGoldenArrays) {
  const std::string folder = golden_folder("tracking");
  for (std::istringstream& line : read_cases(folder)) {
    std::string name;
    eird::TrackerConfig config;
    line >> name >> config.max_tracks >> config.birth_score >> config.initial_speed >> config.confirm_hits >>
        config.confirm_frames >> config.max_coast_frames >> config.birth_distance;
    ASSERT_TRUE(line) << name;
    SCOPED_TRACE(name);
    const auto part = [&](const char* one) { return read_npy(folder + "/" + name + "." + one + ".npy"); };
    const std::vector<std::int64_t> frames = part("frames").as<std::int64_t>("<i8");
    const std::vector<double> detections = part("detections").as<double>("<f8");
    const std::vector<std::int64_t> ids = part("ids").as<std::int64_t>("<i8");
    const std::vector<double> tracks = part("tracks").as<double>("<f8");
    eird::Tracker tracker(config);
    std::size_t detection = 0;
    std::size_t track = 0;
    for (std::size_t frame = 0; frame < frames.size() / 6; ++frame) {
      SCOPED_TRACE(frame);
      const std::int64_t* moment = frames.data() + 6 * frame;
      std::vector<eird::Sighting> sightings;
      for (std::int64_t i = 0; i < moment[5]; ++i) {
        const double* row = detections.data() + 8 * (detection + sightings.size());
        sightings.push_back({{static_cast<float>(row[0]), static_cast<float>(row[1]), static_cast<float>(row[2]),
                              static_cast<float>(row[3])},
                             static_cast<float>(row[6]),
                             static_cast<int>(row[7]),
                             row[4],
                             row[5]});
      }
      tracker.update({moment[0], moment[1] != 0, moment[2] != 0, static_cast<int>(moment[3]), static_cast<int>(moment[4])},
                     sightings.data(), sightings.size());
      ASSERT_EQ(tracker.track_ids().size(), sightings.size());
      for (std::size_t i = 0; i < sightings.size(); ++i) ASSERT_EQ(tracker.track_ids()[i], ids[detection + i]) << i;
      detection += sightings.size();
      for (const eird::TrackState& one : tracker.tracks()) {
        const double* row = tracks.data() + 16 * track++;
        ASSERT_LT(track - 1, tracks.size() / 16);
        ASSERT_EQ(static_cast<double>(frame), row[0]);
        ASSERT_EQ(static_cast<double>(one.track_id), row[1]);
        ASSERT_EQ(one.coasting, row[2] != 0.0);
        for (int i = 0; i < 2; ++i) {
          ASSERT_NEAR(one.centre[i], row[3 + i], 1e-6);
          ASSERT_NEAR(one.velocity[i], row[5 + i], 1e-6);
        }
        ASSERT_NEAR(one.sigma, row[7], 1e-6);
        for (int i = 0; i < 4; ++i) ASSERT_NEAR(one.box[i], row[8 + i], 1e-6);
        ASSERT_EQ(one.class_id, static_cast<int>(row[12]));
        ASSERT_EQ(one.score, row[13]);
        ASSERT_EQ(static_cast<double>(one.hits), row[14]);
        ASSERT_EQ(static_cast<double>(one.missed), row[15]);
      }
    }
    EXPECT_EQ(track, tracks.size() / 16);
  }
}

TEST(Tracker, RefusesSettingsThatCannotBe) {
  const auto refused = [](auto change) {
    eird::TrackerConfig config;
    change(config);
    try {
      const eird::Tracker tracker(config);
    } catch (const eird::Failure& failure) {
      return failure.code() == eird::Code::option;
    }
    return false;
  };
  EXPECT_TRUE(refused([](auto& config) { config.acceleration = 0; }));
  EXPECT_TRUE(refused([](auto& config) { config.centroid_sigma = NAN; }));
  EXPECT_TRUE(refused([](auto& config) { config.gate_probability = 1; }));
  EXPECT_TRUE(refused([](auto& config) { config.birth_score = 1.5; }));
  EXPECT_TRUE(refused([](auto& config) { config.confirm_frames = 2; }));
  EXPECT_TRUE(refused([](auto& config) { config.max_tracks = 513; }));
  EXPECT_TRUE(refused([](auto& config) { config.max_tracks = 0; }));
  EXPECT_TRUE(refused([](auto& config) { config.max_shutter_seconds = -1; }));
}

TEST(Tracker, ClocksAtTheirEndsDoNotOverflow) {
  eird::Tracker tracker({});
  for (const std::int64_t now : {std::numeric_limits<std::int64_t>::max(), std::numeric_limits<std::int64_t>::min(),
                                 std::int64_t{0}, std::numeric_limits<std::int64_t>::max()}) {
    const eird::Sighting sighting{{1, 1, 3, 3}, 0.9F, 0, 2, 2};
    tracker.update({now, false, false, 10, 10}, &sighting, 1);
  }
  EXPECT_TRUE(tracker.tracks().empty());
}

TEST(Assignment, IsTheCheapestOfAll) {
  std::mt19937 random(5);
  std::uniform_real_distribution<double> costs(-5, 5);
  eird::Assignment assignment;
  for (int round = 0; round < 400; ++round) {
    const std::size_t rows = 1 + random() % 5;
    const std::size_t columns = 1 + random() % 5;
    std::vector<double> cost(rows * columns);
    for (double& one : cost) one = random() % 4 == 0 ? 0.0 : costs(random);
    const std::vector<std::size_t> found = assignment.solve(cost, rows, columns);
    double sum = 0;
    std::vector<std::size_t> taken;
    for (std::size_t row = 0; row < rows; ++row) {
      if (found[row] == eird::Assignment::kNone) continue;
      sum += cost[row * columns + found[row]];
      taken.push_back(found[row]);
    }
    std::sort(taken.begin(), taken.end());
    ASSERT_EQ(std::adjacent_find(taken.begin(), taken.end()), taken.end());
    ASSERT_EQ(taken.size(), std::min(rows, columns));
    // Every order of the longer side's members, of which the first ones are taken.
    std::vector<std::size_t> order(std::max(rows, columns));
    std::iota(order.begin(), order.end(), std::size_t{0});
    double best = 1e9;
    do {
      double total = 0;
      for (std::size_t i = 0; i < std::min(rows, columns); ++i) {
        total += rows <= columns ? cost[i * columns + order[i]] : cost[order[i] * columns + i];
      }
      best = std::min(best, total);
    } while (std::next_permutation(order.begin(), order.end()));
    ASSERT_NEAR(sum, best, 1e-9);
  }
}

}  // namespace
