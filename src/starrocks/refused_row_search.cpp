#include "starrocks/refused_row_search.h"

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include "starrocks/error_log.h"

namespace walrock {

namespace {

using nlohmann::json;

// The rows of all bodies. A row of CSV ends with its delimiter.
std::vector<std::string> rows_of(Batch const& batch) {
  std::vector<std::string> rows;
  for (Body const& body : batch.bodies) {
    std::string const unspooled = body.spooled ? body.spooled->read() : std::string();
    std::string_view rest = body.spooled ? unspooled : std::string_view(body.bytes);
    if (batch.spec.format == LoadFormat::json) {
      json const objects = json::parse(rest, nullptr, false);
      for (std::size_t i = 0; objects.is_array() && i < objects.size(); ++i)
        rows.push_back(objects[i].dump(-1, ' ', false, json::error_handler_t::replace));
      continue;
    }
    while (!rest.empty()) {
      std::size_t const size = std::min(rest.find(kRowDelimiter), rest.size() - 1) + 1;
      rows.emplace_back(rest.substr(0, size));
      rest.remove_prefix(size);
    }
  }
  return rows;
}

Batch batch_of(LoadSpec const& spec, std::vector<std::string> const& rows, std::size_t begin,
               std::size_t end) {
  bool const is_json = spec.format == LoadFormat::json;
  Batch batch;
  batch.spec = spec;
  Body body;
  for (std::size_t i = begin; i < end; ++i) {
    if (is_json)
      body.bytes += i == begin ? '[' : ',';
    body.bytes += rows[i];
  }
  if (is_json)
    body.bytes += ']';
  body.size = batch.byte_count = body.bytes.size();
  batch.row_count = end - begin;
  batch.bodies.push_back(std::move(body));
  return batch;
}

} // namespace

std::optional<RefusedRow> search_refused_row(Batch const& batch, std::size_t limit,
                                             std::function<Probe(Batch const&)> const& probe) {
  if (batch.byte_count > limit)
    return std::nullopt;
  std::vector<std::string> const rows = rows_of(batch);
  std::size_t begin = 0;
  std::size_t end = rows.size();
  // Some row of [begin, end) is refused; the last one alone is asked about, too.
  while (begin < end) {
    std::size_t const middle = end - begin == 1 ? end : begin + (end - begin) / 2;
    switch (probe(batch_of(batch.spec, rows, begin, middle))) {
    case Probe::unknown: return std::nullopt;
    case Probe::taken: begin = middle; break;
    case Probe::refused:
      if (end - begin == 1)
        return row_of(rows[begin], batch.spec);
      end = middle;
      break;
    }
  }
  return std::nullopt;
}

} // namespace walrock
