"""Random histories: what several sessions do to a few tables, step by step; played, compared, shrunk.

A history is a list of steps. Each is one statement of one session, or kills walrock, which starts again, or is a quiet
point: all sessions commit, and source and target are compared. A statement that PostgreSQL refuses (a key that is taken, a row that another session holds) rolls its
session back; what follows in it is the next transaction. So any part of a history is a history again, which is what makes
shrinking simple.
"""
import random
from dataclasses import dataclass

import psycopg2

from tests.support import job_file
from tests.support.pg_server import REPLICATOR, REPLICATOR_PASSWORD
from tests.support.rows_job import FRESH

SESSIONS = 3

# Ways to run the job that must not matter; `streamed` sends transactions while they are in progress.
WAYS = ("plain", "streamed", "at-least-once", "json", "durable-spool")

KEYS = 40

# Each table has a key column k, a text v, and two large texts; `only_grows` and `equals` have no key, and rows of `equals` change.
KEYED = ("by_default", "by_full", "by_index", "by_two")
TABLES = (*KEYED, "only_grows", "equals")
KILL = "kill -9"
COLUMNS = "k int NOT NULL, v text, big text, other text"


@dataclass(frozen=True)
class Step:
    session: int | None  # None: a quiet point, or KILL
    sql: str = ""

    def __repr__(self):
        return f"Step({self.session}, {self.sql!r})" if self.sql else "Step(None)"


def create():
    """The tables, and rows that the copy brings."""
    made = [f"CREATE TABLE by_default ({COLUMNS}, PRIMARY KEY (k))", f"CREATE TABLE by_full ({COLUMNS}, PRIMARY KEY (k))",
            "ALTER TABLE by_full REPLICA IDENTITY FULL",
            f"CREATE TABLE by_index (id serial PRIMARY KEY, {COLUMNS}, CONSTRAINT by_index_k UNIQUE (k))",
            "ALTER TABLE by_index REPLICA IDENTITY USING INDEX by_index_k",
            f"CREATE TABLE by_two (v text, big text, other text, k int, half text DEFAULT 'h', PRIMARY KEY (half, k))",
            f"CREATE TABLE only_grows ({COLUMNS})", "ALTER TABLE only_grows REPLICA IDENTITY NOTHING",
            f"CREATE TABLE equals ({COLUMNS})", "ALTER TABLE equals REPLICA IDENTITY FULL"]
    for table in TABLES:
        made += [f"ALTER TABLE {table} ALTER {column} SET STORAGE EXTERNAL" for column in ("big", "other")]
        made.append(f"INSERT INTO {table} (k, v, big) SELECT n, 'copied', repeat('c' || n, 1500) FROM generate_series(0, {KEYS // 2}) n")
    return made


class History:
    """The same seed makes the same steps."""

    # How often each kind of statement comes.
    WEIGHTS = {"equal": 5, "insert": 5, "update": 6, "touch": 6, "move": 4, "delete": 4, "replace": 2, "swap": 1, "shift": 1, "many": 1,
               "truncate": 0.2, "savepoint": 3, "roll_to": 2, "release": 1, "commit": 6, "rollback": 1}

    def __init__(self, seed):
        self.random = random.Random(seed)
        self.savepoints = [0] * SESSIONS

    def steps(self, count):
        made = []
        while len(made) < count:
            session = self.random.randrange(SESSIONS)
            kind = self.random.choices(list(self.WEIGHTS), list(self.WEIGHTS.values()))[0]
            made += [Step(session, sql) for sql in getattr(self, kind)(session)]
            if self.random.random() < 0.01:
                made.append(Step(None, KILL))
            if self.random.random() < 0.02:
                self.savepoints = [0] * SESSIONS
                made.append(Step(None))
        return made

    # -- parts of statements ------------------------------------------------------------------

    def key(self):
        return self.random.randrange(KEYS)

    def table(self):
        return self.random.choice(KEYED)

    def text(self):
        return self.random.choice(["NULL", "''", f"'v{self.random.randrange(1000)}'", "E'\\\\N'", "E'\\x01\\x02'", "'\u00e4\u65e5\U0001f600'"])

    def large(self):
        """Large enough to be kept beside the row, mostly."""
        return self.random.choice(["NULL", "'short'", *[f"repeat('{self.random.randrange(10**6)}', {self.random.randrange(600, 1500)})"] * 3])

    # -- statements of rows -------------------------------------------------------------------

    def insert(self, _):
        table = self.random.choice(TABLES)
        safe = " ON CONFLICT DO NOTHING" if table in KEYED else ""
        return [f"INSERT INTO {table} (k, v, big, other) VALUES ({self.key()}, {self.text()}, {self.large()}, {self.large()}){safe}"]

    def equal(self, _):
        """Few values, so that rows become equal and unequal; of those that are equal some change or go."""
        some = (f"WHERE ctid IN (SELECT ctid FROM equals WHERE k = {self.random.randrange(3)} ORDER BY random() "
                f"LIMIT {self.random.randrange(1, 5)})")
        large = self.random.choice(["NULL", "repeat('e', 1200)", "repeat('f', 1200)"])
        return [self.random.choice([
            f"INSERT INTO equals (k, v, big) SELECT {self.random.randrange(3)}, {self.text()}, {large} FROM generate_series(1, {self.random.randrange(1, 6)})",
            f"DELETE FROM equals {some}", f"DELETE FROM equals {some}", f"UPDATE equals SET v = {self.text()} {some}",
            f"UPDATE equals SET k = {self.random.randrange(3)} {some}", f"UPDATE equals SET big = {large} {some}",
            f"UPDATE equals SET v = v {some}"])]

    def update(self, _):
        changed = self.random.sample([f"v = {self.text()}", f"big = {self.large()}", f"other = {self.large()}"], self.random.randint(1, 3))
        return [f"UPDATE {self.table()} SET {', '.join(changed)} WHERE k = {self.key()}"]

    def touch(self, _):
        """Large values stay as they are, in a few rows."""
        return [f"UPDATE {self.table()} SET v = {self.text()} WHERE k BETWEEN {(key := self.key())} AND {key + self.random.randrange(4)}"]

    def move(self, _):
        table = self.table()
        also = self.random.choice(["", "", f", v = {self.text()}", f", big = {self.large()}"])
        return [f"UPDATE {table} SET k = {(to := self.key())}{also} WHERE k = {self.key()} AND NOT EXISTS (SELECT FROM {table} WHERE k = {to})"]

    def delete(self, _):
        return [f"DELETE FROM {self.table()} WHERE k = {self.key()}"]

    def replace(self, _):
        table, key = self.table(), self.key()
        return [f"DELETE FROM {table} WHERE k = {key}",
                f"INSERT INTO {table} (k, v, big) VALUES ({key}, {self.text()}, {self.large()}) ON CONFLICT DO NOTHING"]

    def swap(self, _):
        table, one, two = self.table(), self.key(), self.key()
        return [f"UPDATE {table} SET k = {to} WHERE k = {at}" for at, to in ((one, -1), (two, one), (-1, two))]

    def shift(self, _):
        """Many keys move, each to one that is free."""
        table = self.table()
        return [f"UPDATE {table} SET k = k + {self.random.choice([100, -100])} WHERE k % 5 = {self.random.randrange(5)}"]

    def many(self, _):
        return [f"UPDATE {self.table()} SET v = {self.text()}", f"INSERT INTO only_grows (k, v) SELECT n, 'many' FROM generate_series(1, 50) n"]

    def truncate(self, _):
        return [f"TRUNCATE {', '.join(self.random.sample(TABLES, self.random.randint(1, 2)))}"]

    # -- statements of transactions -----------------------------------------------------------

    def savepoint(self, session):
        self.savepoints[session] += 1
        return [f"SAVEPOINT s{self.savepoints[session]}"]

    def back_to(self, session, words, keeps):
        if not self.savepoints[session]:
            return []
        number = self.random.randint(1, self.savepoints[session])
        self.savepoints[session] = number - (0 if keeps else 1)
        return [f"{words} s{number}"]

    def roll_to(self, session):
        return self.back_to(session, "ROLLBACK TO", True)

    def release(self, session):
        return self.back_to(session, "RELEASE", False)

    def commit(self, session):
        self.savepoints[session] = 0
        return ["COMMIT"]

    def rollback(self, session):
        self.savepoints[session] = 0
        return ["ROLLBACK"]


