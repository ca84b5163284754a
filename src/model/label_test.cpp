#include "model/label.h"

#include <gtest/gtest.h>

#include "model/label_origin.h"

namespace walrock {
namespace {

LabelParts parts_with(std::string epoch) {
  return {"c_prefix_", "c1_job", 7, {"shop", "c_users"}, std::move(epoch), 2, 1};
}

TEST(LabelOrigin, ALabelOfTheCopyIsToldByItsEpoch) {
  EXPECT_TRUE(is_of_copy(make_label(parts_with("c12"))));
  EXPECT_FALSE(is_of_copy(make_label(parts_with("12"))));
}

TEST(LabelOrigin, AForeignLabelIsNotOfTheCopy) {
  for (char const* text : {"", "c", "_", "__", "c1_0", "copy"})
    EXPECT_FALSE(is_of_copy({"shop", text})) << text;
}

} // namespace
} // namespace walrock
