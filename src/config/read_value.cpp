#include "config/read_value.h"

#include <algorithm>
#include <filesystem>

#include <fmt/format.h>

#include "config/expand.h"
#include "config/nearest.h"
#include "config/values.h"

namespace walrock {

namespace {

// "Exactly_Once" and "exactly-once" are the same word.
std::string choice_word(std::string_view text) {
  std::string word = lower_case(trimmed(text));
  std::replace(word.begin(), word.end(), '_', '-');
  return word;
}

std::optional<std::size_t> find_choice(Key const& key, std::string_view text) {
  std::string const word = choice_word(text);
  for (std::size_t i = 0; i < key.choices.size(); ++i) {
    Choice const& choice = key.choices[i];
    if (choice_word(choice.word) == word)
      return i;
    for (std::string_view const synonym : choice.synonyms)
      if (choice_word(synonym) == word)
        return i;
  }
  return std::nullopt;
}

std::string choice_suggestion(Key const& key, std::string_view text) {
  std::vector<std::string> words;
  for (Choice const& choice : key.choices) {
    words.emplace_back(choice.word);
    words.insert(words.end(), choice.synonyms.begin(), choice.synonyms.end());
  }
  std::string const best = nearest(text, words);
  return best.empty() ? "" : fmt::format("; did you mean \"{}\"?", best);
}

class Reader {
public:
  Reader(Key const& key, YamlNode const& node, ReadContext const& context, Mistakes& mistakes)
      : key_(key), node_(node), context_(context), mistakes_(mistakes) {}

  std::optional<KeyValue> read() {
    value_.place = node_.place;
    bool is_good = false;
    switch (key_.shape) {
    case Shape::anything:
      value_.shown = node_.kind == YamlNode::Kind::scalar ? node_.text : "...";
      is_good = true;
      break;
    case Shape::text_list:
    case Shape::addresses: is_good = read_list(); break;
    case Shape::text_map: is_good = read_map(); break;
    default: is_good = read_scalar(); break;
    }
    return is_good ? std::optional<KeyValue>(std::move(value_)) : std::nullopt;
  }

private:
  // The text of a scalar with its references followed.
  std::optional<PlacedText> text_of(YamlNode const& node, std::string_view name = {}) {
    std::string const written =
        name.empty() ? context_.written : fmt::format("{}.{}", context_.written, name);
    bool const is_empty_secret =
        key_.shape == Shape::secret && node.kind == YamlNode::Kind::nothing;
    if (node.kind != YamlNode::Kind::scalar && !is_empty_secret) {
      mistakes_.add(node.place, fmt::format("{}: expected {}, found {}", written,
                                            name.empty() ? expected_text(key_) : "a text",
                                            describe_node(node)));
      return std::nullopt;
    }
    auto text = expand(node.text, {context_.base_folder, written, node.place}, mistakes_);
    if (!text)
      return std::nullopt;
    return PlacedText{std::move(*text), node.text, node.place};
  }

  bool wrong(PlacedText const& text, std::string_view suggestion = {}) {
    std::string const found = has_reference(text.shown)
                                  ? fmt::format("another value in {}", text.shown)
                                  : fmt::format("\"{}\"", text.text);
    mistakes_.add(text.place, fmt::format("{}: expected {}, found {}{}", context_.written,
                                          expected_text(key_), found, suggestion));
    return false;
  }

  bool read_scalar() {
    std::optional<PlacedText> const text = text_of(node_);
    if (!text)
      return false;
    value_.text = text->text;
    value_.shown = key_.shape == Shape::secret ? "***" : text->shown;
    switch (key_.shape) {
    case Shape::secret: return true;
    case Shape::text: return !trimmed(text->text).empty() || wrong(*text);
    case Shape::path: return read_path(*text);
    case Shape::boolean: return read_boolean(*text);
    case Shape::integer: return read_integer(*text);
    case Shape::duration: return read_duration(*text);
    case Shape::size: return read_size(*text);
    case Shape::choice: return read_choice(*text);
    default: return false;
    }
  }

