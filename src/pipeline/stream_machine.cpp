#include "pipeline/stream_machine.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include <fmt/format.h>

#include "pipeline/stream_table.h"
#include "schema/leaf_identity.h"
#include "schema/relation_change.h"
#include "schema/row_layout.h"
#include "schema/target_design.h"
#include "schema/type_map.h"

namespace walrock {

namespace {

constexpr std::size_t kLooksAtOnce = 8;        // questions to the catalog between two reads
constexpr Milliseconds kIdleStep(200);         // between two reports that nothing is open
constexpr std::size_t kBacklog = 4;            // epochs handed over and not committed
constexpr std::size_t kSpooledBody = 64 << 10; // smaller bodies are not worth a file

} // namespace

StreamMachine::StreamMachine(StreamSettings settings, MemoryBudget* budget)
    : settings_(settings), budget_(budget), equal_rows_share_(budget->limit() / 4) {}
StreamMachine::~StreamMachine() = default;

// ---------------------------------------------------------------- tables

void StreamMachine::start(Lsn from) {
  for (Table* const table : touched_)
    table->forget_epoch();
  touched_.clear();
  for (auto& [id, table] : tables_) {
    table->relation.reset();
    table->pending.reset();
    table->encoders.clear();
    table->passed_lsn = Lsn{};
  }
  held_.reset();
  described_.clear();
  last_described_ = RelationId();
  partition_.reset();
  transaction_.reset();
  stream_block_.reset();
  streamed_.clear();
  replaying_.reset();
  epoch_bytes_ = 0;
  handed_over_lsn_ = end_lsn_ = idle_lsn_ = from;
  decoded_lsn_ = std::max(decoded_lsn_, from); // what ended below it does not come any more
}

void StreamMachine::follow(FollowedTable followed) {
  RelationId const id = followed.source.id;
  last_table_ = nullptr;
  tables_[id] = std::make_unique<Table>(std::move(followed), budget_, &equal_rows_share_,
                                        settings_.batch_limits);
}

void StreamMachine::unfollow(RelationId id) {
  if (Table* const table = find(id); table != nullptr) {
    table->is_following = false;
    table->forget_epoch();
    std::erase(touched_, table);
  }
}

bool StreamMachine::follow_from(RelationId id, Lsn from, std::uint64_t generation,
                                QuarantinedKeys keys, std::vector<RefusedRow> const& refused,
                                Lsn hand_over_at) {
  Table* const table = find(id);
  if (table == nullptr)
    return false;
  // What was handed over, or let go, at or above the new position must come again.
  bool has_gone_by = (table->from != kNothingWanted && from < table->from) ||
                     (table->passed_lsn.is_set() && table->passed_lsn >= from);
  if (table->is_touched) {
    bool const is_all_unwanted =
        from >= end_lsn_ && (!transaction_ || transaction_->commit_lsn < from);
    has_gone_by = has_gone_by || !is_all_unwanted;
    // Without going back the layout stays, so the columns it needs are added all the same.
    table->forget_rows();
  }
  if (table->quarantine)
    table->quarantine->begin_at(std::move(keys), refused);
  if (hand_over_at.is_set())
    ends_.insert(hand_over_at);
  table->from = from;
  table->generation = generation;
  table->is_following = true;
  table->passed_lsn = Lsn{};
  return has_gone_by;
}

StreamMachine::Table* StreamMachine::find(RelationId id) {
  if (last_table_ != nullptr && last_table_->source.id == id)
    return last_table_;
  auto const found = tables_.find(id);
  if (found == tables_.end())
    return nullptr;
  return last_table_ = found->second.get();
}

StreamMachine::Table* StreamMachine::wanted(RelationId id) {
  if (!transaction_)
    throw ProtocolViolation("a change came outside a transaction");
  require_described(id);
  Table* const table = find(id);
  if (table == nullptr)
    return nullptr;
  if (!table->is_following || transaction_->commit_lsn < table->from) {
    table->passed_lsn = std::max(table->passed_lsn, transaction_->commit_lsn);
    return nullptr;
  }
  return table;
}

namespace {

// It is described anew when its identity is another.
void require_identity(NeededIdentity const& needed, Relation const& described) {
  Partition const partition = partition_of(described, needed);
  if (auto const fault = identity_fault(needed, std::span(&partition, 1)))
    throw Error(ErrorCode::replica_identity_missing, fault->message)
        .set_advice(then_copy_anew(fault->sql));
}

} // namespace

// Rows of a partition come under the name of the root; before the first one the partition is
// described as well, behind the root.
StreamMachine::Table* StreamMachine::wanted_row(RelationId id, StreamActions& actions) {
  Table* const table = wanted(id);
  if (table != nullptr && is_held(*table, actions))
    return nullptr;
  auto const partition = std::exchange(partition_, std::nullopt);
  if (!partition || partition->id == id || table == nullptr || table->source.relkind != 'p')
    return table;
  actions.emplace_back(PartitionWritten{id, partition->id.oid, transaction_->xid});
  guarded(*table, actions, [&] {
    require_identity(needed_identity(table->source, table->target, table->options), *partition);
  });
  return table->is_following ? table : nullptr;
}

// pgoutput describes every table before its first row, so another number is a garbled one.
void StreamMachine::require_described(RelationId id) {
  if (id == last_described_)
    return;
  if (!described_.contains(id))
    throw ProtocolViolation(
        fmt::format("a row came before the description of its table, oid {}", id.oid));
  last_described_ = id;
}

void StreamMachine::require_outside() const {
  if (transaction_)
    throw ProtocolViolation("a transaction began inside another");
}

void StreamMachine::require_layout(Table const& table, Row row) {
  std::size_t const columns = table.plan().relation.columns.size();
  if (row.size() != columns)
    throw ProtocolViolation(fmt::format("a row of {} has {} columns, its relation has {}",
                                        to_string(table.source.name), row.size(), columns));
}

// ---------------------------------------------------------------- read and decode

void StreamMachine::on_payload(std::span<std::byte const> payload, TimePoint now,
                               StreamActions& actions) {
  if (stream_block_) {
    spool(payload, actions);
    return;
  }
  take(decoder_.decode(payload, false), now, actions);
  hold(payload, false);
}

// A change of a layout that nothing wanted has had yet waits for its description.
bool StreamMachine::is_held(Table const& table, StreamActions& actions) {
  if (!table.pending)
    return false;
  held_.emplace();
  describe(table.source.id, actions);
  return true;
}

void StreamMachine::hold(std::span<std::byte const> payload, bool is_streamed) {
  if (!held_)
    return;
  held_->bytes.assign(payload.begin(), payload.end());
  held_->is_streamed = is_streamed;
}

// Inside a block: kept as it is until its transaction commits.
void StreamMachine::spool(std::span<std::byte const> payload, StreamActions& actions) {
  MessageHead const head = peek(payload, true);
  if (head.type == 'E') {
    stream_block_.reset();
    return;
  }
  actions.emplace_back(SpoolPayload{*stream_block_, head.sub_xid, payload});
}

void StreamMachine::on_replayed(std::span<std::byte const> payload, StreamActions& actions) {
  take(decoder_.decode(payload, true), TimePoint{}, actions);
  hold(payload, true);
}

void StreamMachine::on_replay_end(TimePoint now, StreamActions& actions) {
  WALROCK_ASSERT(replaying_.has_value(), "a replay ends after it began");
  Commit const committed = *std::exchange(replaying_, std::nullopt);
  commit(committed, now, actions);
}

void StreamMachine::take(Message const& message, TimePoint now, StreamActions& actions) {
  struct Visitor {
    StreamMachine& self;
    TimePoint now;
    StreamActions& actions;

    void operator()(Begin const& m) const { self.begin(m.final_lsn, m.commit_time, m.xid); }
    void operator()(Commit const& m) const { self.commit(m, now, actions); }
    void operator()(Origin const&) const {}
    void operator()(TypeMessage const&) const {}
    void operator()(LogicalMessage const&) const {}
    void operator()(RelationMessage const& m) const {
      self.described_.insert(m.relation.id);
      self.on_relation(m.relation, actions);
    }
    void operator()(Insert const& m) const {
      if (Table* const table = self.wanted_row(m.relation_id, actions))
        self.guarded(*table, actions, [&] {
          require_layout(*table, m.new_row);
          self.on_insert(*table, m);
        });
    }
    void operator()(Update const& m) const {
      if (Table* const table = self.wanted_row(m.relation_id, actions))
        self.guarded(*table, actions, [&] {
          if (m.old_kind != OldRowKind::none)
            require_layout(*table, m.old_row);
          require_layout(*table, m.new_row);
          self.on_update(*table, m);
        });
    }
    void operator()(Delete const& m) const {
      if (Table* const table = self.wanted_row(m.relation_id, actions))
        self.guarded(*table, actions, [&] {
          require_layout(*table, m.old_row);
          self.on_delete(*table, m);
        });
    }
    void operator()(Truncate const& m) const { self.on_truncate(m, actions); }
    void operator()(StreamStart const& m) const {
      self.require_outside();
      self.stream_block_ = m.xid;
      self.streamed_.try_emplace(m.xid);
    }
    void operator()(StreamStop const&) const {
      throw ProtocolViolation("a block of a transaction in progress ended outside one");
    }
    void operator()(StreamCommit const& m) const {
      self.begin(m.commit.commit_lsn, m.commit.commit_time, m.xid);
      self.replaying_ = m.commit;
      auto const found = self.streamed_.find(m.xid);
      actions.emplace_back(Replay{m.xid, found == self.streamed_.end()
                                             ? std::set<std::uint32_t>()
                                             : found->second.aborted_xids});
      self.streamed_.erase(m.xid);
    }
    void operator()(StreamAbort const& m) const { self.on_stream_abort(m, actions); }
  };
  std::visit(Visitor{*this, now, actions}, message);
}

void StreamMachine::begin(Lsn commit_lsn, PgTimestamp commit_time, std::uint32_t xid) {
  require_outside();
  transaction_ = Transaction{commit_lsn, commit_time, xid};
  ++transaction_count_;
}

void StreamMachine::commit(Commit const& commit, TimePoint now, StreamActions& actions) {
  if (!transaction_)
    throw ProtocolViolation("a commit came without its begin");
  // An end that is not true would be acknowledged.
  if (commit.commit_lsn != transaction_->commit_lsn || commit.end_lsn <= commit.commit_lsn)
    throw ProtocolViolation(fmt::format("a transaction began for {} and committed at {}, end {}",
                                        to_string(transaction_->commit_lsn),
                                        to_string(commit.commit_lsn), to_string(commit.end_lsn)));
  transaction_.reset();
  end_lsn_ = commit.end_lsn;
  decoded_lsn_ = std::max(decoded_lsn_, end_lsn_);
  bool const is_end = !ends_.empty() && *ends_.begin() <= end_lsn_;
  ends_.erase(ends_.begin(), ends_.upper_bound(end_lsn_));
  if (touched_.empty()) {
    idle_lsn_ = end_lsn_;
    ask_what_was_seen(actions);
    return;
  }
  if (epoch_opened_at_ == TimePoint{})
    epoch_opened_at_ = now;
  if (is_end)
    hand_over(now, actions);
  else
    on_timer(now, actions);
  ask_what_was_seen(actions);
}

void StreamMachine::on_stream_abort(StreamAbort const& abort, StreamActions& actions) {
  if (abort.xid != abort.sub_xid) {
    streamed_[abort.xid].aborted_xids.insert(abort.sub_xid);
    return;
  }
  streamed_.erase(abort.xid);
  actions.emplace_back(ForgetTransaction{abort.xid});
}

void StreamMachine::on_keepalive(Lsn wal_end, TimePoint now, StreamActions& actions) {
  // Everything the server had to send up to wal_end was sent before.
  if (!transaction_)
    decoded_lsn_ = std::max(decoded_lsn_, wal_end);
  if (!transaction_ && touched_.empty())
    idle_lsn_ = std::max(idle_lsn_, wal_end);
  on_timer(now, actions);
  if (!transaction_)
    ask_what_was_seen(actions);
}

// ---------------------------------------------------------------- layouts

void StreamMachine::describe(RelationId table, StreamActions& actions) const {
  actions.emplace_back(
      Describe{table, transaction_ ? std::optional(transaction_->xid) : std::nullopt});
}

void StreamMachine::on_relation(Relation const& relation, StreamActions& actions) {
  Table* const table = find(relation.id);
  if (table == nullptr)
    partition_ = relation;
  if (table == nullptr || !table->is_following)
    return;
  if (table->relation && *table->relation == relation) {
    table->pending.reset(); // of rows that nobody wanted
    return;
  }
  table->pending = relation;
  if (!table->relation && table->is_as_described(relation)) {
    guarded(*table, actions, [&] { plan(*table); });
    return;
  }
  // Rows of this layout may be unwanted, and the target of another one by now: then the layout of
  // the first wanted row counts.
  if (!transaction_ || transaction_->commit_lsn >= table->from)
    describe(relation.id, actions);
}

namespace {

// Why the rows that the target has lack values that arrive from now on; empty when they do not.
std::string why_copied_again(SourceTable const& before, SourceTable const& now,
                             TargetTable const& target, bool ignores_incompatible) {
  Published known = before.published();
  known.state = now.publication; // the watcher and the start compare it
  std::string const change = publication_change(known, now.published());
  if (!change.empty() || ignores_incompatible)
    return change;
  for (SourceColumn const& column : now.columns)
    if (column.is_sent && column.generated != '\0' && target.column(column.name) == nullptr)
      return fmt::format("column {} is generated, and is new", column.name);
  return {};
}

} // namespace

// The layout that arrives is followed all the same; what the target lacks is added before the copy.
void StreamMachine::copy_again(Table& table, SourceTable const& now, std::string const& why) {
  table.source = now;
  if (table.follows_columns && !table.ignores_incompatible)
    for (TargetColumn& column : columns_lacking(now, table.target, table.options)) {
      table.target.columns.push_back(column);
      table.added_columns.push_back(std::move(column));
      touch(table);
    }
  plan(table);
  throw Error(ErrorCode::copy_needed, fmt::format("{}: {}", to_string(now.name), why));
}

// From here on the target is what it will be.
void StreamMachine::make_anew(Table& table, SourceTable const& now, std::string const& why) {
  auto design = table.may_be_made_anew ? design_anew(now, table.target, table.options)
                                       : std::optional<NewDesign>();
  if (!design)
    throw Error(ErrorCode::table_changed, why);
  table.source = now;
  table.target = design->target;
  table.added_columns.clear();
  table.design = std::make_shared<NewDesign const>(std::move(*design));
  table.relation.reset();
  throw Error(ErrorCode::copy_needed, why);
}

namespace {

// The catalog may be ahead of the layout at hand: what it says of later columns, and of the file
// that they may be in, is judged when their layout comes.
SourceTable as_of(Relation const& relation, SourceTable const& now, SourceTable const& before) {
  SourceTable out = now;
  if (relation_of(now).columns != relation.columns)
    out.filenode = before.filenode;
  return out;
}

// For the checkpoint: without the columns that are later than this layout.
SourceShape shape_of_layout(Relation const& relation, SourceTable const& now) {
  SourceShape out = now.shape();
  std::erase_if(out.columns, [&](ColumnShape const& column) {
    SourceColumn const* const known = now.column(column.name);
    return known != nullptr && known->is_sent &&
           std::none_of(relation.columns.begin(), relation.columns.end(),
                        [&](RelationColumn const& c) { return c.name == column.name; });
  });
  return out;
}

} // namespace

void StreamMachine::on_described(RelationId id, std::optional<SourceTable> const& source,
                                 StreamActions& actions) {
  Table* const table = find(id);
  bool const is_look = !transaction_ && looks_.erase(id) > 0;
  if (table == nullptr || !table->is_following || (!is_look && !table->pending))
    return;
  guarded(*table, actions, [&] {
    // A table that is dropped by now still has its last rows in the stream.
    SourceTable const& now = source ? *source : table->source;
    if (is_look) {
      judge_look(*table, now, actions);
      return;
    }
    if (std::string const why = change_of(*table, now); !why.empty())
      make_anew(*table, now, why);
    if (std::string const why =
            why_copied_again(table->source, now, table->target, table->ignores_incompatible);
        !why.empty())
      copy_again(*table, now, why);
    follow_change(*table, as_of(*table->pending, now, table->source), actions);
  });
  if (auto const held = std::exchange(held_, std::nullopt)) {
    take(decoder_.decode(held->bytes, held->is_streamed), TimePoint{}, actions);
    hold(held->bytes, held->is_streamed); // a TRUNCATE of several
  }
}

// The first description after a start says nothing of what it was before.
std::string StreamMachine::change_of(Table const& table, SourceTable const& now) {
  SourceShape const before = table.source.shape();
  if (!table.relation)
    return change_unseen(before, now, table.target, table.options, table.may_be_made_anew);
  std::string const why = rows_differ_because(before, now);
  return why.empty() ? why : fmt::format("table {}: {}", to_string(now.name), why);
}

void StreamMachine::look_again(RelationId id, Lsn lsn) {
  looks_[id] = lsn;
}

// Behind everything else: where the catalog cannot be asked, what is behind it is not performed.
void StreamMachine::ask_what_was_seen(StreamActions& actions) {
  std::size_t asked = 0;
  for (auto const& [id, lsn] : looks_)
    if (lsn <= decoded_lsn_ && asked < kLooksAtOnce) {
      describe(id, actions);
      ++asked;
    }
}

// What the target can follow waits for the first row that has it.
void StreamMachine::judge_look(Table& table, SourceTable const& now, StreamActions& actions) {
  if (std::string const why = change_unseen(table.source.shape(), now, table.target, table.options,
                                            table.may_be_made_anew);
      !why.empty())
    make_anew(table, now, why);
  if (!has_same_columns(table.source.shape(), now.shape()))
    return;
  // TRUNCATE, VACUUM FULL, a default, a comment: the next look must not add them up.
  table.source.filenode = now.filenode;
  for (std::size_t i = 0; i < now.columns.size(); ++i)
    table.source.columns[i].changed_xid = now.columns[i].changed_xid;
  actions.emplace_back(ShapeSeen{table.source.id, table.source.shape()});
}

void StreamMachine::follow_change(Table& table, SourceTable const& now, StreamActions& actions) {
  // The first description after a start: what the target can take is not new.
  Relation const before = table.relation ? *table.relation : table.known_part(*table.pending);
  RelationChange const change = diff(before, *table.pending, now, table.target,
                                     table.source.filenode, table.options, table.may_be_made_anew);
  if (change.kind == RelationChange::Kind::unsupported)
    make_anew(table, now, change.reason);
  if (!change.added.empty() && !table.follows_columns) {
    if (!table.ignores_incompatible)
      throw Error(ErrorCode::table_changed,
                  fmt::format("column {} was added to {}, and schema-sync.enable is off",
                              change.added.front().name, to_string(table.source.name)));
    table.source = now;
    plan(table);
    return;
  }
  if (!change.note.empty())
    actions.emplace_back(Say{log::Level::info, change.note});
  for (TargetColumn const& column : change.added) {
    actions.emplace_back(
        Say{log::Level::info, fmt::format("column is added table={} column={} type={}",
                                          to_string(table.source.name), column.name, column.type)});
    SourceColumn const* const described = now.column(column.name);
    if (std::string const words = described ? fallback_sentence(*described) : ""; !words.empty())
      actions.emplace_back(
          Say{log::Level::warning, fmt::format("column {} of {}: {}", column.name,
                                               to_string(table.source.name), words)});
    table.target.columns.push_back(column);
    table.added_columns.push_back(column);
    touch(table);
  }
  table.source = now;
  actions.emplace_back(ShapeSeen{now.id, shape_of_layout(*table.pending, now)});
  plan(table);
}

namespace {

// What updates carry the old values of, when they change.
std::vector<std::size_t> version_key_of(Relation const& relation, SourceTable const& source,
                                        TableOptions const& options) {
  bool const is_full = relation.identity == ReplicaIdentity::full;
  std::vector<std::string> const key =
      is_full ? key_of(source, options) : std::vector<std::string>();
  std::vector<std::size_t> cells;
  for (std::size_t i = 0; i < relation.columns.size(); ++i) {
    RelationColumn const& column = relation.columns[i];
    if (is_full ? std::find(key.begin(), key.end(), column.name) != key.end() : column.is_key)
      cells.push_back(i);
  }
  return cells;
}

} // namespace

void StreamMachine::plan(Table& table) {
  Relation relation = std::move(*table.pending);
  table.pending.reset();
  table.encoders.push_back(std::make_unique<RowEncoder>(
      plan_for(relation, table.source, table.target, missing_columns(table.ignores_incompatible),
               table.options),
      settings_.changed_values));
  table.batches.use(table.encoders.back().get());
  if (table.is_history())
    table.version_key = version_key_of(relation, table.source, table.options);
  table.relation = std::move(relation);
}

// ---------------------------------------------------------------- epochs

// As long as the goal allows: freshness less the time that loading and committing takes.
Milliseconds StreamMachine::linger() const {
  Milliseconds const most = settings_.freshness * 8 / 10;
  Milliseconds const left = settings_.freshness - pace_.load_time * 3 / 2;
  return std::clamp(left, settings_.freshness / 10, most);
}

// Behind a backlog epochs grow, within bounds: one more label would only wait.
TimePoint StreamMachine::due_at() const {
  return epoch_opened_at_ + (pace_.epochs_in_flight >= kBacklog ? linger() * 10 : linger());
}

TimePoint StreamMachine::next_deadline() const {
  if (transaction_)
    return TimePoint::max();
  if (!touched_.empty())
    return due_at();
  return idle_lsn_ > handed_over_lsn_ ? handed_over_at_ + kIdleStep : TimePoint::max();
}

void StreamMachine::on_timer(TimePoint now, StreamActions& actions) {
  if (transaction_)
    return;
  if (touched_.empty()) {
    if (idle_lsn_ > handed_over_lsn_ && now >= handed_over_at_ + kIdleStep)
      hand_over(now, actions);
    return;
  }
  if (epoch_bytes_ >= settings_.epoch_bytes || now >= due_at())
    hand_over(now, actions);
}

// The last part, so that a key is in the target again before it is released.
void StreamMachine::take_quarantine(Table& table, TableEpoch& out) {
  if (!table.quarantine)
    return;
  Quarantine::Taken taken = table.quarantine->take();
  out.counts.quarantined = taken.changes;
  out.quarantined = std::move(taken.keys);
  if (!taken.batch)
    return;
  out.quarantine_rows = taken.batch->row_count;
  out.needs_record = true;
  out.parts.emplace_back();
  out.parts.back().batches.push_back(std::move(*taken.batch));
}

// What is there of the open epoch, and may end here.
TableEpoch StreamMachine::take_rows(Table& table) {
  TableEpoch out;
  out.table = table.source.id;
  out.generation = table.generation;
  out.first_commit_time = table.first_commit_time;
  out.is_truncated = std::exchange(table.is_truncated, false);
  out.deletion_marks = std::exchange(table.deletion_marks, {});
  out.counts = std::exchange(table.counts, {});
  out.counts.sent = table.batches.row_count();
  out.reads_back = table.batches.has_references();
  out.needs_record = out.is_truncated || table.batches.has_partial_rows() || out.reads_back;
  out.parts = table.batches.take();
  return out;
}

void StreamMachine::hand_over(TimePoint now, StreamActions& actions) {
  Epoch epoch;
  epoch.number = ++epoch_number_;
  epoch.end_lsn = touched_.empty() ? std::max(idle_lsn_, end_lsn_) : end_lsn_;
  for (Table* const table : touched_) {
    std::vector<TableEpoch> taken = std::move(table->earlier);
    taken.push_back(take_rows(*table));
    taken.front().added_columns = table->added_columns;
    take_quarantine(*table, taken.back());
    for (TableEpoch& out : taken) {
      out.epoch = epoch.number;
      out.after_lsn = handed_over_lsn_;
      // In front of a TRUNCATE: a restart reads on from here, and not what a copy has passed.
      out.end_lsn = std::max(handed_over_lsn_, table->from);
      WALROCK_ASSERT(out.counts.changes ==
                         out.counts.sent + out.counts.dropped + out.counts.quarantined,
                     "every change read is sent, dropped by a TRUNCATE or in quarantine");
    }
    taken.back().end_lsn = epoch.end_lsn;
    // An epoch may bring columns only, in front of the first transaction that is wanted.
    table->from = std::max(table->from, epoch.end_lsn);
    table->end_epoch();
    // Only the present layout is needed from here on.
    if (table->encoders.size() > 1)
      table->encoders.erase(table->encoders.begin(), table->encoders.end() - 1);
    std::move(taken.begin(), taken.end(), std::back_inserter(epoch.tables));
  }
  touched_.clear();
  epoch_bytes_ = 0;
  epoch_opened_at_ = TimePoint{};
  handed_over_at_ = now;
  handed_over_lsn_ = idle_lsn_ = epoch.end_lsn;
  actions.emplace_back(HandOver{std::move(epoch)});
}

bool StreamMachine::relieve(TimePoint now, StreamActions& actions) {
  if (!transaction_ && !touched_.empty()) {
    hand_over(now, actions);
    return true;
  }
  // Small bodies are not worth a file, unless there is nothing else.
  Body* largest = nullptr;
  for (std::size_t const least : {kSpooledBody, std::size_t{1}}) {
    for (Table* const table : touched_) {
      Body* const body =
          table->batches.largest_body(std::max(least, largest ? largest->bytes.size() : 0));
      largest = body != nullptr ? body : largest;
      for (TableEpoch& before : table->earlier)
        for (Part& part : before.parts)
          for (Batch& batch : part.batches)
            for (Body& closed : batch.bodies)
              if (closed.bytes.size() >= std::max(least, largest ? largest->bytes.size() : 0))
                largest = &closed;
    }
    if (largest != nullptr)
      break;
  }
  if (largest == nullptr)
    return false;
  actions.emplace_back(SpoolBody{largest});
  return true;
}

} // namespace walrock
