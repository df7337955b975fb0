// Records: what Python wrote is written again with the same values, and text is mended.
#include <cmath>
#include <limits>

#include "failure.hpp"
#include "golden.hpp"
#include "package/json.hpp"
#include "record/writer.hpp"
#include "record_values.hpp"

namespace {

TEST(Record, MeetsTheGoldenLines) {
  const std::vector<char> all = read_file(golden_folder("records") + "/records.jsonl");
  std::istringstream lines(std::string(all.begin(), all.end()));
  int count = 0;
  for (std::string line; std::getline(lines, line); ++count) {
    SCOPED_TRACE(line);
    const eird::Json golden = eird::Json::parse(line.data(), line.size());
    RecordValues values(golden);
    const std::string written = values.write();
    const eird::Json found = eird::Json::parse(written.data(), written.size());
    EXPECT_TRUE(same_record(golden, found)) << written;
  }
  EXPECT_GE(count, 6);
}

TEST(Record, TextOfElsewhereIsMadeValidJson) {
  EXPECT_EQ(eird::json_string("a\"b\\c\n\x01"), "\"a\\\"b\\\\c\\u000a\\u0001\"");
  EXPECT_EQ(eird::json_string("\xc3\xa9"), "\"\xc3\xa9\"");
  EXPECT_EQ(eird::json_string("x\xffy\xc0\x80"), "\"x\xef\xbf\xbdy\xef\xbf\xbd\xef\xbf\xbd\"");
  EXPECT_EQ(eird::json_string("\xe2\x82"), "\"\xef\xbf\xbd\xef\xbf\xbd\"");
}

TEST(Record, NumbersThatAreNoneAndUnknownClassesAreRefused) {
  eird::RecordWriter writer("s", 0, "r", {"target"});
  const auto code_of = [&](const eird::Finding& finding) {
    try {
      writer.line({}, &finding, 1, nullptr);
    } catch (const eird::Failure& failure) {
      return static_cast<int>(failure.code());
    }
    return 0;
  };
  const double nan = std::numeric_limits<double>::quiet_NaN();
  EXPECT_EQ(code_of({{1, 2, 3, 4}, 0.5F, 0, 2, 3, nan}), 0);
  EXPECT_EQ(code_of({{1, 2, 3, 4}, 0.5F, 1, 2, 3, nan}), 701);
  EXPECT_EQ(code_of({{1, 2, 3, 4}, 0.5F, -1, 2, 3, nan}), 701);
  EXPECT_EQ(code_of({{1, 2, 3, 4}, 0.5F, 0, nan, 3, 1}), 701);
  EXPECT_EQ(code_of({{1, 2, INFINITY, 4}, 0.5F, 0, 2, 3, 1}), 701);
}

}  // namespace
