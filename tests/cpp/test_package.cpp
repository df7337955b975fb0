// Hashes, JSON, manifests and packages.
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>

#include "failure.hpp"
#include "golden.hpp"
#include "package/decimal.hpp"
#include "package/graph.hpp"
#include "package/intake.hpp"
#include "package/json.hpp"
#include "package/manifest.hpp"
#include "package/package.hpp"
#include "package/sha256.hpp"
#include "temporary_folder.hpp"

namespace {

using eird::Code;
using eird::ContentRefused;
using eird::Failure;
using eird::Json;

std::string sha256(const std::string& text) { return eird::sha256_hex(text.data(), text.size()); }

TEST(Sha256, MeetsTheVectorsOfFips180) {
  EXPECT_EQ(sha256(""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(sha256("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(sha256("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"),
            "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
  EXPECT_EQ(sha256(std::string(1000000, 'a')), "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

TEST(Sha256, PartsOfAMessageGiveTheHashOfTheWhole) {
  const std::string text(307, 'x');
  for (std::size_t cut = 0; cut <= text.size(); cut += 13) {
    eird::Sha256 hash;
    hash.update(text.data(), cut).update(text.data() + cut, text.size() - cut);
    EXPECT_EQ(eird::to_hex(hash.finish()), sha256(text));
  }
}

TEST(Sha256, HmacMeetsTheVectorsOfRfc4231) {
  EXPECT_EQ(eird::hmac_sha256_hex("Jefe", "what do ya want for nothing?"),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
  EXPECT_EQ(eird::hmac_sha256_hex(std::string(131, '\xaa'), "Test Using Larger Than Block-Size Key - Hash Key First"),
            "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
}

double number(const std::string& text) { return Json::parse(text.data(), text.size()).real; }

TEST(Json, NumbersAreReadToTheNearestDouble) {
  EXPECT_EQ(number("0.1"), 0.1);
  EXPECT_EQ(number("-0.0"), 0.0);
  EXPECT_EQ(number("1.7976931348623157e308"), 1.7976931348623157e308);
  EXPECT_EQ(number("5e-324"), 5e-324);
  EXPECT_EQ(number("1e999"), std::numeric_limits<double>::infinity());
  EXPECT_EQ(number("1e-999"), 0.0);
  EXPECT_EQ(number("9007199254740993"), 9007199254740992.0);
}

TEST(Json, WholeNumbersBeyond64BitsAreAtTheirEnd) {
  const std::string text = "[9223372036854775807, 9223372036854775808, -9223372036854775809]";
  const Json json = Json::parse(text.data(), text.size());
  EXPECT_FALSE(json.array[0].large);
  EXPECT_TRUE(json.array[1].large);
  EXPECT_EQ(json.array[1].integer, std::numeric_limits<std::int64_t>::max());
  EXPECT_EQ(json.array[2].integer, std::numeric_limits<std::int64_t>::min());
}

TEST(Decimal, DoublesAreWrittenSoThatTheyReadBackEqual) {
  for (const double value : {0.0, 0.1, 1.0 / 3.0, 123456.789, 1e22, 1e-7, 5e-324, 1.7976931348623157e308, -2.5}) {
    const std::string text = eird::format_double(value);
    EXPECT_EQ(eird::parse_double(text.data(), text.size()), value) << text;
  }
}

std::string manifest_code(const std::string& content) {
  try {
    const eird::Manifest manifest = eird::read_manifest(content.data(), content.size(), "package.json");
    // What a package is refused for beyond its manifest.
    return manifest.input.channels == 1 && manifest.input.dtype == "uint8" ? "ok" : "E202";
  } catch (const ContentRefused& refused) {
    EXPECT_FALSE(std::string(refused.what()).empty());
    return "E202";
  } catch (const Failure& failure) {
    return "E" + std::to_string(static_cast<int>(failure.code()));
  }
}

TEST(Manifest, MeetsTheGoldenVerdicts) {
  const std::string folder = golden_folder("manifests");
  int refused = 0;
  for (std::istringstream& line : read_cases(folder)) {
    std::string name, code;
    std::size_t length = 0;
    line >> name >> code >> length;
    const std::vector<char> stored = read_file(folder + "/" + name);
    std::string content(stored.begin(), stored.end());
    if (length > 0) {  // a large one: filled up with its first byte, or with blanks
      content.resize(length, content[0] == '[' ? '[' : ' ');
    }
    const std::string found = length > eird::kMostManifestBytes ? "E202" : manifest_code(content);
    EXPECT_EQ(found, code) << name;
    refused += code == "ok" ? 0 : 1;
  }
  EXPECT_GE(refused, 40);
}

TEST(Manifest, ValuesAreThoseOfTheFile) {
  const std::vector<char> content = read_file(golden_folder("manifests") + "/good_mapping_all.json");
  const eird::Manifest manifest = eird::read_manifest(content.data(), content.size(), "");
  EXPECT_EQ(manifest.name, "test");
  EXPECT_EQ(manifest.classes, (std::vector<std::string>{"target", "bird"}));
  EXPECT_EQ(manifest.input.width, 64);
  EXPECT_EQ(manifest.input.height, 32);
  EXPECT_EQ(manifest.boxes, 6);
  const eird::SixteenBitSpec& mapping = *manifest.preprocess.sixteen_bit;
  EXPECT_EQ(mapping.min_span, 1000.0);
  EXPECT_EQ(mapping.smoothing_frames, 2.5);
  EXPECT_EQ(mapping.shutter_frames, 0);
  const std::vector<char> escapes = read_file(golden_folder("manifests") + "/good_escapes.json");
  EXPECT_EQ(eird::read_manifest(escapes.data(), escapes.size(), "").name, "test \xf0\x9f\x98\x80 \xc3\xa9/");
}

class PackageFolder : public ::testing::Test {
 protected:
  void SetUp() override {
    folder_.write("package.json", manifest_of(sha256(kGraph)));
    folder_.write("model.onnx", kGraph);
  }

  static std::string manifest_of(const std::string& hash) {
    std::vector<char> base = read_file(golden_folder("manifests") + "/good_base.json");
    std::string text(base.begin(), base.end());
    const std::size_t at = text.find("\"sha256\": \"") + 11;
    return text.replace(at, 64, hash);
  }

  template <typename Work>
  static int code_of(Work work) {
    try {
      work();
    } catch (const Failure& failure) {
      return static_cast<int>(failure.code());
    }
    return 0;
  }

  // ModelProto: ir_version 8, graph with an initializer whose raw_data is "ab".
  const std::string kGraph = std::string("\x08\x08\x3a\x06\x2a\x04\x4a\x02", 8) + "ab";
  TemporaryFolder folder_;
};

TEST_F(PackageFolder, AGraphIsReadAfterItsHashHasBeenCompared) {
  const eird::Package package = eird::Package::open(folder_.path());
  const std::vector<std::uint8_t> graph = package.read_graph(eird::Precision::fp32);
  EXPECT_EQ(std::string(graph.begin(), graph.end()), kGraph);
  EXPECT_EQ(code_of([&] { package.read_graph(eird::Precision::int8); }), 205);
  folder_.write("model.onnx", kGraph + "x");
  EXPECT_EQ(code_of([&] { package.read_graph(eird::Precision::fp32); }), 203);
  unlink((folder_.path() + "/model.onnx").c_str());
  EXPECT_EQ(code_of([&] { package.read_graph(eird::Precision::fp32); }), 203);
  mkfifo((folder_.path() + "/model.onnx").c_str(), 0600);
  EXPECT_EQ(code_of([&] { package.read_graph(eird::Precision::fp32); }), 206);
}

TEST_F(PackageFolder, AGraphWithExternalDataIsRefused) {
  // TensorProto: data_location EXTERNAL (14), and external_data (13).
  for (const std::string& tensor : {std::string("\x70\x01", 2), std::string("\x6a\x00", 2)}) {
    const std::string graph = std::string("\x3a\x04\x2a\x02", 4) + tensor;
    folder_.write("model.onnx", graph);
    folder_.write("package.json", manifest_of(sha256(graph)));
    const eird::Package package = eird::Package::open(folder_.path());
    EXPECT_EQ(code_of([&] { package.read_graph(eird::Precision::fp32); }), 206);
  }
}

TEST_F(PackageFolder, WhatIsNoGraphIsRefused) {
  for (const std::string& graph : {std::string("\x3a\x7f", 2), std::string("\xff", 1), std::string("\x0b", 1)}) {
    folder_.write("model.onnx", graph);
    folder_.write("package.json", manifest_of(sha256(graph)));
    const eird::Package package = eird::Package::open(folder_.path());
    EXPECT_EQ(code_of([&] { package.read_graph(eird::Precision::fp32); }), 206);
  }
}

TEST_F(PackageFolder, NamesAreLookedUpInTheFoldersOfModels) {
  const std::string parent = folder_.path().substr(0, folder_.path().rfind('/'));
  const std::string name = folder_.path().substr(parent.size() + 1);
  setenv("EDGE_IRDET_MODELS", ("/nowhere:" + parent).c_str(), 1);
  EXPECT_EQ(eird::Package::open(name).directory(), folder_.path());
  unsetenv("EDGE_IRDET_MODELS");
  EXPECT_EQ(code_of([&] { eird::Package::open(name); }), 201);
  EXPECT_EQ(code_of([] { eird::Package::open(""); }), 201);
  EXPECT_EQ(code_of([] { eird::Package::open(std::string("a\0b", 3)); }), 201);
}

TEST_F(PackageFolder, AManifestThatIsNoRegularFileIsRefused) {
  const std::string path = folder_.path() + "/package.json";
  unlink(path.c_str());
  EXPECT_EQ(code_of([&] { eird::Package::open(folder_.path()); }), 201);
  mkfifo(path.c_str(), 0600);
  EXPECT_EQ(code_of([&] { eird::Package::open(folder_.path()); }), 202);
  unlink(path.c_str());
  mkdir(path.c_str(), 0700);
  EXPECT_EQ(code_of([&] { eird::Package::open(folder_.path()); }), 202);
  rmdir(path.c_str());
}

}  // namespace
