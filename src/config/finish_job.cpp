#include "config/finish_job.h"

#include <algorithm>
#include <filesystem>

#include <fmt/format.h>

#include "config/expand.h"
#include "config/remarks.h"
#include "config/table_matcher.h"
#include "config/table_pattern.h"
#include "config/values.h"

namespace walrock {

namespace {

constexpr std::size_t kMostNameBytes = 63; // NAMEDATALEN - 1
constexpr int kDefaultWorkers = 2;

std::string slot_name_of(std::string_view job_id) {
  std::string name = "walrock_" + lower_case(job_id);
  for (char& c : name)
    if (!has_only(std::string_view(&c, 1), "_", false))
      c = '_';
  return name.substr(0, kMostNameBytes);
}

class Finish : Remarks {
public:
  Finish(Draft& draft, std::string base_folder, Mistakes& mistakes)
      : Remarks(draft, mistakes), base_folder_(std::move(base_folder)) {}

  void run() {
    check_required();
    finish_job_names();
    finish_source();
    finish_tables();
    finish_target(draft_, mistakes_);
    finish_engine();
    add_notes();
  }

private:
  void check_required() {
    for (Key const& key : all_keys()) {
      if (!key.is_required || given(key.path()) != nullptr)
        continue;
      std::string section(key.section);
      Place place;
      while (place.line == 0 && !section.empty()) {
        auto const found = draft_.sections.find(normal_path(section));
        place = found == draft_.sections.end() ? Place{} : found->second;
        std::size_t const dot = section.rfind('.');
        section = dot == std::string::npos ? "" : section.substr(0, dot);
      }
      std::string where(key.section);
      for (std::size_t dot = where.find('.'); dot != std::string::npos; dot = where.find('.', dot))
        where.replace(dot, 1, ": ");
      mistakes_.add(place, fmt::format("missing key \"{}\"; write it under {}: ({})", key.path(),
                                       where, key.doc));
    }
  }

  void finish_job_names() {
    bool const is_good =
        has_only(spec_.id, "_.-", true) && spec_.id.size() <= 64 && !spec_.id.starts_with('.');
    if (!is_good)
      wrong("job.id", "expected up to 64 letters, digits, dashes, dots and underscores, not "
                      "beginning with a dot, found " +
                          shown("job.id"));
    if (spec_.name.empty())
      spec_.name = spec_.id;
  }

  void finish_source() {
    SourceSpec& source = spec_.source;
    for (HostPort& host : source.hosts)
      if (host.port == 0)
        host.port = draft_.source_port;
    if (source.slot_name.empty())
      source.slot_name = slot_name_of(spec_.id);
    else if (!has_only(source.slot_name, "_", false) || source.slot_name.size() > kMostNameBytes)
      wrong("source.postgres-cdc.slot.name",
            fmt::format("expected up to {} lower-case letters, digits and underscores, as "
                        "PostgreSQL allows, found {}",
                        kMostNameBytes, shown("source.postgres-cdc.slot.name")));
    constexpr std::string_view kEnding = "_publication";
    if (source.publication_name.empty())
      source.publication_name =
          source.slot_name.substr(0, kMostNameBytes - kEnding.size()) + std::string(kEnding);
    else if (source.publication_name.size() > kMostNameBytes)
      wrong("source.postgres-cdc.publication.name",
            fmt::format("expected at most {} bytes", kMostNameBytes));
    if (source.max_connections != 0 && source.max_connections < 3)
      wrong("source.max-connections", "expected 0 or at least 3: one for the stream, one for the "
                                      "snapshot, one for the copy");
    if (source.tls.certificate_file.empty() != source.tls.key_file.empty())
      wrong(source.tls.key_file.empty() ? "source.postgres-cdc.tls.cert"
                                        : "source.postgres-cdc.tls.key",
            "tls.cert and tls.key go together; give both");
    if (draft_.is_snapshot_off && source.startup == StartupMode::initial) {
      source.startup = StartupMode::latest;
      note("snapshot.mode: never means that nothing is copied: only changes from now on are "
           "followed");
    }
  }

