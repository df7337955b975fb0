#include "engine/selection.hpp"

#include <unistd.h>

#include <string>

#include "backends/onnxruntime.hpp"
#include "backends/tensorrt/loader.hpp"
#include "engine/store.hpp"

namespace eird {
namespace {

// Why `any` takes the CPU. Whatever else fails, such as a fault of the GPU, is not passed over.
bool means_no_engine(Code code) {
  switch (code) {
    case Code::extra_missing:
    case Code::driver_missing:
    case Code::driver_outdated:
    case Code::engine_missing:
    case Code::engine_mismatch:
    case Code::engine_damaged:
    case Code::engine_untrusted: return true;
    default: return false;
  }
}

bool has_nvidia_device() {
  for (const char* place : {"/etc/nv_tegra_release", "/dev/nvhost-gpu", "/dev/nvgpu", "/dev/nvidia0"}) {
    if (access(place, F_OK) == 0) return true;
  }
  return false;
}

std::string why_no_engine(const Failure& failure) {
  const bool absent = failure.code() == Code::driver_missing || failure.code() == Code::extra_missing;
  if (absent && !has_nvidia_device()) return "this machine shows no NVIDIA device";
  const std::string text = failure.text();
  return text.substr(0, text.find('\n')) + " (E" + std::to_string(static_cast<int>(failure.code())) + "; " +
         failure.next_step() + ")";
}

Chosen on_cpu(const Package& package, const DetectorOptions& options, const std::string& why) {
  const Precision precision = options.precision.value_or(Precision::fp32);
  Chosen chosen;
  chosen.backend = open_onnxruntime(package, precision, {options.onnxruntime, options.threads});
  chosen.runtime = Runtime::cpu;
  chosen.precision = precision;
  chosen.reason = std::string("CPU runtime, ") + name_of(precision) + ": " + why;
  return chosen;
}

Chosen on_tensorrt(const Package& package, const DetectorOptions& options) {
  TensorRtLoader& loader = TensorRtLoader::load();
  const Host host = loader.probe(options.device);  // before TensorRT is touched: without a driver it crashes the process
  const StoredEngine engine =
      options.precision ? find_engine(package, *options.precision, host) : find_fastest(package, host);
  Chosen chosen;
  chosen.runtime = Runtime::tensorrt;
  chosen.precision = engine.record.identity.precision;
  chosen.engine = engine.path;
  chosen.reason = std::string("TensorRT runtime, ") + name_of(chosen.precision) + ": " + engine.name + " fits " +
                  describe(host);
  chosen.backend = loader.open(package, engine, options.device, options.cuda_stream, options.cuda_graph);
  return chosen;
}

}  // namespace

Chosen choose_backend(const Package& package, const DetectorOptions& options) {
  if (options.runtime == Runtime::cpu) return on_cpu(package, options, "as asked");
  try {
    return on_tensorrt(package, options);
  } catch (const Failure& failure) {
    if (options.runtime == Runtime::tensorrt || !means_no_engine(failure.code())) throw;
    return on_cpu(package, options, why_no_engine(failure));
  }
}

}  // namespace eird