class Stage:
    """The tables under a running job, on which a history is played."""

    def __init__(self, case, way="plain"):
        self.case = case
        case.source(*create())
        if way == "streamed":
            case.source_as_superuser(f"ALTER ROLE {REPLICATOR} IN DATABASE {case.name} SET logical_decoding_work_mem = '64kB'")
        self.walrock = case.walrock("public.*", job_file.merge(FRESH, self._changes(way))).start()
        self.walrock.wait_until_ready()

    def _changes(self, way):
        if way == "at-least-once":
            return {"sink": {"starrocks": {"sink.semantic": way}}}
        if way == "durable-spool":
            return {"walrock": {"durable-spool": str(self.case.folder / "spool")}}
        if way == "json":
            return {"sink": {"starrocks": {"load.properties": {"format": "json"}}}}
        return {}

    def fault_of(self, steps):
        """What is wrong at a quiet point or at the end, or None."""
        sessions = [self.case.pg.connect(self.case.name, REPLICATOR, REPLICATOR_PASSWORD, autocommit=False) for _ in range(SESSIONS)]
        try:
            for session in sessions:
                perform(session, "SET lock_timeout = '20ms'")
                session.commit()
            for step in (*steps, Step(None)):
                if step.session is not None:
                    perform(sessions[step.session], step.sql)
                elif step.sql == KILL:
                    self.walrock.kill()
                    self.walrock.start()
                elif fault := self._fault_at_rest(sessions):
                    return fault
        finally:
            for session in sessions:
                session.close()
        return None

    def _fault_at_rest(self, sessions):
        for session in sessions:
            session.commit()
        try:
            self.case.settle(self.walrock, 60)
            self.walrock.wait_until_ready(seconds=60)  # a table may be copied again by itself; set aside is a fault
            self.case.settle_and_compare(self.walrock, *TABLES)
        except AssertionError as wrong:
            return str(wrong)
        return None


def perform(session, sql):
    try:
        with session.cursor() as cursor:
            cursor.execute(sql)
    except psycopg2.Error:
        session.rollback()


def shrink(steps, is_failing):
    """Delta debugging: ever smaller pieces are left out as long as what remains fails."""
    size = max(len(steps) // 2, 1)
    while steps:
        at = 0
        while at < len(steps):
            fewer = steps[:at] + steps[at + size:]
            if is_failing(fewer):
                steps = fewer
            else:
                at += size
        if size == 1:
            return steps
        size //= 2
    return steps


def as_test(name, steps, way="plain"):
    """A test to keep in tests/e2e/test_histories.py."""
    lines = "".join(f"        {step!r},\n" for step in steps)
    return f"def test_{name}(case):\n    assert Stage(case, {way!r}).fault_of([\n{lines}    ]) is None\n"
