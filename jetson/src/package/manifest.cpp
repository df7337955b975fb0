#include "package/manifest.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <set>
#include <utility>

#include "failure.hpp"
#include "package/decimal.hpp"
#include "package/intake.hpp"
#include "package/provenance.hpp"

namespace eird {
namespace {

constexpr std::int64_t kMost = std::numeric_limits<std::int64_t>::max();
constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr std::int64_t kMostBoxes = 1 << 24;
constexpr std::size_t kMostClasses = 10000;
constexpr std::size_t kLongestName = 256;

// What no line shows: controls, formats, separators but the space, private and no characters. Python's
// str.isprintable refuses unassigned code points as well, whose list grows with Unicode; they are taken here.
bool is_printable(char32_t c) {
  struct Range {
    char32_t first, last;
  };
  static constexpr Range kHidden[] = {
      {0x0, 0x1f},         {0x7f, 0xa0},       {0xad, 0xad},       {0x600, 0x605},     {0x61c, 0x61c},
      {0x6dd, 0x6dd},      {0x70f, 0x70f},     {0x890, 0x891},     {0x8e2, 0x8e2},     {0x1680, 0x1680},
      {0x180e, 0x180e},    {0x2000, 0x200f},   {0x2028, 0x202f},   {0x205f, 0x206f},   {0x3000, 0x3000},
      {0xd800, 0xf8ff},    {0xfeff, 0xfeff},   {0xfff0, 0xfffb},   {0xfffe, 0xffff},   {0x110bd, 0x110bd},
      {0x110cd, 0x110cd},  {0x13430, 0x1343f}, {0x1bca0, 0x1bca3}, {0x1d173, 0x1d17a}, {0xe0000, 0x10ffff},
  };
  return std::none_of(std::begin(kHidden), std::end(kHidden),
                      [c](const Range& range) { return c >= range.first && c <= range.last; });
}

template <typename Value, std::size_t size>
Value read_choice(const Json& json, const std::string& path, const std::pair<const char*, Value> (&choices)[size]) {
  const std::string& name = read_string(json, path);
  for (const auto& [known, value] : choices) {
    if (name == known) return value;
  }
  throw ContentRefused(path + " is " + quoted(name) + ", which is not known");
}

constexpr std::pair<const char*, Precision> kPrecisionNames[] = {
    {"fp32", Precision::fp32}, {"fp16", Precision::fp16}, {"int8", Precision::int8}};
constexpr std::pair<const char*, NmsRule> kRuleNames[] = {
    {"iou", NmsRule::iou}, {"distance", NmsRule::distance}, {"nwd", NmsRule::nwd}};
constexpr std::pair<const char*, SixteenBitMapping> kMappingNames[] = {
    {"linear-percentile", SixteenBitMapping::linear_percentile},
    {"fixed-range", SixteenBitMapping::fixed_range},
    {"plateau", SixteenBitMapping::plateau}};

Precision read_precision(const std::string& name, const std::string& path) {
  Json json;
  json.kind = Json::Kind::string;
  json.string = name;
  return read_choice(json, path, kPrecisionNames);
}

double read_positive(const Json& json, const std::string& path, double most) {
  const double number = read_number(json, path, 0.0, most);
  if (number == 0.0) throw ContentRefused(path + " is 0, not above it");
  return number;
}

Field number_field(const char* name, double& to, double least, double most) {
  return {name, false, [&to, least, most](const Json& json, const std::string& path) {
            to = read_number(json, path, least, most);
          }};
}

Field positive_field(const char* name, double& to, double most) {
  return {name, false,
          [&to, most](const Json& json, const std::string& path) { to = read_positive(json, path, most); }};
}

SixteenBitSpec read_sixteen_bit(const Json& json, const std::string& path) {
  SixteenBitSpec spec;
  read_object(json, path, Unknown::refused,
              {{"mapping", true,
                [&](const Json& value, const std::string& at) { spec.mapping = read_choice(value, at, kMappingNames); }},
               {"low", true, [&](const Json& value, const std::string& at) { spec.low = read_number(value, at); }},
               {"high", true, [&](const Json& value, const std::string& at) { spec.high = read_number(value, at); }},
               positive_field("min_span", spec.min_span, kInfinity),
               positive_field("plateau", spec.plateau, 100.0),
               number_field("linear", spec.linear, 0.0, 100.0),
               positive_field("max_gain", spec.max_gain, kInfinity),
               number_field("smoothing_frames", spec.smoothing_frames, 0.0, kInfinity),
               {"shutter_frames", false, [&](const Json& value, const std::string& at) {
                  spec.shutter_frames = read_integer(value, at, 0, kMost);
                }}});
  if (!(spec.low < spec.high)) {
    throw ContentRefused(path + ": the mapping goes from " + format_double(spec.low) + " to " +
                         format_double(spec.high) + "; the first must be the smaller");
  }
  if (spec.mapping != SixteenBitMapping::fixed_range && (spec.low < 0.0 || spec.high > 100.0)) {
    throw ContentRefused(path + ": the percentiles are " + format_double(spec.low) + " and " +
                         format_double(spec.high) + "; they lie in 0..100");
  }
  return spec;
}

PreprocessSpec read_preprocess(const Json& json, const std::string& path) {
  PreprocessSpec spec;
  read_object(json, path, Unknown::refused,
              {{"pad_value", false,
                [&](const Json& value, const std::string& at) {
                  spec.pad_value = static_cast<std::uint8_t>(read_integer(value, at, 0, 255));
                }},
               {"sixteen_bit", false, [&](const Json& value, const std::string& at) {
                  spec.sixteen_bit.reset();
                  if (!is_null(value)) spec.sixteen_bit = read_sixteen_bit(value, at);
                }}});
  return spec;
}

PostprocessSpec read_postprocess(const Json& json, const std::string& path) {
  PostprocessSpec spec;
  read_object(
      json, path, Unknown::refused,
      {number_field("score_threshold", spec.score_threshold, 0.0, 1.0),
       {"nms", false, [&](const Json& value, const std::string& at) { spec.nms = read_choice(value, at, kRuleNames); }},
       positive_field("nms_limit", spec.nms_limit, kInfinity), positive_field("nwd_scale", spec.nwd_scale, kInfinity),
       {"max_detections", false, [&](const Json& value, const std::string& at) {
          spec.max_detections = read_integer(value, at, 1, kMost);
        }}});
  check_nms_limit(spec.nms, spec.nms_limit);
  return spec;
}

InputSpec read_input(const Json& json, const std::string& path) {
  InputSpec spec;
  const auto side = [](int& to) {
    return [&to](const Json& value, const std::string& at) {
      to = static_cast<int>(read_integer(value, at, 1, kLongestSide));
    };
  };
  read_object(json, path, Unknown::refused,
              {{"name", true, [&](const Json& value, const std::string& at) { spec.name = read_name(value, at); }},
               {"width", true, side(spec.width)},
               {"height", true, side(spec.height)},
               {"channels", true,
                [&](const Json& value, const std::string& at) {
                  spec.channels = static_cast<int>(read_integer(value, at, 1, 4));
                }},
               {"dtype", true, [&](const Json& value, const std::string& at) { spec.dtype = read_string(value, at); }}});
  return spec;
}

OutputSpec read_output(const Json& json, const std::string& path) {
  OutputSpec spec;
  read_object(json, path, Unknown::refused,
              {{"name", true, [&](const Json& value, const std::string& at) { spec.name = read_string(value, at); }},
               {"shape", true, [&](const Json& value, const std::string& at) {
                  spec.shape.clear();
                  for (const Json& size : read_array(value, at)) spec.shape.push_back(read_integer(size, at, 1, kMost));
                }}});
  return spec;
}

GraphFile read_graph(const Json& json, const std::string& path) {
  GraphFile graph;
  read_object(
      json, path, Unknown::refused,
      {{"file", true, [&](const Json& value, const std::string& at) { graph.file = read_file_name(value, at); }},
       {"sha256", true, [&](const Json& value, const std::string& at) { graph.sha256 = read_sha256(value, at); }}});
  return graph;
}

void check_classes(const std::vector<std::string>& classes) {
  if (classes.empty() || classes.size() > kMostClasses) {
    throw ContentRefused("$.classes has " + std::to_string(classes.size()) + " names; 1 to 10000 are possible");
  }
  if (std::set<std::string>(classes.begin(), classes.end()).size() < classes.size()) {
    throw ContentRefused("$.classes names a class twice");
  }
}

void check_outputs(Manifest& manifest) {
  std::map<std::string, const std::vector<std::int64_t>*> named;
  for (const OutputSpec& output : manifest.outputs) {
    if (!named.emplace(output.name, &output.shape).second) throw ContentRefused("$.outputs names an output twice");
  }
  const auto boxes = named.find("boxes");
  const auto scores = named.find("scores");
  if (boxes == named.end() || scores == named.end()) {
    throw ContentRefused("$.outputs lacks boxes or scores; both must be there");
  }
  const std::vector<std::int64_t>& shape = *boxes->second;
  if (shape.size() != 3 || shape[0] != 1 || shape[2] != 4 || shape[1] > kMostBoxes) {
    throw ContentRefused("$.outputs has boxes that are not [1, N, 4] with N up to 16777216");
  }
  const std::vector<std::int64_t> wanted = {1, shape[1], static_cast<std::int64_t>(manifest.classes.size())};
  if (*scores->second != wanted) {
    throw ContentRefused("$.outputs has scores that are not [1, " + std::to_string(shape[1]) + ", " +
                         std::to_string(manifest.classes.size()) + "]");
  }
  const auto saliency = named.find("saliency");
  if (saliency != named.end()) {
    const std::vector<std::int64_t>& map = *saliency->second;
    if (map.size() != 4 || map[0] != 1 || map[1] != 1 || *std::max_element(map.begin(), map.end()) > kLongestSide) {
      throw ContentRefused("$.outputs has a saliency that is not [1, 1, H, W]");
    }
  }
  manifest.boxes = shape[1];
}

// Each detection level has a stride and anchors with two finite sides above 0. Nothing else reads them here.
struct Levels {
  std::size_t strides = 0;
  std::size_t anchors = 0;

