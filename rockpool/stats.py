"""What arrived, for tests that ask: counters, and the newest transactions with their times. Bounded in size."""
import time
from collections import defaultdict, deque

from rockpool.clock import Clock

HISTORY = 20_000


class Stats:
    def __init__(self, log, clock=None):
        self.log = log
        self.clock = clock or Clock()
        self.started = time.time()
        self.history = deque(maxlen=HISTORY)
        self.at = {}  # txn id -> its entry in history
        self.counts = defaultdict(int)
        self.counting = defaultdict(lambda: {"rows": 0, "bytes": 0, "checksum": 0, "loads": 0})
        self.requests = defaultdict(int)

    def began(self, txn):
        self.counts["begun"] += 1
        entry = {"txn_id": txn.id, "label": txn.label, "database": txn.database, "tables": list(txn.tables),
                 "state": "PREPARE", "rows": 0, "bytes": 0, "begun": txn.begun, "prepared": None, "committed": None,
                 "visible": None, "finished": None, "reason": ""}
        if len(self.history) == HISTORY:
            self.at.pop(self.history[0]["txn_id"], None)
        self.history.append(entry)
        self.at[txn.id] = entry

    def _renew(self, txn):
        entry = self.at.get(txn.id)
        if entry is not None:
            entry.update(state=txn.state, rows=txn.loaded, bytes=txn.bytes, reason=txn.reason, tables=list(txn.tables),
                         prepared=txn.prepared or None, committed=txn.committed or None, visible=txn.published or None, finished=txn.finished or None)

    def prepared(self, txn):
        self.counts["prepared"] += 1
        self._renew(txn)

    def committed(self, txn):
        self._renew(txn)

    def ended(self, txn):
        visible = txn.state == "VISIBLE"
        self.counts[txn.state.lower()] += 1
        if visible:
            self.counts["rows"] += txn.loaded
            self.counts["bytes"] += txn.bytes
        self._renew(txn)
        self.log(told(txn, (txn.finished or self.clock.now()) - txn.begun))

    def counted(self, name, rows, size, checksum):
        """Counting mode. Checksums are added up, so the order of the loads does not matter."""
        entry = self.counting[name]
        entry["rows"] += rows
        entry["bytes"] += size
        entry["loads"] += 1
        entry["checksum"] = (entry["checksum"] + checksum) & 0xFFFFFFFFFFFFFFFF

    def reset(self):
        self.history.clear()
        self.at.clear()
        self.counts.clear()
        self.counting.clear()
        self.requests.clear()

    def shown(self, last=None):
        history = list(self.history)
        return {"uptime_seconds": time.time() - self.started, "counts": dict(self.counts),
                "requests": dict(self.requests), "counting": dict(self.counting),
                "history": history if last is None else history[-last:] if last else []}


def told(txn, seconds):
    """The line of the log about a load that ended: what became of it, where, and how much it was."""
    reason = " ".join(txn.reason.split())
    return (f"{txn.state.lower():7} {txn.database}.{','.join(txn.tables)} label={txn.label} rows={txn.loaded} "
            f"filtered={txn.filtered} bytes={txn.bytes} ms={seconds * 1000:.0f} txn={txn.id}"
            + (f' reason="{reason[:300]}"' if reason else ""))
