// LOAD and COMMIT of several tables in one transaction (StarRocks 4): kept by the leading frontend,
// without a prepare.
//
//   begin     frontend
//   load      frontend -307-> a backend, per table and body; at last the progress
//   commit    frontend: the rows are written, then all of them become visible at once
//
// A failed load poisons the transaction. Its label stays used, also once it is rolled back.
// Frontends before 4.0.5 say OK to a rollback that rolls nothing back, so what a rollback says is
// never believed: the label's state is. Lives on the thread of its StreamLoader.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "model/load_target.h"
#include "starrocks/sql_connection.h"
#include "starrocks/transaction_calls.h"

namespace walrock {

class GroupLoad {
public:
  // All must outlive it.
  GroupLoad(TransactionCalls& calls, SqlConnection& sql, LoadOptions const& options)
      : calls_(calls), sql_(sql), options_(options) {}

  GroupOutcome run(GroupRequest const& request);
  GroupVerdict settle(Label const& label, std::string const& job_id);

private:
  bool send_batch(Label const& label, Batch const& batch, TransactionReply& failed);
  GroupOutcome commit(GroupRequest const& request);
  GroupOutcome given_up(GroupOutcome outcome, TransactionReply const& reply, Label const& label);
  // Rolls back; what the label is afterwards.
  LabelState undo(Label const& label, std::string& message);
  LabelState state_of(Label const& label);
  // Nobody can commit it any more. False: not yet, and why.
  bool use_up(Label const& label, std::string& message);
  [[noreturn]] static void fail_without_progress(std::string const& what);
  std::vector<TableProgressRow> read_progress(Label const& label, std::string const& job_id);

  TransactionCalls& calls_;
  SqlConnection& sql_;
  LoadOptions const& options_;
};

// Of a transaction that did not commit: whose rows it names. Pure.
[[nodiscard]] std::optional<std::size_t> culprit_of(std::string_view message,
                                                    std::vector<Batch const*> const& batches);

} // namespace walrock
