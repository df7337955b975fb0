// A host in C++: 16-bit frames that it has in memory, their detections, tracks and records.
#include <edge_irdet/edge_irdet.hpp>

#include <cstdint>
#include <cstdio>
#include <vector>

int main(int, char** arguments) try {
  edge_irdet::Options options;
  options.map16 = "linear-percentile@15";  // 16-bit frames need a mapping; without one they are refused
  auto detector = edge_irdet::Detector::open(arguments[1], options).value();
  auto tracker = edge_irdet::Tracker::open().value();
  auto writer = edge_irdet::RecordWriter::open("camera", detector.info().classes).value();

  const int width = 320, height = 256;
  std::vector<std::uint16_t> counts(width * height);
  for (int number = 0; number < 4; ++number) {
    // Here a camera's frame comes in: a sky, and a target that moves to the right.
    for (int i = 0; i < width * height; ++i) counts[i] = static_cast<std::uint16_t>(7000 + i / width + i % 7);
    for (int i = 0; i < 9; ++i) counts[(100 + i / 3) * width + 160 + 2 * number + i % 3] = 9000;
    const std::int64_t capture_ns = 1'000'000'000 + 33'000'000LL * number;

    const edge_irdet::ImageView view{counts.data(), counts.size() * 2, width, height, width * 2,
                                     edge_irdet::PixelFormat::grey16};
    const auto found = detector.detect(view).value();
    const auto tracks = tracker.update({capture_ns, static_cast<std::uint64_t>(number), false}, found).value();
    edge_irdet::RecordFrame frame;
    frame.sequence = number;
    frame.capture_ns = capture_ns;
    std::printf("%zu detections, %zu tracks\n", found.size(), tracks.size());
    if (number == 3) std::printf("%s\n", writer.line(frame, found, &tracks).value().data());
  }
} catch (const edge_irdet::Exception& error) {
  std::fprintf(stderr, "%s\n", error.what());
  return 1;
}
