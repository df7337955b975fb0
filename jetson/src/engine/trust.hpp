// Which engines are this machine's own: those whose record has its seal. An engine is native code of whoever built it.
#pragma once

#include <string>

#include "engine/identity.hpp"

namespace eird {

// The first identity that the system states, else the one that Python's side keeps; empty where there is none.
std::string host_id();

// The seal that a machine gives an engine's record, as edge_irdet/engine/tensorrt/trust.py does.
std::string seal_of(const std::string& host, const EngineRecord& record);

bool is_own(const EngineRecord& record);

}  // namespace eird
