#include "package/package.hpp"

#include <dlfcn.h>
#include <sys/stat.h>

#include <cstdlib>

#include "failure.hpp"
#include "package/graph.hpp"
#include "package/intake.hpp"
#include "package/sha256.hpp"

namespace eird {
namespace {

constexpr std::size_t kMostGraphBytes = std::size_t{512} << 20U;
constexpr const char* kManifestName = "package.json";
constexpr const char* kExportAgain = "export the package again: edge-irdet export CHECKPOINT -o PACKAGE";

bool is_folder(const std::string& path) {
  struct stat state {};
  return stat(path.c_str(), &state) == 0 && S_ISDIR(state.st_mode);
}

bool is_there(const std::string& path) {
  struct stat state {};
  return stat(path.c_str(), &state) == 0;
}

std::string folder_of(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  return slash == std::string::npos ? "." : path.substr(0, slash);
}

std::string found_directory(const std::string& path_or_name) {
  if (path_or_name.empty() || path_or_name.find('\0') != std::string::npos) {
    throw Failure(Code::package_missing, "the name of the package is empty or has a NUL byte",
                  "name a package directory or a package of EDGE_IRDET_MODELS");
  }
  if (!is_there(path_or_name) && path_or_name.find('/') == std::string::npos) {
    for (const std::string& folder : model_folders()) {
      std::string candidate = folder + "/" + path_or_name;
      if (is_folder(candidate)) return candidate;
    }
  }
  return path_or_name;
}

}  // namespace

std::vector<std::string> model_folders() {
  std::vector<std::string> folders;
  if (const char* stated = std::getenv("EDGE_IRDET_MODELS")) {  // NOLINT(concurrency-mt-unsafe)
    std::string rest = stated;
    while (!rest.empty()) {
      const std::size_t colon = rest.find(':');
      if (colon != 0) folders.push_back(rest.substr(0, colon));
      rest = colon == std::string::npos ? "" : rest.substr(colon + 1);
    }
  }
  Dl_info info{};
  if (dladdr(reinterpret_cast<const void*>(&model_folders), &info) != 0 && info.dli_fname != nullptr) {
    // The library lies in PREFIX/lib, or PREFIX/lib/TRIPLET.
    const std::string library = folder_of(info.dli_fname);
    folders.push_back(library + "/../share/edge_irdet/models");
    folders.push_back(library + "/../../share/edge_irdet/models");
  }
  return folders;
}

Package Package::open(const std::string& path_or_name) {
  Package package;
  package.directory_ = found_directory(path_or_name);
  const std::string path = package.directory_ + "/" + kManifestName;
  try {
    const std::vector<std::uint8_t> content = read_regular_file(path, kMostManifestBytes);
    package.sha256_ = sha256_hex(content.data(), content.size());
    package.manifest_ = read_manifest(reinterpret_cast<const char*>(content.data()), content.size(), path);
  } catch (const ContentRefused& refused) {
    if (refused.missing()) {
      throw Failure(Code::package_missing,
                    "there is no model package at " + package.directory_ + ": " + kManifestName + " " + refused.what(),
                    "name a package directory, or a package in a folder of EDGE_IRDET_MODELS");
    }
    throw Failure(Code::manifest_invalid, path + " is not a valid manifest: " + refused.what(), kExportAgain);
  }
  const InputSpec& input = package.manifest_.input;
  if (input.channels != 1 || input.dtype != "uint8") {
    throw Failure(Code::manifest_invalid,
                  "the input " + quoted(input.name) + " has " + std::to_string(input.channels) + " channels of " +
                      quoted(input.dtype) + "; this version feeds one channel of uint8",
                  kExportAgain);
  }
  return package;
}

std::vector<std::uint8_t> Package::read_graph(Precision precision) const {
  const auto graph = manifest_.graphs.find(precision);
  if (graph == manifest_.graphs.end()) {
    std::string held;
    for (const auto& [one, file] : manifest_.graphs) held += (held.empty() ? "" : ", ") + std::string(name_of(one));
    throw Failure(Code::precision_missing, directory_ + " holds " + held + ", not " + name_of(precision),
                  "choose a precision that is there");
  }
  const std::string path = directory_ + "/" + graph->second.file;
  const char* again = "fetch the package again, or export it again: edge-irdet export CHECKPOINT -o PACKAGE";
  std::vector<std::uint8_t> content;
  try {
    content = read_regular_file(path, kMostGraphBytes);
  } catch (const ContentRefused& refused) {
    throw Failure(refused.missing() ? Code::package_hash : Code::graph_refused, path + " " + refused.what(), again);
  }
  const std::string found = sha256_hex(content.data(), content.size());
  if (found != graph->second.sha256) {
    throw Failure(Code::package_hash, path + " has SHA-256 " + found + ", the manifest says " + graph->second.sha256,
                  again);
  }
  try {
    require_self_contained(content.data(), content.size());
  } catch (const ContentRefused& refused) {
    throw Failure(Code::graph_refused, path + " " + refused.what(), again);
  }
  return content;
}

}  // namespace eird
