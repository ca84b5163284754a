#include "config/yaml_tree.h"

#include <algorithm>

#include <fmt/format.h>
#include <yaml-cpp/yaml.h>

namespace walrock {

namespace {

// Aliases can make a small file huge, and a cyclic one endless.
constexpr int kMostNodes = 100'000;
constexpr int kMostDepth = 32;

Place place_of(YAML::Mark const& mark) {
  return mark.is_null() ? Place{} : Place{mark.line + 1, mark.column + 1};
}

class Copier {
public:
  explicit Copier(Mistakes& mistakes) : mistakes_(mistakes) {}

  YamlNode copy(YAML::Node const& from, int depth) {
    YamlNode to;
    to.place = place_of(from.Mark());
    if (++count_ > kMostNodes || depth > kMostDepth) {
      if (!has_complained_)
        mistakes_.add(to.place, "too large or too deep for a job file");
      has_complained_ = true;
      return to;
    }
    switch (from.Type()) {
    case YAML::NodeType::Undefined:
    case YAML::NodeType::Null: break;
    case YAML::NodeType::Scalar:
      to.kind = YamlNode::Kind::scalar;
      to.text = from.Scalar();
      break;
    case YAML::NodeType::Sequence:
      to.kind = YamlNode::Kind::list;
      for (YAML::Node const& element : from)
        to.list.push_back(copy(element, depth + 1));
      break;
    case YAML::NodeType::Map: copy_map(from, to, depth); break;
    }
    return to;
  }

private:
  void copy_map(YAML::Node const& from, YamlNode& to, int depth) {
    to.kind = YamlNode::Kind::map;
    for (auto const& entry : from) {
      Place const place = place_of(entry.first.Mark());
      if (!entry.first.IsScalar()) {
        mistakes_.add(place, "a key must be a text");
        continue;
      }
      std::string const key = entry.first.Scalar();
      auto const twin = std::find_if(to.map.begin(), to.map.end(),
                                     [&](YamlEntry const& e) { return e.key == key; });
      bool const is_new = twin == to.map.end();
      if (!is_new)
        mistakes_.add(place, fmt::format("key \"{}\" stands twice (first on line {}); remove one",
                                         key, twin->key_place.line));
      else
        to.map.push_back({key, place, copy(entry.second, depth + 1)});
      // yaml-cpp puts a value that is not there somewhere behind its key.
      if (is_new && to.map.back().value.kind == YamlNode::Kind::nothing)
        to.map.back().value.place = place;
    }
  }

  Mistakes& mistakes_;
  int count_ = 0;
  bool has_complained_ = false;
};

} // namespace

// Translates yaml-cpp's exceptions, for all of config/.
YamlNode parse_yaml(std::string_view text, Mistakes& mistakes) {
  try {
    std::vector<YAML::Node> const documents = YAML::LoadAll(std::string(text));
    if (documents.size() > 1)
      mistakes.add(place_of(documents[1].Mark()), "a job file holds one document, found several");
    return documents.empty() ? YamlNode{} : Copier(mistakes).copy(documents.front(), 0);
  } catch (YAML::Exception const& error) {
    mistakes.add(place_of(error.mark), "not valid YAML: " + error.msg);
    return {};
  }
}

std::string describe_node(YamlNode const& node) {
  switch (node.kind) {
  case YamlNode::Kind::nothing: return "nothing";
  case YamlNode::Kind::scalar: return fmt::format("\"{}\"", node.text);
  case YamlNode::Kind::list: return "a list";
  case YamlNode::Kind::map: return "a map";
  }
  return {};
}

} // namespace walrock
