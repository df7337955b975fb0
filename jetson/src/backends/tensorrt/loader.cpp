#include "backends/tensorrt/loader.hpp"

#include <dlfcn.h>

#include <mutex>
#include <vector>

#include "failure.hpp"

namespace eird {
namespace {

constexpr const char* kInstallStep =
    "on a Jetson: build the library with EDGE_IRDET_TENSORRT=ON where JetPack's TensorRT is, or run on the CPU";

void require(std::int32_t code, const EirdModuleFailure& failure) {
  if (code != 0) throw Failure(static_cast<Code>(code), failure.what, failure.next_step);
}

class TensorRtBackend final : public Backend {
 public:
  TensorRtBackend(const EirdModule& module, void* runner, std::size_t count, std::size_t classes)
      : module_(module), runner_(runner), count_(count), classes_(classes) {}
  ~TensorRtBackend() override { module_.close(runner_); }

  NetworkOutput run(const std::uint8_t* tensor, std::size_t bytes) override {
    EirdModuleFailure failure{};
    require(module_.run(runner_, tensor, bytes, &failure), failure);
    return {module_.output(runner_, "boxes"), module_.output(runner_, "scores"), count_, classes_};
  }

  std::unique_ptr<Backend> clone() const override {
    EirdModuleFailure failure{};
    void* other = nullptr;
    require(module_.clone(runner_, &other, &failure), failure);
    return std::make_unique<TensorRtBackend>(module_, other, count_, classes_);
  }

  std::string launch() const override { return module_.launch(runner_); }

 private:
  const EirdModule& module_;
  void* runner_;
  std::size_t count_;
  std::size_t classes_;
};

// The folder of this library.
std::string own_folder() {
  Dl_info info{};
  if (dladdr(reinterpret_cast<const void*>(&own_folder), &info) == 0 || info.dli_fname == nullptr) return ".";
  const std::string path = info.dli_fname;
  const std::size_t slash = path.rfind('/');
  return slash == std::string::npos ? "." : path.substr(0, slash);
}

const EirdModule& load_module() {
  const std::string path = own_folder() + "/" + kEirdModuleFile;
  void* handle = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (handle == nullptr) {
    const char* why = dlerror();  // NOLINT(concurrency-mt-unsafe): glibc keeps it per thread
    throw Failure(Code::extra_missing, "the TensorRT module cannot be loaded: " + std::string(why == nullptr ? path : why),
                  kInstallStep);
  }
  const auto entry = reinterpret_cast<EirdModuleEntry>(dlsym(handle, kEirdModuleEntry));
  const EirdModule* module = entry == nullptr ? nullptr : entry();
  if (module == nullptr || module->version != kEirdModuleVersion) {
    dlclose(handle);
    throw Failure(Code::extra_missing, path + " is the TensorRT module of another version", kInstallStep);
  }
  return *module;
}

}  // namespace

TensorRtLoader& TensorRtLoader::load() {
  // A failure is tried again: the host may have installed what was missing.
  static std::mutex mutex;
  static std::unique_ptr<TensorRtLoader> loaded;
  const std::lock_guard<std::mutex> lock(mutex);
  if (!loaded) loaded = std::make_unique<TensorRtLoader>(load_module());
  return *loaded;
}

Host TensorRtLoader::probe(int device) const {
  EirdModuleFailure failure{};
  EirdModuleHost found{};
  require(module_.probe(device, &found, &failure), failure);
  return {"tensorrt",   found.tensorrt,        found.compute_capability,
          found.device, found.multiprocessors, memory_class(found.total_bytes)};
}

std::unique_ptr<Backend> TensorRtLoader::open(const Package& package, const StoredEngine& engine, int device,
                                              void* stream, bool cuda_graph) const {
  const EngineIdentity& identity = engine.record.identity;
  const std::string rebuild = rebuild_command(package, identity.precision);
  const std::vector<std::uint8_t> plan = read_plan(engine, rebuild);
  const Manifest& manifest = package.manifest();
  std::vector<EirdModuleTensor> tensors;
  const auto add = [&tensors](const TensorIdentity& tensor, bool input) {
    tensors.push_back({tensor.name.c_str(), tensor.binding.c_str(), tensor.dtype.c_str(), tensor.shape.data(),
                       tensor.shape.size(), input ? 1 : 0});
  };
  for (const TensorIdentity& tensor : identity.inputs) add(tensor, true);
  for (const TensorIdentity& tensor : identity.outputs) add(tensor, false);
  const auto states = [&](const std::vector<TensorIdentity>& among, const std::string& name, const std::string& dtype,
                          const std::vector<std::int64_t>& shape) {
    for (const TensorIdentity& tensor : among) {
      if (tensor.name == name && tensor.dtype == dtype && tensor.shape == shape) return true;
    }
    return false;
  };
  const auto classes = static_cast<std::int64_t>(manifest.classes.size());
  const bool fits =
      identity.inputs.size() == 1 &&
      states(identity.inputs, manifest.input.name, "uint8", {1, 1, manifest.input.height, manifest.input.width}) &&
      states(identity.outputs, "boxes", "float32", {1, manifest.boxes, 4}) &&
      states(identity.outputs, "scores", "float32", {1, manifest.boxes, classes});
  if (!fits) throw Failure(Code::engine_damaged, engine.path + " has other tensors than the manifest states", rebuild);
  EirdModulePlan request{plan.data(), plan.size(),      engine.path.c_str(), rebuild.c_str(), tensors.data(),
                         tensors.size(), device, cuda_graph ? 1 : 0,   stream};
  EirdModuleFailure failure{};
  void* runner = nullptr;
  require(module_.open(&request, &runner, &failure), failure);
  return std::make_unique<TensorRtBackend>(module_, runner, static_cast<std::size_t>(manifest.boxes),
                                           manifest.classes.size());
}

std::string describe_tensorrt(bool& found) {
  found = false;
  try {
    TensorRtLoader& loader = TensorRtLoader::load();
    const Host host = loader.probe(0);
    found = true;
    return describe(host);
  } catch (const Failure& failure) {
    const std::string text = failure.text();
    return text.substr(0, text.find('\n')) + " (E" + std::to_string(static_cast<int>(failure.code())) + ")";
  }
}

}  // namespace eird
