#include "detection/select.hpp"

#include <algorithm>
#include <cmath>
#include <string>

#include "failure.hpp"
#include "package/decimal.hpp"

namespace eird {
namespace {

constexpr float kHighestScore = 1.0F + 1e-5F;  // the last digit of a product of sigmoids
constexpr float kFarthest = 1e6F;              // coordinates beyond it are no place; sides end at 16384
constexpr std::size_t kStep = 64;  // scores that are looked at together
constexpr const char* kNextStep =
    "compare the runtime with the CPU (runtime cpu); if both do it, export or calibrate the package again";

bool is_score(float score) { return score >= 0.0F && score <= kHighestScore; }

template <typename ScoreAt>
[[noreturn]] void refuse_scores(std::size_t count, ScoreAt score_at) {
  std::size_t wrong = 0;
  float first = 0.0F;
  for (std::size_t i = 0; i < count; ++i) {
    if (is_score(score_at(i))) continue;
    if (wrong++ == 0) first = score_at(i);
  }
  throw Failure(Code::runner,
                "the graph gave " + std::to_string(wrong) + " of " + std::to_string(count) +
                    " scores that are not in 0..1, such as " + format_double(static_cast<double>(first)),
                kNextStep);
}

}  // namespace

Selector::Selector(const PostprocessSpec& spec)
    : rule_(spec.nms),
      most_(static_cast<std::size_t>(std::min<std::int64_t>(spec.max_detections, kMostCandidates))),
      threshold_(static_cast<float>(spec.score_threshold)),
      limit_(static_cast<float>(spec.nms_limit)),
      distance_square_(limit_ * limit_),
      nwd_square_(0.0) {
  const double reach = spec.nwd_scale * std::log(1.0 / spec.nms_limit);
  nwd_square_ = reach * reach;
}

const std::vector<Selected>& Selector::operator()(const NetworkOutput& output) {
  selected_.clear();
  candidates_.clear();
  if (candidates_.capacity() < output.count) {
    // The most that can be needed, once: a frame full of candidates must not allocate.
    candidates_.reserve(output.count);
    left_.reserve(std::min(output.count, kMostCandidates));
    selected_.reserve(std::min(output.count, most_));
  }
  if (output.classes == 1) {
    collect_single_class(output);
  } else {
    collect_best_class(output);
  }
  if (candidates_.empty()) return selected_;
  order_candidates();
  take_boxes(output);
  switch (rule_) {
    case NmsRule::iou:
      suppress([limit = limit_](const Box& a, const Box& b) {
        const float width = std::max(std::min(a.right, b.right) - std::max(a.left, b.left), 0.0F);
        const float height = std::max(std::min(a.bottom, b.bottom) - std::max(a.top, b.top), 0.0F);
        const float overlap = width * height;
        // Compared as a product: a union of zero must not divide.
        return overlap > limit * (a.area + b.area - overlap);
      });
      break;
    case NmsRule::distance:
      suppress([limit = distance_square_](const Box& a, const Box& b) {
        const float x = (b.left + b.right - a.left - a.right) * 0.5F;
        const float y = (b.top + b.bottom - a.top - a.bottom) * 0.5F;
        return x * x + y * y < limit;
      });
      break;
    case NmsRule::nwd:
      suppress([limit = nwd_square_](const Box& a, const Box& b) {
        const float x = (b.left + b.right - a.left - a.right) * 0.5F;
        const float y = (b.top + b.bottom - a.top - a.bottom) * 0.5F;
        const float width = (b.right - b.left - (a.right - a.left)) * 0.5F;
        const float height = (b.bottom - b.top - (a.bottom - a.top)) * 0.5F;
        const float square = (x * x + y * y) + (width * width + height * height);
        return static_cast<double>(square) < limit;
      });
      break;
  }
  return selected_;
}

void Selector::collect_single_class(const NetworkOutput& output) {
  const float* scores = output.scores;
  const float threshold = threshold_;
  for (std::size_t start = 0; start < output.count; start += kStep) {
    const std::size_t end = std::min(start + kStep, output.count);
    unsigned sound = 1;
    unsigned any = 0;
    for (std::size_t i = start; i < end; ++i) {
      sound &= static_cast<unsigned>(scores[i] >= 0.0F) & static_cast<unsigned>(scores[i] <= kHighestScore);
      any |= static_cast<unsigned>(scores[i] >= threshold);
    }
    if (sound == 0) refuse_scores(output.count, [scores](std::size_t i) { return scores[i]; });
    if (any == 0) continue;
    for (std::size_t i = start; i < end; ++i) {
      if (scores[i] >= threshold) candidates_.push_back({scores[i], 0, i});
    }
  }
}

void Selector::collect_best_class(const NetworkOutput& output) {
  // The first of the highest; a score that is not a number is the highest of all.
  const auto best_of = [&output](std::size_t i) {
    const float* row = output.scores + i * output.classes;
    std::size_t best = 0;
    for (std::size_t one = 1; one < output.classes && !std::isnan(row[best]); ++one) {
      if (row[one] > row[best] || std::isnan(row[one])) best = one;
    }
    return best;
  };
  const auto score_at = [&](std::size_t i) { return output.scores[i * output.classes + best_of(i)]; };
  for (std::size_t i = 0; i < output.count; ++i) {
    const std::size_t best = best_of(i);
    const float score = output.scores[i * output.classes + best];
    if (!is_score(score)) refuse_scores(output.count, score_at);
    if (score >= threshold_) candidates_.push_back({score, static_cast<std::int32_t>(best), i});
  }
}

void Selector::order_candidates() {
  const auto before = [](const Candidate& a, const Candidate& b) {
    return a.score != b.score ? a.score > b.score : a.index < b.index;
  };
  if (candidates_.size() > kMostCandidates) {
    std::nth_element(candidates_.begin(), candidates_.begin() + kMostCandidates, candidates_.end(), before);
    candidates_.resize(kMostCandidates);
  }
  std::sort(candidates_.begin(), candidates_.end(), before);
}

void Selector::take_boxes(const NetworkOutput& output) {
  left_.clear();
  for (const Candidate& candidate : candidates_) {
    const float* box = output.boxes + 4 * candidate.index;
    const bool sound = std::abs(box[0]) <= kFarthest && std::abs(box[1]) <= kFarthest &&
                       std::abs(box[2]) <= kFarthest && std::abs(box[3]) <= kFarthest;  // which no NaN is
    if (!sound) {
      std::string shown;
      for (int i = 0; i < 4; ++i) shown += (i == 0 ? "" : ", ") + format_double(static_cast<double>(box[i]));
      throw Failure(Code::runner, "the graph gave the box [" + shown + "] above the score threshold", kNextStep);
    }
    const float area = (box[2] - box[0]) * (box[3] - box[1]);
    left_.push_back({box[0], box[1], box[2], box[3], area, candidate.class_id, candidate.score});
  }
}

// Greedy over the score order: each box that is kept takes what is left of its target.
template <typename SameTarget>
void Selector::suppress(SameTarget same_target) {
  std::size_t count = left_.size();
  while (count > 0 && selected_.size() < most_) {
    const Box best = left_[0];
    selected_.push_back({{best.left, best.top, best.right, best.bottom}, best.score, best.class_id});
    std::size_t kept = 0;
    for (std::size_t i = 1; i < count; ++i) {
      const Box box = left_[i];
      left_[kept] = box;
      kept += static_cast<std::size_t>(box.class_id != best.class_id || !same_target(best, box));
    }
    count = kept;
  }
}

}  // namespace eird
