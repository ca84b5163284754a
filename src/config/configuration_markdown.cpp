#include "config/documents.h"

#include <fmt/format.h>

#include "config/keys.h"
#include "config/load_properties.h"
#include "config/read_value.h"

namespace walrock {

namespace {

constexpr std::string_view kBegin =
    R"doc(# The job file

<!-- Made from the table of keys in src/config/; edit that, then run the config tests with
     WALROCK_UPDATE_GOLDEN=1. -->

One YAML file describes one job: the PostgreSQL it reads, the StarRocks it fills, and the tables. A
first file needs no more than this:

```yaml
job:
  id: shop

source:
  postgres-cdc:
    hostname: db.example.com
    username: replicator
    password: ${PGPASSWORD}
    database-name: shop
    table-name: public.*

sink:
  starrocks:
    fe-nodes: starrocks.example.com:8030
    username: root
    password: ${file:/run/secrets/starrocks}
    database: shop
```

The file of an SMT, Flink CDC or StarRocks connector job is accepted as it is; what a value of it
means here is said in one line each when the job starts. `job.schema.json` beside this page lets an
editor complete and check keys.

## How a file is read

- **Dots and nesting mean the same.** `slot.name: s` and `slot: {name: s}` are one key. What belongs
  under `source.postgres-cdc` or `sink.starrocks` may stand directly under `source` or `sink` too.
- **All mistakes are reported at once**, each with file, line and column; nothing is guessed. An
  unknown key, a key that stands twice and two spellings of a key that disagree are mistakes.
- **References.** `${NAME}` is an environment variable, `${NAME:-text}` one with a default,
  `${file:/path}` the content of a file without its last line end. They work in every value, quoted
  or not. `$$` is a dollar sign; any other `$` stands for itself.
- **Durations** need a unit: `500ms`, `10s`, `5m`, `1h`, `1d`. Only keys that end in `-ms` or `.ms`
  take a plain number.
- **Sizes** need one as well: `512kB`, `64MB`, `1GB`; these are powers of 1024, as `512KiB` is.
- **Relative paths** are relative to the folder of the job file.
- **Words** such as `exactly-once` may be written in any case and with `_` for `-`.

## Naming tables

`table-name`, `exclude-tables` and the names under `tables:` are one name, several separated by
commas, or a list. `source.table-name` and `source.postgres-cdc.table-name` add up.

| written | is | selects |
|---|---|---|
| `users` | a plain name | the table `users` of `schema-name` |
| `public.users` | a plain name | that table |
| `public."Odd.Name"` | a plain name, with quotes where it holds dots or wildcards | that table |
| `public.*` | wildcards: `*` any characters but a dot, `?` one | all tables of `public` |
| `*.users` | wildcards | `users` of every schema |
| `public.orders_[0-9]+` | a regular expression | `orders_1`, `orders_2`, ... of `public` |
| `orders_\d{4}` | a regular expression without a schema | the same in `schema-name` |
| `(eu\|us)\.users` | a regular expression | `users` of the schemas `eu` and `us` |
| `regex:public\.(a\|b)_.*` | the regular expression as it stands | what matches `schema.table` |

The first rule that fits decides: `regex:`, then a plain name, then wildcards (only `*` and `?` beside
letters, digits, `_`, `$` and `-`, and at most one dot), then a regular expression (RE2's syntax). In a
regular expression the dot behind a plain name separates schema and table, unless `+`, `?` or `{`
follows, and so does `\.`. Expressions match names as a whole. Names are written as PostgreSQL stores
them, which is in lower case unless the table was created in quotes. So `users_.*` is every table of
the schema `users_`; for the tables that begin with `users_` write `users_*`.

A pattern that selects no table is reported at the start.

## Where rows go

Each source table goes to a table of its own name in `sink.starrocks.database`. In a job of one table
`sink.starrocks.table` is the name of its target. For several it may be a template, `"ods_{table}"` or
`"{schema}_{table}"`; a plain name renames nothing there and must be the name of one of the targets, to
which the `unique-key` beside it then belongs. `target-table` in a block under `tables:` names the
target of one table. Two tables with one target are an error.

## Options of tables

A block under `tables:` holds for the tables that its name selects:

```yaml
tables:
  public.orders:
    unique-key: order_id
    buckets: 8
    column-types: {total: "DECIMAL(18,2)"}
  public.log_*:
    existing-rows: truncate
```

A target keeps one row for each `unique-key`, so PostgreSQL must never have two of them, not even for
a moment: a table is refused whose `unique-key` contains no unique index, or only a deferrable one
(`UPDATE t SET a = a + 1` may make two rows equal until its constraint is checked), since one of two
such rows would be lost. Without `unique-key` such a table is kept exact by the values of its whole
rows (`without-key`).

What stands under `sink.starrocks` holds for all tables. Blocks with wildcards or expressions come
after that, blocks with plain names last, each in the order of the file; a later one wins key by key.
)doc";

struct Heading {
  std::string_view section; // of the keys below it; a section that begins with it belongs there too
  std::string_view title;
};

constexpr Heading kHeadings[] = {
    {"", "The job"},
    {"source", "Source"},
    {"sink", "Target"},
    {"schema-sync", "Columns and tables of the target"},
    {"tables.*", "Tables"},
    {"walrock", "walrock"},
    {"flink", "Known from elsewhere"},
};

std::string_view heading_of(Key const& key) {
  std::string_view const top = key.section.substr(0, key.section.find('.'));
  if (key.shape == Shape::anything || top == "flink" || top == "pipeline")
    return "flink";
  if (top == "job")
    return "";
  return key.section == "tables.*" ? key.section : top;
}

std::string_view origin_text(Origin origin) {
  switch (origin) {
  case Origin::guide: return "SMT";
  case Origin::flink_cdc: return "Flink CDC";
  case Origin::connector: return "StarRocks connector";
  case Origin::walrock: return "walrock";
  }
  return {};
}

std::string default_text(Key const& key) {
  if (key.is_required)
    return "**required**";
  if (!key.default_text.empty())
    return fmt::format("`{}`", key.default_text);
  return std::string(key.default_words);
}

std::string spelling_text(Key const& key) {
  std::string text;
  auto const paths = spellings(key);
  for (std::size_t i = 1; i < paths.size(); ++i)
    text += fmt::format("{}`{}`", text.empty() ? "" : ", ", paths[i]);
  return text.empty() ? "" : fmt::format(" Also: {}.", text);
}

std::string choice_text(Key const& key) {
  std::string text;
  for (Choice const& choice : key.choices) {
    text += fmt::format("{}`{}`", text.empty() ? "" : ", ", choice.word);
    std::string synonyms;
    for (std::string_view const synonym : choice.synonyms)
      synonyms += fmt::format("{}`{}`", synonyms.empty() ? "" : ", ", synonym);
    if (!synonyms.empty())
      text += fmt::format(" ({})", synonyms);
  }
  return text;
}

std::string value_text(Key const& key) {
  if (key.shape == Shape::choice)
    return choice_text(key);
  if (key.shape == Shape::secret)
    return "a secret text";
  return expected_text(key);
}

void add_rows(std::string& text, Heading const& heading) {
  text += fmt::format("\n## Keys: {}\n\n| key | value | default | known from | meaning |\n"
                      "|---|---|---|---|---|\n",
                      heading.title);
  for (Key const& key : all_keys()) {
    if (heading_of(key) != heading.section)
      continue;
    std::string note(key.note);
    for (std::size_t at = note.find(": {}"); at != std::string::npos; at = note.find(": {}"))
      note.erase(at, 4);
    if (!note.empty())
      note = fmt::format(" Said at start: {}.", note);
    text +=
        fmt::format("| `{}` | {} | {} | {} | {}{}{} |\n", key.path(), value_text(key),
                    default_text(key), origin_text(key.origin), key.doc, spelling_text(key), note);
  }
}

std::string_view use_text(LoadPropertyUse use) {
  switch (use) {
  case LoadPropertyUse::sent: return "sent with every load";
  case LoadPropertyUse::preference: return "a preference";
  case LoadPropertyUse::unused: return "accepted, does nothing";
  case LoadPropertyUse::refused: return "refused";
  }
  return {};
}

void add_load_properties(std::string& text) {
  text += "\n## Load properties\n\nWhat `load.properties` may hold. A refused property is accepted "
          "with the one value that walrock\nsends anyway, where there is one.\n\n"
          "| property | here | |\n|---|---|---|\n";
  for (LoadProperty const& property : load_properties()) {
    std::string use(use_text(property.use));
    if (!property.harmless.empty())
      use += fmt::format(", but for `{}`", property.harmless);
    text += fmt::format("| `{}` | {} | {} |\n", property.name, use, property.reason);
  }
}

} // namespace

std::string configuration_markdown() {
  std::string text(kBegin);
  for (Heading const& heading : kHeadings)
    add_rows(text, heading);
  add_load_properties(text);
  return text;
}

} // namespace walrock
