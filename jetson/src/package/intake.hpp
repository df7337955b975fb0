// Reading files that come from outside: regular files only, and bounded.
#pragma once

#include <cstddef>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <vector>

namespace eird {

// A file was not read, or its content not taken. The reason is a clause that follows the file's name; whoever called
// turns it into an error of its own.
class ContentRefused : public std::runtime_error {
 public:
  explicit ContentRefused(const std::string& reason, bool missing = false)
      : std::runtime_error(reason), missing_(missing) {}
  bool missing() const noexcept { return missing_; }  // there is no such file

 private:
  bool missing_;
};

// Content of a regular file of at most `limit` bytes; links are followed. Throws ContentRefused.
std::vector<std::uint8_t> read_regular_file(const std::string& path, std::size_t limit);

// First line of a file, without NUL bytes and the blanks at its ends; empty where it cannot be read.
std::string first_line(const std::string& path);

// Text of elsewhere for a message: quotes, control characters escaped, cut off after 40 characters.
std::string quoted(const std::string& text);

}  // namespace eird
