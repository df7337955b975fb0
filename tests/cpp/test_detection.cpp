// Suppression and measurement against the golden arrays.
#include <cmath>

#include "detection/select.hpp"
#include "failure.hpp"
#include "golden.hpp"
#include "measurement/measure.hpp"

namespace {

TEST(Select, MeetsTheGoldenArrays) {
  const std::string folder = golden_folder("nms");
  for (std::istringstream& line : read_cases(folder)) {
    std::string name, code, rule;
    eird::PostprocessSpec spec;
    line >> name >> code >> rule >> spec.nms_limit >> spec.score_threshold >> spec.nwd_scale >> spec.max_detections;
    ASSERT_TRUE(line) << name;
    SCOPED_TRACE(name);
    spec.nms = rule == "iou" ? eird::NmsRule::iou : rule == "nwd" ? eird::NmsRule::nwd : eird::NmsRule::distance;
    const Array scores = read_npy(folder + "/" + name + ".scores.npy");
    const std::vector<float> score_values = scores.as<float>("<f4");
    const std::vector<float> boxes = read_npy(folder + "/" + name + ".boxes.npy").as<float>("<f4");
    const eird::NetworkOutput output{boxes.data(), score_values.data(), scores.rows(), scores.shape[1]};
    eird::Selector select(spec);
    for (int pass = 0; pass < 2; ++pass) {
      if (code != "ok") {
        try {
          select(output);
          ADD_FAILURE() << "taken";
        } catch (const eird::Failure& failure) {
          EXPECT_EQ("E" + std::to_string(static_cast<int>(failure.code())), code);
        }
        continue;
      }
      const Array golden = read_npy(folder + "/" + name + ".out.npy");
      const std::vector<float> expected = golden.as<float>("<f4");
      const std::vector<eird::Selected>& found = select(output);
      ASSERT_EQ(found.size(), golden.rows());
      for (std::size_t i = 0; i < found.size(); ++i) {
        const float* row = expected.data() + 6 * i;
        EXPECT_EQ(std::memcmp(found[i].box, row, sizeof found[i].box), 0) << "detection " << i;
        EXPECT_EQ(found[i].score, row[4]);
        EXPECT_EQ(found[i].class_id, static_cast<int>(row[5]));
      }
    }
  }
}

TEST(Measure, MeetsTheGoldenArrays) {
  const std::string folder = golden_folder("measurement");
  eird::Measurer measure;
  for (std::istringstream& line : read_cases(folder)) {
    std::string name;
    line >> name;
    SCOPED_TRACE(name);
    Array image = read_npy(folder + "/" + name + ".image.npy");
    const Array boxes = read_npy(folder + "/" + name + ".boxes.npy");
    const std::vector<float> sides = boxes.as<float>("<f4");
    const std::vector<double> expected = read_npy(folder + "/" + name + ".out.npy").as<double>("<f8");
    const bool sixteen = image.dtype == "<u2";
    const eird::Frame frame{reinterpret_cast<const std::uint8_t*>(image.bytes.data()),
                            image.bytes.size(),
                            static_cast<int>(image.shape[1]),
                            static_cast<int>(image.shape[0]),
                            image.shape[1] * (sixteen ? 2U : 1U),
                            sixteen ? eird::PixelFormat::grey16 : eird::PixelFormat::grey8};
    const std::vector<eird::Measurement>& found = measure(frame, sides.data(), boxes.rows(), 4);
    ASSERT_EQ(found.size(), boxes.rows());
    for (std::size_t i = 0; i < found.size(); ++i) {
      const auto near = [](double value, double golden, double tolerance) {
        return (std::isnan(value) && std::isnan(golden)) || std::abs(value - golden) <= tolerance;
      };
      EXPECT_TRUE(near(found[i].x, expected[3 * i], 1e-6)) << i << ": " << found[i].x << " " << expected[3 * i];
      EXPECT_TRUE(near(found[i].y, expected[3 * i + 1], 1e-6)) << i;
      const double ratio = expected[3 * i + 2];
      EXPECT_TRUE(near(found[i].scr, ratio, 1e-9 * std::abs(ratio))) << i << ": " << found[i].scr << " " << ratio;
    }
  }
}

}  // namespace
