// The C++ header and the C ABI on a real package, run by ONNX Runtime: EIRD_TEST_ONNXRUNTIME names its library.
#include <edge_irdet/edge_irdet.hpp>

#include <dirent.h>
#include <unistd.h>

#include <atomic>
#include <cfenv>
#include <clocale>
#include <cmath>
#include <cstdlib>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

#include "golden.hpp"

namespace {

using edge_irdet::Detections;
using edge_irdet::Detector;
using edge_irdet::Error;
using edge_irdet::ImageView;
using edge_irdet::Options;
using edge_irdet::PixelFormat;
using edge_irdet::RecordFrame;
using edge_irdet::RecordWriter;
using edge_irdet::Result;
using edge_irdet::Tracker;
using edge_irdet::Tracks;

const std::string kPackage = std::string(EIRD_MODELS) + "/light-sgmtlm-reduced";

// A sky with two bright targets.
struct Scene {
  static constexpr int kWidth = 320;
  static constexpr int kHeight = 256;
  std::vector<std::uint8_t> grey = std::vector<std::uint8_t>(kWidth * kHeight);
  std::vector<std::uint16_t> counts = std::vector<std::uint16_t>(kWidth * kHeight);

  explicit Scene(double shift = 0.0) {
    for (int row = 0; row < kHeight; ++row) {
      for (int column = 0; column < kWidth; ++column) {
        double level = 60.0 + 10.0 * row / kHeight + (row * 7 + column * 13) % 5;
        for (const auto& [x, y] : {std::pair<double, double>{100.0 + shift, 80.0}, {220.0, 150.0 + shift}}) {
          const double distance = (column + 0.5 - x) * (column + 0.5 - x) + (row + 0.5 - y) * (row + 0.5 - y);
          level += 130.0 * std::exp(-distance / 4.5);
        }
        const auto index = static_cast<std::size_t>(row * kWidth + column);
        grey[index] = static_cast<std::uint8_t>(level);
        counts[index] = static_cast<std::uint16_t>(5000.0 + 10.0 * level);
      }
    }
  }

  ImageView view() const { return {grey.data(), grey.size(), kWidth, kHeight, kWidth, PixelFormat::grey8}; }
  ImageView view16() const {
    return {counts.data(), counts.size() * 2, kWidth, kHeight, kWidth * 2, PixelFormat::grey16};
  }
};

class Interface : public ::testing::Test {
 protected:
  void SetUp() override {
    const char* library = std::getenv("EIRD_TEST_ONNXRUNTIME");
    if (library == nullptr) GTEST_SKIP() << "EIRD_TEST_ONNXRUNTIME names no library of ONNX Runtime";
    options.onnxruntime = library;
    options.runtime = edge_irdet::Runtime::cpu;
    options.threads = 1;
  }

  Detector open() const { return Detector::open(kPackage, options).value(); }

  int open_code(const std::string& package) const {
    const Result<Detector> result = Detector::open(package, options);
    if (result) return 0;
    EXPECT_FALSE(result.error().title.empty());
    EXPECT_FALSE(result.error().what.empty());
    EXPECT_FALSE(result.error().next_step.empty());
    return result.error().code;
  }

