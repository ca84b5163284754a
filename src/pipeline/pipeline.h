// The straight line, read in this order:
//
//   stream_machine   READ, DECODE, TRANSFORM of the stream; epochs are closed here
//   stream_rows        what each kind of change becomes
//   copy_machine     READ, DECODE of a table's copy
//   table_batches    ENCODE: rows into the batch of their label, the order of each key kept
//   quarantine         rows that StarRocks refuses, kept aside
//   committer        LOAD, COMMIT, ACKNOWLEDGE: entries, events, the turn
//   units              how the table epochs are loaded, recorded and committed, in order
//   group_commit       the table epochs that are committed in one transaction, by choice
//   answers            what StarRocks' answers mean
//   quarantine_sync    what becomes of rows that it refuses
//   acknowledge        flushed_lsn, the only position that is ever acknowledged
//   table_sync       the life of one table: init, copying, copied, catching_up, ready, errored
//
// Everything here is a machine: it creates no thread, never waits and calls no I/O. An event goes
// in with the time, actions come out; runtime/ performs them and hands the results back.
//
// The invariants, each with the test that shows it (*_test.cpp beside the code):
//
//  1. Rows of one key keep their order; tables are independent, each with its own applied_lsn.
//     TableBatches.RandomHistoriesEndAsTheirModel, Committer.OneTableWaitsWhileTheOthersGoOn
//  2. A batch is owned by one stage; passing is moving. (The types: Batch and Body only move.)
//  3. The bytes of a label are kept until it is prepared (of a group: committed); a load that dies
//     is repeated from there.
//     Committer.AFailedLoadIsRolledBackAndSentAgainUnderANewLabel,
//     GroupCommit.WhatIsGoneIsLoadedAgainUnderANewLabel
//  4. Beyond recorded, a restart finishes the label and does not load it again; if StarRocks has
//     aborted it, only that table is read again, after its later labels are rolled back.
//     Committer.ARestartCommitsWhatIsRecordedAndRollsBackTheRest,
//     Committer.AnAbortedLabelSendsOnlyItsTableBack
//     A group has no record: its rows in the target tell a restart.
//     GroupCommit.AStartTakesWhatTheTargetSaysWasCommitted
//  5. Beyond committed, nothing rolls back.
//     Committer.ACommittedLabelIsNeverRolledBack
//  6. Acknowledged is only flushed_lsn: the lowest position a following table still needs, or the
//     WAL end of the last keepalive when nothing waits. A table that is set aside holds nothing
//     back. With a durable spool also logged_lsn, up to which the log is synced. Either only once
//     the checkpoint has it.
//     Committer.FlushedIsTheLowestPositionStillNeeded, StreamMachine.AnIdleStreamReportsTheWalEnd,
//     Committer.WhatTheLogHasIsAcknowledgedOnceTheCheckpointNamesIt
//  7. A commit without a clear answer is in doubt: the label's state is asked. A prepare without an
//     answer is rolled back and loaded again.
//     Committer.ACommitInDoubtIsAskedAndNeverLoadedAgain,
//     GroupCommit.InDoubtItIsAskedAndNeverLoadedAgain
//  8. The only position is (commit_lsn, index in the transaction).
//     StreamMachine.ATransactionBelowTheFollowPositionIsSkipped
//  9. Per label NumberLoadedRows = rows sent (starrocks/, and asserted again when it is prepared).
//     Of a group nobody tells them: it takes CSV only, and LoadBytes = bytes sent. Per table
//     changes = sent + dropped + quarantined, and an epoch's labels hold these rows.
//     StreamMachine.EveryChangeIsSentOrDropped
// 10. Success is a closed list of answers (starrocks/answer.h).
// 11. One bad table never stops the others.
//     Committer.ARefusedRowSetsItsTableAside,
//     Committer.TheReasonNamesTheRefusedRowsKeyColumnAndWhy, StreamMachine.AChangedTableIsSetAside
#pragma once
