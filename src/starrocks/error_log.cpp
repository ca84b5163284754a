#include "starrocks/error_log.h"

#include <algorithm>
#include <array>
#include <optional>
#include <unordered_map>
#include <unordered_set>
#include <utility>

#include <nlohmann/json.hpp>

#include "model/quarantine.h"
#include "starrocks/answer.h"

namespace walrock {

namespace {

using nlohmann::json;
using Cells = std::vector<std::string>;

constexpr std::string_view kEntry = "Error: ";
constexpr std::string_view kRow = ". Row: ";
constexpr std::string_view kListSeparator = ", ";
constexpr std::size_t kReasonEndBytes = 150;
constexpr std::size_t kRowBytes = 300;
constexpr std::size_t kCellBytes = 100;

ErrorLogEntry entry_of(std::string_view text) {
  while (text.ends_with('\n') || text.ends_with('\r'))
    text.remove_suffix(1);
  if (text.starts_with(kEntry))
    text.remove_prefix(kEntry.size());
  std::size_t const at = text.find(kRow);
  if (at == std::string_view::npos)
    return {text, {}};
  return {text.substr(0, at), text.substr(at + kRow.size())};
}

// The first `count` fields of a row in CSV; nothing when it has fewer.
std::optional<Cells> first_fields(std::string_view row, std::size_t count) {
  Cells out;
  while (out.size() < count) {
    std::size_t const end = row.find(kColumnSeparator);
    if (end == std::string_view::npos)
      return std::nullopt;
    out.emplace_back(row.substr(0, end));
    row.remove_prefix(end + 1);
  }
  return out;
}

// The key of a JSON object, under the names of its columns.
std::optional<Cells> key_of_object(json const& object, std::vector<std::string> const& key) {
  Cells out;
  for (std::string const& column : key) {
    auto const found = object.find(column);
    if (found == object.end())
      return std::nullopt;
    out.push_back(found->is_string() ? found->get<std::string>()
                                     : found->dump(-1, ' ', false, json::error_handler_t::replace));
  }
  return out;
}

// The value stands in the middle of a reason; what is wrong with it stands around.
std::string shortened(std::string_view reason) {
  if (reason.size() <= 2 * kReasonEndBytes)
    return excerpt(reason, 2 * kReasonEndBytes);
  std::size_t tail = reason.size() - kReasonEndBytes;
  while (tail < reason.size() && (reason[tail] & 0xC0) == 0x80)
    ++tail; // not within a UTF-8 sequence
  return excerpt(reason.substr(0, kReasonEndBytes + 1), kReasonEndBytes) +
         excerpt(reason.substr(tail), kReasonEndBytes);
}

// The keys of a batch by the way StarRocks prints them at the head of a row of columns: "1, a, ".
// Read when the first such row asks.
class PrintedKeys {
public:
  explicit PrintedKeys(Batch const& batch) : batch_(batch) {}

  // The longest key that the row begins with, or nullptr.
  Cells const* find(std::string_view row) {
    if (!std::exchange(is_read_, true))
      for (Body const& body : batch_.bodies)
        read(body.spooled ? body.spooled->read() : body.bytes);
    Cells const* found = nullptr;
    for (std::size_t at = row.find(kListSeparator); at < longest_;
         at = row.find(kListSeparator, at + 1)) {
      auto const key = keys_.find(std::string(row.substr(0, at + kListSeparator.size())));
      found = key == keys_.end() ? found : &key->second;
    }
    return found;
  }

private:
  void read(std::string const& bytes) {
    if (batch_.spec.format == LoadFormat::json) {
      json const body = json::parse(bytes, nullptr, false);
      for (std::size_t i = 0; body.is_array() && i < body.size(); ++i)
        add(key_of_object(body[i], batch_.spec.key));
      return;
    }
    for (std::size_t at = 0; at < bytes.size();) {
      std::size_t const end = std::min(bytes.find(kRowDelimiter, at), bytes.size());
      add(first_fields(std::string_view(bytes).substr(at, end - at), batch_.spec.key.size()));
      at = end + 1;
    }
  }

  void add(std::optional<Cells> key) {
    if (!key)
      return;
    std::string printed;
    for (std::string const& cell : *key)
      printed.append(cell).append(kListSeparator);
    longest_ = std::max(longest_, printed.size());
    keys_.emplace(std::move(printed), std::move(*key));
  }

