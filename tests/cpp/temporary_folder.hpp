// A folder that is gone after the test.
#pragma once

#include <dirent.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <stdexcept>
#include <string>

class TemporaryFolder {
 public:
  TemporaryFolder() {
    const char* stated = std::getenv("TMPDIR");
    std::string pattern = std::string(stated == nullptr ? "/tmp" : stated) + "/eird-XXXXXX";
    if (mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("no temporary folder");
    path_ = pattern;
  }
  ~TemporaryFolder() { remove_all(path_); }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;

  const std::string& path() const { return path_; }

  std::string write(const std::string& name, const std::string& content) const {
    const std::size_t slash = name.rfind('/');
    if (slash != std::string::npos) mkdir((path_ + "/" + name.substr(0, slash)).c_str(), 0700);
    const std::string path = path_ + "/" + name;
    std::ofstream(path, std::ios::binary) << content;
    return path;
  }

 private:
  static void remove_all(const std::string& path) {
    DIR* folder = opendir(path.c_str());
    if (folder == nullptr) {
      unlink(path.c_str());
      return;
    }
    while (const dirent* entry = readdir(folder)) {
      const std::string name = entry->d_name;
      if (name != "." && name != "..") remove_all(path + "/" + name);
    }
    closedir(folder);
    rmdir(path.c_str());
  }

  std::string path_;
};
