// package.json: what it holds, and the checks of its values. The fields, their defaults and their limits are those of
// edge_irdet/package.py and edge_irdet/manifest_limits.py.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "package/json.hpp"

namespace eird {

constexpr int kManifestSchema = 1;                    // the newest that is read
constexpr std::size_t kMostManifestBytes = 1U << 20U;  // largest manifest that is read
constexpr int kLongestSide = 16384;

enum class Precision { fp32, fp16, int8 };
constexpr int kPrecisions = 3;
const char* name_of(Precision precision) noexcept;

enum class NmsRule { iou, distance, nwd };
const char* name_of(NmsRule rule) noexcept;

enum class SixteenBitMapping { linear_percentile, fixed_range, plateau };

struct SixteenBitSpec {
  SixteenBitMapping mapping = SixteenBitMapping::linear_percentile;
  double low = 0.5;               // percentile (0..100) or count that becomes 0
  double high = 99.9;             // percentile (0..100) or count that becomes 255
  double min_span = 64.0;         // smallest range of counts that is stretched to 255
  double plateau = 0.03;          // most a count weighs, percent of the pixels
  double linear = 50.0;           // share of the grey levels that is spread evenly, percent
  double max_gain = 4.0;          // most grey levels a count
  double smoothing_frames = 0.0;  // time constant of the smoothing; 0 maps every frame by itself
  std::int64_t shutter_frames = 60;  // flat frames in a row that may be the shutter
};

struct PreprocessSpec {
  std::uint8_t pad_value = 114;
  std::optional<SixteenBitSpec> sixteen_bit;  // none refuses 16-bit frames: nothing is mapped silently
};

struct PostprocessSpec {
  double score_threshold = 0.25;
  NmsRule nms = NmsRule::iou;
  double nms_limit = 0.45;
  double nwd_scale = 8.0;
  std::int64_t max_detections = 300;
};

struct InputSpec {
  std::string name;
  int width = 0;
  int height = 0;
  int channels = 1;
  std::string dtype;
};

struct OutputSpec {
  std::string name;
  std::vector<std::int64_t> shape;
};

struct GraphFile {
  std::string file;
  std::string sha256;
};

struct Manifest {
  std::string name;
  std::string variant;
  std::vector<std::string> classes;
  InputSpec input;
  std::vector<OutputSpec> outputs;
  PreprocessSpec preprocess;
  PostprocessSpec postprocess;
  std::map<Precision, GraphFile> graphs;
  // SHA-256 of nothing but what an engine's identity needs of the figures: whether a recipe is stated.
  std::int64_t boxes = 0;  // N of boxes [1, N, 4]
};

// Reads a manifest. Throws ContentRefused, or Failure E204 where a newer edge-irdet wrote it; `shown` names the file.
Manifest read_manifest(const char* text, std::size_t bytes, const std::string& shown);

// A name of 1 to 256 characters that can be printed. Throws ContentRefused.
const std::string& read_name(const Json& json, const std::string& path);

// Such a name that is one of a file in the package's own folder.
const std::string& read_file_name(const Json& json, const std::string& path);

// A SHA-256 as 64 hexadecimal digits in lower case.
const std::string& read_sha256(const Json& json, const std::string& path);

// Whether a limit suits its rule; throws ContentRefused.
void check_nms_limit(NmsRule rule, double limit);

}  // namespace eird