  Batch const& batch_;
  bool is_read_ = false;
  std::size_t longest_ = 0;
  std::unordered_map<std::string, Cells> keys_;
};

// A text of the key may hold the separator itself: only the batch tells where it ends. What
// StarRocks prints in a form of its own (a moment, a decimal) is not found there.
std::optional<Cells> key_of_list(std::string_view row, std::size_t count, PrintedKeys& printed) {
  std::string_view rest = row.substr(1);
  if (Cells const* const sent = printed.find(rest); sent != nullptr)
    return *sent;
  Cells out;
  while (out.size() < count) {
    std::size_t const end = rest.find(kListSeparator);
    if (end == std::string_view::npos)
      return std::nullopt;
    out.emplace_back(rest.substr(0, end));
    rest.remove_prefix(end + kListSeparator.size());
  }
  return out;
}

std::vector<KeyCell> key_of(std::string_view row, LoadSpec const& spec, PrintedKeys& printed) {
  if (spec.key.empty())
    return {};
  std::optional<Cells> cells;
  if (row.starts_with('{')) {
    // A key is no nested value, and deep ones would take far more memory than their text.
    json const object = json::parse(
        row, [](int depth, json::parse_event_t, json&) { return depth < 2; }, false);
    cells = object.is_object() ? key_of_object(object, spec.key) : std::nullopt;
  } else if (row.find(kColumnSeparator) != std::string_view::npos) {
    cells = first_fields(row, spec.key.size());
  } else if (row.starts_with('[')) {
    cells = key_of_list(row, spec.key.size(), printed);
  }
  std::vector<KeyCell> out;
  for (std::size_t i = 0; cells && i < spec.key.size(); ++i)
    out.push_back({spec.key[i], excerpt((*cells)[i], kCellBytes)});
  return out;
}

// The rows of a batch by their bytes and by their keys.
class SentRows {
public:
  explicit SentRows(Batch const& batch) : spec_(batch.spec) {
    for (Body const& body : batch.bodies) {
      std::string const unspooled = body.spooled ? body.spooled->read() : std::string();
      for (std::string_view const row :
           rows_of_body(body.spooled ? unspooled : body.bytes, spec_.format))
        add(row);
    }
  }

  // 0: not known beyond doubt.
  [[nodiscard]] std::uint64_t hash_of(std::string_view row, std::vector<KeyCell> const& key) const {
    std::uint64_t const as_sent = row_hash(spec_, row);
    if (hashes_.contains(as_sent))
      return as_sent;
    auto const found = key.empty() ? by_key_.end() : by_key_.find(words_of(key));
    return found == by_key_.end() ? 0 : found->second;
  }

private:
  void add(std::string_view row) {
    std::uint64_t const hash = row_hash(spec_, row);
    hashes_.insert(hash);
    if (spec_.key.empty())
      return;
    auto const [known, is_new] = by_key_.emplace(words_of(row_of(row, spec_).key), hash);
    if (!is_new && known->second != hash)
      known->second = 0; // several rows of one key
  }

  static std::string words_of(std::vector<KeyCell> const& key) {
    std::string words;
    for (KeyCell const& cell : key)
      words += cell.text + kRowDelimiter;
    return words;
  }

  LoadSpec const& spec_;
  std::unordered_set<std::uint64_t> hashes_;
  std::unordered_map<std::string, std::uint64_t> by_key_;
};

} // namespace

std::vector<ErrorLogEntry> parse_error_log(std::string_view text) {
  std::vector<ErrorLogEntry> entries;
  std::size_t start = 0;
  while (start < text.size()) {
    // Lines that do not begin an entry belong to the row before: a value had a line break.
    std::size_t end = text.find('\n', start);
    while (end != std::string_view::npos && !text.substr(end + 1).starts_with(kEntry))
      end = text.find('\n', end + 1);
    end = end == std::string_view::npos ? text.size() : end + 1;
    ErrorLogEntry const entry = entry_of(text.substr(start, end - start));
    if (!entry.reason.empty())
      entries.push_back(entry);
    start = end;
  }
  return entries;
}

std::string_view column_of_reason(std::string_view reason) {
  using Named = std::pair<std::string_view, std::string_view>;
  constexpr std::array<Named, 3> kAtStart{{{"The field (name = ", ", pos = "},
                                           {"NULL value in non-nullable column '", "'"},
                                           {"NULL value in auto increment column '", "'"}}};
  // Behind the value, which may hold anything.
  constexpr std::array<Named, 2> kBehind{
      {{"The max length of '", "' is "}, {"The type of '", "' is "}}};
  auto const name_at = [&](std::size_t at, std::string_view after) {
    std::size_t const end = reason.find(after, at);
    return end == std::string_view::npos ? std::string_view() : reason.substr(at, end - at);
  };
  for (auto const& [before, after] : kAtStart)
    if (reason.starts_with(before))
      return name_at(before.size(), after);
  for (auto const& [before, after] : kBehind)
    if (std::size_t const at = reason.rfind(before); at != std::string_view::npos)
      return name_at(at + before.size(), after);
  return {};
}

std::vector<RefusedRow> refused_rows(std::vector<ErrorLogEntry> const& entries,
                                     Batch const& batch) {
  std::vector<RefusedRow> rows;
  PrintedKeys printed(batch);
  for (ErrorLogEntry const& entry : entries) {
    RefusedRow row;
    row.key = key_of(entry.row, batch.spec, printed);
    row.column = excerpt(column_of_reason(entry.reason), kCellBytes);
    row.reason = shortened(entry.reason);
    row.row = excerpt(entry.row, kRowBytes);
    rows.push_back(std::move(row));
  }
  return rows;
}

void find_hashes(std::vector<ErrorLogEntry> const& entries, Batch const& batch,
                 std::vector<RefusedRow>& rows) {
  if (entries.empty())
    return;
  SentRows const sent(batch);
  for (std::size_t i = 0; i < rows.size(); ++i)
    rows[i].hash = sent.hash_of(entries[i].row, rows[i].key);
}

RefusedRow row_of(std::string_view row, LoadSpec const& spec) {
  Batch const nothing;
  PrintedKeys printed(nothing);
  return {key_of(row, spec, printed), "", "", excerpt(row, kRowBytes), row_hash(spec, row)};
}

} // namespace walrock
