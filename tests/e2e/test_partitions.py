"""Partitioned tables as one target: what the stream does not tell of partitions is seen and copied again."""
import re

import pytest

from tests.support import verify
from tests.support.case import Case
from tests.support.job_file import merge
from tests.support.pg_server import REPLICATOR
from tests.support.walrock import parse_lsn

SALES = ["CREATE TABLE sales (id int, day int, what text, PRIMARY KEY (id, day)) PARTITION BY RANGE (day)",
         "CREATE TABLE sales_1 PARTITION OF sales FOR VALUES FROM (0) TO (100)",
         "CREATE TABLE sales_2 PARTITION OF sales FOR VALUES FROM (100) TO (200) PARTITION BY LIST (id)",
         "CREATE TABLE sales_2_even PARTITION OF sales_2 FOR VALUES IN (0, 2, 4, 6, 8, 110, 112)",
         "CREATE TABLE sales_2_rest PARTITION OF sales_2 DEFAULT",
         "CREATE TABLE healthy (id int PRIMARY KEY)",
         "INSERT INTO sales SELECT n, n * 10, 'sale ' || n FROM generate_series(0, 19) n"]
DEBUG = {"log-level": "debug"}
THIRD = "FOR VALUES FROM (200) TO (300)"
STANDALONE = "CREATE TABLE sales_3 (id int NOT NULL, day int NOT NULL, what text, PRIMARY KEY (id, day))"
FILL = "INSERT INTO sales_3 SELECT n, 200 + n, 'third ' || n FROM generate_series(1, 5) n"
ATTACH = f"ALTER TABLE sales ATTACH PARTITION sales_3 {THIRD}"


def sales(case, changes=None):
    case.source(*SALES)
    walrock = case.walrock(["public.sales", "public.healthy"], merge({"walrock": DEBUG}, changes or {})).start()
    walrock.wait_until_ready("public.sales", "public.healthy")
    look(case, walrock)
    return walrock


def look(case, walrock):
    """Waits until the partitions were looked at as they are now, and what followed is done."""
    now = parse_lsn(case.pg.current_lsn())
    walrock.wait_until("a look at the partitions", lambda: any(
        parse_lsn(lsn) >= now for lsn in re.findall(r"partitions looked at .*lsn=(\S+)", walrock.log())), 60, every=0.2)
    case.settle(walrock)
    walrock.wait_until_ready()
    case.settle(walrock)


def copies(walrock, table="sales"):
    return len(re.findall(rf"copied table=public\.{table} ", walrock.log()))


class Situation:
    """What happens, statement by statement (a list in it is one transaction), and whether the table is copied again."""

    def __init__(self, name, *steps, reason=None, may_copy=False):
        self.name, self.steps, self.reason, self.may_copy = name, steps, reason, may_copy

    @property
    def table(self):
        return f"s{SITUATIONS.index(self)}"

    def of_its_table(self, statement):
        return statement.replace("sales", self.table)

    def play(self, case):
        for step in self.steps:
            if isinstance(step, list):
                with case.transaction() as cursor:
                    for statement in step:
                        cursor.execute(self.of_its_table(statement))
            else:
                case.source(self.of_its_table(step))


