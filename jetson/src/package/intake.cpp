#include "package/intake.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace eird {
namespace {

class Descriptor {
 public:
  explicit Descriptor(int number) : number_(number) {}
  ~Descriptor() {
    if (number_ >= 0) close(number_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int number() const { return number_; }

 private:
  int number_;
};

const char* kind_of(mode_t mode) {
  if (S_ISDIR(mode)) return "a folder";
  if (S_ISFIFO(mode)) return "a pipe";
  if (S_ISSOCK(mode)) return "a socket";
  if (S_ISCHR(mode) || S_ISBLK(mode)) return "a device";
  return "something else";
}

std::string system_text(int number) {
  char buffer[128] = "";
  return strerror_r(number, buffer, sizeof buffer);
}

}  // namespace

std::vector<std::uint8_t> read_regular_file(const std::string& path, std::size_t limit) {
  if (path.find('\0') != std::string::npos) throw ContentRefused("is not the name of a file: it has a NUL byte");
  // Without O_NONBLOCK, opening a pipe that nobody writes to would wait for ever.
  const Descriptor file(open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC));
  if (file.number() < 0) {
    if (errno == ENOENT || errno == ENOTDIR) throw ContentRefused("is not there", true);
    throw ContentRefused("cannot be read: " + system_text(errno));
  }
  struct stat state {};
  if (fstat(file.number(), &state) != 0) throw ContentRefused("cannot be read: " + system_text(errno));
  if (!S_ISREG(state.st_mode)) throw ContentRefused(std::string("is ") + kind_of(state.st_mode) + ", not a regular file");
  const auto stated = static_cast<std::size_t>(std::max<off_t>(state.st_size, 0));
  const auto too_large = [limit](std::size_t bytes) {
    return ContentRefused("has " + std::to_string(bytes) + " bytes, more than the " + std::to_string(limit) +
                          " that are read");
  };
  if (stated > limit) throw too_large(stated);
  // The size that the system states may be wrong (/proc states 0) or grow: one byte more decides.
  std::vector<std::uint8_t> content(std::min(limit, stated) + 1);
  std::size_t held = 0;
  while (true) {
    const ssize_t got = read(file.number(), content.data() + held, content.size() - held);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) throw ContentRefused("cannot be read: " + system_text(errno));
    held += static_cast<std::size_t>(got);
    if (held > limit) throw too_large(held);
    if (got == 0) break;
    if (held == content.size()) content.resize(std::min(limit + 1, 2 * content.size()));
  }
  content.resize(held);
  return content;
}

std::string first_line(const std::string& path) {
  try {
    const std::vector<std::uint8_t> content = read_regular_file(path, 1U << 16U);
    std::string line(content.begin(), std::find(content.begin(), content.end(), std::uint8_t{'\n'}));
    line.erase(std::remove(line.begin(), line.end(), '\0'), line.end());
    const std::size_t first = line.find_first_not_of(" \t\r");
    const std::size_t last = line.find_last_not_of(" \t\r");
    return first == std::string::npos ? "" : line.substr(first, last - first + 1);
  } catch (const ContentRefused&) {
    return "";
  }
}

std::string quoted(const std::string& text) {
  static constexpr std::size_t kLongest = 40;
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string shown = "'";
  for (std::size_t i = 0; i < text.size() && i < kLongest; ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    if (byte >= 0x20 && byte < 0x7f) {
      shown += text[i];
    } else {
      shown += "\\x";
      shown += kDigits[byte >> 4U];
      shown += kDigits[byte & 15U];
    }
  }
  return shown + (text.size() > kLongest ? "...'" : "'");
}

}  // namespace eird
