// A checkpoint store in memory: what is written survives the program, what fails leaves nothing.
#pragma once

#include <algorithm>
#include <functional>
#include <map>
#include <string>

#include "base/error.h"
#include "model/checkpoint.h"
#include "simulation/trace.h"

namespace walrock::simulation {

class Store : public CheckpointStore {
public:
  explicit Store(Trace& trace) : trace_(trace) {}

  [[nodiscard]] Checkpoint read() override {
    Checkpoint out;
    out.job = job_;
    for (auto const& [id, table] : tables_)
      out.tables.push_back(table);
    for (auto const& [label, record] : labels_)
      out.labels.push_back(record);
    out.flushed_lsn = flushed_lsn_;
    out.logged_lsn = logged_lsn_;
    out.incarnation = incarnation_;
    return out;
  }

  void write(CheckpointUpdate const& update) override {
    if (fails && fails())
      throw Error(ErrorCode::checkpoint_failed, "the disk is full");
    if (update.job)
      job_ = update.job;
    for (TableRecord const& table : update.tables) {
      TableRecord& known = tables_[table.id];
      if (table.state == TableState::copied && known.state != TableState::copied)
        copied_lsns_[table.id] = table.applied_lsn;
      known = table;
    }
    for (RelationId const id : update.dropped_tables)
      tables_.erase(id);
    for (LabelRecord const& record : update.labels) {
      labels_[record.label] = record;
      seen_[record.label] = record;
      trace_.say("store: {} {} rows={} end={}", record.label.text,
                 record.state == LabelRecord::State::intended ? "intended" : "recorded",
                 record.row_count, record.end_lsn.value);
    }
    for (Label const& label : update.finished_labels)
      labels_.erase(label);
    if (update.flushed_lsn) {
      bool const begins_anew = update.job && !update.job->consistent_lsn.is_set();
      if (*update.flushed_lsn < flushed_lsn_ && !begins_anew)
        throw Violation("flushed_lsn goes back in the checkpoint");
      flushed_lsn_ = *update.flushed_lsn;
    }
    if (update.logged_lsn)
      logged_lsn_ = *update.logged_lsn;
  }

  [[nodiscard]] std::uint64_t begin_incarnation() override { return ++incarnation_; }

  [[nodiscard]] LabelRecord const* find(Label const& label) const {
    auto const found = labels_.find(label);
    return found == labels_.end() ? nullptr : &found->second;
  }
  // Every label that was ever written, as it was last.
  [[nodiscard]] std::map<Label, LabelRecord> const& seen() const { return seen_; }
  [[nodiscard]] std::map<RelationId, TableRecord> const& tables() const { return tables_; }
  [[nodiscard]] std::map<Label, LabelRecord> const& labels() const { return labels_; }
  // The snapshot of its last copy.
  [[nodiscard]] Lsn copied_lsn(RelationId id) const {
    auto const found = copied_lsns_.find(id);
    return found == copied_lsns_.end() ? Lsn{} : found->second;
  }
  // Where a restart reads on, or its log ends: nothing beyond it may be acknowledged.
  [[nodiscard]] Lsn acknowledgeable_lsn() const {
    if (!job_)
      return flushed_lsn_;
    return std::max(
        {flushed_lsn_, job_->consistent_lsn, job_->log_id.empty() ? Lsn{} : logged_lsn_});
  }

  std::function<bool()> fails;

private:
  Trace& trace_;
  std::optional<JobRecord> job_;
  std::map<RelationId, TableRecord> tables_;
  std::map<RelationId, Lsn> copied_lsns_;
  std::map<Label, LabelRecord> labels_;
  std::map<Label, LabelRecord> seen_;
  Lsn flushed_lsn_;
  Lsn logged_lsn_;
  std::uint64_t incarnation_ = 0;
};

} // namespace walrock::simulation
