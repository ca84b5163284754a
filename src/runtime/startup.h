// Everything that is done once before the threads run: both servers are asked, the publication, the
// slot and the target tables are found or made, and the checkpoint is brought to the state from
// which the machines go on. Blocking; an unreachable server is waited for without limit.
//
// Order: publication first, then the slot with its snapshot (a slot older than its publication
// fails for ever on servers before 18). What is about to be made is recorded before it is made.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <stop_token>
#include <string>
#include <vector>

#include "config/job_spec.h"
#include "model/checkpoint.h"
#include "pipeline/committer.h"
#include "pipeline/stream_machine.h"
#include "postgres/snapshot_reader.h"
#include "postgres/timeline.h"
#include "runtime/copy_pool.h"
#include "runtime/engine.h"
#include "runtime/stream_log.h"
#include "schema/partition_change.h"
#include "starrocks/stream_loader.h"

namespace walrock {

struct Prepared {
  Checkpoint checkpoint; // labels and flushed_lsn as they were left
  JobRecord job;
  Lsn start_lsn;
  FoundLog found_log;  // with a durable spool: of an earlier start, from start_lsn or below
  Lsn logged_lsn;      // what PostgreSQL was told because of it
  KnownPosition known; // of the source, as of this start
  std::vector<TableEntry> tables;           // for the committer
  std::vector<FollowedTable> followed;      // for the stream
  std::map<RelationId, CopiedTable> copied; // for the copy
  std::map<RelationId, PartitionedTable> partitioned;
  std::unique_ptr<SnapshotKeeper> snapshot; // of a slot that was made just now
  LoadOptions load_options;
  std::size_t label_budget = 100;
  Lsn server_lsn; // WAL position of the server when it was first asked
};

using Report = std::function<void(std::string const& phase, std::string const& trouble)>;

// Throws what waiting does not cure.
Prepared prepare(JobSpec const& job, EngineAddresses const& addresses, CheckpointStore& store,
                 Report const& report, std::stop_token stop);

} // namespace walrock
