"""The order in which committed transactions become visible.

Each commit takes the next version of the partitions it goes to, and a version is published after the one before it
[DatabaseTransactionMgr.finishTransaction]: a later commit waits behind an earlier one of the same partition.
"""
from collections import defaultdict, deque

from rockpool.touched import partitions_of


class Publication:
    """Transactions that are COMMITTED and not VISIBLE yet. publish(txn) makes one visible."""

    def __init__(self, catalog, segments, publish):
        self.catalog, self.segments, self.publish = catalog, segments, publish
        self.waiting = defaultdict(deque)  # table id -> its transactions, oldest first
        self.held = set()  # ids of those that are kept back

    def newest(self, table_id):
        """The last one that waits to be visible in a table, or None."""
        return self.waiting[table_id][-1] if table_id in self.waiting else None

    def add(self, txn, held):
        for table_id in dict.fromkeys(txn.table_ids):
            self.waiting[table_id].append(txn)
        if held:
            self.held.add(txn.id)
        self.advance(txn)

    def release(self, txn):
        """Ends the keeping back."""
        self.held.discard(txn.id)
        self.advance(txn)

    def advance(self, txn):
        """Publishes a transaction if it is its turn everywhere, and then those that waited for it."""
        turn = [txn]
        while turn:
            one = turn.pop()
            tables = dict.fromkeys(one.table_ids)
            if one.state != "COMMITTED" or one.id in self.held or any(self._waits(one, t) for t in tables):
                continue
            for table_id in tables:
                self.waiting[table_id].remove(one)
            self.publish(one)
            for table_id in tables:
                turn += reversed(self.waiting[table_id])  # the oldest is looked at first
                if not self.waiting[table_id]:
                    del self.waiting[table_id]

    def _waits(self, txn, table_id):
        """Whether an earlier one that is not published goes to one of the same partitions of a table."""
        for earlier in self.waiting[table_id]:
            if earlier is txn:
                return False
            mine, theirs = self._partitions(txn, table_id), self._partitions(earlier, table_id)
            if mine is None or theirs is None or mine & theirs:
                return True
        return False

    def _partitions(self, txn, table_id):
        found = [s for s in self.segments.get(txn.id, ()) if s.table_id == table_id]
        return partitions_of(self.catalog.by_id.get(table_id), found)
