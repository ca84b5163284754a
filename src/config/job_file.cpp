#include "config/job_file.h"

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>

#include <fmt/format.h>

#include "base/error.h"
#include "config/finish_job.h"
#include "config/keys.h"
#include "config/read_value.h"
#include "config/yaml_tree.h"

namespace walrock {

namespace {

// Walks the tree, finds the key of every value and sets it in the draft.
class Walk {
public:
  Walk(Draft& draft, std::string base_folder, Mistakes& mistakes)
      : draft_(draft), base_folder_(std::move(base_folder)), mistakes_(mistakes) {
    draft_.options = &draft_.spec.table_defaults;
  }

  void file(YamlNode const& root) {
    if (root.kind == YamlNode::Kind::nothing)
      return;
    if (root.kind == YamlNode::Kind::map)
      section(root, "", "");
    else
      mistakes_.add(root.place, "a job file is a map of keys, found " + describe_node(root));
  }

private:
  // lookup is the path in the table of keys, where the name of a block of `tables:` is "*".
  void section(YamlNode const& node, std::string const& written, std::string const& lookup) {
    for (YamlEntry const& entry : node.map) {
      std::string const dot = written.empty() ? "" : ".";
      child(entry, written + dot + entry.key, lookup + dot + entry.key);
    }
  }

  void child(YamlEntry const& entry, std::string const& written, std::string const& lookup) {
    YamlNode const& node = entry.value;
    if (lookup == "tables") {
      tables(entry);
      return;
    }
    bool const goes_on = is_section(lookup) && node.kind == YamlNode::Kind::map;
    Key const* const key = find_key(lookup);
    if (key != nullptr && (!goes_on || key->shape == Shape::text_map)) {
      value(*key, node, written);
    } else if (goes_on) {
      draft_.sections.emplace(normal_path(lookup), entry.key_place);
      section(node, written, lookup);
    } else if (auto const [map_key, name] = find_map_entry(lookup); map_key != nullptr) {
      map_entry(*map_key, name, entry, written);
    } else if (is_section(lookup)) {
      draft_.sections.emplace(normal_path(lookup), entry.key_place);
      if (node.kind != YamlNode::Kind::nothing)
        mistakes_.add(node.place, fmt::format("{}: expected a map of keys, found {}", written,
                                              describe_node(node)));
    } else if (lookup.starts_with("source.debezium.") ||
               lookup.starts_with("source.postgres-cdc.debezium.")) {
      unused_debezium(written);
    } else {
      mistakes_.add(entry.key_place,
                    fmt::format("unknown key \"{}\"{}", written, key_suggestion(lookup)));
    }
  }

  void value(Key const& key, YamlNode const& node, std::string const& written) {
    auto const read = read_value(key, node, {written, base_folder_}, mistakes_);
    if (key.shape == Shape::text_map && node.kind == YamlNode::Kind::map) {
      bool is_new = true;
      for (YamlEntry const& entry : node.map)
        is_new = is_said_once(key, entry.key, {written + "." + entry.key, "", entry.key_place}) &&
                 is_new;
      if (is_new && read)
        key.set(draft_, *read);
      return;
    }
    Given const given{written, read ? read->shown : "", node.place};
    if (is_said_once(key, "", given) && read)
      key.set(draft_, *read);
  }

  // Remembers what is given. A value can be said twice only when it is the same.
  bool is_said_once(Key const& key, std::string const& entry, Given const& given) {
    std::string const block = draft_.block == nullptr
                                  ? ""
                                  : draft_.block->pattern.place + " " + draft_.block->pattern.text;
    auto const [first, is_new] = draft_.given.emplace(
        entry.empty() ? block + key.path() : fmt::format("{}{} {}", block, key.path(), entry),
        given);
    // Lists of tables add up.
    bool const adds_up = key.name == "table-name" || key.name == "exclude-tables";
    bool const is_same = first->second.shown == given.shown && key.shape != Shape::secret &&
                         key.shape != Shape::text_map;
    if (is_new || adds_up || is_same)
      return true;
    mistakes_.add(given.place,
                  fmt::format("{}: is given already as {} ({}); remove one of them", given.written,
                              first->second.written, mistakes_.text_of(first->second.place)));
    return false;
  }

  // "load.properties.format: json" is an entry of load.properties.
  void map_entry(Key const& key, std::string const& name, YamlEntry const& entry,
                 std::string const& written) {
    std::string const parent = written.substr(0, written.size() - name.size() - 1);
    YamlNode map;
    map.kind = YamlNode::Kind::map;
    map.place = entry.value.place;
    map.map.push_back({name, entry.key_place, entry.value});
    value(key, map, parent);
  }

  void unused_debezium(std::string const& written) {
    std::string note = fmt::format("{} does nothing; walrock has no Debezium inside", written);
    draft_.spec.notes.push_back(std::move(note));
  }

  void tables(YamlEntry const& entry) {
    draft_.sections.emplace("tables", entry.key_place);
    if (entry.value.kind == YamlNode::Kind::nothing)
      return;
    if (entry.value.kind != YamlNode::Kind::map) {
      mistakes_.add(entry.value.place,
                    "tables: expected a map of table names and their keys, found " +
                        describe_node(entry.value));
      return;
    }
    for (YamlEntry const& block : entry.value.map)
      table_block(block);
  }

  void table_block(YamlEntry const& entry) {
    TableBlock block;
    block.pattern.text = entry.key; // finish_job() parses it, once schema-name is known
    block.pattern.place = mistakes_.text_of(entry.key_place);
    draft_.block_places.push_back(entry.key_place);
    draft_.block = &block;
    draft_.options = &block.options;
    if (entry.value.kind == YamlNode::Kind::map)
      section(entry.value, "tables." + entry.key, "tables.*");
    else if (entry.value.kind != YamlNode::Kind::nothing)
      mistakes_.add(
          entry.value.place,
          fmt::format("tables.{}: expected a map of keys, such as unique-key: id, found {}",
                      entry.key, describe_node(entry.value)));
    draft_.block = nullptr;
    draft_.options = &draft_.spec.table_defaults;
    draft_.spec.tables.push_back(std::move(block));
  }

  Draft& draft_;
  std::string base_folder_;
  Mistakes& mistakes_;
};

} // namespace

JobSpec parse_job(std::string_view text, std::string const& file_name,
                  std::string const& base_folder) {
  Mistakes mistakes(file_name);
  YamlNode const root = parse_yaml(text, mistakes);
  Draft draft;
  draft.spec.file_name = file_name;
  Walk(draft, base_folder, mistakes).file(root);
  // What is not YAML, or not a map, has no keys to complain about.
  if (root.kind != YamlNode::Kind::map)
    mistakes.throw_if_any();
  finish_job(draft, base_folder, mistakes);
  mistakes.throw_if_any();
  return std::move(draft.spec);
}

JobSpec load_job_file(std::string const& path) {
  bool const is_folder = std::filesystem::is_directory(path);
  errno = 0;
  std::ifstream in(path, std::ios::binary);
  if (!in.is_open() || is_folder)
    throw Error(ErrorCode::job_file_invalid,
                fmt::format("cannot read the job file \"{}\" ({})", path,
                            errno != 0 ? std::strerror(errno) : "not a file"))
        .set_advice("Check the path; `walrock init` writes a job file.");
  std::string const text{std::istreambuf_iterator<char>(in), {}};
  return parse_job(text, path, std::filesystem::absolute(path).parent_path().string());
}

} // namespace walrock
