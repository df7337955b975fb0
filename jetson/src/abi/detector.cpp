// The C ABI of detectors.
#include <cmath>
#include <limits>
#include <memory>
#include <new>
#include <string>
#include <vector>

#include "abi/handle.hpp"
#include "detection/detector.hpp"
#include "edge_irdet.h"

struct eird_detector : eird::Handle {
  std::unique_ptr<eird::Detector> detector;
  std::vector<eird_detection> items;
  std::vector<const char*> classes;
  std::string launch;
  eird_log log = nullptr;
  void* log_context = nullptr;
};

namespace eird {
namespace {

eird_options default_options() {
  eird_options options{};
  options.size = sizeof options;
  options.nms_limit = std::numeric_limits<double>::quiet_NaN();
  options.score_threshold = std::numeric_limits<double>::quiet_NaN();
  options.measure = 1;
  options.cuda_graph = 1;
  return options;
}

template <typename Choice>
std::optional<Choice> chosen(std::int32_t value, std::int32_t most, const char* name) {
  if (value < 0 || value > most) {
    throw Failure(Code::option, std::string(name) + " is " + std::to_string(value),
                  "choose 0 to " + std::to_string(most));
  }
  if (value == 0) return std::nullopt;
  return static_cast<Choice>(value - 1);
}

DetectorOptions options_of(const eird_options& given) {
  DetectorOptions options;
  options.runtime = Runtime::any;
  if (const auto runtime = chosen<int>(given.runtime, EIRD_RUNTIME_CPU, "runtime")) {
    options.runtime = *runtime + 1 == EIRD_RUNTIME_CPU ? Runtime::cpu : Runtime::tensorrt;
  }
  options.precision = chosen<Precision>(given.precision, EIRD_INT8, "precision");
  options.nms = chosen<NmsRule>(given.nms, EIRD_NMS_NWD, "nms");
  options.device = given.device;
  options.threads = given.threads;
  if (!std::isnan(given.nms_limit)) options.nms_limit = given.nms_limit;
  if (!std::isnan(given.score_threshold)) options.score_threshold = given.score_threshold;
  if (given.max_detections != 0) options.max_detections = given.max_detections;
  if (given.map16 != nullptr) options.sixteen_bit = parse_mapping(given.map16);
  if (given.onnxruntime != nullptr) options.onnxruntime = given.onnxruntime;
  options.measure = given.measure != 0;
  options.cuda_graph = given.cuda_graph != 0;
  options.cuda_stream = given.cuda_stream;
  return options;
}

void keep(std::unique_ptr<Detector> detector, eird_log log, void* log_context, eird_detector** out) {
  auto handle = std::make_unique<eird_detector>();
  handle->log = log;
  handle->log_context = log_context;
  for (const std::string& name : detector->package().manifest().classes) handle->classes.push_back(name.c_str());
  handle->launch = detector->launch();
  handle->items.reserve(detector->most_detections());
  handle->detector = std::move(detector);
  *out = handle.release();
}

Frame frame_of(const eird_image& image) {
  if (image.memory != EIRD_HOST) {
    throw Failure(Code::frame_format, "frames in memory of kind " + std::to_string(image.memory) + " are not taken yet",
                  "pass a frame in host memory");
  }
  return {static_cast<const std::uint8_t*>(image.data), image.bytes, image.width, image.height, image.pitch,
          static_cast<PixelFormat>(image.format)};
}

eird_detections detections_of(eird_detector& handle, const eird_image& image) {
  const Detector& detector = *handle.detector;
  handle.items.clear();
  for (std::size_t i = 0; i < detector.detections().size(); ++i) {
    const Selected& found = detector.detections()[i];
    const Measurement& measured = detector.measurements()[i];
    eird_detection item{};
    item.size = sizeof item;
    item.class_id = found.class_id;
    std::memcpy(item.box, found.box, sizeof item.box);
    item.score = found.score;
    item.centroid[0] = measured.x;
    item.centroid[1] = measured.y;
    item.scr = measured.scr;
    handle.items.push_back(item);
  }
  const StepTimes& times = detector.times();
  eird_detections found{};
  found.size = sizeof found;
  found.stride = sizeof(eird_detection);
  found.items = handle.items.data();
  found.count = handle.items.size();
  found.shutter = detector.preprocessor().shutter() ? 1 : 0;
  found.width = image.width;
  found.height = image.height;
  found.format = image.format;
  found.preprocess_ns = times.preprocess_ns;
  found.network_ns = times.network_ns;
  found.select_ns = times.select_ns;
  found.measure_ns = times.measure_ns;
  return found;
}

}  // namespace
}  // namespace eird

