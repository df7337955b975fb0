// A model package and the back end that suits this machine: frames in, detections out.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "backends/backend.hpp"
#include "detection/select.hpp"
#include "failure.hpp"
#include "measurement/measure.hpp"
#include "package/package.hpp"
#include "preprocess/preprocessor.hpp"

namespace eird {

enum class Runtime { any, tensorrt, cpu };

struct DetectorOptions {
  Runtime runtime = Runtime::any;
  std::optional<Precision> precision;
  int device = 0;
  int threads = 0;
  std::optional<double> score_threshold;
  std::optional<NmsRule> nms;
  std::optional<double> nms_limit;
  std::optional<std::int64_t> max_detections;
  std::optional<SixteenBitSpec> sixteen_bit;
  bool measure = true;
  bool cuda_graph = true;
  void* cuda_stream = nullptr;
  std::string onnxruntime;
};

// How long each step of a frame took.
struct StepTimes {
  std::int64_t preprocess_ns = 0;
  std::int64_t network_ns = 0;
  std::int64_t select_ns = 0;
  std::int64_t measure_ns = 0;
};

// What runs and why.
struct Chosen {
  std::unique_ptr<Backend> backend;
  Runtime runtime = Runtime::cpu;
  Precision precision = Precision::fp32;
  std::string reason;
  std::string engine;  // its path; empty on the CPU
};

// Not thread-safe; clones are independent.
class Detector {
 public:
  static std::unique_ptr<Detector> open(const std::string& package, const DetectorOptions& options);

  // On a back end that has been chosen.
  Detector(std::shared_ptr<const Package> package, const PreprocessSpec& preprocess, const PostprocessSpec& postprocess,
           bool measure, Chosen chosen);

  std::unique_ptr<Detector> clone() const;

  // Detects in the next frame. detections(), measurements() and the rest are valid until the next call. Throws Failure.
  void detect(const Frame& frame);
  void reset() { preprocessor_.reset(); }

  const std::vector<Selected>& detections() const { return detections_; }  // in pixels of the frame
  const std::vector<Measurement>& measurements() const { return *measurements_; }
  const Preprocessor& preprocessor() const { return preprocessor_; }
  const NetworkOutput& output() const { return output_; }
  const StepTimes& times() const { return times_; }
  const Package& package() const { return *package_; }
  const PostprocessSpec& postprocess() const { return postprocess_; }
  Runtime runtime() const { return runtime_; }
  Precision precision() const { return precision_; }
  const std::string& reason() const { return reason_; }
  const std::string& engine() const { return engine_; }
  std::string launch() const { return backend_->launch(); }
  // Most detections of a frame.
  std::size_t most_detections() const { return most_detections_; }

 private:
  std::shared_ptr<const Package> package_;
  PreprocessSpec preprocess_;
  PostprocessSpec postprocess_;
  bool measures_;
  std::unique_ptr<Backend> backend_;
  Runtime runtime_;
  Precision precision_;
  std::string reason_;
  std::string engine_;
  Preprocessor preprocessor_;
  Selector selector_;
  std::size_t most_detections_;
  Measurer measurer_;
  std::optional<Failure> broken_;  // what the back end failed with; it is said again until the detector is opened anew
  NetworkOutput output_;
  std::vector<Selected> detections_;
  std::vector<Measurement> unmeasured_;
  const std::vector<Measurement>* measurements_ = &unmeasured_;
  StepTimes times_;
};

}  // namespace eird
