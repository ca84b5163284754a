#include "runtime/stream_log_keeper.h"

#include "base/pause.h"

namespace walrock {

namespace {

// A sync is for acknowledging only, nothing on the way of a row waits for it.
constexpr Milliseconds kSyncEvery(50);

} // namespace

void keep_stream_log(StreamLog& log, Shared& shared, std::stop_token const& stop) {
  shared.figures.logged_lsn = log.synced_lsn().value;
  do {
    if (log.sync()) {
      shared.figures.logged_lsn = log.synced_lsn().value;
      shared.events.push_now(Logged{log.synced_lsn()});
    }
    log.let_go(Lsn{shared.flushed_lsn.load()});
    shared.figures.log_used = log.used_bytes();
  } while (pause_for(kSyncEvery, stop));
}

} // namespace walrock
