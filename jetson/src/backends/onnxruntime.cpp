#include "backends/onnxruntime.hpp"

#include <dlfcn.h>

#include <algorithm>
#include <cstdlib>
#include <map>
#include <mutex>
#include <vector>

#include "failure.hpp"
#include "package/intake.hpp"

#if EIRD_HAS_ONNXRUNTIME
#include <onnxruntime_c_api.h>
#endif

namespace eird {
namespace {

constexpr const char* kDefaultLibrary = "libonnxruntime.so.1";
constexpr const char* kInstallStep =
    "install ONNX Runtime, or name its library with EDGE_IRDET_ONNXRUNTIME; the PyPI wheel onnxruntime has one in "
    "onnxruntime/capi/libonnxruntime.so.*";

std::string library_name(const std::string& stated) {
  if (!stated.empty()) return stated;
  const char* environment = std::getenv("EDGE_IRDET_ONNXRUNTIME");  // NOLINT(concurrency-mt-unsafe)
  return environment != nullptr && *environment != '\0' ? environment : kDefaultLibrary;
}

}  // namespace

#if EIRD_HAS_ONNXRUNTIME
namespace {

// The oldest C API that has what is used here: a newer library gives it too.
constexpr std::uint32_t kApiVersion = ORT_API_VERSION < 17 ? ORT_API_VERSION : 17;
constexpr const char* kExportAgain = "export the package again: edge-irdet export CHECKPOINT -o PACKAGE";

struct Library {
  const OrtApi* api = nullptr;
  std::string version;
  OrtEnv* environment = nullptr;  // one for the process, never given back: ONNX Runtime's threads may outlive us
};

std::string first_line_of(const char* text) {
  const std::string all = text == nullptr ? "" : text;
  return all.substr(0, all.find('\n'));
}

// Throws where a call failed.
void require(const OrtApi* api, OrtStatus* status, Code code, const std::string& what, const char* next_step) {
  if (status == nullptr) return;
  const std::string message = first_line_of(api->GetErrorMessage(status));
  api->ReleaseStatus(status);
  throw Failure(code, what + ": " + message, next_step);
}

const Library& load(const std::string& name) {
  static std::mutex mutex;
  static std::map<std::string, Library> loaded;
  const std::lock_guard<std::mutex> lock(mutex);
  const auto known = loaded.find(name);
  if (known != loaded.end()) return known->second;
  void* handle = dlopen(name.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (handle == nullptr) {
    const char* why = dlerror();  // NOLINT(concurrency-mt-unsafe): glibc keeps it per thread
    throw Failure(Code::extra_missing, "ONNX Runtime cannot be loaded: " + std::string(why == nullptr ? name : why),
                  kInstallStep);
  }
  using GetBase = const OrtApiBase* (*)();
  const auto get_base = reinterpret_cast<GetBase>(dlsym(handle, "OrtGetApiBase"));
  const OrtApiBase* base = get_base == nullptr ? nullptr : get_base();
  Library library;
  library.api = base == nullptr ? nullptr : base->GetApi(kApiVersion);
  if (library.api == nullptr) {
    const std::string version = base == nullptr ? "no version" : base->GetVersionString();
    dlclose(handle);
    throw Failure(Code::extra_missing, name + " (" + version + ") has not the C API of ONNX Runtime " +
                  std::to_string(kApiVersion), kInstallStep);
  }
  library.version = base->GetVersionString();
  require(library.api, library.api->CreateEnv(ORT_LOGGING_LEVEL_ERROR, "edge_irdet", &library.environment),
          Code::runner, "ONNX Runtime does not start", kInstallStep);
  return loaded.emplace(name, library).first->second;
}

// What ONNX Runtime gives and takes back.
template <typename Object>
using Owned = std::unique_ptr<Object, void (*)(Object*)>;

template <typename Object>
Owned<Object> owned(Object* object, void (*release)(Object*)) {
  return Owned<Object>(object, release);
}

struct Border {
  std::string name;
  std::vector<std::int64_t> shape;
  ONNXTensorElementDataType type = ONNX_TENSOR_ELEMENT_DATA_TYPE_UNDEFINED;
};

// The loaded graph: shared by all clones. ONNX Runtime's sessions may be run by several threads.
struct Session {
  const OrtApi* api = nullptr;
  std::string shown;  // the graph's path, for messages
  OrtSession* session = nullptr;
  std::vector<Border> inputs;
  std::vector<Border> outputs;

  Session() = default;
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;
  ~Session() {
    if (session != nullptr) api->ReleaseSession(session);
  }

  void call(OrtStatus* status, const std::string& what) const {
    require(api, status, Code::runner, what, kExportAgain);
  }

  Border border(std::size_t index, bool input) const {
    OrtAllocator* allocator = nullptr;
    call(api->GetAllocatorWithDefaultOptions(&allocator), "ONNX Runtime has no allocator");
    char* name = nullptr;
    call(input ? api->SessionGetInputName(session, index, allocator, &name)
               : api->SessionGetOutputName(session, index, allocator, &name),
         "ONNX Runtime names no tensor");
    Border found;
    found.name = name;
    call(api->AllocatorFree(allocator, name), "ONNX Runtime");
    OrtTypeInfo* type = nullptr;
    call(input ? api->SessionGetInputTypeInfo(session, index, &type)
               : api->SessionGetOutputTypeInfo(session, index, &type),
         "ONNX Runtime states no type");
    const auto kept = owned(type, api->ReleaseTypeInfo);
    const OrtTensorTypeAndShapeInfo* info = nullptr;
    call(api->CastTypeInfoToTensorInfo(type, &info), "ONNX Runtime states no type");
    if (info == nullptr) return found;
    call(api->GetTensorElementType(info, &found.type), "ONNX Runtime states no type");
    std::size_t rank = 0;
    call(api->GetDimensionsCount(info, &rank), "ONNX Runtime states no shape");
    found.shape.resize(rank);
    call(api->GetDimensions(info, found.shape.data(), rank), "ONNX Runtime states no shape");
    return found;
  }

  void read_border() {
    std::size_t count = 0;
    call(api->SessionGetInputCount(session, &count), "ONNX Runtime counts no inputs");
    for (std::size_t i = 0; i < count; ++i) inputs.push_back(border(i, true));
    call(api->SessionGetOutputCount(session, &count), "ONNX Runtime counts no outputs");
    for (std::size_t i = 0; i < count; ++i) outputs.push_back(border(i, false));
  }
};

void require_border(const Session& session, const Manifest& manifest) {
  const std::vector<std::int64_t> wanted = {1, 1, manifest.input.height, manifest.input.width};
  const bool fits = session.inputs.size() == 1 && session.inputs[0].name == manifest.input.name &&
                    session.inputs[0].type == ONNX_TENSOR_ELEMENT_DATA_TYPE_UINT8 && session.inputs[0].shape == wanted;
  if (!fits) {
    throw Failure(Code::runner, session.shown + " has other inputs than the manifest states", kExportAgain);
  }
  for (const OutputSpec& stated : manifest.outputs) {
    bool found = false;
    for (const Border& one : session.outputs) {
      found = found || (one.name == stated.name && one.type == ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT &&
                        one.shape == stated.shape);
    }
    if (!found) {
      throw Failure(Code::runner,
                    session.shown + " has no output " + quoted(stated.name) + " of the shape that the manifest states",
                    kExportAgain);
    }
  }
}

class OnnxRuntimeBackend final : public Backend {
 public:
  // `count` boxes of `classes` classes: what the manifest states and the session has.
  OnnxRuntimeBackend(std::shared_ptr<const Session> session, std::size_t count, std::size_t classes)
      : session_(std::move(session)), count_(count), classes_(classes) {
    const OrtApi* api = session_->api;
    input_.resize(size_of(session_->inputs[0]));
    OrtMemoryInfo* memory = nullptr;
    call(api->CreateCpuMemoryInfo(OrtDeviceAllocator, OrtMemTypeDefault, &memory));
    const auto kept_memory = owned(memory, api->ReleaseMemoryInfo);
    call(api->CreateIoBinding(session_->session, &binding_));
    // Bound once: every frame is written to and read from the same memory.
    bind(memory, session_->inputs[0], input_.data(), input_.size(), true);
    for (const Border& one : session_->outputs) {
      std::vector<float>& to = one.name == "boxes" ? boxes_ : one.name == "scores" ? scores_ : others_.emplace_back();
      to.assign(size_of(one), 0.0F);
      bind(memory, one, to.data(), to.size() * sizeof(float), false);
    }
  }

  ~OnnxRuntimeBackend() override {
    const OrtApi* api = session_->api;
    if (binding_ != nullptr) api->ReleaseIoBinding(binding_);
    for (OrtValue* value : values_) api->ReleaseValue(value);
  }

  NetworkOutput run(const std::uint8_t* tensor, std::size_t bytes) override {
    if (bytes != input_.size()) {
      throw Failure(Code::runner, "the input has " + std::to_string(bytes) + " bytes, the graph takes " +
                    std::to_string(input_.size()), kExportAgain);
    }
    std::copy(tensor, tensor + bytes, input_.begin());
    require(session_->api, session_->api->RunWithBinding(session_->session, nullptr, binding_), Code::runner,
            "ONNX Runtime failed on " + session_->shown, "check free memory (free -h), then open the detector again");
    return {boxes_.data(), scores_.data(), count_, classes_};
  }

  std::unique_ptr<Backend> clone() const override {
    return std::make_unique<OnnxRuntimeBackend>(session_, count_, classes_);
  }

  std::string launch() const override { return "ONNX Runtime"; }

 private:
  static std::size_t size_of(const Border& border) {
    std::size_t size = 1;
    for (const std::int64_t side : border.shape) size *= static_cast<std::size_t>(side);
    return size;
  }

  void call(OrtStatus* status) const { session_->call(status, "ONNX Runtime refuses " + session_->shown); }

  void bind(const OrtMemoryInfo* memory, const Border& border, void* data, std::size_t bytes, bool input) {
    const OrtApi* api = session_->api;
    OrtValue* value = nullptr;
    call(api->CreateTensorWithDataAsOrtValue(memory, data, bytes, border.shape.data(), border.shape.size(), border.type,
                                             &value));
    values_.push_back(value);
    call(input ? api->BindInput(binding_, border.name.c_str(), value)
               : api->BindOutput(binding_, border.name.c_str(), value));
  }

  std::shared_ptr<const Session> session_;
  std::size_t count_;
  std::size_t classes_;
  std::vector<std::uint8_t> input_;
  std::vector<float> boxes_;
  std::vector<float> scores_;
  std::vector<std::vector<float>> others_;  // such as the saliency map
  std::vector<OrtValue*> values_;
  OrtIoBinding* binding_ = nullptr;
};

}  // namespace

std::unique_ptr<Backend> open_onnxruntime(const Package& package, Precision precision,
                                          const OnnxRuntimeOptions& options) {
  const Library& library = load(library_name(options.library));
  const std::vector<std::uint8_t> graph = package.read_graph(precision);
  const OrtApi* api = library.api;
  const auto session = std::make_shared<Session>();
  session->api = api;
  session->shown = package.directory() + "/" + package.manifest().graphs.at(precision).file;
  const std::string refuses = "ONNX Runtime refuses " + session->shown;
  OrtSessionOptions* settings = nullptr;
  session->call(api->CreateSessionOptions(&settings), refuses);
  const auto kept = owned(settings, api->ReleaseSessionOptions);
  session->call(api->SetIntraOpNumThreads(settings, options.threads), refuses);
  session->call(api->SetSessionLogSeverityLevel(settings, ORT_LOGGING_LEVEL_ERROR), refuses);
  // Threads that spin between frames would take the core from capture and from the host's other nodes.
  session->call(api->AddSessionConfigEntry(settings, "session.intra_op.allow_spinning", "0"), refuses);
  session->call(api->CreateSessionFromArray(library.environment, graph.data(), graph.size(), settings, &session->session),
                refuses);
  session->read_border();
  require_border(*session, package.manifest());
  return std::make_unique<OnnxRuntimeBackend>(session, static_cast<std::size_t>(package.manifest().boxes),
                                              package.manifest().classes.size());
}

std::string describe_onnxruntime(const std::string& library, bool& found) {
  const std::string name = library_name(library);
  try {
    const Library& loaded = load(name);
    found = true;
    return loaded.version + " (" + name + ")";
  } catch (const Failure& failure) {
    found = false;
    return failure.text();
  }
}

#else

std::unique_ptr<Backend> open_onnxruntime(const Package&, Precision, const OnnxRuntimeOptions&) {
  throw Failure(Code::extra_missing, "this library was built without ONNX Runtime's headers",
                "build it with EDGE_IRDET_ONNXRUNTIME=ON and onnxruntime_c_api.h");
}

std::string describe_onnxruntime(const std::string&, bool& found) {
  found = false;
  return "this library was built without ONNX Runtime's headers";
}

#endif

}  // namespace eird
