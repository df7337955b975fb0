#include "engine/identity.hpp"

#include <algorithm>
#include <limits>

#include "package/intake.hpp"
#include "package/json.hpp"
#include "package/sha256.hpp"
#include "record/writer.hpp"

namespace eird {
namespace {

constexpr std::int64_t kMost = std::numeric_limits<std::int64_t>::max();
constexpr const char* kPortable = "8.0+";  // a TensorRT-RTX engine that was built for no named target

Precision read_precision(const Json& json, const std::string& path) {
  const std::string& text = read_string(json, path);
  for (int i = 0; i < kPrecisions; ++i) {
    if (text == name_of(static_cast<Precision>(i))) return static_cast<Precision>(i);
  }
  throw ContentRefused(path + " is " + quoted(text) + ", which is no precision");
}

Field text_field(const char* name, bool required, std::string& to) {
  return {name, required, [&to](const Json& json, const std::string& path) { to = read_string(json, path); }};
}

Field optional_text(const char* name, bool required, std::optional<std::string>& to) {
  return {name, required, [&to](const Json& json, const std::string& path) {
            to.reset();
            if (!is_null(json)) to = read_string(json, path);
          }};
}

Field optional_integer(const char* name, std::optional<std::int64_t>& to) {
  return {name, false, [&to](const Json& json, const std::string& path) {
            to.reset();
            if (!is_null(json)) to = read_integer(json, path, std::numeric_limits<std::int64_t>::min(), kMost);
          }};
}

TensorIdentity read_tensor(const Json& json, const std::string& path) {
  TensorIdentity tensor;
  read_object(json, path, Unknown::refused,
              {text_field("name", true, tensor.name), text_field("binding", true, tensor.binding),
               {"shape", true,
                [&](const Json& value, const std::string& at) {
                  tensor.shape.clear();
                  for (const Json& side : read_array(value, at)) tensor.shape.push_back(read_integer(side, at, 1, kMost));
                }},
               text_field("dtype", true, tensor.dtype)});
  return tensor;
}

Field tensors_field(const char* name, std::vector<TensorIdentity>& to) {
  return {name, true, [&to](const Json& json, const std::string& path) {
            to.clear();
            for (const Json& one : read_array(json, path)) to.push_back(read_tensor(one, path));
          }};
}

EngineIdentity read_identity(const Json& json, const std::string& path) {
  EngineIdentity identity;
  read_object(
      json, path, Unknown::refused,
      {text_field("module", true, identity.module), text_field("tensorrt", true, identity.tensorrt),
       {"compute_capabilities", true,
        [&](const Json& value, const std::string& at) {
          identity.compute_capabilities.clear();
          for (const Json& one : read_array(value, at)) identity.compute_capabilities.push_back(read_string(one, at));
        }},
       optional_text("device", true, identity.device), optional_integer("multiprocessors", identity.multiprocessors),
       optional_integer("memory_gib", identity.memory_gib),
       {"precision", true,
        [&](const Json& value, const std::string& at) { identity.precision = read_precision(value, at); }},
       {"model_sha256", true,
        [&](const Json& value, const std::string& at) { identity.model_sha256 = read_sha256(value, at); }},
       {"calibration_sha256", false,
        [&](const Json& value, const std::string& at) {
          identity.calibration_sha256.reset();
          if (!is_null(value)) identity.calibration_sha256 = read_sha256(value, at);
        }},
       text_field("via", false, identity.via),
       {"strongly_typed", true,
        [&](const Json& value, const std::string& at) {
          if (value.kind != Json::Kind::boolean) throw ContentRefused(at + " is not true or false");
          identity.strongly_typed = value.boolean;
        }},
       {"workspace_mb", true,
        [&](const Json& value, const std::string& at) {
          identity.workspace_mb = read_integer(value, at, std::numeric_limits<std::int64_t>::min(), kMost);
        }},
       tensors_field("inputs", identity.inputs), tensors_field("outputs", identity.outputs)});
  return identity;
}

std::string shown_device(const std::optional<std::string>& name, std::optional<std::int64_t> multiprocessors,
                         std::optional<std::int64_t> memory_gib) {
  std::string text = name ? *name : "no device at hand";
  if (multiprocessors) text += ", " + std::to_string(*multiprocessors) + " SMs";
  if (memory_gib) text += ", " + std::to_string(*memory_gib) + " GiB";
  return text;
}

// Leading numbers of a version, such as 10, 3, 0 of "10.3.0.26".
std::vector<std::int64_t> numbers_of(const std::string& version) {
  std::vector<std::int64_t> numbers;
  std::size_t at = 0;
  while (at < version.size() && version[at] >= '0' && version[at] <= '9') {
    std::int64_t number = 0;
    for (; at < version.size() && version[at] >= '0' && version[at] <= '9'; ++at) {
      number = std::min<std::int64_t>(10 * number + (version[at] - '0'), 1'000'000'000);
    }
    numbers.push_back(number);
    if (at == version.size() || version[at] != '.') break;
    ++at;
  }
  return numbers;
}

// The identity as the builder's side encodes it for its hash: fields in their order, those with their default left out.
class IdentityText {
 public:
  void field(const char* name, const std::string& json) {
    text_ += (text_.empty() ? "{\"" : ",\"") + std::string(name) + "\":" + json;
  }
  std::string finish() const { return text_ + "}"; }

 private:
  std::string text_;
};

template <typename Items, typename Shown>
std::string json_array(const Items& items, Shown shown) {
  std::string text = "[";
  for (const auto& item : items) text += (text.size() > 1 ? "," : "") + shown(item);
  return text + "]";
}

std::string json_tensors(const std::vector<TensorIdentity>& tensors) {
  return json_array(tensors, [](const TensorIdentity& tensor) {
    IdentityText text;
    text.field("name", json_string(tensor.name));
    text.field("binding", json_string(tensor.binding));
    text.field("shape", json_array(tensor.shape, [](std::int64_t side) { return std::to_string(side); }));
    text.field("dtype", json_string(tensor.dtype));
    return text.finish();
  });
}

}  // namespace

std::string EngineIdentity::key() const {
  IdentityText text;
  text.field("module", json_string(module));
  text.field("tensorrt", json_string(tensorrt));
  text.field("compute_capabilities",
             json_array(compute_capabilities, [](const std::string& one) { return json_string(one); }));
  text.field("device", device ? json_string(*device) : "null");
  if (multiprocessors) text.field("multiprocessors", std::to_string(*multiprocessors));
  if (memory_gib) text.field("memory_gib", std::to_string(*memory_gib));
  text.field("precision", json_string(name_of(precision)));
  text.field("model_sha256", json_string(model_sha256));
  if (calibration_sha256) text.field("calibration_sha256", json_string(*calibration_sha256));
  if (via != "onnx") text.field("via", json_string(via));
  text.field("strongly_typed", strongly_typed ? "true" : "false");
  text.field("workspace_mb", std::to_string(workspace_mb));
  text.field("inputs", json_tensors(inputs));
  text.field("outputs", json_tensors(outputs));
  const std::string whole = text.finish();

  std::string target;
  for (const std::string& capability : compute_capabilities) {
    target += target.empty() ? "sm" : "-sm";
    for (const char c : capability) {
      if (c != '.') target += c == '+' ? "plus" : std::string(1, c);
    }
  }
  std::string version;
  for (const char32_t point : code_points(tensorrt)) {
    const bool kept = (point >= '0' && point <= '9') || (point >= 'A' && point <= 'Z') || (point >= 'a' && point <= 'z') ||
                      point == '.';
    version += kept ? static_cast<char>(point) : '_';
  }
  return std::string(name_of(precision)) + "-" + module + "-" + version + "-" + target + "-" +
         sha256_hex(whole.data(), whole.size()).substr(0, 12);
}

EngineRecord read_engine_record(const char* text, std::size_t bytes) {
  EngineRecord record;
  std::optional<std::string> ignored;
  std::string version;
  read_object(
      Json::parse(text, bytes), "$", Unknown::refused,
      {{"schema", false, [](const Json& value, const std::string& at) { read_integer(value, at, 1, 1); }},
       {"identity", true, [&](const Json& value, const std::string& at) { record.identity = read_identity(value, at); }},
       {"plan_bytes", true,
        [&](const Json& value, const std::string& at) { record.plan_bytes = read_integer(value, at, 1, kMost); }},
       {"plan_sha256", true,
        [&](const Json& value, const std::string& at) { record.plan_sha256 = read_sha256(value, at); }},
       optional_text("cuda", true, ignored), optional_text("driver", true, ignored), optional_text("l4t", true, ignored),
       optional_text("board", false, ignored), optional_text("power_mode", false, ignored),
       {"precisions_found", true,
        [](const Json& value, const std::string& at) {
          if (is_null(value)) return;
          if (value.kind != Json::Kind::object) throw ContentRefused(at + " is not an object");
          for (const Json::Member& one : value.object) {
            read_integer(one.second, at, std::numeric_limits<std::int64_t>::min(), kMost);
          }
        }},
       {"latency_ms", false,
        [&](const Json& value, const std::string& at) {
          record.latency_ms.clear();
          if (is_null(value)) return;
          if (value.kind != Json::Kind::object) throw ContentRefused(at + " is not an object");
          for (const Json::Member& one : value.object) record.latency_ms[one.first] = read_number(one.second, at);
        }},
       {"build_seconds", true, [](const Json& value, const std::string& at) { read_number(value, at); }},
       text_field("edge_irdet", true, version), text_field("seal", false, record.seal)});
  return record;
}

bool same_version(const std::string& one, const std::string& other) {
  constexpr std::size_t kCompared = 4;
  std::vector<std::int64_t> a = numbers_of(one);
  std::vector<std::int64_t> b = numbers_of(other);
  if (a.size() < 3 || b.size() < 3) return one == other;
  const std::size_t both = std::min({a.size(), b.size(), kCompared});
  return std::equal(a.begin(), a.begin() + static_cast<std::ptrdiff_t>(both), b.begin());
}

std::vector<std::string> mismatches(const EngineIdentity& identity, const Host& host, Precision precision,
                                    const std::string& model_sha256) {
  static constexpr const char* kPortableOn[] = {"8.0", "8.6", "8.9", "12.0", "12.1"};
  const auto& built_for = identity.compute_capabilities;
  const auto built = [&built_for](const std::string& capability) {
    return std::find(built_for.begin(), built_for.end(), capability) != built_for.end();
  };
  const bool portable = built(kPortable) && std::find(std::begin(kPortableOn), std::end(kPortableOn),
                                                      host.compute_capability) != std::end(kPortableOn);
  std::vector<std::string> different;
  const auto compare = [&different](bool same, const char* name) {
    if (!same) different.emplace_back(name);
  };
  compare(identity.module == host.module, "module");
  compare(same_version(identity.tensorrt, host.tensorrt), "TensorRT version");
  compare(built(host.compute_capability) || portable, "compute capability");
  compare(!identity.device || *identity.device == host.device, "device");
  compare(!identity.multiprocessors || *identity.multiprocessors == host.multiprocessors, "multiprocessors");
  compare(!identity.memory_gib || *identity.memory_gib == host.memory_gib, "memory");
  compare(identity.precision == precision, "precision");
  compare(identity.model_sha256 == model_sha256, "model");
  return different;
}

std::string describe(const EngineIdentity& identity) {
  std::string capabilities;
  for (const std::string& one : identity.compute_capabilities) capabilities += (capabilities.empty() ? "" : ", ") + one;
  return std::string(name_of(identity.precision)) + " by " + identity.module + " " + identity.tensorrt + " for SM " +
         capabilities + " (" + shown_device(identity.device, identity.multiprocessors, identity.memory_gib) + "), model " +
         identity.model_sha256.substr(0, 12);
}

std::string describe(const Host& host) {
  return host.module + " " + host.tensorrt + " on SM " + host.compute_capability + " (" +
         shown_device(host.device, host.multiprocessors, host.memory_gib) + ")";
}

std::int64_t memory_class(std::uint64_t total_bytes) {
  constexpr std::uint64_t kStep = std::uint64_t{4} << 30U;  // a board with 8 GB shows its system 7.4 GiB
  return static_cast<std::int64_t>((total_bytes + kStep - 1) / kStep * 4);
}

}  // namespace eird
