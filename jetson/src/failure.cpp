#include "failure.hpp"

namespace eird {

const char* title_of(int code) noexcept {
  switch (static_cast<Code>(code)) {
    case Code::unknown_source: return "unknown source";
    case Code::source_missing: return "source missing";
    case Code::frame_format: return "frame format";
    case Code::sixteen_bit_unmapped: return "16-bit mapping not named";
    case Code::camera: return "camera";
    case Code::package_missing: return "package missing";
    case Code::manifest_invalid: return "manifest invalid";
    case Code::package_hash: return "package hash";
    case Code::schema_newer: return "schema newer";
    case Code::precision_missing: return "precision missing";
    case Code::graph_refused: return "graph refused";
    case Code::extra_missing: return "extra missing";
    case Code::output_failed: return "output failed";
    case Code::runner: return "runner";
    case Code::driver_missing: return "driver missing";
    case Code::driver_outdated: return "driver outdated";
    case Code::cuda: return "CUDA";
    case Code::engine_missing: return "engine missing";
    case Code::engine_mismatch: return "engine mismatch";
    case Code::engine_damaged: return "engine damaged";
    case Code::wrong_thread: return "wrong thread";
    case Code::tensorrt: return "TensorRT";
    case Code::engine_untrusted: return "engine not trusted";
    case Code::option: return "option";
  }
  return "";
}

}  // namespace eird