extern "C" {

void eird_options_init(eird_options* options, uint32_t size) {
  if (options == nullptr) return;
  options->size = size;
  eird::without_handle([&] { eird::fill(options, eird::default_options(), "options"); });
}

int eird_open(const char* package, const eird_options* options, eird_detector** detector) {
  if (detector != nullptr) *detector = nullptr;
  return eird::without_handle([&] {
    if (package == nullptr || detector == nullptr) {
      throw eird::Failure(eird::Code::option, "the package or the place of the detector is NULL", "pass both");
    }
    eird_options given = eird::default_options();
    if (options != nullptr) given = eird::stated(options, given, "options");
    auto opened = eird::Detector::open(package, eird::options_of(given));
    if (given.log != nullptr) given.log(given.log_context, EIRD_LOG_INFO, opened->reason().c_str());
    eird::keep(std::move(opened), given.log, given.log_context, detector);
  });
}

int eird_clone(eird_detector* detector, eird_detector** clone) {
  if (clone != nullptr) *clone = nullptr;
  return eird::entered(detector, [&] {
    if (clone == nullptr) throw eird::Failure(eird::Code::option, "the place of the clone is NULL", "pass one");
    eird::keep(detector->detector->clone(), detector->log, detector->log_context, clone);
  });
}

void eird_close(eird_detector* detector) {
  const eird::FloatingPoint floating_point;
  delete detector;
}

int eird_detect(eird_detector* detector, const eird_image* image, eird_detections* detections) {
  return eird::entered(detector, [&] {
    const eird_image given = eird::stated(image, eird_image{}, "image");
    if (detections == nullptr) throw eird::Failure(eird::Code::option, "detections is NULL", "pass one");
    detector->detector->detect(eird::frame_of(given));
    eird::fill(detections, eird::detections_of(*detector, given), "detections");
  });
}

int eird_reset(eird_detector* detector) {
  return eird::entered(detector, [&] { detector->detector->reset(); });
}

int eird_get_info(eird_detector* detector, eird_info* info) {
  return eird::entered(detector, [&] {
    const eird::Detector& one = *detector->detector;
    const eird::Manifest& manifest = one.package().manifest();
    eird_info found{};
    found.size = sizeof found;
    found.runtime = one.runtime() == eird::Runtime::tensorrt ? EIRD_RUNTIME_TENSORRT : EIRD_RUNTIME_CPU;
    found.precision = static_cast<int>(one.precision()) + 1;
    found.input_width = manifest.input.width;
    found.input_height = manifest.input.height;
    found.package = manifest.name.c_str();
    found.directory = one.package().directory().c_str();
    found.manifest_sha256 = one.package().sha256().c_str();
    found.reason = one.reason().c_str();
    found.engine = one.engine().c_str();
    found.launch = detector->launch.c_str();
    found.classes = detector->classes.data();
    found.class_count = detector->classes.size();
    found.score_threshold = one.postprocess().score_threshold;
    eird::fill(info, found, "info");
  });
}

int eird_inspect(eird_detector* detector, eird_inspection* inspection) {
  return eird::entered(detector, [&] {
    const eird::Detector& one = *detector->detector;
    const eird::Placement& placement = one.preprocessor().placement();
    eird_inspection found{};
    found.size = sizeof found;
    found.left = placement.left;
    found.top = placement.top;
    found.width = placement.width;
    found.height = placement.height;
    found.scale_x = placement.scale_x;
    found.scale_y = placement.scale_y;
    found.tensor = one.preprocessor().tensor();
    found.tensor_bytes = one.preprocessor().size();
    found.boxes = one.output().boxes;
    found.scores = one.output().scores;
    found.box_count = one.output().count;
    found.class_count = one.output().classes;
    eird::fill(inspection, found, "inspection");
  });
}

}  // extern "C"
