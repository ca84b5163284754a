#include "pipeline/table_batches.h"

#include <algorithm>
#include <functional>
#include <span>
#include <utility>

namespace walrock {

namespace {

bool has_absent_cells(Row row) {
  for (Value const& value : row)
    if (value.is_unchanged_toast())
      return true;
  return false;
}

// The references of a body that lie in one of its rows.
std::span<FieldReference const> references_of(Body const& body, std::size_t from,
                                              std::size_t size) {
  auto const by_offset = [](FieldReference const& r, std::size_t at) { return r.at < at; };
  auto const& all = body.references;
  auto const first = std::lower_bound(all.begin(), all.end(), from, by_offset);
  auto const last = std::lower_bound(first, all.end(), from + size, by_offset);
  return {first, last};
}

// In memory a reference takes about this much more than its key's bytes.
constexpr std::size_t kReferenceBytes = 128;

void charge(Body& body) {
  body.charge.resize(body.bytes.capacity() + body.references.size() * kReferenceBytes);
}

} // namespace

bool TableBatches::is_keyed() const {
  return encoder_->plan().model == TableModel::primary;
}

void TableBatches::use(RowEncoder const* encoder) {
  if (encoder == encoder_)
    return;
  close_part();
  encoder_ = encoder;
}

void TableBatches::upsert(Row row, RowOrigin origin) try {
  if (is_watched())
    upsert_watched(row, origin);
  else
    append_upsert(row, origin);
} catch (Error const& error) {
  if (!is_diverted(error))
    throw;
  // Not what StarRocks would refuse: it would bend it.
  divert_row(row, {{}, "", error.what(), "", 0}, origin);
}

bool TableBatches::is_diverted(Error const& error) const {
  return error.code() == ErrorCode::value_unsupported && quarantine_ != nullptr && is_keyed();
}

void TableBatches::remove(Row key_row, RowOrigin origin) {
  if (is_watched())
    remove_watched(key_row, origin);
  else
    append_delete(key_row, origin);
}

// A key that is in quarantine has an older row in the target, or none: it is released, as by a
// delete.
void TableBatches::mark_deleted(Row row, bool is_whole, RowOrigin origin) {
  std::string key;
  if (is_watched())
    encoder_->append_key(row, key);
  bool const is_kept_aside = is_watched() && quarantine_->holds(key);
  bool const is_marked = is_whole && !is_kept_aside && append_sayable(row, origin);
  if (!is_marked && !append_sayable(only_key(row), origin))
    quarantine_->note_change(); // a key that StarRocks cannot say is not in the target
  if (is_watched())
    quarantine_->release(key);
}

bool TableBatches::append_sayable(Row row, RowOrigin origin) try {
  refusal_ = nullptr;
  append_upsert(row, origin);
  return refusal_ == nullptr;
} catch (Error const& error) {
  if (error.code() != ErrorCode::value_unsupported || quarantine_ == nullptr)
    throw;
  return false;
}

Row TableBatches::only_key(Row row) {
  only_key_.assign(row.size(), Value::unchanged_toast());
  TablePlan const& plan = encoder_->plan();
  for (int i = 0; i < plan.key_count; ++i) {
    auto const at =
        static_cast<std::size_t>(plan.columns[static_cast<std::size_t>(i)].source_index);
    only_key_[at] = row[at];
  }
  return only_key_;
}

void TableBatches::append_upsert(Row row, RowOrigin origin) {
  if (!is_indexed_ && !has_absent_cells(row) &&
      try_append(LoadFormat::csv, none_absent_, row, Op::upsert, origin))
    return;
  append_indexed(row, Op::upsert, origin);
}

void TableBatches::append_delete(Row key_row, RowOrigin origin) {
  if (!is_indexed_ && try_append(LoadFormat::csv, none_absent_, key_row, Op::delete_, origin))
    return;
  append_indexed(key_row, Op::delete_, origin);
}

bool TableBatches::rekey(Row old_key_row, Row new_row, RowOrigin origin, OldKey old) {
  ensure_index();
  std::string old_key;
  encoder_->append_key(old_key_row, old_key);
  if (is_watched() && quarantine_->holds(old_key))
    return false; // what is there is not the row's last value
  try {
    if (!complete(new_row, old_key_row, old_key, origin))
      return false;
  } catch (Error const& error) {
    if (!is_diverted(error))
      throw;
    throw Error(ErrorCode::copy_needed, std::string(error.what()) +
                                            ": of the row, which has a new key, the large values "
                                            "that PostgreSQL did not send again cannot be kept in "
                                            "quarantine");
  }
  std::string const whole = completed_;
  std::vector<FieldReference> references = std::move(references_);
  bool const is_known = references.empty();
  RowOrigin of_old = origin;
  of_old.kind = ChangeKind::delete_;
  switch (old) {
  case OldKey::removed: remove(old_key_row, of_old); break;
  case OldKey::marked: mark_deleted(old_key_row, false, of_old); break;
  case OldKey::kept: break;
  }
  std::string new_key;
  encoder_->append_key(new_row, new_key);
  refusal_ = nullptr;
  append_encoded(new_key, whole, false, std::move(references));
  if (refusal_ != nullptr && !is_known)
    return false; // in quarantine it would lack what is read back
  if (refusal_ != nullptr)
    divert(read_encoded(encoder_->spec_for(LoadFormat::csv, none_absent_),
                        std::string_view(whole).substr(0, whole.size() - 1)),
           true, *refusal_, origin);
  else if (is_watched())
    quarantine_->release(new_key);
  return true;
}

bool TableBatches::complete(Row row, Row key_row, std::string const& key, RowOrigin origin) {
  completed_.clear();
  references_.clear();
  Place const* before = nullptr;
  if (auto const found = places_.find(key); found != places_.end())
    before = &found->second;
  if (before == nullptr) {
    if (!encoder_->encode_csv_with_gaps(row, origin, completed_, absent_))
      return false;
  } else {
    auto const text = row_at(*before);
    if (!text || before->is_delete || before->batch->batch.spec.format != LoadFormat::csv ||
        !encoder_->merge_csv(row, *text, before->batch->absent, origin, completed_, absent_))
      return false;
  }
  std::span<FieldReference const> carried;
  if (before != nullptr)
    carried = references_of(body_of(*before), before->offset, before->size);
  for (AbsentField const& absent : absent_) {
    auto const known = std::find_if(carried.begin(), carried.end(), [&](FieldReference const& r) {
      return r.field == absent.field;
    });
    if (known != carried.end())
      references_.push_back({absent.at, absent.field, known->key});
    else if (absent.is_gap)
      references_.push_back({absent.at, absent.field, encoder_->key_fields(key_row)});
    // What closed parts did to the row is not in the target when it is read back.
    if (known == carried.end() && absent.is_gap && may_be_in_closed_part(key))
      return false;
  }
  return true;
}

// ---------------------------------------------------------------- quarantine

bool TableBatches::is_watched() const {
  return quarantine_ != nullptr && quarantine_->is_watching() && is_keyed();
}

bool TableBatches::take_back_refused(OpenBatch& batch, std::size_t size_before) {
  if (!is_watched())
    return false;
  // Without the delimiter of CSV, or the bracket or comma of JSON.
  std::string_view row = std::string_view(batch.body.bytes).substr(size_before);
  if (batch.batch.spec.format == LoadFormat::csv)
    row.remove_suffix(1);
  else
    row.remove_prefix(1);
  refusal_ = quarantine_->refusal_of(batch.batch.spec, row);
  if (refusal_ == nullptr)
    return false;
  batch.body.bytes.resize(size_before);
  return true;
}

void TableBatches::divert(EncodedRow shown, bool is_whole, RefusedRow const& why,
                          RowOrigin origin) {
  QuarantinedRow row;
  row.key_json = std::move(shown.key_json);
  row.row_json = std::move(shown.row_json);
  row.column = why.column;
  row.reason = why.reason;
  row.commit_lsn = origin.commit_lsn;
  row.seen_at = origin.commit_time;
  quarantine_->divert(shown.key, is_whole, std::move(row));
}

void TableBatches::upsert_watched(Row row, RowOrigin origin) {
  std::string key;
  encoder_->append_key(row, key);
  if (has_absent_cells(row) && quarantine_->holds(key)) {
    divert_row(row, {{}, "", "the key is in quarantine, and this row is partial", "", 0}, origin);
    return;
  }
  refusal_ = nullptr;
  append_upsert(row, origin);
  if (refusal_ != nullptr)
    divert_row(row, *refusal_, origin);
  else
    quarantine_->release(key);
}

void TableBatches::divert_row(Row row, RefusedRow const& why, RowOrigin origin) {
  EncodedRow shown;
  encoder_->append_key(row, shown.key);
  shown.key_json = json_of_row(encoder_->plan(), row, true);
  shown.row_json = json_of_row(encoder_->plan(), row, false);
  divert(std::move(shown), encoder_->absent_of(row).empty(), why, origin);
}

void TableBatches::remove_watched(Row key_row, RowOrigin origin) {
  std::string key;
  encoder_->append_key(key_row, key);
  refusal_ = nullptr;
  append_delete(key_row, origin);
  if (refusal_ != nullptr)
    quarantine_->note_change(); // a key that StarRocks cannot say is not in the target
  quarantine_->release(key);
}

// ---------------------------------------------------------------- labels

// The way of a row when the part has, or is about to get, more than its full CSV batch.
void TableBatches::append_indexed(Row row, Op op, RowOrigin origin) {
  ColumnSet const absent = op == Op::delete_ ? none_absent_ : encoder_->absent_of(row);
  if (!is_keyed()) {
    if (!try_append(LoadFormat::csv, absent, row, op, origin))
      (void)try_append(LoadFormat::json, absent, row, op, origin);
    return;
  }
  ensure_index();
  std::string key;
  encoder_->append_key(row, key, origin);
  if (!absent.empty()) {
    if (may_fold(key, origin.kind == ChangeKind::delete_) && complete(row, row, key, origin)) {
      append_encoded(key, completed_, false, std::move(references_));
      return;
    }
    has_partial_rows_ = true;
  }
  for (LoadFormat const format : {LoadFormat::csv, LoadFormat::json}) {
    auto const place = places_.find(key);
    if (place != places_.end() && place->second.batch != find_batch(format, absent))
      close_part();
    key_ = key;
    if (try_append(format, absent, row, op, origin))
      return;
  }
}

// Appends to the batch of the open part that takes such rows; key_ is the row's key when the part
// is indexed.
bool TableBatches::try_append(LoadFormat format, ColumnSet const& absent, Row row, Op op,
                              RowOrigin origin) {
  bool const is_full_csv = format == LoadFormat::csv && absent.empty();
  OpenBatch& to = is_full_csv && full_ != nullptr ? *full_ : batch_for(format, absent);
  std::size_t const size_before = to.body.bytes.size();
  if (format == LoadFormat::csv) {
    if (!encoder_->encode_csv(row, op, origin, to.body.bytes))
      return false;
  } else {
    encoder_->encode_json(row, op, origin, to.body.bytes);
  }
  if (take_back_refused(to, size_before))
    return true;
  if (origin.rank != 0) {
    WALROCK_ASSERT(format == LoadFormat::csv, "a delete has no value that CSV cannot say");
    to.body.has_ranked_rows = has_references_ = true;
  }
  // The index of a part that was empty is complete by itself.
  if (!is_full_csv && is_keyed())
    is_indexed_ = true;
  if (is_indexed_)
    note_place(to, size_before, op == Op::delete_);
  note_row(to, size_before);
  return true;
}

// A row that is already encoded in the open layout, into the full CSV batch.
void TableBatches::append_encoded(std::string const& key, std::string const& csv_row,
                                  bool is_delete, std::vector<FieldReference> references) {
  auto const place = places_.find(key);
  if (place != places_.end() && place->second.batch != find_batch(LoadFormat::csv, none_absent_))
    close_part();
  OpenBatch& to = batch_for(LoadFormat::csv, none_absent_);
  std::size_t const size_before = to.body.bytes.size();
  to.body.bytes += csv_row;
  if (take_back_refused(to, size_before))
    return;
  for (FieldReference& reference : references) {
    reference.at += size_before;
    to.body.references.push_back(std::move(reference));
    has_references_ = true;
  }
  if (is_indexed_) {
    key_ = key;
    note_place(to, size_before, is_delete);
  }
  note_row(to, size_before);
}

void TableBatches::note_place(OpenBatch& batch, std::size_t offset, bool is_delete) {
  places_[key_] = {&batch, batch.batch.bodies.size(), offset, batch.body.bytes.size() - offset,
                   is_delete};
}

void TableBatches::note_row(OpenBatch& batch, std::size_t size_before) {
  ++row_count_;
  ++batch.batch.row_count;
  byte_count_ += batch.body.bytes.size() - size_before;
  charge(batch.body);
  if (batch.body.bytes.size() >= limits_.body_bytes)
    close_body(batch);
}

TableBatches::OpenPart& TableBatches::open_part() {
  if (parts_.empty())
    parts_.emplace_back();
  return parts_.back();
}

TableBatches::OpenBatch* TableBatches::find_batch(LoadFormat format, ColumnSet const& absent) {
  for (auto const& open : open_part().batches)
    if (open->batch.spec.format == format && open->absent == absent)
      return open.get();
  return nullptr;
}

TableBatches::OpenBatch& TableBatches::batch_for(LoadFormat format, ColumnSet const& absent) {
  if (OpenBatch* const found = find_batch(format, absent); found != nullptr)
    return *found;
  auto made = std::make_unique<OpenBatch>();
  made->batch.spec = encoder_->spec_for(format, absent);
  made->absent = absent;
  made->body.charge = Charge(budget_);
  OpenBatch& open = *made;
  open_part().batches.push_back(std::move(made));
  if (format == LoadFormat::csv && absent.empty())
    full_ = &open;
  return open;
}

void TableBatches::close_body(OpenBatch& open) {
  if (open.body.bytes.empty())
    return;
  if (open.batch.spec.format == LoadFormat::json)
    RowEncoder::finish_json(open.body.bytes);
  open.body.size = open.body.bytes.size();
  open.batch.byte_count += open.body.size;
  charge(open.body);
  open.batch.bodies.push_back(std::move(open.body));
  open.body = Body();
  open.body.charge = Charge(budget_);
}

void TableBatches::close_part() {
  if (parts_.empty() || parts_.back().batches.empty())
    return;
  for (auto const& open : parts_.back().batches)
    close_body(*open);
  note_closed_keys();
  parts_.emplace_back();
  places_.clear();
  is_indexed_ = false;
  full_ = nullptr;
}

void TableBatches::ensure_index() {
  if (places_.size() > limits_.indexed_keys)
    close_part();
  if (is_indexed_ || full_ == nullptr) {
    is_indexed_ = true; // nothing to index yet
    return;
  }
  // Before the first other batch of a part there is only the full one.
  std::size_t const body_count = full_->batch.bodies.size();
  for (std::size_t body = 0; body <= body_count; ++body) {
    Body const& from = body < body_count ? full_->batch.bodies[body] : full_->body;
    if (from.spooled != nullptr || places_.size() > limits_.indexed_keys) {
      close_part();
      is_indexed_ = true;
      return;
    }
    std::string_view const bytes = from.bytes;
    for (std::size_t at = 0; at < bytes.size();) {
      std::size_t const end = bytes.find(kRowDelimiter, at) + 1;
      std::string_view const row = bytes.substr(at, end - at);
      bool const is_delete = row[row.size() - 2] == '1';
      places_[std::string(encoder_->csv_key(row))] = {full_, body, at, row.size(), is_delete};
      at = end;
    }
  }
  is_indexed_ = true;
}

void TableBatches::note_closed_keys() {
  are_closed_keys_known_ = are_closed_keys_known_ && is_indexed_ &&
                           closed_keys_.size() + places_.size() <= limits_.closed_keys;
  if (!are_closed_keys_known_) {
    closed_keys_.clear();
    return;
  }
  for (auto const& [key, place] : places_)
    closed_keys_.insert(std::hash<std::string>()(key));
}

bool TableBatches::may_be_in_closed_part(std::string const& key) const {
  return !are_closed_keys_known_ || closed_keys_.contains(std::hash<std::string>()(key));
}

// A partial row becomes a full one where the part has a full row of its key; with
// read_back_unchanged wherever its unchanged cells can be told.
bool TableBatches::may_fold(std::string const& key, bool is_mark) const {
  auto const found = places_.find(key);
  return is_read_back(is_mark) || (found != places_.end() && found->second.batch == full_);
}

// A mark leaves out all values but the key's, not only those that are large: with JSON documents
// among them many a row could not be read back, as CSV cannot say 5, true and null.
bool TableBatches::is_read_back(bool is_mark) const {
  auto const& columns = encoder_->plan().columns;
  return reads_back_ &&
         !(is_mark && std::any_of(columns.begin(), columns.end(), [](ColumnPlan const& column) {
             return column.conversion == Conversion::json && column.type == "JSON";
           }));
}

Body const& TableBatches::body_of(Place const& place) {
  auto const& bodies = place.batch->batch.bodies;
  return place.body_index < bodies.size() ? bodies[place.body_index] : place.batch->body;
}

std::optional<std::string_view> TableBatches::row_at(Place const& place) {
  Body const& body = body_of(place);
  if (body.spooled != nullptr)
    return std::nullopt;
  return std::string_view(body.bytes).substr(place.offset, place.size);
}

std::uint64_t TableBatches::clear() {
  std::uint64_t const dropped = row_count_;
  parts_.clear();
  places_.clear();
  is_indexed_ = false;
  has_partial_rows_ = has_references_ = false;
  closed_keys_.clear();
  are_closed_keys_known_ = true;
  full_ = nullptr;
  row_count_ = byte_count_ = 0;
  return dropped;
}

Body* TableBatches::largest_body(std::size_t least) {
  OpenBatch* largest_open = nullptr;
  Body* largest = nullptr;
  std::size_t size = least;
  for (OpenPart const& part : parts_) {
    for (auto const& open : part.batches) {
      if (open->body.bytes.size() >= size)
        largest_open = open.get(), largest = nullptr, size = open->body.bytes.size();
      for (Body& closed : open->batch.bodies)
        if (closed.bytes.size() >= size)
          largest_open = nullptr, largest = &closed, size = closed.bytes.size();
    }
  }
  if (largest_open == nullptr && largest == nullptr && quarantine_ != nullptr)
    return quarantine_->largest_body(least);
  if (largest_open == nullptr)
    return largest;
  close_body(*largest_open);
  return &largest_open->batch.bodies.back();
}

std::vector<Part> TableBatches::take() {
  std::vector<Part> taken;
  for (OpenPart& part : parts_) {
    Part out;
    for (auto const& open : part.batches) {
      close_body(*open);
      if (open->batch.row_count > 0)
        out.batches.push_back(std::move(open->batch));
    }
    if (!out.batches.empty())
      taken.push_back(std::move(out));
  }
  clear();
  return taken;
}

} // namespace walrock
