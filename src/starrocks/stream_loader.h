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

#include <memory>
#include <optional>
#include <stop_token>
#include <string>

#include "base/time.h"
#include "model/load_target.h"
#include "starrocks/address.h"
#include "starrocks/version.h"

namespace walrock {

struct LoadOptions {
  // Used where the server is known to read it: JSON from 3.2.7, CSV of one body (the bodies of a
  // CSV label run into one pipe, and a server that stops after the first frame loses the rest).
  Compression compression = Compression::none;
  ServerVersion version;              // as the catalog says; zero: unknown, nothing newer is used
  Milliseconds load_timeout{600'000}; // begin to prepared, whole seconds
  Milliseconds prepared_timeout{86'400'000}; // prepared to commit; servers from 3.5.4 are told
  Milliseconds alter_timeout{600'000};       // for which add_columns waits
  Milliseconds busy_timeout{30'000};         // for which "transaction in processing" is tried again
};

class StreamLoader final : public LoadTarget {
public:
  // A stop asked for cuts calls short: their outcome is then unreachable or in_doubt.
  StreamLoader(TargetAddress address, LoadOptions options, std::stop_token stop = {});
  ~StreamLoader() override;

  LoadOutcome load(LoadRequest const& request) override;
  CommitOutcome commit(Label const& label) override;
  CallOutcome rollback(Label const& label) override;
  LabelState label_state(Label const& label) override;
  CallOutcome truncate(TargetName const& target) override;
  CallOutcome add_columns(TargetName const& target,
                          std::vector<TargetColumn> const& columns) override;

private:
  class Transactions;
  std::unique_ptr<Transactions> transactions_;
};

} // namespace walrock
