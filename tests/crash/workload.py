"""What the source does while things die: every kind of change, from one seed, until it is told to stop.

The tables make mistakes visible: `events` is append-only (a row that comes twice stays twice), `docs` has large
values that updates leave out, `wide` sends whole old rows, `wiped` is truncated again and again, the partitions
of `parts` are emptied, exchanged and attached with rows, of which the stream tells nothing, and `equals` has no key
and most of its rows many times.
"""
import random
import threading

import psycopg2

TABLES = {
    "keyed": ("CREATE TABLE keyed (id int PRIMARY KEY, grp int NOT NULL, what text)",),
    "wide": ("CREATE TABLE wide (id int PRIMARY KEY, a text, b numeric(12,2))", "ALTER TABLE wide REPLICA IDENTITY FULL"),
    "events": ("CREATE TABLE events (n bigint, what text)", "ALTER TABLE events REPLICA IDENTITY NOTHING"),
    "docs": ("CREATE TABLE docs (id int PRIMARY KEY, hits int NOT NULL, body text)",
             "ALTER TABLE docs ALTER body SET STORAGE EXTERNAL"),
    "wiped": ("CREATE TABLE wiped (id int PRIMARY KEY, what text)",),
    "narrow": ("CREATE TABLE narrow (id int PRIMARY KEY, what text, hits int, body text)",
               "ALTER TABLE narrow ALTER body SET STORAGE EXTERNAL"),
    "equals": ("CREATE TABLE equals (grp int, what text)", "ALTER TABLE equals REPLICA IDENTITY FULL"),
    "parts": ("CREATE TABLE parts (id int, part int, hits int, body text, PRIMARY KEY (id, part)) PARTITION BY LIST (part)",
              "ALTER TABLE parts ALTER body SET STORAGE EXTERNAL",
              *(f"CREATE TABLE parts_{part} PARTITION OF parts FOR VALUES IN ({part})" for part in range(3))),
}
# Not the one whose target refuses some rows, nor those that are copied again and again.
ALL_TABLES = tuple(table for table in TABLES if table not in ("narrow", "parts", "equals"))
ROWS = 200  # of each table before walrock starts

FILL = {
    "keyed": "INSERT INTO keyed SELECT n, n % 7, 'row ' || n FROM generate_series(1, {rows}) n",
    "wide": "INSERT INTO wide SELECT n, 'a' || n, n / 4.0 FROM generate_series(1, {rows}) n",
    "events": "INSERT INTO events SELECT -n, 'before ' || n FROM generate_series(1, {rows}) n",
    "docs": "INSERT INTO docs SELECT n, 0, repeat(md5(n::text), 100) FROM generate_series(1, {rows} / 10) n",
    "wiped": "INSERT INTO wiped SELECT n, 'old' FROM generate_series(1, {rows}) n",
    "narrow": "INSERT INTO narrow SELECT n, CASE WHEN n % 9 = 0 THEN 'too long' ELSE 'ok' END, 0, repeat(md5(n::text), 100) "
              "FROM generate_series(1, {rows} / 10) n",
    "equals": "INSERT INTO equals SELECT n % 5, CASE WHEN n % 4 > 0 THEN 'same ' || n % 3 END FROM generate_series(1, {rows}) n",
    "parts": "INSERT INTO parts SELECT n, n % 3, 0, repeat(md5(n::text), 100) FROM generate_series(1, {rows} / 4) n",
}
# What the target of `narrow` cannot take; afterwards nothing is in quarantine.
RELEASE_NARROW = "DELETE FROM narrow WHERE length(what) > 4"



def make_statements(tables, rows=ROWS):
    for table in tables:
        yield from TABLES[table]
        yield FILL[table].format(rows=rows)