SITUATIONS = [
    Situation("changes_through_root_and_leaf",
              "INSERT INTO sales VALUES (50, 5, 'by the root'), (51, 105, 'by the root')",
              "INSERT INTO sales_1 VALUES (52, 6, 'by the leaf')",
              "INSERT INTO sales_2 VALUES (53, 107, 'by the branch'), (112, 107, 'by the branch')",
              "UPDATE sales SET what = 'updated' WHERE id IN (1, 12)",
              "UPDATE sales_1 SET what = 'updated in the leaf' WHERE id = 2",
              "DELETE FROM sales WHERE id = 3", "DELETE FROM sales_2_rest WHERE id = 13"),
    Situation("updates_across_partitions",
              "UPDATE sales SET day = day + 100 WHERE id = 4",
              "UPDATE sales SET day = day - 100 WHERE id IN (11, 15)",
              ["UPDATE sales SET day = 199 WHERE id = 5", "UPDATE sales SET day = 1 WHERE id = 5",
               "UPDATE sales SET what = 'came back' WHERE id = 5"]),
    Situation("made_as_a_partition_and_filled", f"CREATE TABLE sales_3 PARTITION OF sales {THIRD}", FILL),
    Situation("made_as_a_partition_and_filled_in_one_transaction",
              [f"CREATE TABLE sales_3 PARTITION OF sales {THIRD}", FILL]),
    Situation("a_branch_with_leaves_is_made_and_filled",
              f"CREATE TABLE sales_3 PARTITION OF sales {THIRD} PARTITION BY HASH (id)",
              "CREATE TABLE sales_3_0 PARTITION OF sales_3 FOR VALUES WITH (MODULUS 1, REMAINDER 0)", FILL),
    Situation("attached_empty_then_filled", STANDALONE, ATTACH, FILL, may_copy=True),
    Situation("attached_filled", STANDALONE, FILL, ATTACH, reason="sales_3 was attached with rows"),
    Situation("made_filled_and_attached_in_one_transaction", [STANDALONE, FILL, ATTACH],
              reason="sales_3 was attached with rows"),
    Situation("a_branch_is_attached_filled",
              f"{STANDALONE} PARTITION BY HASH (id)",
              "CREATE TABLE sales_3_0 PARTITION OF sales_3 FOR VALUES WITH (MODULUS 1, REMAINDER 0)", FILL, ATTACH,
              reason="sales_3_0 was attached with rows"),
    Situation("detached", "ALTER TABLE sales DETACH PARTITION sales_1", reason="sales_1 was detached or dropped"),
    Situation("detached_concurrently", "ALTER TABLE sales DETACH PARTITION sales_1 CONCURRENTLY",
              reason="sales_1 was detached or dropped"),
    Situation("a_branch_is_detached", "ALTER TABLE sales DETACH PARTITION sales_2", reason="was detached or dropped"),
    Situation("detached_changed_and_attached_again", "ALTER TABLE sales DETACH PARTITION sales_1",
              "DELETE FROM sales_1 WHERE id < 5",
              "ALTER TABLE sales ATTACH PARTITION sales_1 FOR VALUES FROM (0) TO (100)",
              reason="partition public.sales_1 was"),
    Situation("dropped", "DROP TABLE sales_1", reason="sales_1 was detached or dropped"),
    Situation("made_filled_and_dropped", f"CREATE TABLE sales_3 PARTITION OF sales {THIRD}", FILL,
              "DROP TABLE sales_3", reason="detached or dropped"),
    Situation("made_filled_and_truncated", f"CREATE TABLE sales_3 PARTITION OF sales {THIRD}", FILL,
              "TRUNCATE sales_3", reason="partition public.sales_3"),
    Situation("a_leaf_is_truncated", "TRUNCATE sales_1", reason="sales_1 was truncated by itself"),
    Situation("a_leaf_is_truncated_and_filled",
              ["TRUNCATE sales_2_even", "INSERT INTO sales_2_even VALUES (110, 150, 'after')"],
              "INSERT INTO sales VALUES (112, 151, 'later')", reason="sales_2_even was truncated by itself"),
    Situation("the_root_is_truncated", "TRUNCATE sales"),
    Situation("the_root_is_truncated_twice_with_rows_between", "TRUNCATE sales",
              "INSERT INTO sales VALUES (1, 1, 'between'), (2, 102, 'between')", "TRUNCATE sales",
              "INSERT INTO sales VALUES (3, 3, 'after'), (4, 104, 'after')"),
    Situation("the_root_is_truncated_and_filled_in_one_transaction",
              ["TRUNCATE sales", "INSERT INTO sales VALUES (1, 1, 'filled'), (2, 102, 'filled')"]),
    Situation("a_leaf_is_truncated_behind_the_root", "TRUNCATE sales",
              "INSERT INTO sales VALUES (1, 1, 'between'), (2, 102, 'between')", "TRUNCATE sales_1",
              reason="sales_1 was truncated by itself"),
    Situation("the_root_is_truncated_behind_a_leaf", "TRUNCATE sales_1", "INSERT INTO sales VALUES (1, 1, 'between')",
              "TRUNCATE sales", "INSERT INTO sales VALUES (3, 3, 'after')", may_copy=True),
]


