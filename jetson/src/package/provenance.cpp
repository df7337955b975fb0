#include "package/provenance.hpp"

#include <cstdint>
#include <limits>
#include <string>

#include "package/intake.hpp"
#include "package/manifest.hpp"

namespace eird {
namespace {

using Reader = void (*)(const Json&, const std::string&);

void text(const Json& json, const std::string& path) { read_string(json, path); }

void whole(const Json& json, const std::string& path) {
  if (json.kind != Json::Kind::integer) throw ContentRefused(path + " is not a whole number");
}

template <Reader reader>
void or_null(const Json& json, const std::string& path) {
  if (!is_null(json)) reader(json, path);
}

void number(const Json& json, const std::string& path) { read_number(json, path); }

void truth(const Json& json, const std::string& path) {
  if (json.kind != Json::Kind::boolean) throw ContentRefused(path + " is not true or false");
}

void any_object(const Json& json, const std::string& path) {
  if (json.kind != Json::Kind::object) throw ContentRefused(path + " is not an object");
}

template <Reader reader>
void object_of(const Json& json, const std::string& path) {
  any_object(json, path);
  for (const Json::Member& member : json.object) reader(member.second, path);
}

template <Reader reader>
void array_of(const Json& json, const std::string& path) {
  for (const Json& one : read_array(json, path)) reader(one, path);
}

void training_data(const Json& json, const std::string& path) {
  read_object(json, path, Unknown::ignored,
              {{"name", true, text}, {"split", true, text}, {"images", true, whole}, {"licence", true, text},
               {"masks", true, text}});
}

void weights(const Json& json, const std::string& path) {
  read_object(json, path, Unknown::ignored,
              {{"file", true, [](const Json& value, const std::string& at) { read_file_name(value, at); }},
               {"sha256", true, [](const Json& value, const std::string& at) { read_sha256(value, at); }},
               {"bytes", true,
                [](const Json& value, const std::string& at) {
                  read_integer(value, at, 1, std::numeric_limits<std::int64_t>::max());
                }},
               {"recovered", false, text}});
}

void training(const Json& json, const std::string& path) {
  read_object(json, path, Unknown::ignored,
              {{"config", false, any_object},
               {"epoch", false, or_null<whole>},
               {"best_epoch", false, or_null<whole>},
               {"validation_map50", false, or_null<number>},
               {"validation_rate", false, or_null<number>},
               {"seconds", false, or_null<whole>},
               {"machine", false, text},
               {"lineage", false, text},
               {"weights", false, or_null<weights>}});
}

void operating_point(const Json& json, const std::string& path) {
  read_object(json, path, Unknown::ignored,
              {{"rule", false, text},
               {"dataset", false, text},
               {"nms", false, text},
               {"score_threshold", false, or_null<number>},
               {"pd", false, or_null<number>},
               {"fa", false, or_null<number>},
               {"found_within_5_px", false, or_null<number>},
               {"false_alarms_per_frame", false, or_null<number>},
               {"false_alarms", false, or_null<whole>}});
}

void gate_figures(const Json& json, const std::string& path) {
  read_object(json, path, Unknown::ignored,
              {{"map50", false, or_null<number>},
               {"ap_3px", false, or_null<number>},
               {"pd", false, or_null<number>},
               {"fa", false, or_null<number>},
               {"false_alarms", false, or_null<whole>}});
}

void gate(const Json& json, const std::string& path) {
  read_object(json, path, Unknown::ignored,
              {{"dataset", false, text},
               {"images", false, or_null<whole>},
               {"targets", false, or_null<whole>},
               {"score_threshold", false, or_null<number>},
               {"fp32", false, or_null<gate_figures>},
               {"fp16", false, or_null<gate_figures>},
               {"int8", false, or_null<gate_figures>},
               {"passed", false, or_null<truth>},
               {"failures", false, or_null<array_of<text>>}});
}

void figures(const Json& json, const std::string& path) {
  std::vector<Field> fields = {{"dataset", false, text},
                               {"images", false, or_null<whole>},
                               {"targets", false, or_null<whole>},
                               {"per_class_ap50", false, object_of<or_null<number>>},
                               {"per_class_ap_3px", false, object_of<or_null<number>>},
                               {"false_alarms", false, or_null<whole>},
                               {"mask_source", false, or_null<text>},
                               {"cpu_threads", false, or_null<whole>},
                               {"gate", false, or_null<gate>},
                               {"recipe", false, or_null<any_object>}};
  for (const char* name : {"map50", "ap_3px", "score_threshold", "distance_px", "pd", "fa", "false_alarms_per_image",
                           "saliency_threshold", "iou", "niou", "saliency_pd", "saliency_fa", "cpu_ms"}) {
    fields.push_back({name, false, or_null<number>});
  }
  read_object(json, path, Unknown::ignored, fields);
}

void metrics(const Json& json, const std::string& path) {
  any_object(json, path);
  for (const Json::Member& member : json.object) {
    if (member.first != "fp32" && member.first != "fp16" && member.first != "int8") {
      throw ContentRefused(path + " has the unknown precision " + quoted(member.first));
    }
    figures(member.second, path + "." + member.first);
  }
}

}  // namespace

std::vector<Field> provenance_fields() {
  return {{"training_data", false, array_of<training_data>},
          {"training", false, training},
          {"operating_point", false, operating_point},
          {"metrics", false, metrics}};
}

}  // namespace eird