class Workload:
    """A thread of transactions over some of the tables. Between `with` and the end of it it runs."""

    LARGE_EVERY = 120    # transactions; a large one is streamed while it is in progress
    LARGE_ROWS = 800
    COLUMN_EVERY = 70    # and ADD COLUMN
    MOST_COLUMNS = 20

    def __init__(self, connect, seed, tables=ALL_TABLES, pause=0.008, adds_columns=True):
        self._connect, self._tables, self._pause = connect, tables, pause
        self._dice = random.Random(seed)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="workload", daemon=True)
        self._next_id = ROWS + 1
        self._next_event = 1
        self._columns = 0 if adds_columns else self.MOST_COLUMNS
        self.transactions = 0
        self.failure = None

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self.stop()

    def stop(self):
        self._stop.set()
        self._thread.join()
        if self.failure:
            raise self.failure

    def _run(self):
        connection = None
        while not self._stop.is_set():
            try:
                connection = connection or self._connect()
                with connection, connection.cursor() as cursor:  # commits, or rolls back
                    self._transaction(cursor)
                self.transactions += 1
            except (psycopg2.OperationalError, psycopg2.InterfaceError):
                connection = None  # the server is away; what was lost is lost on both sides
            except Exception as error:  # noqa: BLE001 (told to the test at the end)
                self.failure = error
                return
            self._stop.wait(self._pause)
        if connection is not None:
            connection.close()

    def _transaction(self, cursor):
        turn = self.transactions % self.LARGE_EVERY
        if turn == 20:
            self._large(cursor)
            return
        if self.transactions % self.COLUMN_EVERY == 15 and self._columns < self.MOST_COLUMNS and "keyed" in self._tables:
            self._columns += 1
            # With a row: PostgreSQL tells of a new column with the next change of its table.
            cursor.execute(f"ALTER TABLE keyed ADD COLUMN IF NOT EXISTS c{self._columns} int")
            cursor.execute(f"INSERT INTO keyed (id, grp, c{self._columns}) VALUES (%s, 1, %s)", (self._taken(), self._columns))
        for table in self._dice.sample(self._tables, self._dice.randint(1, len(self._tables))):
            for _ in range(self._dice.randint(1, 3)):
                getattr(self, f"_{table}")(cursor)
        if self._dice.random() < 0.1:
            cursor.execute("SAVEPOINT s")
            getattr(self, f"_{self._tables[0]}")(cursor)
            cursor.execute("ROLLBACK TO s")

    def _large(self, cursor):
        """More than logical_decoding_work_mem, with a part that is rolled back."""
        first = self._taken(self.LARGE_ROWS)
        for table in self._tables:
            if table in ("keyed", "wide", "wiped"):
                cursor.execute(f"INSERT INTO {table} (id) SELECT n FROM generate_series(%s, %s) n" if table != "keyed" else
                               "INSERT INTO keyed (id, grp, what) SELECT n, n %% 7, 'large' FROM generate_series(%s, %s) n",
                               (first, first + self.LARGE_ROWS - 1))
        if "events" in self._tables:
            self._append(cursor, self.LARGE_ROWS)
        if "equals" in self._tables:
            cursor.execute("INSERT INTO equals SELECT n %% 5, 'large' FROM generate_series(1, %s) n", (self.LARGE_ROWS,))
        cursor.execute("SAVEPOINT large")
        if "keyed" in self._tables:
            cursor.execute("UPDATE keyed SET what = 'never' WHERE id >= %s", (first,))
        if "events" in self._tables:
            self._append(cursor, self.LARGE_ROWS)
        cursor.execute("ROLLBACK TO large")
        if "keyed" in self._tables:
            cursor.execute("DELETE FROM keyed WHERE id >= %s AND id %% 3 = 0", (first,))
        if "equals" in self._tables:
            cursor.execute("DELETE FROM equals WHERE grp = %s", (self._dice.randint(0, 4),))

    def _taken(self, count=1):
        first = self._next_id
        self._next_id += count
        return first

    def _some_id(self):
        return self._dice.randint(1, self._next_id)

    def _keyed(self, cursor):
        kind = self._dice.random()
        if kind < 0.4:
            cursor.execute("INSERT INTO keyed (id, grp, what) VALUES (%s, %s, 'new')", (self._taken(), self._dice.randint(0, 6)))
        elif kind < 0.7:
            cursor.execute("UPDATE keyed SET what = %s WHERE grp = %s AND id %% 5 = %s",
                           (f"changed {self.transactions}", self._dice.randint(0, 6), self._dice.randint(0, 4)))
        elif kind < 0.85:
            cursor.execute("DELETE FROM keyed WHERE id BETWEEN %s AND %s", (first := self._some_id(), first + 3))
        else:  # a key changes
            cursor.execute("UPDATE keyed SET id = %s WHERE id = (SELECT max(id) FROM keyed WHERE id <= %s)",
                           (self._taken(), self._some_id()))

    def _wide(self, cursor):
        kind = self._dice.random()
        if kind < 0.4:
            cursor.execute("INSERT INTO wide VALUES (%s, 'new', %s)", (self._taken(), self._dice.randint(0, 9999) / 100))
        elif kind < 0.7:
            cursor.execute("UPDATE wide SET b = coalesce(b, 0) + 1 WHERE id %% 11 = %s", (self._dice.randint(0, 10),))
        elif kind < 0.85:
            cursor.execute("UPDATE wide SET id = -id WHERE id = %s", (self._some_id(),))
        else:
            cursor.execute("DELETE FROM wide WHERE id = %s", (self._some_id(),))

    def _events(self, cursor):
        self._append(cursor, self._dice.randint(1, 5))

    def _append(self, cursor, count):
        cursor.execute("INSERT INTO events SELECT n, 'event ' || n FROM generate_series(%s, %s) n",
                       (self._next_event, self._next_event + count - 1))
        self._next_event += count

    def _docs(self, cursor):
        kind = self._dice.random()
        if kind < 0.2:
            cursor.execute("INSERT INTO docs VALUES (%s, 0, repeat(md5(%s::text), 100))", (self._taken(), self.transactions))
        elif kind < 0.8:  # the body stays, and is not sent
            cursor.execute("UPDATE docs SET hits = hits + 1 WHERE id %% 4 = %s", (self._dice.randint(0, 3),))
        elif kind < 0.84:  # the body stays, under another key
            cursor.execute("UPDATE docs SET id = %s WHERE id = (SELECT min(id) FROM docs)", (self._taken(),))
        elif kind < 0.9:
            cursor.execute("UPDATE docs SET body = repeat(md5(%s::text), 90) WHERE id %% 9 = %s",
                           (self.transactions, self._dice.randint(0, 8)))
        else:
            cursor.execute("DELETE FROM docs WHERE id = %s", (self._some_id(),))

    def _narrow(self, cursor):
        kind = self._dice.random()
        if kind < 0.3:
            cursor.execute("INSERT INTO narrow VALUES (%s, %s, 0, repeat(md5(%s::text), 100))",
                           (self._taken(), "no room" if self._dice.random() < 0.1 else "ok", self.transactions))
        elif kind < 0.7:  # the body stays, and is not sent
            cursor.execute("UPDATE narrow SET hits = hits + 1 WHERE id %% 3 = %s", (self._dice.randint(0, 2),))
        elif kind < 0.8:
            cursor.execute("UPDATE narrow SET what = 'too long' WHERE id = %s", (self._some_id(),))
        elif kind < 0.9:
            cursor.execute("UPDATE narrow SET what = 'ok', body = repeat(md5(%s::text), 90) WHERE id %% 9 = %s",
                           (self.transactions, self._dice.randint(0, 8)))
        else:
            cursor.execute("DELETE FROM narrow WHERE id = %s", (self._some_id(),))

    def _wiped(self, cursor):
        if self._dice.random() < 0.15:
            cursor.execute("TRUNCATE wiped")
        cursor.execute("INSERT INTO wiped VALUES (%s, 'after ' || %s)", (self._taken(), self.transactions))

    def _equals(self, cursor):
        """Rows of a transaction are equal to older ones, to each other and to those that it deletes."""
        kind, row = self._dice.random(), (self._dice.randint(0, 4), f"same {self._dice.randint(0, 2)}")
        some = "ctid IN (SELECT ctid FROM equals WHERE grp = %s ORDER BY ctid LIMIT %s)"
        if kind < 0.4:
            cursor.execute("INSERT INTO equals SELECT %s, %s FROM generate_series(1, %s)", (*row, self._dice.randint(1, 4)))
        elif kind < 0.6:
            cursor.execute(f"DELETE FROM equals WHERE {some}", (row[0], self._dice.randint(1, 4)))
        elif kind < 0.8:
            cursor.execute(f"UPDATE equals SET grp = %s WHERE {some}", (self._dice.randint(0, 4), row[0], self._dice.randint(1, 3)))
        elif kind < 0.98:
            cursor.execute("INSERT INTO equals VALUES (%s, %s), (%s, NULL)", (*row, row[0]))
            cursor.execute("DELETE FROM equals WHERE ctid = (SELECT max(ctid) FROM equals WHERE what = %s)", (row[1],))
        else:
            cursor.execute("TRUNCATE equals")

    def _parts(self, cursor):
        kind = self._dice.random()
        if kind < 0.3:
            cursor.execute("INSERT INTO parts VALUES (%s, %s, 0, repeat(md5(%s::text), 100))",
                           (self._taken(), self._dice.randint(0, 2), self.transactions))
        elif kind < 0.6:  # the body stays, and is not sent
            cursor.execute("UPDATE parts SET hits = hits + 1 WHERE id %% 4 = %s", (self._dice.randint(0, 3),))
        elif kind < 0.7:  # the body stays, under another key
            cursor.execute("UPDATE parts SET id = %s WHERE id = (SELECT min(id) FROM parts)", (self._taken(),))
        elif kind < 0.8:  # into another partition
            cursor.execute("UPDATE parts SET part = (part + 1) %% 3 WHERE id = %s", (self._some_id(),))
        elif kind < 0.9:
            cursor.execute("DELETE FROM parts WHERE id = %s", (self._some_id(),))
        elif kind < 0.92:
            cursor.execute("TRUNCATE parts")
        else:
            self._partition(cursor)

    def _partition(self, cursor):
        """Rows come and go with a partition; afterwards there is one for every row."""
        part, kind = self._dice.randint(0, 2), self._dice.random()
        fill = f"INSERT INTO parts_{part} SELECT {self._taken(3)} + n, {part}, 0, 'came' FROM generate_series(0, 2) n"
        if kind < 0.4:
            cursor.execute(f"TRUNCATE parts_{part}")
        elif kind < 0.6:
            cursor.execute(f"DROP TABLE parts_{part}")
            cursor.execute(f"CREATE TABLE parts_{part} PARTITION OF parts FOR VALUES IN ({part})")
        else:
            cursor.execute(f"ALTER TABLE parts DETACH PARTITION parts_{part}")
            if kind < 0.8:
                cursor.execute(f"DROP TABLE parts_{part}")
                cursor.execute(f"CREATE TABLE parts_{part} (LIKE parts INCLUDING ALL)")
            cursor.execute(fill)
            cursor.execute(f"ALTER TABLE parts ATTACH PARTITION parts_{part} FOR VALUES IN ({part})")
