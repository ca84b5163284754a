// LOAD and COMMIT: labels of the load transaction interface, begun, loaded, prepared, committed.
//
//   begin     frontend -307-> backend B    B keeps the pipe of this label
//   load      B, once per body             upload begins when B has accepted the headers
//   prepare   B                            the rows are on a quorum of replicas and counted
//   commit    frontend                     answers by itself for a prepared label
//
// So a small label costs five round trips. Going straight to B after begin is what the frontend
// would redirect to; when B cannot be reached the transaction is lost anyway.
//
// One instance per load thread; nothing is shared.
#pragma once

#include <functional>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "model/load_target.h"
#include "starrocks/address.h"
#include "starrocks/sql_connection.h"
#include "starrocks/transaction_calls.h"

namespace walrock {

class StreamLoader final : public LoadTarget {
public:
  // A stop asked for cuts calls short: their outcome is then unreachable or in_doubt.
  // ddl: who changes tables, when that is another login.
  StreamLoader(TargetAddress const& address, TargetAddress const& ddl, LoadOptions const& options,
               std::stop_token stop = {});
  StreamLoader(TargetAddress const& address, LoadOptions const& options, std::stop_token stop = {})
      : StreamLoader(address, address, options, std::move(stop)) {}

  LoadOutcome load(LoadRequest const& request) override;
  CommitOutcome commit(Label const& label) override;
  CallOutcome rollback(Label const& label) override;
  LabelState label_state(Label const& label) override;
  GroupOutcome load_group(GroupRequest const& request) override;
  GroupVerdict settle_group(Label const& label, std::string const& job_id) override;
  CallOutcome truncate(TargetName const& target) override;
  CallOutcome cut(TargetName const& target, Lsn from) override;
  CallOutcome mark_deleted(TargetName const& target,
                           std::vector<ColumnValue> const& values) override;
  CallOutcome make_twin(TargetName const& target, TargetName const& twin,
                        std::optional<KeptRows> const& kept,
                        std::string const& create_sql) override;
  CallOutcome swap_in(TargetName const& target, TargetName const& twin) override;
  CallOutcome add_columns(TargetName const& target,
                          std::vector<TargetColumn> const& columns) override;
  QuarantineOutcome read_quarantine(TargetName const& target) override;
  CallOutcome empty_quarantine(TargetName const& target) override;

private:
  LoadOutcome load_and_prepare(LoadRequest const& request);
  void search(LoadRequest const& request, LoadOutcome& outcome);
  std::optional<LoadOutcome> fill_and_send(LoadSpec const& spec, Body const& body,
                                           std::string_view bytes,
                                           std::function<bool(std::string_view)> const& send);
  LoadOutcome prepare(LoadRequest const& request, std::string const& server);
  LoadOutcome check_counts(LoadRequest const& request, Answer const& answer);
  // After a call of load() that failed: rolls back and says what the caller is told.
  LoadOutcome given_up(LoadRequest const& request, TransactionReply const& reply);
  void tell(Answer const& answer, Batch const& batch, LoadOutcome& outcome);
  CommitOutcome settled_by_state(Label const& label, std::string message);
  CallOutcome rolled_back_by_state(Label const& label, std::string message, bool may_cancel);

  TransactionCalls calls_;
  SqlConnection sql_;
  LoadOptions options_;
  std::stop_token stop_;
};

} // namespace walrock
