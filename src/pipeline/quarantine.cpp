#include "pipeline/quarantine.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "base/error.h"

namespace walrock {

namespace {
constexpr std::size_t kBodyBytes = 4 << 20; // a body is closed beyond this
constexpr std::size_t kKnownRows = 10'000;  // that are refused
} // namespace

Quarantine::Quarantine(MemoryBudget* budget, TableName source, TargetName target, std::size_t limit)
    : budget_(budget), source_(std::move(source)), target_(std::move(target)), limit_(limit) {
  body_.charge = Charge(budget_);
}

void Quarantine::begin_at(QuarantinedKeys keys, std::vector<RefusedRow> const& refused) {
  drop_rows();
  before_.clear();
  keys_ = std::move(keys);
  total_ = total_of(keys_);
  if (refused_.size() > kKnownRows + 4 * limit_)
    refused_.clear(); // old ones: what comes again is refused again
  for (RefusedRow const& row : refused)
    if (row.hash != 0)
      refused_.insert_or_assign(row.hash, row);
}

RefusedRow const* Quarantine::refusal_of(LoadSpec const& spec, std::string_view row) const {
  if (refused_.empty())
    return nullptr;
  auto const found = refused_.find(row_hash(spec, row));
  return found == refused_.end() ? nullptr : &found->second;
}

void Quarantine::note_before(KeyHash const& key) {
  auto const found = keys_.find(key);
  before_.try_emplace(key, found == keys_.end() ? 0 : found->second);
}

void Quarantine::set_count(KeyHash const& key, std::uint32_t count) {
  auto const found = keys_.try_emplace(key, 0).first;
  total_ = total_ - found->second + count;
  found->second = count;
  if (count == 0)
    keys_.erase(found);
}

// Rows `from` to `count` of the key.
void Quarantine::take_out(KeyHash const& key, std::uint32_t from, std::uint32_t count) {
  for (std::uint32_t number = from; number < count; ++number) {
    append_released(key, number, body_.bytes);
    note_row();
  }
}

void Quarantine::divert(std::string_view key, bool is_whole, QuarantinedRow row) {
  row.key = key_hash(target_, key);
  row.target = target_;
  row.source = source_;
  note_before(row.key);
  auto const found = keys_.find(row.key);
  std::uint32_t const count = found == keys_.end() ? 0 : found->second;
  if (is_whole)
    take_out(row.key, 1, count);
  row.number = is_whole ? 0 : count;
  set_count(row.key, row.number + 1);
  if (total_ > limit_)
    throw Error(
        ErrorCode::quarantine_full,
        fmt::format("more than {} rows of {} would be in quarantine", limit_, to_string(source_)));
  append_quarantined(row, body_.bytes);
  note_row();
  if (body_.bytes.size() >= kBodyBytes)
    close_body();
  ++change_count_;
}

void Quarantine::release(std::string_view key) {
  if (keys_.empty())
    return;
  KeyHash const hash = key_hash(target_, key);
  auto const found = keys_.find(hash);
  if (found == keys_.end())
    return;
  note_before(hash);
  take_out(hash, 0, found->second);
  set_count(hash, 0);
}

void Quarantine::close_body() {
  if (body_.bytes.empty())
    return;
  body_.size = body_.bytes.size();
  bodies_.push_back(std::move(body_));
  body_ = Body();
  body_.charge = Charge(budget_);
}

Body* Quarantine::largest_body(std::size_t least) {
  close_body();
  Body* largest = nullptr;
  for (Body& body : bodies_)
    if (body.bytes.size() >= std::max(least, largest == nullptr ? 0 : largest->bytes.size()))
      largest = &body;
  return largest;
}

void Quarantine::drop_rows() {
  bodies_.clear();
  body_ = Body();
  body_.charge = Charge(budget_);
  row_count_ = change_count_ = 0;
}

void Quarantine::forget() {
  drop_rows();
  for (auto const& [key, count] : std::exchange(before_, {}))
    set_count(key, count);
}

std::uint64_t Quarantine::clear() {
  std::uint64_t const dropped = change_count_;
  forget();
  for (auto const& [key, count] : QuarantinedKeys(keys_)) {
    note_before(key);
    take_out(key, 0, count);
    set_count(key, 0);
  }
  return dropped;
}

Quarantine::Taken Quarantine::take() {
  Taken taken;
  taken.changes = change_count_;
  for (auto const& [key, count] : std::exchange(before_, {})) {
    auto const found = keys_.find(key);
    taken.keys[key] = found == keys_.end() ? 0 : found->second;
  }
  if (row_count_ > 0) {
    Batch batch;
    batch.spec = quarantine_spec(target_.database);
    batch.row_count = row_count_;
    close_body();
    for (Body const& body : bodies_)
      batch.byte_count += body.size;
    batch.bodies = std::move(bodies_);
    taken.batch = std::move(batch);
  }
  drop_rows();
  return taken;
}

std::vector<std::string> take_rows_out(Batch& batch, std::vector<RefusedRow> const& refused) {
  std::vector<std::string> out;
  bool const is_json = batch.spec.format == LoadFormat::json;
  auto const is_refused = [&](std::string_view row) {
    std::uint64_t const hash = row_hash(batch.spec, row);
    return std::any_of(refused.begin(), refused.end(),
                       [hash](RefusedRow const& known) { return known.hash == hash; });
  };
  batch.row_count = batch.byte_count = 0;
  for (Body& body : batch.bodies) {
    WALROCK_ASSERT(body.spooled == nullptr, "batches of a copy stay in memory");
    std::string kept;
    for (std::string_view const row : rows_of_body(body.bytes, batch.spec.format)) {
      if (is_refused(row)) {
        out.emplace_back(row);
        continue;
      }
      if (is_json)
        kept += kept.empty() ? '[' : ',';
      kept += row;
      if (!is_json)
        kept += kRowDelimiter;
      ++batch.row_count;
    }
    if (is_json && !kept.empty())
      kept += ']';
    body.bytes = std::move(kept);
    body.size = body.bytes.size();
    batch.byte_count += body.size;
    body.charge.resize(body.bytes.capacity());
  }
  std::erase_if(batch.bodies, [](Body const& body) { return body.bytes.empty(); });
  return out;
}

QuarantinedKeys keys_of(Batch const& batch) {
  QuarantinedKeys keys;
  for (Body const& body : batch.bodies)
    for (std::string_view const row : rows_of_body(body.bytes, batch.spec.format))
      keys[KeyHash(row.substr(0, row.find(kColumnSeparator)))] = 1;
  return keys;
}

} // namespace walrock