  void read_strides(const Json& json, const std::string& path) {
    strides = read_array(json, path).size();
    for (const Json& stride : json.array) read_integer(stride, path, 1, kLongestSide);
  }

  void read_anchors(const Json& json, const std::string& path) {
    anchors = read_array(json, path).size();
    for (const Json& level : json.array) {
      for (const Json& anchor : read_array(level, path)) {
        if (read_array(anchor, path).size() != 2) throw ContentRefused(path + " has an anchor that is no pair");
        for (const Json& side : anchor.array) read_positive(side, path, kInfinity);
      }
    }
  }

  void check() const {
    if (strides != anchors) {
      throw ContentRefused("$ has " + std::to_string(strides) + " strides and " + std::to_string(anchors) +
                           " levels of anchors");
    }
  }
};

void check_schema(const Json& json, const std::string& shown) {
  std::int64_t schema = 0;
  read_object(json, "$", Unknown::ignored,
              {{"schema", true, [&](const Json& value, const std::string& at) { schema = read_integer(value, at, 1, kMost); }}});
  if (schema > kManifestSchema) {
    throw Failure(Code::schema_newer,
                  shown + " has schema " + std::to_string(schema) + "; this library reads up to " +
                      std::to_string(kManifestSchema),
                  "update edge_irdet and build the library again");
  }
}

}  // namespace

const char* name_of(Precision precision) noexcept { return kPrecisionNames[static_cast<int>(precision)].first; }
const char* name_of(NmsRule rule) noexcept { return kRuleNames[static_cast<int>(rule)].first; }

const std::string& read_name(const Json& json, const std::string& path) {
  const std::string& name = read_string(json, path);
  const std::vector<char32_t> points = code_points(name);
  if (points.empty() || points.size() > kLongestName || !std::all_of(points.begin(), points.end(), is_printable)) {
    throw ContentRefused(path + " is " + quoted(name) + " of " + std::to_string(points.size()) +
                         " characters; names have 1 to 256 that can be printed");
  }
  return name;
}

const std::string& read_file_name(const Json& json, const std::string& path) {
  const std::string& name = read_name(json, path);
  if (name.find('/') != std::string::npos || name == "." || name == "..") {
    throw ContentRefused(path + " is " + quoted(name) + ", which is not a file of the package");
  }
  return name;
}

const std::string& read_sha256(const Json& json, const std::string& path) {
  const std::string& text = read_string(json, path);
  const bool digits = std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
  });
  if (text.size() != 64 || !digits) throw ContentRefused(path + " is no SHA-256");
  return text;
}

