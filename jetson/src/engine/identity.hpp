// What a TensorRT engine was built from and for, and whether it fits where it is to run: KEY.json beside KEY.engine. The
// fields are those of edge_irdet/engine/tensorrt/identity.py.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "package/manifest.hpp"

namespace eird {

struct TensorIdentity {
  std::string name;     // in the package's manifest
  std::string binding;  // in the engine
  std::vector<std::int64_t> shape;
  std::string dtype;    // NumPy's name
};

struct EngineIdentity {
  std::string module;
  std::string tensorrt;
  std::vector<std::string> compute_capabilities;
  std::optional<std::string> device;
  std::optional<std::int64_t> multiprocessors;
  std::optional<std::int64_t> memory_gib;
  Precision precision = Precision::fp32;
  std::string model_sha256;
  std::optional<std::string> calibration_sha256;
  std::string via = "onnx";
  bool strongly_typed = true;
  std::int64_t workspace_mb = 0;
  std::vector<TensorIdentity> inputs;
  std::vector<TensorIdentity> outputs;

  // Stem of the engine's files: readable facts and 12 digits of the SHA-256 of the whole identity.
  std::string key() const;
};

struct EngineRecord {
  EngineIdentity identity;
  std::int64_t plan_bytes = 0;
  std::string plan_sha256;
  std::map<std::string, double> latency_ms;  // empty where it was not measured
  std::string seal;
};

// Where an engine is to run.
struct Host {
  std::string module;
  std::string tensorrt;
  std::string compute_capability;
  std::string device;
  std::int64_t multiprocessors = 0;
  std::int64_t memory_gib = 0;
};

// Reads an engine's record. Throws ContentRefused.
EngineRecord read_engine_record(const char* text, std::size_t bytes);

// Names of what differs; empty where the engine fits.
std::vector<std::string> mismatches(const EngineIdentity& identity, const Host& host, Precision precision,
                                    const std::string& model_sha256);

// Whether two versions of TensorRT are the same: major, minor and patch, and the build where both state it.
bool same_version(const std::string& one, const std::string& other);

std::string describe(const EngineIdentity& identity);
std::string describe(const Host& host);

// Memory of a board in GiB, rounded up to whole steps of 4: what its data sheet says.
std::int64_t memory_class(std::uint64_t total_bytes);

}  // namespace eird
