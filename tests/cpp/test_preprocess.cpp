// The preprocess step against tests/golden/preprocess, byte by byte, and its refusals.
#include "golden.hpp"
#include "package/manifest.hpp"
#include "failure.hpp"
#include "preprocess/preprocessor.hpp"

namespace {

using eird::Code;
using eird::Failure;
using eird::Frame;
using eird::PixelFormat;
using eird::Preprocessor;

eird::SixteenBitMapping mapping_of(const std::string& name) {
  if (name == "linear-percentile") return eird::SixteenBitMapping::linear_percentile;
  if (name == "fixed-range") return eird::SixteenBitMapping::fixed_range;
  if (name == "plateau") return eird::SixteenBitMapping::plateau;
  throw std::runtime_error("mapping: " + name);
}

// Frames that lie below one another, with rows further apart than they are long, as cameras have them.
struct Stream {
  std::vector<std::uint16_t> memory;  // of 16 bits, so that rows of counts are aligned
  std::size_t pitch = 0;
  int width = 0;
  int height = 0;
  PixelFormat format = PixelFormat::grey8;

  Stream(const Array& array, int frames) {
    const std::size_t item = array.dtype == "<u2" ? 2 : 1;
    const bool colour = array.shape.size() == 3;
    width = static_cast<int>(array.shape[1]);
    height = static_cast<int>(array.rows()) / frames;
    format = item == 2 ? PixelFormat::grey16 : colour ? PixelFormat::bgr8 : PixelFormat::grey8;
    const std::size_t row = array.bytes.size() / array.rows();
    pitch = row + 6 + row % 2;
    memory.assign(pitch * array.rows() / 2, 0xEEEE);
    for (std::size_t index = 0; index < array.rows(); ++index) {
      std::memcpy(bytes() + index * pitch, array.bytes.data() + index * row, row);
    }
  }

  unsigned char* bytes() { return reinterpret_cast<unsigned char*>(memory.data()); }

