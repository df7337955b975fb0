#include "detection/detector.hpp"

#include <algorithm>
#include <chrono>
#include <limits>
#include <utility>

#include "engine/selection.hpp"
#include "package/decimal.hpp"
#include "package/intake.hpp"

namespace eird {
namespace {

std::int64_t now_ns() {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

// Limit that a rule gets when it is chosen without one: the paper's IoU; pixels; NWD.
double default_limit(NmsRule rule) {
  switch (rule) {
    case NmsRule::iou: return 0.45;
    case NmsRule::distance: return 3.0;
    case NmsRule::nwd: return 0.6;
  }
  return 0.0;
}

PostprocessSpec changed(PostprocessSpec spec, const DetectorOptions& options) {
  if (options.score_threshold) {
    if (!(*options.score_threshold >= 0.0 && *options.score_threshold <= 1.0)) {
      throw Failure(Code::option, "the score threshold " + format_double(*options.score_threshold) + " is not in 0..1",
                    "choose for example 0.25");
    }
    spec.score_threshold = *options.score_threshold;
  }
  if (options.nms && *options.nms != spec.nms) {
    spec.nms = *options.nms;
    spec.nms_limit = default_limit(spec.nms);
  }
  if (options.nms_limit) spec.nms_limit = *options.nms_limit;
  try {
    check_nms_limit(spec.nms, spec.nms_limit);
  } catch (const ContentRefused& refused) {
    throw Failure(Code::option, refused.what(), "choose for example 0.45 for iou, 3 for distance, 0.6 for nwd");
  }
  if (options.max_detections) {
    if (*options.max_detections < 1) {
      throw Failure(Code::option, "max_detections is " + std::to_string(*options.max_detections), "choose at least 1");
    }
    spec.max_detections = *options.max_detections;
  }
  return spec;
}

void check(const DetectorOptions& options) {
  if (options.device < 0) {
    throw Failure(Code::option, "device is " + std::to_string(options.device), "choose the number of a GPU, from 0");
  }
  if (options.threads < 0) {
    throw Failure(Code::option, "threads is " + std::to_string(options.threads),
                  "choose 0 for one per core, or a positive number");
  }
}

}  // namespace

std::unique_ptr<Detector> Detector::open(const std::string& path_or_name, const DetectorOptions& options) {
  check(options);
  auto package = std::make_shared<const Package>(Package::open(path_or_name));
  const PostprocessSpec postprocess = changed(package->manifest().postprocess, options);
  PreprocessSpec preprocess = package->manifest().preprocess;
  if (options.sixteen_bit) preprocess.sixteen_bit = options.sixteen_bit;
  Chosen chosen = choose_backend(*package, options);
  return std::make_unique<Detector>(std::move(package), preprocess, postprocess, options.measure, std::move(chosen));
}

Detector::Detector(std::shared_ptr<const Package> package, const PreprocessSpec& preprocess,
                   const PostprocessSpec& postprocess, bool measure, Chosen chosen)
    : package_(std::move(package)),
      preprocess_(preprocess),
      postprocess_(postprocess),
      measures_(measure),
      backend_(std::move(chosen.backend)),
      runtime_(chosen.runtime),
      precision_(chosen.precision),
      reason_(std::move(chosen.reason)),
      engine_(std::move(chosen.engine)),
      preprocessor_(preprocess, package_->manifest().input.width, package_->manifest().input.height),
      selector_(postprocess),
      most_detections_(std::min({static_cast<std::size_t>(postprocess.max_detections),
                                 static_cast<std::size_t>(package_->manifest().boxes), kMostCandidates})) {
  detections_.reserve(most_detections_);
  unmeasured_.reserve(measures_ ? 0 : most_detections_);
  measurer_.reserve(most_detections_);
}

std::unique_ptr<Detector> Detector::clone() const {
  if (broken_) throw Failure(*broken_);
  return std::make_unique<Detector>(package_, preprocess_, postprocess_, measures_,
                                    Chosen{backend_->clone(), runtime_, precision_, reason_, engine_});
}

void Detector::detect(const Frame& frame) {
  if (broken_) throw Failure(*broken_);
  detections_.clear();
  output_ = {};
  const std::int64_t start = now_ns();
  const Placement& placement = preprocessor_(frame);
  const std::int64_t prepared = now_ns();
  try {
    output_ = backend_->run(preprocessor_.tensor(), preprocessor_.size());
  } catch (const Failure& failure) {
    broken_ = failure;
    throw;
  }
  const std::int64_t run = now_ns();
  for (const Selected& one : selector_(output_)) {
    detections_.push_back(one);
    placement.to_frame(one.box, detections_.back().box);
  }
  const std::int64_t selected = now_ns();
  if (measures_) {
    measurements_ = &measurer_(preprocessor_.grey(), detections_.empty() ? nullptr : detections_[0].box,
                               detections_.size(), sizeof(Selected) / sizeof(float));
  } else {
    unmeasured_.clear();
    for (const Selected& one : detections_) {
      unmeasured_.push_back({(static_cast<double>(one.box[0]) + static_cast<double>(one.box[2])) * 0.5,
                             (static_cast<double>(one.box[1]) + static_cast<double>(one.box[3])) * 0.5,
                             std::numeric_limits<double>::quiet_NaN()});
    }
  }
  times_ = {prepared - start, run - prepared, selected - run, now_ns() - selected};
}

}  // namespace eird