  Options options;
};

TEST_F(Interface, FindsTheTargetsOfAFrame) {
  Detector detector = open();
  const Scene scene;
  const Detections found = detector.detect(scene.view()).value();
  ASSERT_EQ(found.size(), 2U);
  std::vector<std::pair<double, double>> places;
  for (const edge_irdet::Detection& one : found) {
    EXPECT_GT(one.score, 0.7F);
    EXPECT_GT(one.scr, 5.0);
    EXPECT_EQ(one.class_id, 0);
    places.emplace_back(one.centroid[0], one.centroid[1]);
  }
  std::sort(places.begin(), places.end());
  EXPECT_NEAR(places[0].first, 100.0, 0.2);
  EXPECT_NEAR(places[0].second, 80.0, 0.2);
  EXPECT_NEAR(places[1].first, 220.0, 0.2);
  EXPECT_FALSE(found.shutter());
  EXPECT_EQ(found.copy().size(), 2U);
  EXPECT_EQ(detector.info().runtime, edge_irdet::Runtime::cpu);
  EXPECT_EQ(detector.info().classes, std::vector<std::string>{"target"});
  EXPECT_EQ(detector.info().reason, "CPU runtime, fp32: as asked");
  EXPECT_EQ(detector.info().manifest_sha256.size(), 64U);
}

TEST_F(Interface, AFrameThatCannotBeIsAnErrorAndNeverAnEmptyResult) {
  Detector detector = open();
  const Scene scene;
  const auto code_of = [&](const ImageView& view) {
    const Result<Detections> result = detector.detect(view);
    return result ? 0 : result.error().code;
  };
  ImageView view = scene.view();
  view.data = nullptr;
  EXPECT_EQ(code_of(view), 105);
  view = scene.view();
  view.bytes -= 1;
  EXPECT_EQ(code_of(view), 105);
  view = scene.view();
  view.pitch = 319;
  EXPECT_EQ(code_of(view), 105);
  view = scene.view();
  view.memory = edge_irdet::MemoryKind::cuda;
  EXPECT_EQ(code_of(view), 105);
  view.memory = edge_irdet::MemoryKind::dmabuf;
  EXPECT_EQ(code_of(view), 105);
  EXPECT_EQ(code_of(scene.view16()), 107);
  EXPECT_EQ(code_of(scene.view()), 0);
}

TEST_F(Interface, ErrorsHaveTheirCodesAndThrowOnlyInValue) {
  EXPECT_EQ(open_code("/nowhere"), 201);
  EXPECT_EQ(open_code(golden_folder("manifests")), 201);
  options.map16 = "gamma";
  EXPECT_EQ(open_code(kPackage), 701);
  options.map16.clear();
  options.score_threshold = 1.5;
  EXPECT_EQ(open_code(kPackage), 701);
  options.score_threshold.reset();
  options.max_detections = 0;
  EXPECT_EQ(open_code(kPackage), 701);
  options.max_detections.reset();
  options.nms = edge_irdet::NmsRule::iou;
  options.nms_limit = 2.0;
  EXPECT_EQ(open_code(kPackage), 701);
  options.nms_limit.reset();
  options.device = -1;
  EXPECT_EQ(open_code(kPackage), 701);
  options.device = 0;
  options.threads = -1;
  EXPECT_EQ(open_code(kPackage), 701);
  options.threads = 1;
  options.onnxruntime = "/nowhere/libonnxruntime.so.1";
  EXPECT_EQ(open_code(kPackage), 404);
  options.runtime = edge_irdet::Runtime::tensorrt;
  const int code = open_code(kPackage);
  EXPECT_TRUE(code == 404 || code == 602) << code;
  EXPECT_THROW(static_cast<void>(Detector::open("/nowhere", options).value()), edge_irdet::Exception);
}

TEST_F(Interface, AutomaticTakesTheCpuAndSaysWhy) {
  std::string said;
  options.runtime = edge_irdet::Runtime::automatic;
  options.log = [&said](std::string_view text) { said = text; };
  const Detector detector = open();
  EXPECT_EQ(detector.info().runtime, edge_irdet::Runtime::cpu);
  EXPECT_EQ(said, detector.info().reason);
  EXPECT_NE(said.find("CPU runtime, fp32: "), std::string::npos);
}

TEST_F(Interface, ClonesAreIndependent) {
  options.map16 = "linear-percentile@20";
  Detector first = open();
  const Scene scene(0.3);
  const Scene other(9.0);
  const std::vector<edge_irdet::Detection> alone = first.detect(scene.view16()).value().copy();
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(first.detect(other.view16()));
  Detector clone = first.clone().value();
  const Detections found = clone.detect(scene.view16()).value();
  ASSERT_EQ(found.size(), alone.size());
  for (std::size_t i = 0; i < alone.size(); ++i) EXPECT_EQ(std::memcmp(&found[i], &alone[i], sizeof alone[i]), 0);
  std::atomic<int> wrong{0};
  std::vector<std::thread> threads;
  for (int index = 0; index < 2; ++index) {
    threads.emplace_back([&, detector = std::make_shared<Detector>(first.clone().value())] {
      for (int i = 0; i < 4; ++i) {
        const auto result = detector->detect(scene.view16());
        if (!result || result->size() != alone.size()) ++wrong;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(wrong, 0);
}

TEST_F(Interface, ADetectorMovesBetweenThreadsButRunsOneCallAtATime) {
  Detector detector = open();
  const Scene scene;
  std::thread([&] { EXPECT_TRUE(detector.detect(scene.view())); }).join();
  EXPECT_TRUE(detector.detect(scene.view()));
  std::atomic<bool> stop{false};
  std::thread busy([&] {
    while (!stop) {
      const auto result = detector.detect(scene.view());
      if (!result && result.error().code != 610) ADD_FAILURE() << result.error().text();
    }
  });
  int refused = 0;
  for (int i = 0; i < 20000 && refused == 0; ++i) {
    const auto result = detector.detect(scene.view());
    if (!result) {
      EXPECT_EQ(result.error().code, 610);
      ++refused;
    }
  }
  stop = true;
  busy.join();
  EXPECT_GT(refused, 0);
  EXPECT_TRUE(detector.detect(scene.view()));
}

TEST_F(Interface, TracksAndRecords) {
  Detector detector = open();
  Tracker tracker = Tracker::open().value();
  RecordWriter writer = RecordWriter::open("camera:1", detector.info().classes, "run").value();
  std::string last;
  for (int frame = 0; frame < 5; ++frame) {
    const Scene scene(0.5 * frame);
    const Detections found = detector.detect(scene.view()).value();
    const Tracks tracks =
        tracker.update({1'000'000'000 + 33'000'000 * frame, static_cast<std::uint64_t>(frame), false}, found).value();
    RecordFrame about;
    about.sequence = frame;
    about.capture_ns = 1'000'000'000 + 33'000'000 * frame;
    last = std::string(writer.line(about, found, &tracks).value());
    EXPECT_EQ(tracks.size(), frame < 2 ? 0U : 2U);
    if (frame >= 2) {
      EXPECT_EQ(tracks.of_detection(0) + tracks.of_detection(1), 3);
      EXPECT_EQ(tracks[0].track_id, 1);
    }
  }
  EXPECT_EQ(last.find("{\"schema\":3,\"run_id\":\"run\",\"source\":\"camera:1\",\"source_index\":0,\"sequence\":4,"), 0U);
  EXPECT_NE(last.find("\"track_id\":2"), std::string::npos);
}

TEST_F(Interface, LocaleAndRoundingModeOfTheHostChangeNothing) {
  const Scene scene;
  Detector detector = open();
  const std::vector<edge_irdet::Detection> usual = detector.detect(scene.view()).value().copy();
  RecordWriter writer = RecordWriter::open("x", detector.info().classes, "r").value();
  RecordFrame about;
  about.emit_ns = 1;
  about.realtime_offset_ns = 1;
  const std::string record(writer.line(about, detector.detect(scene.view()).value()).value());
  for (const char* locale : {"de_DE.UTF-8", "fr_FR.UTF-8"}) {
    if (std::setlocale(LC_ALL, locale) != nullptr) break;
  }
  for (const int mode : {FE_UPWARD, FE_DOWNWARD, FE_TOWARDZERO}) {
    std::fesetround(mode);
    Detector other = Detector::open(kPackage, options).value();
    const Detections found = other.detect(scene.view()).value();
    EXPECT_EQ(std::fegetround(), mode);
    const std::string line(writer.line(about, found).value());
    std::fesetround(FE_TONEAREST);
    ASSERT_EQ(found.size(), usual.size());
    for (std::size_t i = 0; i < usual.size(); ++i) EXPECT_EQ(std::memcmp(&found[i], &usual[i], sizeof usual[i]), 0);
    EXPECT_EQ(line, record);
  }
  std::setlocale(LC_ALL, "C");
}

int open_descriptors() {
  int count = 0;
  DIR* folder = opendir("/proc/self/fd");
  while (readdir(folder) != nullptr) ++count;
  closedir(folder);
  return count;
}

long resident_kib() {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    if (line.compare(0, 6, "VmRSS:") == 0) return std::atol(line.c_str() + 6);
  }
  return 0;
}

TEST_F(Interface, OpeningAndClosingLeavesNothing) {
  const char* stated = std::getenv("EIRD_TEST_ROUNDS");  // 10,000 of them in the nightly run
  const int rounds = stated == nullptr ? 40 : std::atoi(stated);
  const auto round = [&] {
    EXPECT_TRUE(Detector::open(kPackage, options));
    for (int i = 0; i < 10; ++i) EXPECT_FALSE(Detector::open("/nowhere", options));
  };
  for (int i = 0; i < 10; ++i) round();
  const int descriptors = open_descriptors();
  const long before = resident_kib();
  for (int i = 0; i < rounds; ++i) round();
  EXPECT_EQ(open_descriptors(), descriptors);
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)  // those keep what was freed
  EXPECT_LT(resident_kib() - before, 16 * 1024);
#else
  EXPECT_GT(before, 0);
#endif
}

TEST(CInterface, NullsAndStructsWithoutASizeAreE701) {
  eird_detector* detector = nullptr;
  eird_tracker* tracker = nullptr;
  eird_recorder* recorder = nullptr;
  eird_detections found{};
  found.size = sizeof found;
  EXPECT_EQ(eird_open(nullptr, nullptr, &detector), 701);
  EXPECT_EQ(eird_open("x", nullptr, nullptr), 701);
  EXPECT_EQ(eird_detect(nullptr, nullptr, &found), 701);
  EXPECT_EQ(eird_reset(nullptr), 701);
  EXPECT_EQ(eird_clone(nullptr, &detector), 701);
  EXPECT_EQ(eird_tracker_open(nullptr, nullptr), 701);
  EXPECT_EQ(eird_recorder_open(nullptr, &recorder), 701);
  eird_options options{};
  EXPECT_EQ(eird_open("x", &options, &detector), 701);  // no size
  eird_options_init(&options, sizeof options);
  options.runtime = 9;
  EXPECT_EQ(eird_open("x", &options, &detector), 701);
  eird_close(nullptr);
  eird_tracker_close(nullptr);
  eird_recorder_close(nullptr);
  ASSERT_EQ(eird_tracker_open(nullptr, &tracker), 0);
  eird_frame frame{};
  frame.size = sizeof frame;
  eird_track_list tracks{};
  EXPECT_EQ(eird_tracks(tracker, &frame, &found, &tracks), 701);  // no size
  tracks.size = sizeof tracks;
  found.count = 3;
  EXPECT_EQ(eird_tracks(tracker, &frame, &found, &tracks), 701);  // no items
  eird_error error{};
  error.size = sizeof error;
  EXPECT_EQ(eird_last_error(tracker, &error), 701);
  EXPECT_NE(std::string(error.what).find("items"), std::string::npos);
  found.count = 0;
  EXPECT_EQ(eird_tracks(tracker, &frame, &found, &tracks), 0);
  EXPECT_EQ(eird_last_error(tracker, nullptr), 0);
  eird_tracker_close(tracker);
}

TEST(CInterface, AnOlderCallersShorterStructsAreTaken) {
  eird_tracker_options options{};
  eird_tracker_options_init(&options, sizeof options);
  options.size = offsetof(eird_tracker_options, acceleration);
  options.acceleration = -1;  // beyond what the caller states
  eird_tracker* tracker = nullptr;
  ASSERT_EQ(eird_tracker_open(&options, &tracker), 0);
  eird_frame frame{};
  frame.size = sizeof frame;
  eird_detections found{};
  found.size = sizeof found;
  eird_track_list tracks{};
  tracks.size = offsetof(eird_track_list, track_ids);
  tracks.detection_count = 77;
  EXPECT_EQ(eird_tracks(tracker, &frame, &found, &tracks), 0);
  EXPECT_EQ(tracks.detection_count, 77U);
  EXPECT_EQ(tracks.size, offsetof(eird_track_list, track_ids));
  eird_tracker_close(tracker);
}

}  // namespace