class Played:
    """All situations in one job, each in a table of its own: what became of each."""

    def __init__(self, case, is_down):
        for situation in SITUATIONS:
            case.source(*(situation.of_its_table(statement) for statement in SALES if "healthy" not in statement))
        self.walrock = case.walrock([f"public.{situation.table}" for situation in SITUATIONS], {"walrock": DEBUG}).start()
        self.walrock.wait_until_ready()
        look(case, self.walrock)
        self.log_before = self.walrock.log()
        if is_down:
            self.walrock.stop()
        for situation in SITUATIONS:
            situation.play(case)
        if is_down:
            self.walrock.start()
        look(case, self.walrock)
        self.walrock.wait_until("what is seen to be done", lambda: all(
            copies(self.walrock, situation.table) > 1 for situation in SITUATIONS if situation.reason), every=0.2)
        look(case, self.walrock)
        self.log_after = self.walrock.log()
        self.first = self.compare(case)
        # What was seen is known from then on.
        self.walrock.stop()
        for situation in SITUATIONS:
            case.source(situation.of_its_table("UPDATE sales SET what = 'at the end' WHERE id IN (4, 14)"))
        self.walrock.start()
        look(case, self.walrock)
        self.log_at_end = self.walrock.log()
        self.second = self.compare(case)
        self.walrock.stop()

    @staticmethod
    def compare(case):
        pairs = [(f"public.{situation.table}", f"{case.name}.{situation.table}") for situation in SITUATIONS]
        return verify.compare(case.pg.dsn(case.name), case.rockpool.mysql_address, pairs)


@pytest.fixture(scope="module", params=[False, True], ids=["running", "down"])
def played(request, pg, rockpool, tmp_path_factory):
    name = "partitions_down" if request.param else "partitions_running"
    with Case(name, pg, rockpool, tmp_path_factory.mktemp(name)) as case:
        yield Played(case, request.param)


@pytest.mark.parametrize("situation", SITUATIONS, ids=lambda situation: situation.name)
def test_the_target_follows_its_partitions(played, situation):
    def copied(log):
        return log.count(f"copied table=public.{situation.table} ")

    number = SITUATIONS.index(situation)
    assert played.first[number].identical, played.first[number]
    assert played.second[number].identical, played.second[number]
    assert copied(played.log_before) == 1
    if situation.reason:
        assert copied(played.log_after) > 1
        assert situation.of_its_table(situation.reason) in played.log_after
    elif not situation.may_copy:
        assert copied(played.log_after) == 1
    assert copied(played.log_at_end) == copied(played.log_after)


def test_rows_of_dropped_partitions_are_kept_where_the_job_says_so(case):
    walrock = sales(case, {"tables": {"public.sales": {"dropped-partitions": "keep"}}})
    before = case.target_count("sales")
    case.source("DROP TABLE sales_1", "INSERT INTO sales VALUES (30, 130, 'new')")
    look(case, walrock)
    assert copies(walrock) == 1 and case.target_count("sales") == before + 1


def test_an_unlogged_partition_sets_its_table_aside(case):
    walrock = sales(case)
    case.source(f"CREATE UNLOGGED TABLE sales_3 PARTITION OF sales {THIRD}")
    table = walrock.wait_until_table("public.sales", "errored")
    assert "partition public.sales_3 is unlogged" in table["reason"]
    case.source("INSERT INTO healthy VALUES (7)")
    case.settle_and_compare(walrock, "healthy")


def away(case):
    case.source_as_superuser("CREATE EXTENSION postgres_fdw", "CREATE SERVER away FOREIGN DATA WRAPPER postgres_fdw",
                             f"GRANT USAGE ON FOREIGN SERVER away TO {REPLICATOR}")


def test_a_foreign_partition_sets_its_table_aside(case):
    away(case)
    case.source("CREATE TABLE events (id int, day int) PARTITION BY RANGE (day)",
                "CREATE TABLE events_1 PARTITION OF events FOR VALUES FROM (0) TO (100)",
                "ALTER TABLE events REPLICA IDENTITY NOTHING", "ALTER TABLE events_1 REPLICA IDENTITY NOTHING",
                "INSERT INTO events VALUES (1, 1)")
    walrock = case.walrock("public.events").start()
    walrock.wait_until_ready("public.events")
    case.source("CREATE FOREIGN TABLE events_2 PARTITION OF events FOR VALUES FROM (100) TO (200) SERVER away")
    assert "partition public.events_2 is a foreign table" in walrock.wait_until_table("public.events", "errored")["reason"]


def test_partitions_as_tables_of_their_own(case):
    case.source(*SALES)
    walrock = case.walrock(["public.sales_1", "public.sales_2_rest"], {"walrock": DEBUG}).start()
    walrock.wait_until_ready("public.sales_1", "public.sales_2_rest")
    case.source("UPDATE sales SET day = 150 WHERE id = 5", "DELETE FROM sales WHERE id = 17", "TRUNCATE sales_1",
                "INSERT INTO sales VALUES (60, 60, 'after')")
    case.settle_and_compare(walrock, "sales_1", "sales_2_rest")


