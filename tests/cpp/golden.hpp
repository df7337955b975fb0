// Reading the golden arrays, which Python wrote.
#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <cstring>
#include <fstream>
#include <iterator>
#include <sstream>
#include <stdexcept>
#include <string>
#include <vector>

inline std::string golden_folder(const std::string& name) { return std::string(EIRD_GOLDEN) + "/" + name; }

inline std::vector<char> read_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) throw std::runtime_error("cannot read " + path);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

// An array of the .npy format, version 1, in C order.
struct Array {
  std::string dtype;  // such as "<f4"
  std::vector<std::size_t> shape;
  std::vector<char> bytes;

  std::size_t rows() const { return shape.empty() ? 0 : shape[0]; }

  template <typename Value>
  std::vector<Value> as(const std::string& expected) const {
    if (dtype != expected) throw std::runtime_error("the array is " + dtype + ", not " + expected);
    std::vector<Value> values(bytes.size() / sizeof(Value));
    if (!bytes.empty()) std::memcpy(values.data(), bytes.data(), bytes.size());
    return values;
  }
};

inline Array read_npy(const std::string& path) {
  const std::vector<char> all = read_file(path);
  if (all.size() < 10 || std::memcmp(all.data(), "\x93NUMPY\x01", 7) != 0) throw std::runtime_error("not .npy: " + path);
  const std::size_t length = static_cast<unsigned char>(all[8]) + 256U * static_cast<unsigned char>(all[9]);
  const std::string header(all.data() + 10, length);
  if (header.find("'fortran_order': False") == std::string::npos) throw std::runtime_error("order: " + header);
  Array array;
  const std::size_t descr = header.find("'descr': '") + 10;
  array.dtype = header.substr(descr, header.find('\'', descr) - descr);
  std::size_t at = header.find("'shape': (") + 10;
  while (header[at] != ')') {
    if (header[at] >= '0' && header[at] <= '9') {
      std::size_t used = 0;
      array.shape.push_back(std::stoul(header.substr(at), &used));
      at += used;
    } else {
      ++at;
    }
  }
  array.bytes.assign(all.begin() + static_cast<std::ptrdiff_t>(10 + length), all.end());
  return array;
}

// The lines of a folder's cases.txt, comments left out.
inline std::vector<std::istringstream> read_cases(const std::string& folder) {
  std::ifstream file(folder + "/cases.txt");
  std::vector<std::istringstream> cases;
  for (std::string line; std::getline(file, line);) {
    if (!line.empty() && line[0] != '#') cases.emplace_back(line);
  }
  if (cases.empty()) throw std::runtime_error("no case in " + folder);
  return cases;
}