void check_nms_limit(NmsRule rule, double limit) {
  const double highest = rule == NmsRule::distance ? kLongestSide : 1.0;
  if (!(limit > 0.0 && limit <= highest)) {
    throw ContentRefused("the suppression rule has the limit " + format_double(limit) + "; it lies above 0 and up to " +
                         format_double(highest));
  }
}

Manifest read_manifest(const char* text, std::size_t bytes, const std::string& shown) {
  const Json json = Json::parse(text, bytes);
  check_schema(json, shown);  // the version first: a newer manifest may differ in every other field
  Manifest manifest;
  Levels levels;
  const auto name = [](std::string& to) {
    return [&to](const Json& value, const std::string& at) { to = read_name(value, at); };
  };
  std::vector<Field> fields = {
      {"schema", true, [](const Json&, const std::string&) {}},
      {"name", true, name(manifest.name)},
      {"variant", true, name(manifest.variant)},
      {"classes", true,
       [&](const Json& value, const std::string& at) {
         manifest.classes.clear();
         for (const Json& one : read_array(value, at)) manifest.classes.push_back(read_name(one, at));
       }},
      {"parameters", true, [](const Json& value, const std::string& at) { read_integer(value, at, 1, kMost); }},
      {"input", true, [&](const Json& value, const std::string& at) { manifest.input = read_input(value, at); }},
      {"outputs", true,
       [&](const Json& value, const std::string& at) {
         manifest.outputs.clear();
         for (const Json& one : read_array(value, at)) manifest.outputs.push_back(read_output(one, at));
       }},
      {"preprocess", true,
       [&](const Json& value, const std::string& at) { manifest.preprocess = read_preprocess(value, at); }},
      {"postprocess", true,
       [&](const Json& value, const std::string& at) { manifest.postprocess = read_postprocess(value, at); }},
      {"strides", true, [&](const Json& value, const std::string& at) { levels.read_strides(value, at); }},
      {"anchors", true, [&](const Json& value, const std::string& at) { levels.read_anchors(value, at); }},
      {"graphs", true, [&](const Json& value, const std::string& at) {
         if (value.kind != Json::Kind::object) throw ContentRefused(at + " is not an object");
         manifest.graphs.clear();
         for (const Json::Member& one : value.object) {
           manifest.graphs[read_precision(one.first, at)] = read_graph(one.second, at + "." + one.first);
         }
       }}};
  for (Field& field : provenance_fields()) fields.push_back(std::move(field));
  read_object(json, "$", Unknown::refused, fields);
  check_classes(manifest.classes);
  check_outputs(manifest);
  levels.check();
  if (manifest.graphs.empty()) throw ContentRefused("$.graphs names no graph");
  return manifest;
}

}  // namespace eird
