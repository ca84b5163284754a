#include "runtime/checkpoint_choice.h"

#include <array>
#include <string>
#include <utility>

#include <unistd.h>

#include "base/log.h"
#include "base/pause.h"
#include "checkpoint/sqlite_store.h"
#include "starrocks/checkpoint_store.h"

namespace walrock {

namespace {

std::string host_name() {
  std::array<char, 256> name{};
  return ::gethostname(name.data(), name.size() - 1) == 0 ? name.data() : "unknown";
}

} // namespace

std::unique_ptr<CheckpointStore> open_checkpoint(JobSpec const& job,
                                                 EngineAddresses const& addresses,
                                                 Report const& report,
                                                 std::function<void(Error const&)> lost,
                                                 std::stop_token drain, std::stop_token now) {
  if (job.engine.checkpoint_store == CheckpointPlace::file)
    return std::make_unique<SqliteStore>(job.engine.checkpoint_folder);
  StarRocksStoreSettings settings;
  settings.address = addresses.target;
  settings.ddl = addresses.ddl;
  settings.database = job.engine.checkpoint_database;
  settings.job_id = job.id;
  settings.options.load_timeout = job.target.load_timeout;
  settings.host = host_name();
  settings.silence = job.engine.checkpoint_takeover;
  settings.beat = settings.silence / 6;
  settings.lost = std::move(lost);
  settings.waiting = [report, drain = std::move(drain)](std::string const& what) {
    report("waiting for the job", what);
    if (drain.stop_requested())
      throw Stopped();
  };
  return std::make_unique<StarRocksStore>(std::move(settings), std::move(now));
}

PatientStore::PatientStore(CheckpointStore& store, Report report, std::stop_token stop)
    : store_(store), report_(std::move(report)), stop_(std::move(stop)) {}

template <typename Work> auto PatientStore::patiently(char const* phase, Work work) {
  Backoff backoff(Milliseconds(100), Milliseconds(5000));
  for (;;) {
    try {
      return work();
    } catch (Error const& error) {
      if (error.retry() == Retry::never || error.code() == ErrorCode::stopped)
        throw;
      report_(phase, error.what());
      log::error("{} is tried again: {}", phase, error.what());
    }
    if (!pause_for(backoff.next(), stop_))
      throw Stopped();
  }
}

Checkpoint PatientStore::read() {
  return patiently("reading the checkpoint", [&] { return store_.read(); });
}

void PatientStore::write(CheckpointUpdate const& update) {
  patiently("writing the checkpoint", [&] { store_.write(update); });
}

std::uint64_t PatientStore::begin_incarnation() {
  return patiently("beginning an incarnation in the checkpoint",
                   [&] { return store_.begin_incarnation(); });
}

} // namespace walrock