  Frame frame(int index) {
    const std::size_t size = pitch * static_cast<std::size_t>(height);
    return {bytes() + static_cast<std::size_t>(index) * size, size, width, height, pitch, format};
  }
};

TEST(Preprocess, MeetsTheGoldenArrays) {
  const std::string folder = golden_folder("preprocess");
  for (std::istringstream& line : read_cases(folder)) {
    std::string name, mapping, shutter;
    eird::SixteenBitSpec sixteen;
    int pad = 0, left = 0, top = 0, width = 0, height = 0;
    line >> name >> mapping >> sixteen.low >> sixteen.high >> sixteen.min_span >> sixteen.plateau >> sixteen.linear >>
        sixteen.max_gain >> sixteen.smoothing_frames >> sixteen.shutter_frames >> pad >> left >> top >> width >>
        height >> shutter;
    ASSERT_TRUE(line) << name;
    SCOPED_TRACE(name);
    const int frames = static_cast<int>(shutter.size());
    Stream stream(read_npy(folder + "/" + name + ".in.npy"), frames);
    const Array out = read_npy(folder + "/" + name + ".out.npy");
    eird::PreprocessSpec spec;
    spec.pad_value = static_cast<std::uint8_t>(pad);
    if (mapping != "none") {
      sixteen.mapping = mapping_of(mapping);
      spec.sixteen_bit = sixteen;
    }
    Preprocessor preprocessor(spec, static_cast<int>(out.shape[1]), static_cast<int>(out.rows()) / frames);
    for (int pass = 0; pass < 2; ++pass) {  // after a reset all is as at first
      for (int index = 0; index < frames; ++index) {
        const eird::Placement& placement = preprocessor(stream.frame(index));
        EXPECT_EQ(placement.left, left);
        EXPECT_EQ(placement.top, top);
        EXPECT_EQ(placement.width, width);
        EXPECT_EQ(placement.height, height);
        EXPECT_EQ(preprocessor.shutter(), shutter[static_cast<std::size_t>(index)] == '1') << "frame " << index;
        const char* golden = out.bytes.data() + static_cast<std::size_t>(index) * preprocessor.size();
        ASSERT_EQ(std::memcmp(preprocessor.tensor(), golden, preprocessor.size()), 0) << "frame " << index;
      }
      preprocessor.reset();
    }
  }
}

TEST(Preprocess, RgbIsBgrTheOtherWayRound) {
  std::vector<std::uint8_t> bgr = {10, 200, 30, 255, 0, 7, 1, 2, 3, 90, 91, 92};
  std::vector<std::uint8_t> rgb = {30, 200, 10, 7, 0, 255, 3, 2, 1, 92, 91, 90};
  Preprocessor one({}, 2, 2);
  Preprocessor other({}, 2, 2);
  one({bgr.data(), bgr.size(), 2, 2, 6, PixelFormat::bgr8});
  other({rgb.data(), rgb.size(), 2, 2, 6, PixelFormat::rgb8});
  EXPECT_EQ(std::memcmp(one.tensor(), other.tensor(), 4), 0);
  EXPECT_EQ(one.tensor()[0], (3735 * 10 + 19235 * 200 + 9798 * 30 + 16384) >> 15);
}

int code_of(Preprocessor& preprocessor, const Frame& frame) {
  try {
    preprocessor(frame);
  } catch (const Failure& failure) {
    EXPECT_FALSE(failure.text().empty());
    EXPECT_FALSE(failure.next_step().empty());
    return static_cast<int>(failure.code());
  }
  return 0;
}

TEST(Preprocess, RefusesFramesThatCannotBeAndForgetsNothing) {
  alignas(2) std::uint8_t bytes[4096];
  for (int i = 0; i < 4096; ++i) bytes[i] = static_cast<std::uint8_t>(i * 7);
  eird::PreprocessSpec mapped;
  mapped.sixteen_bit = eird::SixteenBitSpec{};
  mapped.sixteen_bit->smoothing_frames = 10;
  Preprocessor unmapped({}, 32, 32);
  Preprocessor sixteen(mapped, 32, 32);
  Preprocessor untouched(mapped, 32, 32);
  const Frame good{bytes, 512, 16, 16, 32, PixelFormat::grey16};
  sixteen(good);
  untouched(good);
  const Frame bad[] = {
      {nullptr, 512, 16, 16, 32, PixelFormat::grey16},
      {bytes, 511, 16, 16, 32, PixelFormat::grey16},
      {bytes, 0, 16, 16, 32, PixelFormat::grey16},
      {bytes, 512, 16, 16, 30, PixelFormat::grey16},
      {bytes, 4096, 16, 16, 33, PixelFormat::grey16},
      {bytes + 1, 2048, 16, 16, 32, PixelFormat::grey16},
      {bytes, 512, 0, 16, 32, PixelFormat::grey16},
      {bytes, 512, 16, 0, 32, PixelFormat::grey16},
      {bytes, 512, -16, 16, 32, PixelFormat::grey16},
      {bytes, 512, 16, -1, 32, PixelFormat::grey16},
      {bytes, std::size_t{1} << 40U, 16385, 1, 40000, PixelFormat::grey16},
      {bytes, std::size_t{1} << 40U, 1, 16385, 2, PixelFormat::grey16},
      {bytes, 512, 16, 16, 32, static_cast<PixelFormat>(0)},
      {bytes, 512, 16, 16, 32, static_cast<PixelFormat>(9)},
      {bytes, 512, 16, 16, 32, PixelFormat::bgr8},
      {bytes, 512, 16, 16, ~std::size_t{0} & ~std::size_t{1}, PixelFormat::grey16},
  };
  for (const Frame& frame : bad) EXPECT_EQ(code_of(sixteen, frame), 105);
  EXPECT_EQ(code_of(unmapped, good), 107);
  for (int step = 1; step < 4; ++step) {
    const Frame next{bytes + 64 * step, 1024, 16, 16, 32, PixelFormat::grey16};
    sixteen(next);
    untouched(next);
    EXPECT_EQ(std::memcmp(sixteen.tensor(), untouched.tensor(), 1024), 0);
  }
}

TEST(Preprocess, AFrameOfAnotherSizeIsTheFirstOfItsStream) {
  std::vector<std::uint16_t> counts(64 * 64);
  for (std::size_t i = 0; i < counts.size(); ++i) counts[i] = static_cast<std::uint16_t>(1000 + i % 977);
  eird::PreprocessSpec mapped;
  mapped.sixteen_bit = eird::SixteenBitSpec{};
  mapped.sixteen_bit->smoothing_frames = 30;
  Preprocessor first(mapped, 48, 48);
  Preprocessor fresh(mapped, 48, 48);
  const auto frame = [&](int width, int height) {
    return Frame{reinterpret_cast<const std::uint8_t*>(counts.data()), counts.size() * 2, width, height,
                 2 * static_cast<std::size_t>(width), PixelFormat::grey16};
  };
  first(frame(64, 64));
  first(frame(30, 64));
  fresh(frame(30, 64));
  EXPECT_EQ(std::memcmp(first.tensor(), fresh.tensor(), first.size()), 0);
}

TEST(MappingText, TakesWhatPythonTakes) {
  EXPECT_EQ(eird::parse_mapping("linear-percentile").high, 99.9);
  EXPECT_EQ(eird::parse_mapping("linear-percentile:1,99@15").smoothing_frames, 15.0);
  EXPECT_EQ(eird::parse_mapping("plateau").smoothing_frames, 15.0);
  EXPECT_EQ(eird::parse_mapping("plateau@0").smoothing_frames, 0.0);
  const eird::SixteenBitSpec plateau = eird::parse_mapping("plateau:0.1,2.5,30@4");
  EXPECT_EQ(plateau.plateau, 0.1);
  EXPECT_EQ(plateau.max_gain, 2.5);
  EXPECT_EQ(plateau.linear, 30.0);
  EXPECT_EQ(eird::parse_mapping("fixed-range:1e3,2000.5").high, 2000.5);
}

TEST(MappingText, RefusesTheRestWithE701) {
  for (const char* text :
       {"", "linear", "linear-percentile:", "linear-percentile:1", "linear-percentile:9,1", "linear-percentile:0,101",
        "linear-percentile:1,2,3", "linear-percentile@", "linear-percentile@-1", "linear-percentile@10001",
        "linear-percentile@x", "linear-percentile:a,b", "fixed-range", "fixed-range:5", "fixed-range:1,65536",
        "fixed-range:1,2@3", "plateau:1", "plateau:1,2,3,4", "plateau:0,1", "plateau:1,256", "plateau:1,2,101",
        "plateau:1e999,2", "linear-percentile:1,,2", "plateau:1,2@nan"}) {
    try {
      eird::parse_mapping(text);
      ADD_FAILURE() << text;
    } catch (const Failure& failure) {
      EXPECT_EQ(failure.code(), Code::option) << text;
    }
  }
}

}  // namespace
