#include "engine/trust.hpp"

#include <cstdlib>

#include "package/intake.hpp"
#include "package/sha256.hpp"

namespace eird {
namespace {

constexpr std::size_t kLeastLength = 8;  // an identity with fewer characters is a place holder

std::string kept_id() {
  const char* state = std::getenv("XDG_STATE_HOME");  // NOLINT(concurrency-mt-unsafe)
  const char* home = std::getenv("HOME");             // NOLINT(concurrency-mt-unsafe)
  std::string folder;
  if (state != nullptr && *state == '/') {
    folder = state;
  } else if (home != nullptr) {
    folder = std::string(home) + "/.local/state";
  }
  return folder.empty() ? "" : first_line(folder + "/edge_irdet/host-id");
}

}  // namespace

std::string host_id() {
  for (const char* place : {"/etc/machine-id", "/var/lib/dbus/machine-id", "/proc/device-tree/serial-number"}) {
    std::string stated = first_line(place);
    if (stated.size() >= kLeastLength && stated != "uninitialized") return stated;
  }
  const std::string kept = kept_id();
  return kept.size() >= kLeastLength ? kept : "";
}

std::string seal_of(const std::string& host, const EngineRecord& record) {
  return hmac_sha256_hex(host,
                         record.identity.key() + " " + std::to_string(record.plan_bytes) + " " + record.plan_sha256);
}

bool is_own(const EngineRecord& record) {
  const std::string own = host_id();
  return !own.empty() && record.seal == seal_of(own, record);
}

}  // namespace eird
