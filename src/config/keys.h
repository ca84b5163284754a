// Every key of a job file, declared once: the parser, its messages, the configuration guide and the
// JSON Schema are made from this table.
//
// A key is written as section and name, "source.postgres-cdc" and "slot.name". Dots and nesting
// mean the same everywhere, and what belongs under source.postgres-cdc or sink.starrocks may also
// stand directly under source or sink (the guide that walrock replaces prints both).
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "config/job_spec.h"
#include "config/mistakes.h"

namespace walrock {

enum class Shape {
  text,
  secret,    // a text that no message shows; may be empty
  text_list, // a text, several separated by commas, or a list
  boolean,
  integer,
  duration, // keys that end in -ms or .ms take a plain number of milliseconds as well
  size,     // bytes
  choice,
  addresses, // host:port, several separated by commas or semicolons, or a list
  path,      // of a file or folder; relative ones are relative to the job file
  text_map,
  anything, // accepted and not used
};

// Where users know a key from.
enum class Origin { guide, flink_cdc, connector, walrock };

struct Choice {
  std::string_view word;
  std::vector<std::string_view> synonyms = {};
};

// A text of the file and where it stands; shown is what a message may print.
struct PlacedText {
  std::string text;
  std::string shown;
  Place place;
};

// What was read for a key, by its Shape.
struct KeyValue {
  std::string text;
  std::vector<PlacedText> list;
  std::map<std::string, std::string> map;
  bool flag = false;
  std::int64_t number = 0;
  std::uint64_t bytes = 0;
  Milliseconds duration{0};
  std::size_t choice = 0;
  std::vector<HostPort> addresses;
  bool has_https = false; // an address was written as https://...
  std::string shown;      // as the file has it, references not followed
  Place place;
};

// That a key was given, for messages and notes.
struct Given {
  std::string written; // the path as written
  std::string shown;
  Place place;
};

// A job while it is read: the spec, and what only the whole file decides.
struct Draft {
  JobSpec spec;
  std::vector<PlacedText> table_names;
  std::vector<PlacedText> excluded_names;
  bool is_snapshot_off = false;
  bool is_restart_off = false;
  int source_port = 5432;
  std::optional<int> parallelism;
  std::optional<int> flink_parallelism;
  std::optional<int> copy_workers;
  std::optional<int> loaders;
  std::optional<TlsMode> target_tls;
  std::string jdbc_url;
  std::map<std::string, Given> given;    // by the path of its Key
  std::map<std::string, Place> sections; // "source" -> where it begins
  std::vector<Place> block_places;       // of spec.tables

  // While a block of `tables:` is read: that block and its options, else the defaults.
  TableBlock* block = nullptr;
  TableOptions* options = nullptr;
};

struct Key {
  std::string_view section; // "" for the top level, "tables.*" for a block of `tables:`
  std::string_view name;
  Shape shape = Shape::text;
  bool is_required = false;
  std::string_view default_text = {};  // a value that means the same as leaving the key out
  std::string_view default_words = {}; // instead, where the default cannot be written as a value
  std::vector<Choice> choices = {};    // of a text_map: of the values of its entries
  std::span<std::string_view const> names = {}; // of a text_map: its entries; {}: any
  std::int64_t least = 0;                       // of integers, of milliseconds, of bytes
  std::int64_t most = std::int64_t(1) << 53;
  int default_port = 0;
  std::string_view doc = {}; // one sentence
  Origin origin = Origin::walrock;
  // Other names in the same section; with a leading dot a path from the top.
  std::vector<std::string_view> aliases = {};
  // Of "tables.*": its names under sink.starrocks, where it counts for all tables.
  std::vector<std::string_view> default_names = {};
  std::string_view note = {}; // said at start when the key is given; {} is its value
  void (*set)(Draft& draft, KeyValue const& value) = nullptr;

  [[nodiscard]] std::string path() const;
};

[[nodiscard]] std::vector<Key> const& all_keys();

// One spelling for all of a key: source.postgres-cdc.x is source.x, sink.starrocks.x is sink.x.
[[nodiscard]] std::string normal_path(std::string_view path);

// The key of a written path, "tables.*.unique-key" inside `tables:`; nullptr when there is none.
[[nodiscard]] Key const* find_key(std::string_view path);
// The map key that the path is an entry of ("load.properties.format"), and the entry's name.
[[nodiscard]] std::pair<Key const*, std::string> find_map_entry(std::string_view path);
// Whether some key begins with this path and a dot.
[[nodiscard]] bool is_section(std::string_view path);
// `; did you mean "username"?` or nothing.
[[nodiscard]] std::string key_suggestion(std::string_view path);
// All spellings of a key as full paths, the documented one first.
[[nodiscard]] std::vector<std::string> spellings(Key const& key);

// The parts of the table, in the order of the guide.
void add_job_keys(std::vector<Key>& keys);
void add_source_keys(std::vector<Key>& keys);
void add_sink_keys(std::vector<Key>& keys);
void add_table_keys(std::vector<Key>& keys);
void add_engine_keys(std::vector<Key>& keys);
void add_unused_keys(std::vector<Key>& keys);

} // namespace walrock
