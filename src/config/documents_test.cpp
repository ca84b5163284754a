#include "config/documents.h"

#include <set>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "config/keys.h"
#include "config/test_jobs.h"

namespace walrock {
namespace {

void expect_file_is(std::string const& name, std::string const& made) {
  if (std::getenv("WALROCK_UPDATE_GOLDEN") != nullptr)
    std::ofstream(std::string(WALROCK_SOURCE_DIR) + "/" + name, std::ios::binary) << made;
  EXPECT_TRUE(read_source_file(name) == made)
      << name << " is not what the table of keys makes; run config_test with "
      << "WALROCK_UPDATE_GOLDEN=1 and look at the difference";
}

TEST(Documents, TheConfigurationGuideIsMadeFromTheKeys) {
  expect_file_is("docs/guide/configuration.md", configuration_markdown());
}

TEST(Documents, TheJsonSchemaIsMadeFromTheKeys) {
  expect_file_is("docs/guide/job.schema.json", job_schema_json());
}

TEST(Documents, TheGuideNamesEveryKey) {
  std::string const guide = configuration_markdown();
  for (Key const& key : all_keys())
    EXPECT_NE(guide.find("| `" + key.path() + "` |"), std::string::npos) << key.path();
}

TEST(Documents, TheGuidesFirstFileIsAccepted) {
  std::string const guide = configuration_markdown();
  std::size_t const begin = guide.find("```yaml\n") + 8;
  std::string text = guide.substr(begin, guide.find("```", begin) - begin);
  text.replace(text.find("${PGPASSWORD}"), 13, "secret");
  text.replace(text.find("${file:/run/secrets/starrocks}"), 30, "secret");
  EXPECT_EQ(mistakes_of(text), "accepted");
}

TEST(Documents, TheGuidesTableBlocksAreAccepted) {
  std::string const guide = configuration_markdown();
  std::size_t const begin = guide.find("```yaml\ntables:") + 8;
  std::string const text = guide.substr(begin, guide.find("```", begin) - begin);
  JobSpec const job = parse(small_job("", "", text, "table-name: public.*"));
  ASSERT_EQ(job.tables.size(), 2U);
  EXPECT_EQ(job.tables[0].options.column_types.at("total"), "DECIMAL(18,2)");
}

TEST(Documents, EveryKeyIsCompleteAndSaysWhatItMeansInOneSentence) {
  std::set<std::string> paths;
  for (Key const& key : all_keys()) {
    SCOPED_TRACE(key.path());
    EXPECT_TRUE(paths.insert(key.path()).second);
    EXPECT_NE(key.set, nullptr);
    EXPECT_TRUE(key.doc.ends_with('.'));
    EXPECT_EQ(key.doc.find('|'), std::string_view::npos);
    EXPECT_NE(key.is_required, !key.default_text.empty() || !key.default_words.empty());
    EXPECT_TRUE(key.shape != Shape::choice || !key.choices.empty());
    EXPECT_TRUE(key.shape == Shape::choice || key.shape == Shape::text_map ||
                key.shape == Shape::text_list || key.choices.empty());
  }
}

// A default that the documents name is the default that the code has.
TEST(Documents, WritingADefaultDownChangesNothing) {
  std::string const untouched = describe(parse(small_job()));
  for (Key const& key : all_keys()) {
    if (key.default_text.empty())
      continue;
    SCOPED_TRACE(key.path());
    std::string const value = ": '" + std::string(key.default_text) + "'\n";
    if (key.section == "tables.*")
      continue;
    std::string text = small_job();
    std::string const normal = normal_path(key.path());
    std::string const top = normal.substr(0, normal.find('.'));
    std::size_t const at = text.find("\n" + top + ":\n");
    if (at == std::string::npos || normal == top)
      text += key.path() + value;
    else
      text.insert(at + top.size() + 3, "  " + normal.substr(top.size() + 1) + value);
    EXPECT_EQ(mistakes_of(text), "accepted") << text;
    EXPECT_EQ(describe(parse(text)), untouched);
  }
}

TEST(Documents, TheSchemaKnowsTheSpellingsOfTheGuide) {
  auto const schema = nlohmann::json::parse(job_schema_json());
  auto const& source = schema["properties"]["source"]["properties"];
  EXPECT_TRUE(source["postgres-cdc"]["properties"].contains("slot.name"));
  EXPECT_TRUE(source["postgres-cdc"]["properties"]["slot"]["properties"].contains("name"));
  EXPECT_TRUE(source.contains("table-name"));
  EXPECT_TRUE(source["snapshot"]["properties"].contains("mode"));
  auto const& sink = schema["properties"]["sink"]["properties"];
  EXPECT_TRUE(sink.contains("compress-type"));
  EXPECT_TRUE(sink["starrocks"]["properties"].contains("sink.semantic"));
  EXPECT_TRUE(sink["starrocks"]["properties"]["load"]["properties"].contains("properties"));
  EXPECT_TRUE(
      schema["properties"]["tables"]["additionalProperties"]["properties"].contains("unique-key"));
  EXPECT_FALSE(schema["properties"].contains("tables.*"));
}

} // namespace
} // namespace walrock
