#include "config/keys.h"

#include <set>

#include <fmt/format.h>

#include "base/error.h"
#include "config/nearest.h"

namespace walrock {

namespace {

std::vector<Key> make_keys() {
  std::vector<Key> keys;
  add_job_keys(keys);
  add_source_keys(keys);
  add_sink_keys(keys);
  add_table_keys(keys);
  add_engine_keys(keys);
  add_unused_keys(keys);
  return keys;
}

// Normal paths of all spellings.
struct KeyIndex {
  std::map<std::string, Key const*> keys;
  std::set<std::string> sections;

  KeyIndex() {
    for (Key const& key : all_keys())
      for (std::string const& spelling : spellings(key))
        add(normal_path(spelling), key);
  }

private:
  void add(std::string const& path, Key const& key) {
    auto const [at, is_new] = keys.emplace(path, &key);
    WALROCK_ASSERT(is_new || at->second == &key, "two keys share the spelling " + path);
    for (std::size_t dot = path.find('.'); dot != std::string::npos; dot = path.find('.', dot + 1))
      sections.insert(path.substr(0, dot));
  }
};

KeyIndex const& key_index() {
  static KeyIndex const index;
  return index;
}

std::string joined(std::string_view section, std::string_view name) {
  return section.empty() ? std::string(name) : fmt::format("{}.{}", section, name);
}

} // namespace

std::string Key::path() const {
  return joined(section, name);
}

std::vector<Key> const& all_keys() {
  static std::vector<Key> const keys = make_keys();
  return keys;
}

std::string normal_path(std::string_view path) {
  for (auto const& [long_form, short_form] :
       {std::pair<std::string_view, std::string_view>{"source.postgres-cdc", "source"},
        std::pair<std::string_view, std::string_view>{"sink.starrocks", "sink"}})
    if (path == long_form || path.starts_with(std::string(long_form) + "."))
      return std::string(short_form) + std::string(path.substr(long_form.size()));
  return std::string(path);
}

std::vector<std::string> spellings(Key const& key) {
  std::vector<std::string> paths{key.path()};
  for (std::string_view const alias : key.aliases)
    paths.push_back(alias.starts_with('.') ? std::string(alias.substr(1))
                                           : joined(key.section, alias));
  for (std::string_view const name : key.default_names)
    paths.push_back(joined("sink.starrocks", name));
  return paths;
}

Key const* find_key(std::string_view path) {
  auto const found = key_index().keys.find(normal_path(path));
  return found == key_index().keys.end() ? nullptr : found->second;
}

std::pair<Key const*, std::string> find_map_entry(std::string_view path) {
  for (std::size_t dot = path.find('.'); dot != std::string_view::npos;
       dot = path.find('.', dot + 1)) {
    Key const* const key = find_key(path.substr(0, dot));
    if (key != nullptr && key->shape == Shape::text_map)
      return {key, std::string(path.substr(dot + 1))};
  }
  return {nullptr, {}};
}

bool is_section(std::string_view path) {
  return key_index().sections.count(normal_path(path)) != 0;
}

std::string key_suggestion(std::string_view path) {
  std::string const wanted = normal_path(path);
  std::string const parent = wanted.substr(0, wanted.rfind('.') + 1);
  std::string const leaf = wanted.substr(parent.size());
  std::vector<std::string> siblings, documented;
  std::string same_name;
  auto const consider = [&](std::string const& known, std::string const& shown) {
    documented.push_back(shown);
    if (known.starts_with(parent) && known.size() > parent.size())
      siblings.push_back(known.substr(parent.size()));
    if (std::string_view(known).ends_with("." + leaf))
      same_name = shown;
  };
  for (Key const& key : all_keys())
    for (std::string const& spelling : spellings(key))
      consider(normal_path(spelling), spelling);
  for (std::string const& section : key_index().sections)
    consider(section, section);
  std::string best = nearest(leaf, siblings);
  if (best.empty())
    best = same_name.empty() ? nearest(path, documented) : same_name;
  return best.empty() ? "" : fmt::format("; did you mean \"{}\"?", best);
}

} // namespace walrock