  std::optional<TablePattern> pattern_of(PlacedText const& text, std::string const& key) {
    std::string problem;
    auto pattern =
        parse_pattern(text.text, {spec_.source.default_namespace, spec_.source.database}, problem);
    if (pattern)
      pattern->place = mistakes_.text_of(text.place);
    else
      mistakes_.add(text.place,
                    fmt::format("{}: \"{}\" {}", key, text.shown,
                                has_reference(text.shown) ? "is not a name of tables" : problem));
    return pattern;
  }

  void finish_tables() {
    auto const parse_all = [&](std::vector<PlacedText> const& texts, std::string const& key,
                               std::vector<TablePattern>& patterns) {
      for (PlacedText const& text : texts)
        if (auto pattern = pattern_of(text, key)) {
          bool const is_twin =
              std::any_of(patterns.begin(), patterns.end(), [&](auto const& other) {
                return other.regex == pattern->regex && other.plain == pattern->plain;
              });
          if (!is_twin)
            patterns.push_back(std::move(*pattern));
        }
    };
    parse_all(draft_.table_names, "table-name", spec_.source.tables);
    parse_all(draft_.excluded_names, "exclude-tables", spec_.source.excluded_tables);
    for (std::size_t i = 0; i < spec_.tables.size(); ++i) {
      TablePattern& pattern = spec_.tables[i].pattern;
      if (auto parsed = pattern_of({pattern.text, pattern.text, draft_.block_places[i]}, "tables"))
        pattern = std::move(*parsed);
      else
        pattern.regex = "[^\\s\\S]"; // matches nothing; the mistake is noted
    }
    TableMatcher const matcher(spec_);
    for (TableBlock const& block : spec_.tables)
      if (block.pattern.plain && !matcher.matches(*block.pattern.plain) &&
          !spec_.source.tables.empty())
        note(fmt::format("tables.{} is not used: table-name does not select that table",
                         block.pattern.text));
  }

  void finish_engine() {
    EngineSpec& engine = spec_.engine;
    int const parallelism =
        draft_.parallelism.value_or(draft_.flink_parallelism.value_or(kDefaultWorkers));
    engine.copy_workers = draft_.copy_workers.value_or(parallelism);
    engine.loaders = draft_.loaders.value_or(parallelism);
    if (draft_.is_restart_off)
      engine.restart.attempts = 0;
    if (engine.checkpoint_folder.empty())
      engine.checkpoint_folder =
          std::filesystem::absolute(std::filesystem::path(base_folder_) / ".walrock" / spec_.id)
              .lexically_normal()
              .string();
  }

  void add_notes() {
    for (Key const& key : all_keys())
      if (Given const* const found = given(key.path()); found != nullptr && !key.note.empty())
        note(fmt::format(fmt::runtime(key.note), found->shown));
    add_parallelism_note();
    if (spec_.source.startup == StartupMode::earliest)
      note("startup mode earliest-offset means: from where the existing slot stands, without a "
           "copy; without a slot that is an error");
    if (given("sink.starrocks.sink.semantic") == nullptr)
      note("sink.semantic is not given: exactly-once");
    if (given("schema-sync.ignore-incompatible-fields") != nullptr)
      note(spec_.schema_sync.ignore_incompatible_fields
               ? "ignore-incompatible-fields: true leaves columns out whose types do not fit the "
                 "target's; the other columns are copied and followed"
               : "ignore-incompatible-fields: false sets a table aside when a column does not fit "
                 "its target column; the other tables run on");
  }

  void add_parallelism_note() {
    if (!draft_.parallelism && !draft_.flink_parallelism)
      return;
    char const* const key = draft_.parallelism ? "pipeline.parallelism" : "flink.parallelism";
    int const count = draft_.parallelism ? *draft_.parallelism : *draft_.flink_parallelism;
    std::string text = fmt::format("{}: {} means {} copy workers and {} loaders", key, count,
                                   spec_.engine.copy_workers, spec_.engine.loaders);
    if (draft_.parallelism && draft_.flink_parallelism &&
        *draft_.parallelism != *draft_.flink_parallelism)
      text += fmt::format("; flink.parallelism: {} does not count beside it",
                          *draft_.flink_parallelism);
    note(std::move(text));
  }

  std::string base_folder_;
};

} // namespace

void finish_job(Draft& draft, std::string const& base_folder, Mistakes& mistakes) {
  Finish(draft, base_folder, mistakes).run();
}

} // namespace walrock
