// The steps at which walrock can be made to die, wait or fail: everything durable that is written
// and every call to another program. Each has two failpoints, before_NAME and after_NAME. A new one
// is a line here, WALROCK_BEFORE(NAME) and WALROCK_AFTER(NAME) around its place, and a line in
// tests/crash/plan.py that reaches it.
//
//   X(name, the error that the action "fail" throws, what the step does)
//
// internal: nothing can fail there, and the action is refused.
#pragma once

// clang-format off
#define WALROCK_FAIL_STEPS(X) \
  /* start */ \
  X(start_incarnation, checkpoint_failed, "the number of this start is written") \
  X(start_publication, source_unreachable, "the publication is made or extended") \
  X(start_job_record, checkpoint_failed, "the job's record is written: that a slot is about to be made, or that the server was promoted") \
  X(start_slot, source_unreachable, "the replication slot is made, with its snapshot") \
  X(start_give_up, checkpoint_failed, "that the slot is given up and every table is copied again is written") \
  X(start_slot_drop, source_unreachable, "a slot that a start left which died is dropped") \
  X(start_database, target_unreachable, "the target database is made") \
  X(start_table_record, checkpoint_failed, "that a target table is about to be made is written") \
  X(start_table, target_unreachable, "a target table is made") \
  X(start_twin_drop, target_unreachable, "a twin that an earlier start left is dropped") \
  X(start_twin, target_unreachable, "the twin of a table is made that takes its copy") \
  X(start_tables_record, checkpoint_failed, "the tables that are followed are written, and where a new slot begins") \
  /* copy */ \
  X(copy_snapshot, source_unreachable, "a temporary slot is made for the snapshot of a later round") \
  X(copy_read, source_unreachable, "a range of a table is read") \
  X(copy_intended, checkpoint_failed, "a label of the copy is written as intended") \
  X(copy_begin, target_unreachable, "the transaction of a label of the copy is begun") \
  X(copy_load, target_unreachable, "a body of a label of the copy is loaded") \
  X(copy_prepare, target_unreachable, "a label of the copy is prepared") \
  X(copy_commit, target_unreachable, "a label of the copy is committed") \
  X(copy_finished, checkpoint_failed, "the mark of a committed label of the copy is written") \
  X(copy_empty_twin, target_unreachable, "an empty twin is made for a copy that is begun again") \
  X(copy_swap, target_unreachable, "the twin takes the place of the target") \
  X(copy_twin_drop, target_unreachable, "what the twin holds after the swap is dropped") \
  /* states of a table */ \
  X(state_init, checkpoint_failed, "that a table waits for a copy is written") \
  X(state_copying, checkpoint_failed, "that a table is being copied is written") \
  X(state_copied, checkpoint_failed, "that a table is copied is written") \
  X(state_catching_up, checkpoint_failed, "that a table catches up is written") \
  X(state_ready, checkpoint_failed, "that a table is ready is written") \
  X(state_errored, checkpoint_failed, "that a table is set aside is written") \
  /* stream */ \
  X(stream_start, source_unreachable, "replication is started") \
  X(stream_hand_over, internal, "an epoch is handed to the committer") \
  X(stream_replay, spool_failed, "a transaction that came in progress is replayed") \
  X(stream_describe, source_unreachable, "the catalog is asked about a relation that changed") \
  X(stream_intended, checkpoint_failed, "a label is written as intended") \
  X(stream_begin, target_unreachable, "the transaction of a label is begun") \
  X(stream_load, target_unreachable, "a body of a label is loaded") \
  X(stream_prepare, target_unreachable, "a label is prepared") \
  X(stream_recorded, checkpoint_failed, "the labels of a unit are written as recorded") \
  X(stream_commit, target_unreachable, "a label is committed") \
  X(stream_applied, checkpoint_failed, "the marks of committed labels are written: applied_lsn") \
  X(stream_flushed, checkpoint_failed, "flushed_lsn is written, before it is acknowledged") \
  X(stream_feedback, source_unreachable, "flushed_lsn is acknowledged to PostgreSQL") \
  X(slot_look, source_unreachable, "the slot is looked at for its limits") \
  /* durable spool */ \
  X(log_segment, spool_failed, "a segment of the durable spool is made") \
  X(log_append, spool_failed, "records are appended to the durable spool") \
  X(log_sync, spool_failed, "the durable spool is synced") \
  X(log_recorded, checkpoint_failed, "logged_lsn is written, before it is acknowledged") \
  X(log_let_go, spool_failed, "a segment of the durable spool is removed") \
  /* barriers, doubts, leftovers */ \
  X(truncate, target_unreachable, "a target is emptied: TRUNCATE of the source, or a copy that is begun again") \
  X(add_columns, target_unreachable, "columns are added to a target") \
  X(cut, target_unreachable, "rows of an append-only table beyond applied_lsn are deleted") \
  X(quarantine_table, target_unreachable, "the table of rows in quarantine is made") \
  X(quarantine_read, target_unreachable, "what is in quarantine of a table is read after a start") \
  X(quarantine_empty, target_unreachable, "what is in quarantine of a table is removed before its copy") \
  X(quarantine_begin, target_unreachable, "the transaction of rows that go to quarantine is begun") \
  X(quarantine_prepare, target_unreachable, "the label of rows that go to quarantine is prepared") \
  X(rollback, target_unreachable, "a label is rolled back") \
  X(cancel, target_unreachable, "a label whose backend has lost it is cancelled at the frontend") \
  X(label_state, target_unreachable, "the state of a label is asked for") \
  /* the checkpoint in StarRocks */ \
  X(store_make, target_unreachable, "the table of checkpoints is made") \
  X(store_claim, checkpoint_failed, "the job is claimed: the owner row of this start becomes visible") \
  X(store_take_over, checkpoint_failed, "the records of the start before are written under this one") \
  X(store_clear, target_unreachable, "the rows of earlier starts are deleted") \
  X(store_write, checkpoint_failed, "an update of the checkpoint is written and becomes visible") \
  X(store_look, target_unreachable, "a later owner is looked for behind a write") \
  X(store_beat, checkpoint_failed, "a sign of life is written") \
  X(store_release, checkpoint_failed, "the job is released at a stop") \
  /* store and stop */ \
  X(checkpoint_commit, checkpoint_failed, "the checkpoint's transaction is made durable") \
  X(stop_stream, source_unreachable, "the stream is ended with a last acknowledgement") \
  X(stop_drain, internal, "what is under way is finished at a stop") \
  /* standbys */ \
  X(start_slot_failover, source_unreachable, "standbys are to keep a slot that was made without them") \
  /* key changes */ \
  X(stream_read_back, target_unreachable, "values of a label's rows are read back from the target") \
  /* rows that stay */ \
  X(copy_fill, target_unreachable, "the twin of a copy gets the rows of the target that stay") \
  X(mark_deleted, target_unreachable, "a TRUNCATE of the source marks the rows of a target deleted") \
  /* transactions across tables */ \
  X(group_begin, target_unreachable, "a transaction of several tables is begun") \
  X(group_load, target_unreachable, "a body of a transaction of several tables is loaded") \
  X(group_commit, target_unreachable, "a transaction of several tables is committed") \
  X(group_settle, target_unreachable, "what became of a transaction of several tables is asked for") \
  X(group_record, checkpoint_failed, "what the start before has committed of several tables is written")
// clang-format on