  bool read_path(PlacedText const& text) {
    if (text.text.empty())
      return wrong(text);
    std::filesystem::path const path =
        std::filesystem::path(context_.base_folder) / std::filesystem::path(text.text);
    value_.text = std::filesystem::absolute(path).lexically_normal().string();
    return true;
  }

  bool read_boolean(PlacedText const& text) {
    std::optional<bool> const flag = parse_boolean(text.text);
    value_.flag = flag.value_or(false);
    return flag.has_value() || wrong(text);
  }

  bool is_in_range(std::int64_t number) const {
    return number >= key_.least && number <= key_.most;
  }

  bool read_integer(PlacedText const& text) {
    std::optional<std::int64_t> const number = parse_integer(text.text);
    value_.number = number.value_or(0);
    return (number && is_in_range(*number)) || wrong(text);
  }

  bool read_duration(PlacedText const& text) {
    std::optional<Milliseconds> duration = parse_duration(text.text);
    if (context_.written.ends_with("-ms") || context_.written.ends_with(".ms"))
      if (std::optional<std::int64_t> const count = parse_integer(text.text))
        duration = Milliseconds(*count);
    value_.duration = duration.value_or(Milliseconds(0));
    return (duration && is_in_range(duration->count())) || wrong(text);
  }

  bool read_size(PlacedText const& text) {
    std::optional<std::uint64_t> const bytes = parse_size(text.text);
    value_.bytes = bytes.value_or(0);
    return (bytes && is_in_range(static_cast<std::int64_t>(*bytes))) || wrong(text);
  }

  bool read_choice(PlacedText const& text) {
    std::optional<std::size_t> const choice = find_choice(key_, text.text);
    value_.choice = choice.value_or(0);
    return choice ||
           wrong(text, has_reference(text.shown) ? "" : choice_suggestion(key_, text.text));
  }

  bool add_entries(YamlNode const& node) {
    std::optional<PlacedText> const text = text_of(node);
    if (!text)
      return false;
    std::string_view const separators = key_.shape == Shape::addresses ? ",;" : ",";
    for (std::string const& part : split_list(text->text, separators))
      value_.list.push_back({part, has_reference(text->shown) ? text->shown : part, text->place});
    value_.shown += (value_.shown.empty() ? "" : ", ") + text->shown;
    return true;
  }

  bool read_list() {
    bool is_good = true;
    if (node_.kind == YamlNode::Kind::list)
      for (YamlNode const& element : node_.list)
        is_good = add_entries(element) && is_good;
    else
      is_good = add_entries(node_);
    if (!is_good)
      return false;
    if (value_.list.empty()) {
      mistakes_.add(node_.place, fmt::format("{}: expected {}, found an empty one",
                                             context_.written, expected_text(key_)));
      return false;
    }
    if (!key_.choices.empty())
      return std::all_of(value_.list.begin(), value_.list.end(),
                         [this](PlacedText const& entry) { return read_choice(entry); });
    return key_.shape != Shape::addresses || read_addresses();
  }

  bool read_addresses() {
    bool is_good = true;
    bool has_http = false;
    for (PlacedText const& entry : value_.list) {
      std::string_view text = entry.text;
      for (std::string_view const scheme : {"http://", "https://"})
        if (text.starts_with(scheme)) {
          text.remove_prefix(scheme.size());
          (scheme == "https://" ? value_.has_https : has_http) = true;
        }
      while (text.size() > 1 && text.ends_with('/'))
        text.remove_suffix(1);
      std::optional<HostPort> const address = parse_address(text, key_.default_port);
      is_good = (address || wrong(entry)) && is_good;
      if (address)
        value_.addresses.push_back(*address);
    }
    if (is_good && static_cast<std::int64_t>(value_.addresses.size()) > key_.most)
      return wrong({value_.shown, value_.shown, node_.place});
    if (value_.has_https && has_http) {
      mistakes_.add(node_.place, fmt::format("{}: http:// and https:// do not go together; write "
                                             "all addresses with the same one",
                                             context_.written));
      return false;
    }
    return is_good;
  }

