#include "engine/store.hpp"

#include <dirent.h>

#include <algorithm>
#include <limits>
#include <optional>
#include <tuple>
#include <utility>

#include "engine/trust.hpp"
#include "failure.hpp"
#include "package/intake.hpp"
#include "package/sha256.hpp"

namespace eird {
namespace {

constexpr std::size_t kMostRecordBytes = std::size_t{1} << 20U;
constexpr std::size_t kMostPlanBytes = std::size_t{4096} << 20U;
constexpr double kInt8Gain = 0.02;  // share by which INT8 must be faster; below it two measurements of one engine differ
constexpr const char* kSuffix = ".engine";

std::string engines_folder(const Package& package) { return package.directory() + "/engines"; }

std::vector<std::string> engines_of(const std::string& folder, Precision precision) {
  std::vector<std::string> names;
  DIR* opened = opendir(folder.c_str());
  if (opened == nullptr) return names;
  const std::string start = std::string(name_of(precision)) + "-";
  const std::size_t suffix = std::char_traits<char>::length(kSuffix);
  while (const dirent* entry = readdir(opened)) {  // NOLINT(concurrency-mt-unsafe): of a stream of our own
    const std::string name = entry->d_name;
    const bool engine = name.size() > suffix && name.compare(name.size() - suffix, suffix, kSuffix) == 0;
    if (engine && name.compare(0, start.size(), start) == 0) names.push_back(name);
  }
  closedir(opened);
  std::sort(names.begin(), names.end());
  return names;
}

StoredEngine read_engine(const std::string& folder, const std::string& name, const std::string& rebuild) {
  const std::string path = folder + "/" + name;
  const std::string record =
      path.substr(0, path.size() - std::char_traits<char>::length(kSuffix)) + ".json";
  try {
    const std::vector<std::uint8_t> content = read_regular_file(record, kMostRecordBytes);
    return {path, name, read_engine_record(reinterpret_cast<const char*>(content.data()), content.size())};
  } catch (const ContentRefused& refused) {
    throw Failure(Code::engine_damaged, record + " is not an engine's identity: " + refused.what(), rebuild);
  }
}

double median_of(const StoredEngine& engine) {
  const auto found = engine.record.latency_ms.find("p50");
  return found == engine.record.latency_ms.end() ? std::numeric_limits<double>::infinity() : found->second;
}

std::string joined(const std::vector<std::string>& names) {
  std::string text;
  for (const std::string& name : names) text += (text.empty() ? "" : ", ") + name;
  return text;
}

bool means_no_engine(Code code) {
  return code == Code::engine_missing || code == Code::engine_mismatch || code == Code::engine_untrusted ||
         code == Code::engine_damaged;
}

}  // namespace

std::string rebuild_command(const Package& package, Precision precision) {
  return "build it on this device: edge-irdet build " + package.directory() + " --precision " + name_of(precision);
}

StoredEngine find_engine(const Package& package, Precision precision, const Host& host) {
  package.read_graph(precision);  // an engine of a graph that was altered is no engine of the package
  const std::string model = package.manifest().graphs.at(precision).sha256;
  const std::string rebuild = rebuild_command(package, precision);
  const std::string folder = engines_folder(package);
  std::vector<StoredEngine> engines;
  std::optional<Failure> damaged;
  for (const std::string& name : engines_of(folder, precision)) {
    try {
      engines.push_back(read_engine(folder, name, rebuild));
    } catch (const Failure& failure) {
      if (!damaged) damaged = failure;
    }
  }
  const StoredEngine* best = nullptr;
  const StoredEngine* foreign = nullptr;
  const StoredEngine* nearest = nullptr;
  std::vector<std::string> differences;
  for (const StoredEngine& engine : engines) {
    const std::vector<std::string> found = mismatches(engine.record.identity, host, precision, model);
    if (nearest == nullptr || found.size() < differences.size()) {
      nearest = &engine;
      differences = found;
    }
    if (!found.empty()) continue;
    if (!is_own(engine.record)) {
      if (foreign == nullptr) foreign = &engine;
    } else if (best == nullptr || median_of(engine) < median_of(*best)) {
      best = &engine;  // the names are sorted: of equals the first stays
    }
  }
  if (best != nullptr) return *best;
  if (foreign != nullptr) {
    throw Failure(Code::engine_untrusted,
                  foreign->path + " was not built on this machine; an engine is native code of whoever built it\n  engine: " +
                      describe(foreign->record.identity),
                  rebuild + "; or, if you trust its builder: edge-irdet package trust " + package.directory());
  }
  if (nearest != nullptr) {
    throw Failure(Code::engine_mismatch,
                  "none of " + std::to_string(engines.size()) + " " + name_of(precision) + " engine(s) in " + folder +
                      " fits; the nearest differs in " + joined(differences) + "\n  engine: " +
                      describe(nearest->record.identity) + "\n  needed: " + name_of(precision) + " by " + describe(host) +
                      ", model " + model.substr(0, 12),
                  rebuild);
  }
  if (damaged) throw Failure(*damaged);
  throw Failure(Code::engine_missing, folder + " holds no " + name_of(precision) + " engine", rebuild);
}

// INT8 is the least accurate, and not faster by nature: it must beat every other precision, FP16 among them where the
// package has it. It is also taken where no other engine was measured.
StoredEngine find_fastest(const Package& package, const Host& host) {
  std::optional<StoredEngine> best;  // of all but INT8
  std::optional<StoredEngine> int8;
  bool has_fp16 = package.manifest().graphs.count(Precision::fp16) == 0;  // or there is none to compare with
  for (const auto& [precision, graph] : package.manifest().graphs) {      // in the order fp32, fp16, int8
    try {
      StoredEngine engine = find_engine(package, precision, host);
      if (engine.record.latency_ms.empty()) continue;
      has_fp16 = has_fp16 || precision == Precision::fp16;
      if (precision == Precision::int8) {
        int8 = std::move(engine);
      } else if (!best || median_of(engine) < median_of(*best)) {
        best = std::move(engine);
      }
    } catch (const Failure& failure) {
      if (!means_no_engine(failure.code())) throw;
    }
  }
  if (int8 && (!best || (has_fp16 && median_of(*int8) < median_of(*best) &&
                         median_of(*int8) <= (1.0 - kInt8Gain) * median_of(*best)))) {
    return *int8;
  }
  return best ? *best : find_engine(package, Precision::fp32, host);
}

std::vector<std::uint8_t> read_plan(const StoredEngine& engine, const std::string& rebuild) {
  std::vector<std::uint8_t> plan;
  try {
    plan = read_regular_file(engine.path, kMostPlanBytes);
  } catch (const ContentRefused& refused) {
    throw Failure(Code::engine_damaged, engine.path + " " + refused.what(), rebuild);
  }
  if (plan.size() != static_cast<std::size_t>(engine.record.plan_bytes)) {
    throw Failure(Code::engine_damaged,
                  engine.path + " has " + std::to_string(plan.size()) + " bytes, its identity says " +
                      std::to_string(engine.record.plan_bytes) + "; it is truncated\n  engine: " +
                      describe(engine.record.identity),
                  rebuild);
  }
  const std::string found = sha256_hex(plan.data(), plan.size());
  if (found != engine.record.plan_sha256) {
    throw Failure(Code::engine_damaged,
                  engine.path + " has SHA-256 " + found + ", its identity says " + engine.record.plan_sha256 +
                      "\n  engine: " + describe(engine.record.identity),
                  rebuild);
  }
  return plan;
}

}  // namespace eird
