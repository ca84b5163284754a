#include "model/source_shape.h"

#include <gtest/gtest.h>

#include "model/partition_tree.h"
#include "model/published.h"

namespace walrock {
namespace {

SourceShape two_columns() {
  SourceShape shape;
  shape.filenode = 16400;
  shape.columns = {{1, "id", 23, -1, 700}, {3, "a\n7:b\nc", 1043, 14, 4294967295U}};
  return shape;
}

TEST(SourceShape, IsReadAsItWasWritten) {
  std::string const text = shape_text(two_columns());
  EXPECT_EQ(text, "1:id\n3:a\\n7:b\\nc\nshape 16400 1,23,-1,700 3,1043,14,4294967295\n");
  EXPECT_EQ(shape_of(text + "published 1 1,3 - \n"), two_columns());
  EXPECT_EQ(shape_of(shape_text({})), SourceShape());
}

TEST(SourceShape, AnEarlierLayoutHasTheNamesAlone) {
  SourceShape const shape = shape_of("1:id\n2:wh\nat\npublished 1 1,2 - \n0:Europe/Berlin\n");
  ASSERT_EQ(shape.columns.size(), 2U);
  EXPECT_EQ(shape.columns[1], (ColumnShape{2, "wh\nat", 0, -1, 0}));
  EXPECT_EQ(shape.filenode, 0U);
}

TEST(SourceShape, TheRestOfTheLayoutStays) {
  Published const published{{16500}, {1, 2}, {}, "(a > 1)"};
  PartitionTree tree;
  tree.lsn = Lsn{100};
  for (std::string const& names :
       {std::string("1:id\n2:what\n"), shape_text(two_columns()), std::string()}) {
    std::string const before =
        with_partitions(with_published(names, published) + "0:Europe/Berlin\n", tree);
    std::string const after = with_shape(before, two_columns());
    EXPECT_EQ(shape_of(after).filenode, 16400U);
    EXPECT_EQ(published_of(after), published);
    EXPECT_TRUE(partitions_of(after));
    EXPECT_NE(after.find("\n0:Europe/Berlin\n"), std::string::npos);
    EXPECT_EQ(after.find("2:what"), std::string::npos);
  }
}

} // namespace
} // namespace walrock
