// After the first frames of a size, detect, update and line allocate nothing: malloc is counted in this thread, but for
// ONNX Runtime's own run. Prints the counts; ends with 1 where there is one above 0.
#include <edge_irdet.h>

#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "backends/onnxruntime.hpp"
#include "detection/detector.hpp"
#include "record/writer.hpp"
#include "tracking/tracker.hpp"

namespace {

thread_local bool counting = false;
thread_local long allocations = 0;

}  // namespace

extern "C" {

void* __libc_malloc(std::size_t bytes);
void* __libc_calloc(std::size_t count, std::size_t bytes);
void* __libc_realloc(void* memory, std::size_t bytes);

void* malloc(std::size_t bytes) {
  allocations += counting ? 1 : 0;
  return __libc_malloc(bytes);
}
void* calloc(std::size_t count, std::size_t bytes) {
  allocations += counting ? 1 : 0;
  return __libc_calloc(count, bytes);
}
void* realloc(void* memory, std::size_t bytes) {
  allocations += counting ? 1 : 0;
  return __libc_realloc(memory, bytes);
}
}

namespace {

// Counts nothing while the back end runs.
class Uncounted final : public eird::Backend {
 public:
  explicit Uncounted(std::unique_ptr<eird::Backend> real) : real_(std::move(real)) {}

  eird::NetworkOutput run(const std::uint8_t* tensor, std::size_t bytes) override {
    const bool before = counting;
    counting = false;
    const eird::NetworkOutput output = real_->run(tensor, bytes);
    counting = before;
    return output;
  }
  std::unique_ptr<eird::Backend> clone() const override { return std::make_unique<Uncounted>(real_->clone()); }
  std::string launch() const override { return real_->launch(); }

 private:
  std::unique_ptr<eird::Backend> real_;
};

struct Counts {
  long detect = 0;
  long update = 0;
  long line = 0;
  std::size_t most_detections = 0;
};

template <typename Work>
void counted(long& into, Work work) {
  allocations = 0;
  counting = true;
  work();
  counting = false;
  into += allocations;
}

// Frames from nearly empty to crowded, so that later ones hold more than the first.
Counts run(const eird::Package& package, const std::string& library, bool sixteen, double threshold) {
  constexpr int kWidth = 640, kHeight = 512;
  eird::PreprocessSpec preprocess = package.manifest().preprocess;
  if (sixteen) preprocess.sixteen_bit = eird::parse_mapping("plateau@15");
  eird::PostprocessSpec postprocess = package.manifest().postprocess;
  eird::Chosen chosen;
  chosen.backend = std::make_unique<Uncounted>(eird::open_onnxruntime(package, eird::Precision::fp32, {library, 1}));
  eird::Detector detector(std::make_shared<const eird::Package>(package), preprocess, postprocess, true, std::move(chosen));
  postprocess.score_threshold = threshold;
  eird::Chosen crowded;
  crowded.backend = std::make_unique<Uncounted>(eird::open_onnxruntime(package, eird::Precision::fp32, {library, 1}));
  eird::Detector other(std::make_shared<const eird::Package>(package), preprocess, postprocess, true, std::move(crowded));
  eird::Tracker tracker({});
  eird::RecordWriter writer("s", 0, "r", package.manifest().classes);
  std::vector<eird::Sighting> sightings(eird::kMostCandidates);
  std::vector<eird::Finding> findings(eird::kMostCandidates);
  Counts counts;
  std::vector<std::uint16_t> pixels(kWidth * kHeight);
  for (int number = 0; number < 8; ++number) {
    for (int i = 0; i < kWidth * kHeight; ++i) {
      const int value = 60 + i / kWidth / 8 + (i * 2654435761U >> 28U) * (number > 4 ? 6 : 1);
      if (sixteen) {
        pixels[static_cast<std::size_t>(i)] = static_cast<std::uint16_t>(7000 + 20 * value);
      } else {
        reinterpret_cast<std::uint8_t*>(pixels.data())[i] = static_cast<std::uint8_t>(value);
      }
    }
    const std::size_t pitch = sixteen ? 2 * kWidth : kWidth;
    const eird::Frame frame{reinterpret_cast<const std::uint8_t*>(pixels.data()), pitch * kHeight, kWidth, kHeight, pitch,
                            sixteen ? eird::PixelFormat::grey16 : eird::PixelFormat::grey8};
    long ignored = 0;
    const bool warm = number >= 2;
    // The threshold lets many pass only once all is warm.
    eird::Detector& one = number < 4 ? detector : other;
    if (number == 2) other.detect(frame);
    counted(warm && number != 4 ? counts.detect : ignored, [&] { one.detect(frame); });
    const std::size_t found = one.detections().size();
    counts.most_detections = std::max(counts.most_detections, found);
    for (std::size_t i = 0; i < found; ++i) {
      const eird::Selected& from = one.detections()[i];
      const eird::Measurement& measured = one.measurements()[i];
      std::memcpy(sightings[i].box, from.box, sizeof from.box);
      std::memcpy(findings[i].box, from.box, sizeof from.box);
      sightings[i].score = findings[i].score = from.score;
      sightings[i].class_id = findings[i].class_id = from.class_id;
      sightings[i].x = findings[i].x = measured.x;
      sightings[i].y = findings[i].y = measured.y;
      findings[i].scr = measured.scr;
    }
    counted(warm ? counts.update : ignored, [&] {
      tracker.update({33'000'000LL * number, false, false, kWidth, kHeight}, sightings.data(), found);
    });
    const eird::RecordTracks tracks{tracker.tracks().data(), tracker.tracks().size(), tracker.track_ids().data()};
    counted(warm ? counts.line : ignored, [&] { writer.line({}, findings.data(), found, &tracks); });
  }
  return counts;
}

}  // namespace

int main(int count, char** arguments) try {
  if (count != 3) {
    std::fprintf(stderr, "usage: allocations PACKAGE LIBRARY_OF_ONNXRUNTIME\n");
    return 2;
  }
  const eird::Package package = eird::Package::open(arguments[1]);
  bool good = true;
  for (const bool sixteen : {false, true}) {
    const Counts counts = run(package, arguments[2], sixteen, 0.0);
    std::printf("%d bits: detect %ld, update %ld, line %ld, up to %zu detections\n", sixteen ? 16 : 8, counts.detect,
                counts.update, counts.line, counts.most_detections);
    good = good && counts.detect == 0 && counts.update == 0 && counts.line == 0 && counts.most_detections == 300;
  }
  return good ? 0 : 1;
} catch (const std::exception& error) {
  counting = false;
  std::fprintf(stderr, "%s\n", error.what());
  return 2;
}
