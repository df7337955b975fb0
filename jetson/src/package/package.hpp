// The model package: a directory that holds everything needed to run one trained model.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "package/manifest.hpp"

namespace eird {

class Package {
 public:
  // Opens a package by its path, or by the name of one in a folder of models. Throws Failure: E201, E202, E204.
  static Package open(const std::string& path_or_name);

  // Content of a graph, after its SHA-256 has been compared with the manifest: what was hashed is what runs. Throws
  // Failure: E205 where the package lacks the precision, E203 where the file is absent or another, E206 where it is no
  // graph that holds all its values.
  std::vector<std::uint8_t> read_graph(Precision precision) const;

  const std::string& directory() const { return directory_; }
  const Manifest& manifest() const { return manifest_; }
  // SHA-256 of package.json.
  const std::string& sha256() const { return sha256_; }

 private:
  Package() = default;

  std::string directory_;
  Manifest manifest_;
  std::string sha256_;
};

// Folders in which names of packages are looked up: those of EDGE_IRDET_MODELS, then share/edge_irdet/models beside
// this library.
std::vector<std::string> model_folders();

}  // namespace eird
