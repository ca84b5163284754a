#include "starrocks/refused_row_search.h"

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "model/quarantine.h"
#include "starrocks/error_log.h"

namespace walrock {

namespace {

struct SentRow {
  std::string bytes;                      // without what separates rows
  std::vector<FieldReference> references; // by offsets within it
  bool may_be_ranked = false;
};

std::vector<SentRow> rows_of(Batch const& batch) {
  std::vector<SentRow> rows;
  for (Body const& body : batch.bodies) {
    std::string const unspooled = body.spooled ? body.spooled->read() : std::string();
    std::string_view const bytes = body.spooled ? unspooled : body.bytes;
    auto reference = body.references.begin();
    for (std::string_view const row : rows_of_body(bytes, batch.spec.format)) {
      SentRow& out = rows.emplace_back(SentRow{std::string(row), {}, body.has_ranked_rows});
      auto const begin = static_cast<std::size_t>(row.data() - bytes.data());
      for (; reference != body.references.end() && reference->at < begin + row.size(); ++reference)
        out.references.push_back({reference->at - begin, reference->field, reference->key});
    }
  }
  return rows;
}

Batch batch_of(LoadSpec const& spec, std::vector<SentRow> const& rows, std::size_t begin,
               std::size_t end) {
  bool const is_json = spec.format == LoadFormat::json;
  Batch batch;
  batch.spec = spec;
  Body body;
  for (std::size_t i = begin; i < end; ++i) {
    if (is_json)
      body.bytes += i == begin ? '[' : ',';
    for (FieldReference const& reference : rows[i].references)
      body.references.push_back({body.bytes.size() + reference.at, reference.field, reference.key});
    body.has_ranked_rows = body.has_ranked_rows || rows[i].may_be_ranked;
    body.bytes += rows[i].bytes;
    if (!is_json)
      body.bytes += kRowDelimiter;
  }
  if (is_json)
    body.bytes += ']';
  body.size = batch.byte_count = body.bytes.size();
  batch.row_count = end - begin;
  batch.bodies.push_back(std::move(body));
  return batch;
}

} // namespace

std::vector<RefusedRow> search_refused_rows(Batch const& batch, std::size_t limit, std::size_t most,
                                            std::function<Probe(Batch const&)> const& probe) {
  std::vector<RefusedRow> found;
  if (batch.byte_count > limit)
    return found;
  std::vector<SentRow> const rows = rows_of(batch);
  std::size_t begin = 0;
  std::size_t end = rows.size();
  // Some row of [begin, end) is refused; the last one alone is asked about, too.
  while (begin < end && found.size() < most) {
    std::size_t const middle = end - begin == 1 ? end : begin + (end - begin) / 2;
    switch (probe(batch_of(batch.spec, rows, begin, middle))) {
    case Probe::unknown: return found;
    case Probe::taken: begin = middle; break;
    case Probe::refused:
      if (end - begin > 1) {
        end = middle;
        break;
      }
      found.push_back(row_of(rows[begin].bytes, batch.spec));
      begin = std::exchange(end, rows.size()); // there may be more behind it
    }
  }
  return found;
}

} // namespace walrock