def test_a_publication_that_names_leaves_is_made_to_name_the_root(case):
    case.source(*SALES, "CREATE PUBLICATION mine FOR TABLE sales")
    walrock = case.walrock("public.sales", {"source": {"postgres-cdc": {"publication.name": "mine"}}}).start()
    walrock.wait_until_ready("public.sales")
    case.source("INSERT INTO sales VALUES (50, 50, 'by the root')", "DELETE FROM sales_1 WHERE id = 1")
    case.settle_and_compare(walrock, "sales")
    assert case.source("SELECT pubviaroot FROM pg_publication WHERE pubname = 'mine'")[0][0]


def test_a_partitioned_table_that_joins_a_job_of_plain_ones_is_followed(case):
    case.source(*SALES)
    walrock = case.walrock("public.healthy").start()
    walrock.wait_until_ready("public.healthy")
    walrock.stop()
    walrock = case.walrock(["public.healthy", "public.sales"]).start()
    walrock.wait_until_ready("public.healthy", "public.sales")
    case.source("INSERT INTO sales VALUES (50, 50, 'by the root')", "DELETE FROM sales_1 WHERE id = 1",
                "INSERT INTO healthy VALUES (1)")
    case.settle_and_compare(walrock, "sales", "healthy")


def test_a_root_and_its_partition_in_one_job_are_refused(case):
    case.source(*SALES)
    walrock = case.walrock(["public.sales", "public.sales_1"]).start()
    assert walrock.wait_for_exit() != 0
    assert "public.sales_1 is a partition of public.sales" in walrock.log()


def test_parents_and_children_are_targets_of_their_own(case):
    case.source("CREATE TABLE parent (id int PRIMARY KEY, what text)",
                "CREATE TABLE child (extra int, PRIMARY KEY (id)) INHERITS (parent)",
                "INSERT INTO parent VALUES (1, 'of the parent')", "INSERT INTO child VALUES (2, 'of the child', 20)")
    walrock = case.walrock(["public.parent", "public.child"]).start()
    walrock.wait_until_ready("public.parent", "public.child")
    assert case.target("SELECT id FROM parent") == [["1"]] and case.target("SELECT id FROM child") == [["2"]]
    case.source("UPDATE parent SET what = what || ' again'", "INSERT INTO child VALUES (3, 'new', 30)",
                "INSERT INTO parent VALUES (4, 'new')")
    case.settle(walrock)
    assert case.target("SELECT id, what FROM parent ORDER BY id") == [["1", "of the parent again"], ["4", "new"]]
    assert case.target("SELECT id, what FROM child ORDER BY id") == [["2", "of the child again"], ["3", "new"]]
    case.source("TRUNCATE ONLY parent", "DELETE FROM parent WHERE id = 3")
    case.settle(walrock)
    assert case.target("SELECT id FROM parent") == [] and case.target("SELECT id FROM child") == [["2"]]
    case.source("TRUNCATE parent")
    case.settle(walrock)
    assert case.target("SELECT id FROM child") == []


@pytest.mark.parametrize("statement,words", [
    ("CREATE UNLOGGED TABLE odd (id int PRIMARY KEY)", "is unlogged: its changes are not in the WAL"),
    ("CREATE FOREIGN TABLE odd (id int) SERVER away", "is a foreign table")])
def test_foreign_and_unlogged_tables_are_refused(case, statement, words):
    away(case)
    case.source(statement, "CREATE TABLE healthy (id int PRIMARY KEY)")
    walrock = case.walrock(["public.odd", "public.healthy"]).start()
    assert walrock.wait_for_exit() != 0
    assert f"public.odd {words}" in walrock.log()


def test_truncate_of_several_tables_cascades_and_restarts_identities(case):
    case.source("CREATE TABLE buyer (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name text)",
                "CREATE TABLE purchase (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, buyer int REFERENCES buyer)",
                "CREATE TABLE note (id int PRIMARY KEY)", "CREATE TABLE kept (id int PRIMARY KEY)",
                "INSERT INTO buyer (name) SELECT 'n' || n FROM generate_series(1, 10) n",
                "INSERT INTO purchase (buyer) SELECT n FROM generate_series(1, 10) n",
                "INSERT INTO note VALUES (1)", "INSERT INTO kept VALUES (1)")
    tables = ["buyer", "purchase", "note", "kept"]
    walrock = case.walrock([f"public.{table}" for table in tables]).start()
    walrock.wait_until_ready()
    case.source("TRUNCATE buyer, note RESTART IDENTITY CASCADE", "INSERT INTO buyer (name) VALUES ('first again')",
                "INSERT INTO purchase (buyer) VALUES (1)")
    case.settle_and_compare(walrock, *tables)
    assert case.target("SELECT id, name FROM buyer") == [["1", "first again"]]
    assert case.target_count("kept") == 1 and case.target_count("note") == 0