  bool read_map() {
    if (node_.kind != YamlNode::Kind::map) {
      mistakes_.add(node_.place, fmt::format("{}: expected {}, found {}", context_.written,
                                             expected_text(key_), describe_node(node_)));
      return false;
    }
    bool is_good = true;
    for (YamlEntry const& entry : node_.map)
      is_good = read_entry(entry) && is_good;
    value_.shown = "...";
    return is_good;
  }

  bool read_entry(YamlEntry const& entry) {
    if (!key_.names.empty() &&
        std::find(key_.names.begin(), key_.names.end(), entry.key) == key_.names.end()) {
      std::vector<std::string> const known(key_.names.begin(), key_.names.end());
      std::string const best = nearest(entry.key, known);
      mistakes_.add(entry.key_place,
                    fmt::format("{}: expected {}, found \"{}\"{}", context_.written,
                                fmt::join(known, ", "), entry.key,
                                best.empty() ? "" : fmt::format("; did you mean \"{}\"?", best)));
      return false;
    }
    YamlNode node = entry.value;
    if (!key_.choices.empty() && node.kind == YamlNode::Kind::nothing) {
      node.kind = YamlNode::Kind::scalar; // an unquoted null
      node.text = "null";
    }
    std::optional<PlacedText> const text = text_of(node, entry.key);
    if (!text || (!key_.choices.empty() && !read_choice(*text)))
      return false;
    value_.map[entry.key] = key_.choices.empty() ? text->text : key_.choices[value_.choice].word;
    return true;
  }

  Key const& key_;
  YamlNode const& node_;
  ReadContext const& context_;
  Mistakes& mistakes_;
  KeyValue value_;
};

std::string words_of(Key const& key) {
  std::string words;
  for (Choice const& choice : key.choices)
    words += fmt::format("{}{}", words.empty() ? "" : ", ", choice.word);
  return words;
}

std::string range_text(Key const& key, std::string (*print)(std::int64_t)) {
  bool const has_most = key.most < (std::int64_t(1) << 53);
  if (has_most)
    return fmt::format(", between {} and {}", print(key.least), print(key.most));
  return key.least > 0 ? fmt::format(", at least {}", print(key.least)) : "";
}

} // namespace

std::optional<KeyValue> read_value(Key const& key, YamlNode const& node, ReadContext const& context,
                                   Mistakes& mistakes) {
  return Reader(key, node, context, mistakes).read();
}

std::string expected_text(Key const& key) {
  switch (key.shape) {
  case Shape::text:
  case Shape::secret: return "a text";
  case Shape::text_list:
    return key.choices.empty() ? "a text or a list of texts" : "a list of " + words_of(key);
  case Shape::boolean: return "true or false";
  case Shape::integer:
    return "a whole number" + range_text(key, [](std::int64_t n) { return std::to_string(n); });
  case Shape::duration:
    return "a duration with its unit, like 500ms, 10s, 5m or 1h" +
           range_text(key, [](std::int64_t n) { return duration_text(Milliseconds(n)); });
  case Shape::size:
    return "a size with its unit, like 512kB, 64MB or 1GB" +
           range_text(key, [](std::int64_t n) { return size_text(static_cast<std::uint64_t>(n)); });
  case Shape::choice: return (key.choices.size() == 1 ? "" : "one of ") + words_of(key);
  case Shape::addresses: return key.most == 1 ? "one host:port" : "host:port";
  case Shape::path: return "a path";
  case Shape::text_map: {
    std::string words;
    for (Choice const& choice : key.choices)
      words +=
          fmt::format("{}{}", words.empty() ? "a map of names and one of " : ", ", choice.word);
    return words.empty() ? "a map of texts" : words;
  }
  case Shape::anything: return "anything";
  }
  return {};
}

} // namespace walrock
