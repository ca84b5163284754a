"""What must outlive a restart besides rows: catalogue, labels, users, spooled loads. One SQLite file.

Used by the event loop's thread only. A killed process loses nothing that was written; a power cut may.
"""
import contextlib
import json
import sqlite3


class Meta:
    def __init__(self, path):
        self.db = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        self.db.executescript("""
            PRAGMA journal_mode = WAL; PRAGMA synchronous = OFF;
            CREATE TABLE IF NOT EXISTS objects (kind TEXT, id INTEGER, body TEXT, PRIMARY KEY (kind, id));
            CREATE TABLE IF NOT EXISTS segments (id INTEGER PRIMARY KEY, txn_id INTEGER, table_id INTEGER, seq INTEGER,
                head TEXT, path TEXT, body BLOB);
            CREATE INDEX IF NOT EXISTS segments_txn ON segments (txn_id);
            CREATE TABLE IF NOT EXISTS counters (name TEXT PRIMARY KEY, value INTEGER);
        """)
        self.reserved = {}
        self.depth = 0

    @contextlib.contextmanager
    def together(self):
        """What is written inside survives a kill as a whole or not at all. Must not wait inside."""
        self.depth += 1
        if self.depth == 1 and not self.db.in_transaction:
            self.db.execute("BEGIN IMMEDIATE")
        try:
            yield
        finally:
            self.depth -= 1
            if self.depth == 0:
                self.db.execute("COMMIT")

    def close(self):
        self.db.close()

    def put(self, kind, key, body):
        self.db.execute("INSERT OR REPLACE INTO objects VALUES (?, ?, ?)", (kind, key, json.dumps(body)))

    def remove(self, kind, key):
        self.db.execute("DELETE FROM objects WHERE kind = ? AND id = ?", (kind, key))

    def all(self, kind):
        rows = self.db.execute("SELECT id, body FROM objects WHERE kind = ? ORDER BY id", (kind,))
        return [(key, json.loads(body)) for key, body in rows.fetchall()]

    def keys(self, kind):
        return {key for key, in self.db.execute("SELECT id FROM objects WHERE kind = ?", (kind,))}

    def number(self, name, first=1):
        """The next number of a sequence. Reserved by the thousand, so a restart leaves a gap, never a repeat."""
        upcoming, limit = self.reserved.get(name, (0, 0))
        if upcoming == limit:
            row = self.db.execute("SELECT value FROM counters WHERE name = ?", (name,)).fetchone()
            upcoming = row[0] if row else first
            limit = upcoming + 1000
            self.db.execute("INSERT OR REPLACE INTO counters VALUES (?, ?)", (name, limit))
        self.reserved[name] = (upcoming + 1, limit)
        return upcoming

    # ------------------------------------------------------------ segments: rows on their way into a table
    def add_segment(self, key, txn_id, table_id, seq, head, path, body):
        self.db.execute("INSERT OR REPLACE INTO segments VALUES (?, ?, ?, ?, ?, ?, ?)",
                        (key, txn_id, table_id, seq, json.dumps(head), path, body))

    def sequence_segments(self, txn_id, seq):
        self.db.execute("UPDATE segments SET seq = ? WHERE txn_id = ?", (seq, txn_id))

    def drop_segments(self, keys):
        self.db.executemany("DELETE FROM segments WHERE id = ?", [(k,) for k in keys])

    def segments(self):
        rows = self.db.execute("SELECT id, txn_id, table_id, seq, head, path, body FROM segments ORDER BY seq, id")
        return [(i, x, t, s, json.loads(h), p, b) for i, x, t, s, h, p, b in rows.fetchall()]
