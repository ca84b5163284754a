#include "operate/drop.h"

#include <fmt/format.h>

#include "base/error.h"
#include "operate/addresses.h"
#include "operate/job_checkpoint.h"
#include "postgres/publication.h"
#include "postgres/slot.h"
#include "starrocks/stream_loader.h"

namespace walrock {

JobRemoval::JobRemoval(JobSpec const& job)
    : job_(job), lock_(job.engine.checkpoint_folder),
      source_(source_address(job), ConnectionKind::sql) {
  look_at_checkpoint();
  look_at_slot();
  look_at_publication();
}

void JobRemoval::look_at_checkpoint() {
  std::string const place = checkpoint_place(job_);
  try {
    checkpoint_ = read_job_checkpoint(job_);
  } catch (Error const& error) {
    if (error.code() != ErrorCode::checkpoint_failed || error.retry() != Retry::never)
      throw;
    is_damaged_ = true;
    removed_.push_back(fmt::format("{}; labels that it may name stay open in StarRocks until they "
                                   "time out",
                                   error.what()));
    return;
  }
  if (!checkpoint_)
    return;
  if (checkpoint_->job && checkpoint_->job->job_id != job_.id)
    throw Error(ErrorCode::checkpoint_mismatch,
                fmt::format("the checkpoint in {} belongs to job {}, not {}", place,
                            checkpoint_->job->job_id, job_.id));
  removed_.push_back(fmt::format("checkpoint in {}", place));
}

void JobRemoval::look_at_slot() {
  auto const slot = find_slot(source_, job_.source.slot_name);
  if (!slot)
    return;
  // A slot that is lost can still be dropped, and should be.
  if (!slot->is_lost())
    require_usable(slot, job_.source.slot_name, job_.source.database);
  has_slot_ = true;
  removed_.push_back(fmt::format("replication slot {} (holds back {} bytes of WAL)",
                                 slot->slot_name, slot->retained_bytes));
}

void JobRemoval::look_at_publication() {
  auto const publication = find_publication(source_, job_.source.publication_name);
  if (!publication)
    return;
  std::string const name = "publication " + publication->name;
  // walrock never makes one of these, and makes none when it is told not to.
  bool const is_foreign = publication->is_for_all_tables || publication->is_for_namespaces ||
                          !job_.source.auto_create_publication;
  if (is_foreign) {
    kept_.push_back(name + ": walrock did not make it");
    return;
  }
  if (!publication->is_owner) {
    kept_.push_back(fmt::format("{}: it belongs to {}, who can remove it: {};", name,
                                publication->owner, drop_publication_sql(publication->name)));
    return;
  }
  has_publication_ = true;
  removed_.push_back(
      fmt::format("{} ({} tables)", name, std::to_string(publication->members.size())));
}

std::vector<std::string> JobRemoval::remove() {
  if (has_slot_)
    drop_slot(source_, job_.source.slot_name);
  if (has_publication_)
    drop_publication(source_, job_.source.publication_name);
  std::vector<std::string> troubles = roll_back_labels();
  if (checkpoint_ || is_damaged_)
    remove_job_checkpoint(job_);
  return troubles;
}

// A label that stays prepared blocks ALTER TABLE for a day.
std::vector<std::string> JobRemoval::roll_back_labels() {
  std::vector<std::string> troubles;
  if (!checkpoint_ || checkpoint_->labels.empty())
    return troubles;
  StreamLoader loader(target_address(job_), {});
  for (LabelRecord const& record : checkpoint_->labels) {
    CallOutcome outcome;
    if (record.table == kSeveralTables) {
      GroupVerdict const verdict = loader.settle_group(record.label, job_.id);
      if (verdict.kind != GroupVerdict::Kind::unreachable)
        outcome.kind = CallOutcome::Kind::done;
      outcome.message = verdict.message;
    } else {
      outcome = loader.rollback(record.label);
    }
    if (outcome.kind == CallOutcome::Kind::unreachable) {
      troubles.push_back(fmt::format("StarRocks cannot be reached, so {} labels stay open there "
                                     "until they time out: {}",
                                     checkpoint_->labels.size(), outcome.message));
      break;
    }
  }
  return troubles;
}

} // namespace walrock
