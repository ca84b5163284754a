#include "config/documents.h"

#include <nlohmann/json.hpp>

#include "config/keys.h"
#include "config/read_value.h"

namespace walrock {

namespace {

using Json = nlohmann::ordered_json;

// A value that comes from outside may stand for anything.
constexpr char kReference[] = R"(\$\{[^}]+\})";

Json choice_schema(Key const& key) {
  Json words = Json::array();
  for (Choice const& choice : key.choices) {
    words.push_back(choice.word);
    for (std::string_view const synonym : choice.synonyms)
      words.push_back(synonym);
  }
  return {{"anyOf", {{{"enum", words}}, {{"type", "string"}}}}};
}

// An unquoted null is a null.
Json entry_schema(Key const& key) {
  Json words = Json::array();
  for (Choice const& choice : key.choices)
    words.push_back(choice.word);
  return {{"anyOf",
           {{{"enum", words}}, {{"type", "null"}}, {{"type", "string"}, {"pattern", kReference}}}}};
}

Json texts_schema() {
  return {{"type", {"string", "array"}}, {"items", {{"type", "string"}}}};
}

Json value_schema(Key const& key) {
  switch (key.shape) {
  case Shape::text:
  case Shape::path: return {{"type", {"string", "number", "boolean"}}};
  case Shape::secret: return {{"type", {"string", "number", "boolean", "null"}}};
  case Shape::text_list:
  case Shape::addresses: return texts_schema();
  case Shape::boolean:
    return {{"anyOf", {{{"type", "boolean"}}, {{"type", "string"}, {"pattern", kReference}}}}};
  case Shape::integer:
    return {{"anyOf",
             {{{"type", "integer"}, {"minimum", key.least}, {"maximum", key.most}},
              {{"type", "string"}, {"pattern", std::string("^[0-9]+$|") + kReference}}}}};
  case Shape::duration:
    return {{"type", {"string", "integer"}},
            {"pattern", std::string("^ *[0-9]+ *(ms|s|sec|m|min|h|d)? *$|") + kReference}};
  case Shape::size:
    return {{"type", {"string", "integer"}},
            {"pattern", std::string("^ *[0-9]+ *([kKmMgGtT]?([iI]?[bB])?)(/s)? *$|") + kReference}};
  case Shape::choice: return choice_schema(key);
  case Shape::text_map:
    if (!key.choices.empty()) {
      Json schema = {{"type", "object"}, {"additionalProperties", entry_schema(key)}};
      for (std::string_view const name : key.names)
        schema["propertyNames"]["enum"].push_back(name);
      return schema;
    }
    return {{"type", "object"},
            {"additionalProperties", {{"type", {"string", "number", "boolean"}}}}};
  case Shape::anything: return Json::object();
  }
  return Json::object();
}

Json key_schema(Key const& key) {
  Json schema = value_schema(key);
  schema["description"] = key.doc;
  if (!key.default_text.empty())
    schema["default"] = key.default_text;
  return schema;
}

// The object schema below `parent` of that name, made when it is not there. A key that is a section
// as well ("table" and "table.create.num-buckets") takes both.
Json& section_schema(Json& parent, std::string const& name) {
  Json& section = parent["properties"][name];
  if (section.is_null())
    section = {{"type", "object"}, {"additionalProperties", false}, {"properties", Json::object()}};
  else if (section.value("type", Json()) != "object")
    section = {{"description", section.value("description", "")},
               {"additionalProperties", false},
               {"properties", Json::object()}};
  return section;
}

void add_key(Json& parent, std::string const& name, Json const& schema) {
  Json& place = parent["properties"][name];
  if (place.is_null())
    place = schema;
  else if (place.contains("properties"))
    place.erase("type"); // a section and a value
}

// The name with its dots, and nested at every dot.
void add_spellings(Json& section, std::string const& name, Json const& schema) {
  add_key(section, name, schema);
  std::size_t const dot = name.find('.');
  if (dot == std::string::npos)
    return;
  Json* at = &section;
  std::string rest = name;
  for (std::size_t end = dot; end != std::string::npos; end = rest.find('.')) {
    at = &section_schema(*at, rest.substr(0, end));
    rest = rest.substr(end + 1);
  }
  add_key(*at, rest, schema);
}

// Splits a path into the section that holds it and the name in there.
void add_path(Json& root, std::string const& path, Json const& schema) {
  constexpr std::string_view kSections[] = {"source.postgres-cdc",
                                            "sink.starrocks",
                                            "schema-sync.starrocks",
                                            "source",
                                            "sink",
                                            "schema-sync",
                                            "job",
                                            "walrock",
                                            "flink",
                                            "pipeline"};
  for (std::string_view const section : kSections) {
    std::string const prefix = std::string(section) + ".";
    if (!path.starts_with(prefix))
      continue;
    Json* at = &root;
    std::string rest(section);
    for (std::size_t end = rest.find('.'); end != std::string::npos; end = rest.find('.')) {
      at = &section_schema(*at, rest.substr(0, end));
      rest = rest.substr(end + 1);
    }
    add_spellings(section_schema(*at, rest), path.substr(prefix.size()), schema);
    return;
  }
  add_spellings(root, path, schema);
}

// source.x and source.postgres-cdc.x, sink.x and sink.starrocks.x are the same key.
std::vector<std::string> places_of(std::string const& path) {
  std::string const normal = normal_path(path);
  for (auto const& [short_form, long_form] :
       {std::pair<std::string, std::string>{"source.", "source.postgres-cdc."},
        std::pair<std::string, std::string>{"sink.", "sink.starrocks."}})
    if (normal.starts_with(short_form))
      return {normal, long_form + normal.substr(short_form.size())};
  return {path};
}

} // namespace

std::string job_schema_json() {
  Json root = {{"$schema", "http://json-schema.org/draft-07/schema#"},
               {"title", "walrock job file"},
               {"type", "object"},
               {"additionalProperties", false},
               {"properties", Json::object()}};
  Json block = {{"type", {"object", "null"}},
                {"additionalProperties", false},
                {"properties", Json::object()}};
  constexpr std::string_view kBlock = "tables.*.";
  for (Key const& key : all_keys())
    for (std::string const& spelling : spellings(key))
      if (spelling.starts_with(kBlock))
        add_spellings(block, spelling.substr(kBlock.size()), key_schema(key));
      else
        for (std::string const& path : places_of(spelling))
          add_path(root, path, key_schema(key));
  root["properties"]["tables"] = {{"type", {"object", "null"}},
                                  {"description", "Options of single tables, by name or pattern."},
                                  {"additionalProperties", block}};
  for (char const* const section : {"source", "source.postgres-cdc"})
    add_path(root, std::string(section) + ".debezium",
             {{"type", "object"}, {"description", "Accepted and not used."}});
  return root.dump(2) + "\n";
}

} // namespace walrock
