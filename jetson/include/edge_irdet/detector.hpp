// Detects small targets in the frames of one source.
#pragma once

#include <edge_irdet.h>
#include <edge_irdet/image.hpp>
#include <edge_irdet/result.hpp>

#include <chrono>
#include <cstddef>
#include <cstring>
#include <functional>
#include <iterator>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace edge_irdet {
inline namespace v0 {

enum class Runtime {
  automatic = EIRD_RUNTIME_AUTO,  // TensorRT where an engine fits this device, else the CPU
  tensorrt = EIRD_RUNTIME_TENSORRT,
  cpu = EIRD_RUNTIME_CPU,
};
enum class Precision { fp32 = EIRD_FP32, fp16 = EIRD_FP16, int8 = EIRD_INT8 };
enum class NmsRule { iou = EIRD_NMS_IOU, distance = EIRD_NMS_DISTANCE, nwd = EIRD_NMS_NWD };

// Where a package runs, and which of its own settings are changed; what is not set keeps the package's.
struct Options {
  Runtime runtime = Runtime::automatic;
  std::optional<Precision> precision;  // the engine measured as the fastest; FP32 on the CPU
  int device = 0;                      // number of the GPU
  int threads = 0;                     // of one inference on the CPU; 0 takes one per core
  std::optional<double> score_threshold;
  std::optional<NmsRule> nms;
  std::optional<double> nms_limit;  // IoU or NWD 0..1, or network pixels
  std::optional<int> max_detections;
  std::string map16;     // 16-bit mapping as --map16 takes it; empty is the package's, which may refuse 16 bits
  bool measure = true;   // centroids and signal-to-clutter ratios
  std::string onnxruntime;      // library; empty: EDGE_IRDET_ONNXRUNTIME, then libonnxruntime.so.1
  void* cuda_stream = nullptr;  // cudaStream_t that gets all work; null makes one
  bool cuda_graph = true;
  std::function<void(std::string_view)> log;  // called from the thread that opens the detector
};

using Detection = eird_detection;  // box, score, class_id, centroid, scr (NaN: none)

// One frame's detections, best score first: a view into memory of the detector, valid until its next call.
class Detections {
 public:
  class iterator {
   public:
    using iterator_category = std::forward_iterator_tag;
    using value_type = Detection;
    using difference_type = std::ptrdiff_t;
    using pointer = const Detection*;
    using reference = const Detection&;

    iterator() = default;
    iterator(const Detections* among, std::size_t index) : among_(among), index_(index) {}
    reference operator*() const { return (*among_)[index_]; }
    pointer operator->() const { return &(*among_)[index_]; }
    iterator& operator++() {
      ++index_;
      return *this;
    }
    iterator operator++(int) {
      iterator before = *this;
      ++index_;
      return before;
    }
    bool operator==(const iterator& other) const { return index_ == other.index_; }
    bool operator!=(const iterator& other) const { return index_ != other.index_; }

   private:
    const Detections* among_ = nullptr;
    std::size_t index_ = 0;
  };

  explicit Detections(const eird_detections& found) : found_(found) {}

  std::size_t size() const { return found_.count; }
  bool empty() const { return found_.count == 0; }
  const Detection& operator[](std::size_t index) const {
    const auto* bytes = reinterpret_cast<const char*>(found_.items) + index * found_.stride;
    return *reinterpret_cast<const Detection*>(bytes);
  }
  iterator begin() const { return {this, 0}; }
  iterator end() const { return {this, found_.count}; }

  // The camera's shutter was closed, or the frame shows nothing: no detection then says nothing about the scene.
  bool shutter() const { return found_.shutter != 0; }
  std::chrono::nanoseconds network_time() const { return std::chrono::nanoseconds(found_.network_ns); }

  // The detections in memory of the host's own.
  std::vector<Detection> copy() const { return {begin(), end()}; }

  const eird_detections& raw() const { return found_; }

 private:
  eird_detections found_;
};

// What runs and why.
struct Info {
  Runtime runtime = Runtime::cpu;
  Precision precision = Precision::fp32;
  std::string reason;  // one line for the log
  std::string engine;  // its path; empty on the CPU
  std::string launch;  // how a frame is launched
  std::string package;
  std::string directory;
  std::string manifest_sha256;
  int input_width = 0;
  int input_height = 0;
  double score_threshold = 0.0;
  std::vector<std::string> classes;
};

// May move between threads; two calls at once give E610 to the second. A clone for each thread or source.
class Detector {
 public:
  // Opens a package by its path or the name of an installed one.
  static Result<Detector> open(const std::string& path_or_name, const Options& options = {}) {
    eird_options given{};
    eird_options_init(&given, sizeof given);
    given.runtime = static_cast<int>(options.runtime);
    given.precision = options.precision ? static_cast<int>(*options.precision) : EIRD_PRECISION_DEFAULT;
    given.device = options.device;
    given.threads = options.threads;
    given.nms = options.nms ? static_cast<int>(*options.nms) : EIRD_NMS_DEFAULT;
    if (options.nms_limit) given.nms_limit = *options.nms_limit;
    if (options.score_threshold) given.score_threshold = *options.score_threshold;
    // 0 is the package's in C; here a 0 is one that was asked for, and is refused.
    if (options.max_detections) given.max_detections = *options.max_detections == 0 ? -1 : *options.max_detections;
    given.measure = options.measure ? 1 : 0;
    given.map16 = options.map16.empty() ? nullptr : options.map16.c_str();
    given.onnxruntime = options.onnxruntime.empty() ? nullptr : options.onnxruntime.c_str();
    given.cuda_stream = options.cuda_stream;
    given.cuda_graph = options.cuda_graph ? 1 : 0;
    if (options.log) {
      given.log = [](void* context, int, const char* text) {
        (*static_cast<const std::function<void(std::string_view)>*>(context))(text);
      };
      given.log_context = const_cast<std::function<void(std::string_view)>*>(&options.log);
    }
    eird_detector* handle = nullptr;
    if (eird_open(path_or_name.c_str(), &given, &handle) != EIRD_OK) return detail::last_error(nullptr);
    return with_info(handle);
  }

  Result<Detections> detect(const ImageView& image) {
    eird_image view{};
    view.size = sizeof view;
    view.format = static_cast<int>(image.format);
    view.data = image.data;
    view.bytes = image.bytes;
    view.width = image.width;
    view.height = image.height;
    view.pitch = image.pitch;
    view.memory = static_cast<int>(image.memory);
    eird_detections found{};
    found.size = sizeof found;
    if (eird_detect(handle_.get(), &view, &found) != EIRD_OK) return detail::last_error(handle_.get());
    return Detections(found);
  }

  // Another one on the same weights or engine, with buffers, stream and mapping of its own.
  Result<Detector> clone() const {
    eird_detector* handle = nullptr;
    if (eird_clone(handle_.get(), &handle) != EIRD_OK) return detail::last_error(handle_.get());
    return with_info(handle);
  }

  // Forgets the frames so far, as after a gap in them.
  void reset() { eird_reset(handle_.get()); }

  const Info& info() const { return info_; }
  eird_detector* handle() const { return handle_.get(); }

 private:
  struct Close {
    void operator()(eird_detector* handle) const { eird_close(handle); }
  };

  explicit Detector(eird_detector* handle) : handle_(handle) {}

  static Result<Detector> with_info(eird_detector* handle) {
    Detector detector(handle);
    eird_info found{};
    found.size = sizeof found;
    if (eird_get_info(handle, &found) != EIRD_OK) return detail::last_error(handle);
    Info& info = detector.info_;
    info.runtime = static_cast<Runtime>(found.runtime);
    info.precision = static_cast<Precision>(found.precision);
    info.reason = found.reason;
    info.engine = found.engine;
    info.launch = found.launch;
    info.package = found.package;
    info.directory = found.directory;
    info.manifest_sha256 = found.manifest_sha256;
    info.input_width = found.input_width;
    info.input_height = found.input_height;
    info.score_threshold = found.score_threshold;
    info.classes.assign(found.classes, found.classes + found.class_count);
    return detector;
  }

  std::unique_ptr<eird_detector, Close> handle_;
  Info info_;
};

// Version of the library.
inline std::string version() { return eird_version(); }

// What back ends there are, one line each.
inline std::string backends() { return eird_backends(); }

}  // namespace v0
}  // namespace edge_irdet
