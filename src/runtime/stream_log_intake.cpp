#include "runtime/stream_log_intake.h"

#include <fmt/format.h>

#include "base/error.h"

namespace walrock {

void StreamLogIntake::begin_stream() {
  log_.begin_stream();
  commit_lsn_.reset();
  columns_.clear();
}

void StreamLogIntake::take_keepalive(Lsn wal_end) {
  if (!commit_lsn_ && wal_end > log_.end_lsn())
    log_.append_keepalive(wal_end);
}

void StreamLogIntake::begin(Begin const& begin) {
  if (commit_lsn_)
    throw ProtocolViolation("a transaction began inside another");
  if (begin.final_lsn < log_.end_lsn())
    throw ProtocolViolation(fmt::format("a transaction of {} came, although {} was asked for",
                                        to_string(begin.final_lsn), to_string(log_.end_lsn())));
  commit_lsn_ = begin.final_lsn;
}

void StreamLogIntake::commit(Commit const& commit, std::span<std::byte const> payload) {
  if (commit.commit_lsn != *commit_lsn_ || commit.end_lsn <= commit.commit_lsn)
    throw ProtocolViolation(fmt::format("a transaction began for {} and committed at {}, end {}",
                                        to_string(*commit_lsn_), to_string(commit.commit_lsn),
                                        to_string(commit.end_lsn)));
  commit_lsn_.reset();
  log_.append(payload);
  log_.append_boundary(commit.end_lsn);
}

std::size_t StreamLogIntake::columns_of(RelationId id) const {
  auto const found = columns_.find(id.oid);
  if (found == columns_.end())
    throw ProtocolViolation(
        fmt::format("a row came before the description of its table, oid {}", id.oid));
  return found->second;
}

void StreamLogIntake::require_row(RelationId id, Row row) const {
  if (std::size_t const columns = columns_of(id); row.size() != columns)
    throw ProtocolViolation(fmt::format("a row of the table with oid {} has {} columns, it was "
                                        "described with {}",
                                        id.oid, row.size(), columns));
}

void StreamLogIntake::take(std::span<std::byte const> payload) {
  Message const& message = decoder_.decode(payload, false);
  if (auto const* const begun = std::get_if<Begin>(&message))
    begin(*begun);
  if (!commit_lsn_) {
    if (std::holds_alternative<LogicalMessage>(message))
      return; // outside transactions; nobody wants it
    throw ProtocolViolation("a change or a commit came outside a transaction");
  }
  if (auto const* const committed = std::get_if<Commit>(&message))
    return commit(*committed, payload);
  if (auto const* const described = std::get_if<RelationMessage>(&message)) {
    columns_[described->relation.id.oid] = described->relation.columns.size();
    return log_.append_relation(described->relation.id, payload);
  }
  if (auto const* const insert = std::get_if<Insert>(&message))
    require_row(insert->relation_id, insert->new_row);
  if (auto const* const update = std::get_if<Update>(&message)) {
    require_row(update->relation_id, update->new_row);
    if (update->old_kind != OldRowKind::none)
      require_row(update->relation_id, update->old_row);
  }
  if (auto const* const removal = std::get_if<Delete>(&message))
    require_row(removal->relation_id, removal->old_row);
  if (auto const* const truncate = std::get_if<Truncate>(&message))
    for (RelationId const id : truncate->relation_ids)
      (void)columns_of(id);
  bool const is_streamed =
      std::holds_alternative<StreamStart>(message) || std::holds_alternative<StreamStop>(message) ||
      std::holds_alternative<StreamCommit>(message) || std::holds_alternative<StreamAbort>(message);
  if (is_streamed)
    throw ProtocolViolation("a transaction in progress came, and none was asked for");
  log_.append(payload);
}

} // namespace walrock
