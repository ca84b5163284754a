#include "simulation/target.h"

#include <algorithm>
#include <charconv>
#include <span>

#include "model/made_column.h"
#include "model/ranked_rows.h"
#include "model/read_back.h"

namespace walrock::simulation {

namespace {

std::vector<std::string> split(std::string_view text, char separator) {
  std::vector<std::string> out;
  std::size_t at = 0;
  for (;;) {
    std::size_t const end = text.find(separator, at);
    out.emplace_back(text.substr(at, end - at));
    if (end == std::string_view::npos)
      return out;
    at = end + 1;
  }
}

} // namespace

// The value of the `columns` header: names in backticks.
std::vector<std::string> columns_of(LoadSpec const& spec) {
  std::vector<std::string> out;
  for (std::string const& quoted : split(spec.columns, ',')) {
    if (quoted.size() < 2 || quoted.front() != '`' || quoted.back() != '`')
      throw Violation("a columns list that the simulation does not read: " + spec.columns);
    out.push_back(quoted.substr(1, quoted.size() - 2));
  }
  return out;
}

bool is_marked_deleted(TargetRow const& row) {
  auto const mark = row.find(kDeletedColumn);
  return mark != row.end() && mark->second == "1";
}

TargetFaults Target::well(TargetFaults faults) {
  TargetFaults out;
  out.prepare_timeout = faults.prepare_timeout;
  out.finished_labels = faults.finished_labels;
  out.running_limit = faults.running_limit;
  out.refused_text = faults.refused_text;
  return out;
}

void Target::create(TargetTable const& shape) {
  drop(shape.name);
  Table table;
  table.shape = shape;
  table.id = ++last_table_id_;
  table.is_keyed = shape.model == TableModel::primary;
  tables_[shape.name] = std::move(table);
}

void Target::drop(TargetName const& name) {
  auto const found = tables_.find(name);
  if (found == tables_.end())
    return;
  std::deque<Label> const unpublished = std::move(found->second.to_publish);
  tables_.erase(found);
  auto const waits_elsewhere = [this](Label const& label) {
    return std::any_of(tables_.begin(), tables_.end(), [&](auto const& it) {
      auto const& labels = it.second.to_publish;
      return std::find(labels.begin(), labels.end(), label) != labels.end();
    });
  };
  for (Label const& label : unpublished)
    if (!waits_elsewhere(label))
      become_visible(label); // of no rows
}

void Target::insert_foreign_row(TargetName const& name, TargetRow row) {
  Table& table = tables_.at(name);
  std::string const key = row.at("id") + kColumnSeparator;
  if (table.is_keyed)
    table.keyed[key] = std::move(row);
  else
    table.appended.push_back(std::move(row));
}

std::vector<TargetRow> Target::rows(TargetName const& name) const {
  Table const& table = tables_.at(name);
  std::vector<TargetRow> out = table.appended;
  for (auto const& [key, row] : table.keyed)
    out.push_back(row);
  for (TargetRow& row : out)
    for (TargetColumn const& column : table.shape.columns)
      row.try_emplace(column.name, kNull);
  return out;
}

Target::Transaction* Target::find(Label const& label) {
  auto const found = labels_.find(label);
  return found == labels_.end() ? nullptr : &found->second;
}

Target::Table* Target::find_table(std::uint64_t id) {
  for (auto& [name, table] : tables_)
    if (table.id == id)
      return &table;
  return nullptr;
}

// The server's own clock: open and prepared transactions end at their timeouts.
void Target::end_overdue() {
  for (auto& [label, transaction] : labels_) {
    bool const is_open =
        transaction.stage == Stage::prepare || transaction.stage == Stage::prepared;
    if (is_open && transaction.ends_at <= timeline_.now()) {
      trace_.say("target: {} times out", label.text);
      abort(transaction);
    }
  }
}

void Target::abort(Transaction& transaction) {
  transaction.stage = Stage::aborted;
  transaction.pieces.clear();
  finish(transaction.label);
  if (on_gone)
    on_gone(transaction.label, false);
}

// Finished labels are remembered up to a number, whatever they ended as.
void Target::finish(Label const& label) {
  finished_.push_back(label);
  while (finished_.size() > faults_.finished_labels) {
    trace_.say("target: {} is forgotten", finished_.front().text);
    if (on_gone)
      on_gone(finished_.front(), label_state_silently(finished_.front()) == LabelState::visible);
    labels_.erase(finished_.front());
    finished_.pop_front();
  }
}

std::vector<Label> Target::unfinished_labels() const {
  std::vector<Label> out;
  for (auto const& [label, transaction] : labels_)
    if (transaction.stage != Stage::visible && transaction.stage != Stage::aborted)
      out.push_back(label);
  return out;
}

bool Target::has_unfinished(std::uint64_t table_id) const {
  return std::any_of(labels_.begin(), labels_.end(), [&](auto const& it) {
    return it.second.stage != Stage::visible && it.second.stage != Stage::aborted &&
           std::any_of(it.second.pieces.begin(), it.second.pieces.end(),
                       [&](Piece const& piece) { return piece.table_id == table_id; });
  });
}

void Target::restart_backends() {
  trace_.say("target: backends restart");
  // The frontend still holds the label until it times out or is cancelled.
  for (auto& [label, transaction] : labels_)
    if (transaction.stage == Stage::prepare)
      transaction.is_lost = true;
}

void Target::restart_leader() {
  trace_.say("target: the leader restarts");
  std::erase_if(labels_, [](auto const& it) { return it.second.stage == Stage::prepare; });
}

void Target::take_backends_for_dead() {
  trace_.say("target: backends are taken for dead");
  std::vector<Label> open;
  for (auto const& [label, transaction] : labels_)
    if (transaction.stage == Stage::prepare)
      open.push_back(label);
  for (Label const& label : open)
    abort(*find(label));
}

std::string const* Target::unknown_column(LoadSpec const& spec,
                                          std::vector<std::string> const& columns) const {
  for (std::string const& column : columns)
    if (column != "__op" && tables_.at(spec.target).shape.column(column) == nullptr)
      return &column;
  return nullptr;
}

// begin, load, prepare; what the loader does by itself after a failure is part of it.
LoadOutcome Target::load(SentLoad const& sent, bool is_sender_alive) {
  using Kind = LoadOutcome::Kind;
  auto const outcome = [&](Kind kind, std::string message) {
    LoadOutcome out;
    out.kind = kind;
    out.loaded_rows = kind == Kind::prepared ? sent.row_count : 0;
    out.message = std::move(message);
    return out;
  };
  end_overdue();
  if (is_away_ || dice_.chance(faults_.request_lost))
    return outcome(Kind::unreachable, "nobody answers");
  if (dice_.chance(faults_.load_busy) || unfinished_labels().size() >= faults_.running_limit)
    return outcome(Kind::busy, "current running txns on db larger than limit");
  Transaction* known = find(sent.label);
  if (known != nullptr && known->stage != Stage::aborted)
    return outcome(Kind::label_exists, "Label Already Exists");
  if (!tables_.contains(sent.spec.target))
    return outcome(Kind::target_broken, "unknown table");
  std::vector<std::string> const columns = columns_of(sent.spec);
  if (std::string const* const unknown = unknown_column(sent.spec, columns))
    return outcome(Kind::target_broken, "unknown column " + *unknown);
  if (known != nullptr)
    std::erase(finished_, sent.label);
  Transaction& transaction = labels_[sent.label];
  Table const& table = tables_.at(sent.spec.target);
  transaction = {
      sent.label, {{sent, table.id, 0}}, Stage::prepare, timeline_.now() + faults_.prepare_timeout};
  if (!is_sender_alive || dice_.chance(faults_.load_half_done))
    return outcome(Kind::unreachable, "the connection was cut");
  if (dice_.chance(faults_.load_failed)) {
    abort(transaction);
    return outcome(Kind::failed, "the load failed");
  }
  if (std::vector<RefusedRow> refused = refusals(sent); !refused.empty()) {
    abort(transaction);
    LoadOutcome out = outcome(Kind::rows_refused, "too many filtered rows");
    out.refused_rows = refused.size();
    out.refusals = std::move(refused);
    // The error log is cut: the others are found when these are gone.
    if (out.refusals.size() > 1 && dice_.chance(0.3))
      out.refusals.resize(1);
    return out;
  }
  transaction.stage = Stage::prepared;
  transaction.ends_at = timeline_.now() + faults_.prepared_timeout;
  transaction.pieces.front().truncations = table.truncations;
  if (dice_.chance(faults_.answer_lost))
    return outcome(Kind::unreachable, "the answer was lost");
  return outcome(Kind::prepared, "");
}

bool Target::fill(LoadSpec const& spec, std::string& body,
                  std::vector<FieldReference> const& references) const {
  if (references.empty())
    return true;
  bool is_whole = true;
  std::string filled;
  auto const read = [&](std::span<WantedRow const> wanted) {
    FieldValues values;
    for (WantedRow const& row : wanted) {
      auto& cells = values.emplace_back();
      auto const& rows = tables_.at(spec.target).keyed;
      auto const found = rows.find(row.key->at(0) + kColumnSeparator);
      is_whole = is_whole && found != rows.end();
      for (std::size_t const field : row.fields) {
        auto const& name = spec.fields[field].column;
        bool const is_there = found != rows.end() && found->second.contains(name);
        std::string const text = is_there ? found->second.at(name) : kNull;
        cells.push_back(text == kNull ? std::nullopt : std::optional(text));
      }
    }
    return values;
  };
  fill_references(body, references, read, [&](std::string_view piece) {
    filled += piece;
    return true;
  });
  body = std::move(filled);
  return is_whole;
}

bool Target::place(LoadSpec const& spec, std::string& body) const {
  bool is_whole = true;
  auto const read = [&](std::span<RankedRow const> wanted) {
    std::vector<RowPlace> out;
    for (RankedRow const& row : wanted) {
      std::vector<std::pair<long long, long long>> places;
      for (auto const& [key, equal] : tables_.at(spec.target).keyed)
        if (equal.at(kHashColumn) == row.hash)
          places.emplace_back(std::stoll(equal.at(kLsnColumn)), std::stoll(equal.at(kIndexColumn)));
      std::sort(places.begin(), places.end());
      is_whole = is_whole && row.rank <= places.size();
      auto const [lsn, index] =
          row.rank <= places.size() ? places[row.rank - 1] : std::pair(0LL, 0LL);
      out.push_back({std::to_string(lsn), std::to_string(index)});
    }
    return out;
  };
  body = place_ranked_rows(body, read);
  return is_whole;
}

bool Target::refuses(std::string_view text) const {
  constexpr std::string_view kWritten = "v";
  if (faults_.refused_text == 0 || !text.starts_with(kWritten))
    return false;
  std::uint64_t number = 0;
  std::from_chars(text.data() + kWritten.size(), text.data() + text.size(), number);
  return number % faults_.refused_text == 0;
}

std::vector<RefusedRow> Target::refusals(SentLoad const& sent) const {
  std::vector<RefusedRow> out;
  if (is_quarantine(sent.spec))
    return out;
  std::vector<std::string> const columns = columns_of(sent.spec);
  for (std::string const& body : sent.bodies)
    for (std::string_view rest = body; !rest.empty();) {
      std::size_t const end = rest.find(kRowDelimiter);
      std::string_view const bytes = rest.substr(0, end);
      std::vector<std::string> const fields = split(bytes, kColumnSeparator);
      rest.remove_prefix(end + 1);
      auto const bad = std::find_if(fields.begin(), fields.end(),
                                    [this](std::string const& field) { return refuses(field); });
      if (bad == fields.end())
        continue;
      RefusedRow row;
      for (std::size_t i = 0; i < sent.spec.key.size(); ++i)
        row.key.push_back({sent.spec.key[i], fields[i]});
      row.column = columns[static_cast<std::size_t>(bad - fields.begin())];
      row.reason = "the text " + *bad + " is refused";
      row.hash = row_hash(sent.spec, bytes);
      out.push_back(std::move(row));
    }
  return out;
}

CommitOutcome Target::commit(Label const& label) {
  using Kind = CommitOutcome::Kind;
  if (is_away_ || dice_.chance(faults_.request_lost))
    return {Kind::in_doubt, false, "nobody answers"};
  if (dice_.chance(faults_.request_late)) {
    timeline_.in(Milliseconds(dice_.between(50, 3000)), [this, label] {
      trace_.say("target: the commit of {} arrives late", label.text);
      (void)take_commit(label);
    });
    return {Kind::in_doubt, false, "no answer in time"};
  }
  return take_commit(label);
}

CommitOutcome Target::take_commit(Label const& label) {
  using Kind = CommitOutcome::Kind;
  end_overdue();
  bool const is_answer_lost = dice_.chance(faults_.answer_lost);
  Transaction* const transaction = find(label);
  auto const answer = [&](CommitOutcome done) {
    return is_answer_lost ? CommitOutcome{Kind::in_doubt, false, "the answer was lost"} : done;
  };
  if (transaction == nullptr)
    return answer({Kind::in_doubt, false, "TXN_NOT_EXISTS"});
  if (transaction->stage == Stage::prepared && dice_.chance(faults_.prepared_aborted))
    abort(*transaction);
  switch (transaction->stage) {
  case Stage::prepare: return answer({Kind::in_doubt, false, "transaction is not prepared"});
  case Stage::aborted:
    if (on_gone)
      on_gone(label, true);
    return answer({Kind::aborted, false, "transaction is aborted"});
  case Stage::visible: return answer({Kind::committed, true, "has already committed"});
  case Stage::committed: return answer({Kind::committed, false, "has already committed"});
  case Stage::prepared: break;
  }
  return answer(become_committed(*transaction));
}

CommitOutcome Target::become_committed(Transaction& transaction) {
  using Kind = CommitOutcome::Kind;
  Label const label = transaction.label;
  trace_.say("target: {} is committed", label.text);
  transaction.stage = Stage::committed;
  bool is_queued = false;
  for (Piece const& piece : transaction.pieces)
    if (Table* const table = find_table(piece.table_id)) {
      table->to_publish.push_back(label);
      is_queued = true;
    }
  if (!is_queued) { // dropped meanwhile: the rows go nowhere
    become_visible(label);
    return {Kind::committed, true, ""};
  }
  if (dice_.chance(faults_.publish_late)) {
    timeline_.in(Milliseconds(dice_.between(50, 3000)), [this, label] { publish(label); });
    return {Kind::committed, false, "Publish Timeout"};
  }
  publish(label);
  Transaction const* const after = find(label);
  return {Kind::committed, after == nullptr || after->stage == Stage::visible, ""};
}

// In the order of the commits: a later one takes those before it along. (A table may have been
// swapped meanwhile; its commits went with it.) All rows of a transaction at once.
void Target::publish(Label const& last) {
  std::vector<Table*> of_last;
  for (auto& [name, table] : tables_)
    if (std::find(table.to_publish.begin(), table.to_publish.end(), last) != table.to_publish.end())
      of_last.push_back(&table);
  if (of_last.empty())
    return;
  for (Table* const table : of_last)
    while (!(table->to_publish.front() == last))
      publish(Label(table->to_publish.front()));
  Transaction const& transaction = *find(last);
  for (Table* const table : of_last) {
    table->to_publish.pop_front();
    for (Piece const& piece : transaction.pieces)
      if (piece.table_id == table->id)
        apply(piece, *table);
  }
  become_visible(last);
}

void Target::become_visible(Label const& label) {
  Transaction& transaction = *find(label);
  transaction.stage = Stage::visible;
  transaction.pieces.clear();
  trace_.say("target: {} is visible", label.text);
  finish(label);
  if (on_visible)
    on_visible(label);
}

void Target::apply(Piece const& piece, Table& table) {
  SentLoad const& sent = piece.sent;
  if (piece.truncations != table.truncations) {
    trace_.say("target: rows of {} vanish, the table was truncated", sent.label.text);
    return;
  }
  std::vector<std::string> const columns = columns_of(sent.spec);
  std::uint64_t row_count = 0;
  for (std::string const& body : sent.bodies) {
    std::string_view rest = body;
    while (!rest.empty()) {
      std::size_t const end = rest.find(kRowDelimiter);
      apply_row(table, sent.spec, columns, rest.substr(0, end));
      rest.remove_prefix(end + 1);
      ++row_count;
    }
  }
  if (row_count != sent.row_count)
    throw Violation(
        fmt::format("{} says {} rows and has {}", sent.label.text, sent.row_count, row_count));
}

void Target::apply_row(Table& table, LoadSpec const& spec, std::vector<std::string> const& columns,
                       std::string_view text) {
  std::vector<std::string> const fields = split(text, kColumnSeparator);
  if (fields.size() != columns.size())
    throw Violation("a row with another number of fields than columns");
  TargetRow row;
  bool is_delete = false;
  for (std::size_t i = 0; i < columns.size(); ++i) {
    if (columns[i] == "__op")
      is_delete = fields[i] == "1";
    else
      row[columns[i]] = fields[i];
  }
  if (!table.is_keyed) {
    table.appended.push_back(std::move(row));
    return;
  }
  std::string key;
  for (std::string const& column : spec.key)
    key += row.at(column) + kColumnSeparator;
  if (is_delete) {
    table.keyed.erase(key);
    return;
  }
  TargetRow& kept = table.keyed[key];
  if (!spec.partial_update)
    kept.clear();
  for (auto& [column, value] : row)
    kept[column] = std::move(value);
}

CallOutcome Target::rollback(Label const& label) {
  using Kind = CallOutcome::Kind;
  end_overdue();
  if (is_away_ || dice_.chance(faults_.request_lost))
    return {Kind::unreachable, "nobody answers"};
  Transaction* const transaction = find(label);
  CallOutcome done{Kind::done, ""};
  if (transaction != nullptr) {
    switch (transaction->stage) {
    case Stage::prepare:
    case Stage::prepared:
      trace_.say("target: {} is rolled back", label.text);
      abort(*transaction);
      break;
    case Stage::committed: done = {Kind::unreachable, "committed and not visible yet"}; break;
    case Stage::visible: done = {Kind::refused, "it is committed"}; break;
    case Stage::aborted: break;
    }
  }
  return dice_.chance(faults_.answer_lost) ? CallOutcome{Kind::unreachable, "the answer was lost"}
                                           : done;
}

LabelState Target::label_state(Label const& label) {
  end_overdue();
  if (is_away_ || dice_.chance(faults_.request_lost) || dice_.chance(faults_.answer_lost))
    return LabelState::unreachable;
  return label_state_silently(label);
}

LabelState Target::label_state_silently(Label const& label) const {
  auto const found = labels_.find(label);
  if (found == labels_.end())
    return LabelState::unknown;
  switch (found->second.stage) {
  case Stage::prepare: return LabelState::prepare;
  case Stage::prepared: return LabelState::prepared;
  case Stage::committed: return LabelState::committed;
  case Stage::visible: return LabelState::visible;
  case Stage::aborted: return LabelState::aborted;
  }
  return LabelState::unknown;
}

CallOutcome Target::statement(std::function<CallOutcome()> const& work) {
  end_overdue();
  if (is_away_ || dice_.chance(faults_.statement_lost))
    return {CallOutcome::Kind::unreachable, "nobody answers"};
  CallOutcome done = work();
  if (dice_.chance(faults_.statement_lost))
    return {CallOutcome::Kind::unreachable, "the answer was lost"};
  return done;
}

CallOutcome Target::truncate(TargetName const& name) {
  return statement([&]() -> CallOutcome {
    if (!tables_.contains(name))
      return {CallOutcome::Kind::refused, "unknown table"};
    Table& table = tables_.at(name);
    trace_.say("target: {} is truncated", name.table);
    table.keyed.clear();
    table.appended.clear();
    ++table.truncations;
    if (on_truncated)
      on_truncated(name);
    return {CallOutcome::Kind::done, ""};
  });
}

CallOutcome Target::cut(TargetName const& name, Lsn from) {
  return statement([&]() -> CallOutcome {
    if (!tables_.contains(name))
      return {CallOutcome::Kind::refused, "unknown table"};
    auto& rows = tables_.at(name).appended;
    std::size_t const before = rows.size();
    std::erase_if(rows, [&](TargetRow const& row) {
      return std::stoull(row.at("_walrock_lsn")) >= from.value;
    });
    trace_.say("target: {} rows of {} from {} on are removed", before - rows.size(), name.table,
               from.value);
    return {CallOutcome::Kind::done, ""};
  });
}

CallOutcome Target::mark_deleted(TargetName const& name, std::vector<ColumnValue> const& values) {
  return statement([&]() -> CallOutcome {
    if (!tables_.contains(name))
      return {CallOutcome::Kind::refused, "unknown table"};
    std::size_t count = 0;
    for (auto& [key, row] : tables_.at(name).keyed) {
      if (is_marked_deleted(row))
        continue;
      ++count;
      for (ColumnValue const& set : values)
        row[set.column] = set.value.value_or(kNull);
    }
    trace_.say("target: {} rows of {} are marked deleted", count, name.table);
    if (on_truncated)
      on_truncated(name);
    return {CallOutcome::Kind::done, ""};
  });
}

CallOutcome Target::make_twin(TargetName const& name, TargetName const& twin,
                              std::optional<KeptRows> kept, bool is_sender_alive) {
  return statement([&]() -> CallOutcome {
    if (!tables_.contains(name))
      return {CallOutcome::Kind::refused, "unknown table"};
    TargetTable shape = tables_.at(name).shape;
    shape.name = twin;
    create(shape);
    trace_.say("target: twin {} is made", twin.table);
    if (!kept)
      return {CallOutcome::Kind::done, ""};
    if (!is_sender_alive || dice_.chance(faults_.statement_lost))
      return {CallOutcome::Kind::unreachable, "the twin is made, and not filled"};
    keep_rows(tables_.at(name), tables_.at(twin), *kept);
    return {CallOutcome::Kind::done, ""};
  });
}

// The statements of starrocks/kept_rows.h.
void Target::keep_rows(Table const& from, Table& twin, KeptRows kept) {
  std::string const now = fmt::format("copy at {} ms", timeline_.elapsed().count());
  twin.keyed = from.keyed;
  twin.appended = from.appended;
  for (auto& [key, row] : twin.keyed)
    if (kept == KeptRows::marked && !is_marked_deleted(row)) {
      row[kDeletedColumn] = "1";
      row[kDeletedAtColumn] = now;
    }
  trace_.say("target: {} rows are kept in {}", from.keyed.size() + from.appended.size(),
             twin.shape.name.table);
  if (kept != KeptRows::versions || from.appended.empty())
    return;
  std::uint64_t last = 0;
  for (TargetRow const& row : from.appended)
    last = std::max<std::uint64_t>(last, std::stoull(row.at(kLsnColumn)));
  twin.appended.push_back({{kLsnColumn, std::to_string(last + 1)},
                           {kIndexColumn, "0"},
                           {kCommitTimeColumn, now},
                           {kOperationColumn, "copy"}});
}

CallOutcome Target::swap_in(TargetName const& name, TargetName const& twin) {
  return statement([&]() -> CallOutcome {
    if (!tables_.contains(name) || !tables_.contains(twin))
      return {CallOutcome::Kind::refused, "unknown table"};
    if (on_swap)
      on_swap(name, twin);
    std::swap(tables_.at(name), tables_.at(twin));
    std::swap(tables_.at(name).shape.name, tables_.at(twin).shape.name);
    drop(twin);
    trace_.say("target: {} is swapped in", twin.table);
    return {CallOutcome::Kind::done, ""};
  });
}

CallOutcome Target::add_columns(TargetName const& name, std::vector<TargetColumn> const& columns) {
  return statement([&]() -> CallOutcome {
    if (!tables_.contains(name))
      return {CallOutcome::Kind::refused, "unknown table"};
    if (has_unfinished(tables_.at(name).id))
      return {CallOutcome::Kind::unreachable, "the ALTER waits for transactions that are open"};
    for (TargetColumn const& column : columns) {
      auto& known = tables_.at(name).shape.columns;
      if (tables_.at(name).shape.column(column.name) != nullptr)
        continue;
      trace_.say("target: {} gets column {}", name.table, column.name);
      known.push_back(column);
    }
    return {CallOutcome::Kind::done, ""};
  });
}

QuarantineOutcome Target::read_quarantine(TargetName const& name) {
  QuarantineOutcome out;
  out.call = statement([&]() -> CallOutcome {
    for (TargetRow const& row : rows({name.database, kQuarantineTable}))
      if (row.at("target_table") == name.table)
        ++out.keys[row.at("key_hash")];
    return {CallOutcome::Kind::done, ""};
  });
  return out;
}

CallOutcome Target::empty_quarantine(TargetName const& name) {
  return statement([&]() -> CallOutcome {
    Table& table = tables_.at({name.database, kQuarantineTable});
    std::size_t const count = std::erase_if(
        table.keyed, [&](auto const& it) { return it.second.at("target_table") == name.table; });
    trace_.say("target: {} rows of {} leave the quarantine", count, name.table);
    return {CallOutcome::Kind::done, ""};
  });
}

} // namespace walrock::simulation
