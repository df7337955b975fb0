// The engines of a package: engines/KEY.engine and engines/KEY.json, as edge_irdet/engine/tensorrt/store.py finds them.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "engine/identity.hpp"
#include "package/package.hpp"

namespace eird {

struct StoredEngine {
  std::string path;  // KEY.engine
  std::string name;  // without its folder
  EngineRecord record;
};

// The package's engine of a precision that fits this machine; the fastest where there are several, and of equals the
// first by name. Throws Failure: E607, E608, E609, E612; E203, E205, E206 of the graph.
StoredEngine find_engine(const Package& package, Precision precision, const Host& host);

// The fastest of those that fit, over all precisions, INT8 only where it pays; FP32's where none was measured.
StoredEngine find_fastest(const Package& package, const Host& host);

// A plan, after its size and SHA-256 have been compared with its record. Throws Failure E609.
std::vector<std::uint8_t> read_plan(const StoredEngine& engine, const std::string& rebuild);

// The command that builds an engine of this precision.
std::string rebuild_command(const Package& package, Precision precision);

}  // namespace eird
