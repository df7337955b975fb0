// Runs every case of tests/golden/preprocess through the C++ preprocess step and compares byte by byte.
#include <cstdint>
#include <cstring>
#include <exception>
#include <fstream>
#include <iostream>
#include <iterator>
#include <sstream>
#include <stdexcept>
#include <string>
#include <vector>

#include "edge_irdet/preprocess.hpp"

namespace {

struct Array {
  std::vector<std::uint8_t> bytes;
  int rows = 0;
  int columns = 0;
  int item = 1;
};

// The .npy format, version 1, little-endian unsigned [rows, columns] in C order: all that the cases need.
Array read_npy(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  const std::vector<char> all((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  if (all.size() < 10 || std::memcmp(all.data(), "\x93NUMPY\x01", 7) != 0) throw std::runtime_error("not .npy: " + path);
  const auto length = static_cast<std::size_t>(static_cast<unsigned char>(all[8])) +
                      256 * static_cast<std::size_t>(static_cast<unsigned char>(all[9]));
  const std::string header(all.data() + 10, length);
  Array array;
  array.item = header.find("<u2") != std::string::npos ? 2 : 1;
  if (header.find("u1") == std::string::npos && array.item == 1) throw std::runtime_error("dtype: " + header);
  char comma = 0;
  std::istringstream shape(header.substr(header.find("'shape': (") + 10));
  shape >> array.rows >> comma >> array.columns;
  array.bytes.assign(all.begin() + static_cast<std::ptrdiff_t>(10 + length), all.end());
  const auto wanted = static_cast<std::size_t>(array.rows) * static_cast<std::size_t>(array.columns) *
                      static_cast<std::size_t>(array.item);
  if (!shape || array.bytes.size() != wanted) throw std::runtime_error("shape: " + header);
  return array;
}

edge_irdet::SixteenBitMapping mapping_of(const std::string& name) {
  using edge_irdet::SixteenBitMapping;
  if (name == "linear-percentile") return SixteenBitMapping::linear_percentile;
  if (name == "fixed-range") return SixteenBitMapping::fixed_range;
  if (name == "plateau") return SixteenBitMapping::plateau;
  throw std::runtime_error("mapping: " + name);
}

// The frames of a case lie below one another in its arrays; all but a stream's have one.
bool run(const std::string& folder, std::istringstream& line) {
  std::string name;
  std::string mapping;
  std::string shutter;
  edge_irdet::SixteenBitSpec sixteen;
  int pad = 0;
  int left = 0;
  int top = 0;
  int width = 0;
  int height = 0;
  line >> name >> mapping >> sixteen.low >> sixteen.high >> sixteen.min_span >> sixteen.plateau >> sixteen.linear >>
      sixteen.max_gain >> sixteen.smoothing_frames >> sixteen.shutter_frames >> pad >> left >> top >> width >> height >>
      shutter;
  if (!line) throw std::runtime_error("a malformed case");
  const Array in = read_npy(folder + "/" + name + ".in.npy");
  const Array out = read_npy(folder + "/" + name + ".out.npy");
  edge_irdet::PreprocessSpec spec;
  spec.pad_value = static_cast<std::uint8_t>(pad);
  if (mapping != "none") {
    sixteen.mapping = mapping_of(mapping);
    spec.sixteen_bit = sixteen;
  }
  // A pitch longer than the row, as cameras have, must not matter.
  const std::size_t row = static_cast<std::size_t>(in.columns) * static_cast<std::size_t>(in.item);
  const std::size_t pitch = row + 6;
  std::vector<std::uint8_t> padded(pitch * static_cast<std::size_t>(in.rows), 0xEE);
  for (int index = 0; index < in.rows; ++index) {
    std::memcpy(padded.data() + static_cast<std::size_t>(index) * pitch,
                in.bytes.data() + static_cast<std::size_t>(index) * row, row);
  }
  const int frames = static_cast<int>(shutter.size());
  const int rows = in.rows / frames;
  edge_irdet::Preprocessor preprocessor(spec, out.columns, out.rows / frames);
  for (int pass = 0; pass < 2; ++pass) {  // after a reset all is as at first
    for (int frame = 0; frame < frames; ++frame) {
      const edge_irdet::ImageView view{padded.data() + static_cast<std::size_t>(frame * rows) * pitch, in.columns, rows,
                                       pitch,
                                       in.item == 2 ? edge_irdet::PixelFormat::grey16 : edge_irdet::PixelFormat::grey8};
      const edge_irdet::Placement placement = preprocessor(view);
      if (placement.left != left || placement.top != top || placement.width != width || placement.height != height) {
        std::cerr << name << ": placed at " << placement.left << "," << placement.top << "\n";
        return false;
      }
      if (preprocessor.shutter() != (shutter[static_cast<std::size_t>(frame)] == '1')) {
        std::cerr << name << ": frame " << frame << " has the shutter " << preprocessor.shutter() << "\n";
        return false;
      }
      const std::uint8_t* golden = out.bytes.data() + static_cast<std::size_t>(frame) * preprocessor.size();
      for (std::size_t index = 0; index < preprocessor.size(); ++index) {
        if (preprocessor.tensor()[index] != golden[index]) {
          std::cerr << name << ": frame " << frame << " byte " << index << " is " << int(preprocessor.tensor()[index])
                    << ", golden is " << int(golden[index]) << "\n";
          return false;
        }
      }
    }
    preprocessor.reset();
  }
  return true;
}

template <typename Call>
bool refuses(Call call) {
  try {
    call();
  } catch (const std::invalid_argument&) {
    return true;
  }
  return false;
}

bool refusals() {
  const std::vector<std::uint8_t> bytes(64, 1);
  using edge_irdet::PixelFormat;
  edge_irdet::Preprocessor preprocessor({}, 32, 32);
  edge_irdet::PreprocessSpec mapped;
  mapped.sixteen_bit = edge_irdet::SixteenBitSpec{};
  edge_irdet::Preprocessor sixteen(mapped, 32, 32);
  return refuses([&] { preprocessor({bytes.data(), 4, 4, 8, PixelFormat::grey16}); }) &&
         refuses([&] { sixteen({bytes.data(), 4, 4, 9, PixelFormat::grey16}); }) &&
         refuses([&] { sixteen({bytes.data() + 1, 4, 4, 8, PixelFormat::grey16}); }) &&
         refuses([&] { preprocessor({bytes.data(), 8, 4, 7, PixelFormat::grey8}); }) &&
         refuses([&] { preprocessor({bytes.data(), 0, 4, 8, PixelFormat::grey8}); }) &&
         refuses([&] { preprocessor({nullptr, 4, 4, 8, PixelFormat::grey8}); }) &&
         refuses([&] { edge_irdet::Preprocessor({}, 0, 32); });
}

}  // namespace

int main(int count, char** arguments) {
  if (count != 2) {
    std::cerr << "usage: preprocess_golden FOLDER\n";
    return 2;
  }
  try {
    const std::string folder = arguments[1];
    std::ifstream cases(folder + "/cases.txt");
    std::string text;
    int passed = 0;
    int failed = refusals() ? 0 : 1;
    while (std::getline(cases, text)) {
      if (text.empty() || text[0] == '#') continue;
      std::istringstream line(text);
      run(folder, line) ? ++passed : ++failed;
    }
    std::cout << passed << " passed, " << failed << " failed\n";
    return failed == 0 && passed > 0 ? 0 : 1;
  } catch (const std::exception& error) {
    std::cerr << error.what() << "\n";
    return 2;
  }
}
