"""Situations that PostgreSQL's own tests of logical replication name and no other test of ours has, on every server that is there.

docs/design/situations.md says which file of theirs each belongs to.
"""
import pytest

from tests.e2e.test_publications import CHANGES, SMALL, rows_of
from tests.support.case import Case
from tests.support.pg_server import PgServer
from tests.support.pg_versions import server_programs
from tests.support.rows_job import FRESH

SERVERS = server_programs()
MINE = {"source": {"postgres-cdc": {"publication.name": "mine"}}, **FRESH}


@pytest.fixture(scope="module", params=SERVERS, ids=[f"pg{major}" for major in SERVERS])
def server(request):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PG_BIN", str(SERVERS[request.param]))
        with PgServer() as pg:
            pg.major = request.param
            yield pg


@pytest.fixture
def case(server, rockpool, tmp_path):
    with Case("scenario", server, rockpool, tmp_path) as made:
        yield made


def needs(case, major):
    if case.pg.major < major:
        pytest.skip(f"came with {major}")


# -- what is published ------------------------------------------------------------------------

def test_a_publication_that_is_dropped_is_noticed_and_made_anew_at_the_next_start(case):
    """From 18 on the server goes on without it and sends nothing."""
    needs(case, 18)
    case.source(*SMALL)
    with case.walrock("small", FRESH) as walrock:
        walrock.start()
        walrock.wait_until_ready("public.small")
        case.source(f"DROP PUBLICATION {case.slot_name}_publication", *CHANGES)
        assert walrock.wait_for_exit() == 1
        assert "was dropped" in walrock.log() and "copied again" in walrock.log(), walrock.end_of_log()
        walrock.start()
        walrock.wait_until_ready("public.small")
        case.source("INSERT INTO small VALUES (12, 'last', 3)")
        case.settle_and_compare(walrock, "small")


def test_a_publication_that_is_not_there_is_refused_where_none_may_be_made(case):
    case.source(*SMALL)
    with case.walrock("small", {"source": {"postgres-cdc": {"publication.name": "mine", "publication.auto-create": False}}}) as walrock:
        walrock.start()
        assert walrock.wait_for_exit() != 0
        assert "publication mine does not exist" in walrock.log() and "CREATE PUBLICATION" in walrock.log(), walrock.end_of_log()


def test_truncates_arrive_from_where_the_publication_begins_to_send_them(case):
    case.source(*SMALL, "CREATE PUBLICATION mine FOR TABLE small WITH (publish = 'insert, update, delete')")
    with case.walrock("small", MINE) as walrock:
        walrock.start()
        walrock.wait_until_ready("public.small")
        case.source("TRUNCATE small", "INSERT INTO small VALUES (20, 'behind', 1)")
        case.settle(walrock)
        assert case.target_count("small") == 11
        case.source("ALTER PUBLICATION mine SET (publish = 'insert, update, delete, truncate')", "TRUNCATE small",
                    "INSERT INTO small VALUES (30, 'behind', 1)")
        case.settle_and_compare(walrock, "small")


def test_a_schema_that_is_taken_out_of_the_publication_sets_its_tables_aside(case):
    needs(case, 15)
    case.source(*SMALL, "CREATE SCHEMA other", "CREATE TABLE other.far (id int PRIMARY KEY)")
    case.source_as_superuser("CREATE PUBLICATION mine FOR TABLES IN SCHEMA public, other")
    with case.walrock(["public.small", "other.far"], MINE) as walrock:
        walrock.start()
        walrock.wait_until_ready("public.small", "other.far")
        case.source_as_superuser("ALTER PUBLICATION mine DROP TABLES IN SCHEMA other", "INSERT INTO other.far VALUES (1)")
        assert "publication" in walrock.wait_until_table("other.far", "errored", seconds=30)["reason"]
        case.source(*CHANGES)
        case.settle_and_compare(walrock, "small")


def test_a_filter_of_a_parent_holds_for_its_children_too(case):
    """Without ONLY a clause names all that inherit."""
    needs(case, 15)
    case.source("CREATE TABLE parent (a int PRIMARY KEY)", "CREATE TABLE child (b text, PRIMARY KEY (a)) INHERITS (parent)",
                "INSERT INTO parent VALUES (10), (20)", "INSERT INTO child VALUES (0, 'a'), (30, 'b')", "CREATE PUBLICATION mine FOR TABLE parent WHERE (a > 15)")
    with case.walrock(["parent", "child"], MINE) as walrock:
        walrock.start()
        walrock.wait_until_ready("public.parent", "public.child")
        case.source("INSERT INTO parent VALUES (14), (16)", "INSERT INTO child VALUES (13, 'c'), (17, 'd')", "UPDATE child SET a = 3 WHERE a = 30",
                    "UPDATE child SET a = 40 WHERE a = 0")
        case.settle(walrock)
        assert case.target("SELECT a FROM parent ORDER BY a") == [["16"], ["20"]]
        assert case.target("SELECT a, b FROM child ORDER BY a") == [["17", "d"], ["40", "a"]]


def test_a_filter_whose_condition_is_null_lets_no_row_pass(case):
    needs(case, 15)
    case.source("CREATE TABLE worded (id int PRIMARY KEY, v text)", "ALTER TABLE worded REPLICA IDENTITY FULL",
                "INSERT INTO worded VALUES (1, 'in'), (2, NULL), (3, 'out')", "CREATE PUBLICATION mine FOR TABLE worded WHERE (id > 0 AND v <> 'out')")
    with case.walrock("worded", MINE) as walrock:
        walrock.start()
        walrock.wait_until_ready("public.worded")
        case.source("INSERT INTO worded VALUES (4, 'in'), (5, NULL), (6, 'out'), (7, 'in')", "UPDATE worded SET v = NULL WHERE id = 4",
                    "UPDATE worded SET v = 'in' WHERE id IN (2, 6)", "DELETE FROM worded WHERE id = 7")
        case.settle(walrock)
        assert case.target("SELECT id, v FROM worded ORDER BY id") == rows_of(
            case, "SELECT id::text, v FROM worded WHERE v <> 'out' ORDER BY worded.id")


# -- partitions -------------------------------------------------------------------------------

TREE = ("CREATE TABLE tree (id int PRIMARY KEY, v text, w int) PARTITION BY RANGE (id)",
        "CREATE TABLE low (w int, v text, id int NOT NULL)", "ALTER TABLE tree ATTACH PARTITION low FOR VALUES FROM (0) TO (100)",
        "CREATE TABLE branch PARTITION OF tree FOR VALUES FROM (100) TO (300) PARTITION BY RANGE (id)",
        "CREATE TABLE branch_1 PARTITION OF branch FOR VALUES FROM (100) TO (200)", "CREATE TABLE branch_2 PARTITION OF branch FOR VALUES FROM (200) TO (300)",
        "INSERT INTO tree SELECT n, 'old', n FROM generate_series(0, 290, 10) n")


def test_a_branch_is_followed_by_itself(case):
    needs(case, 13)
    case.source(*TREE)
    with case.walrock("branch", FRESH) as walrock:
        walrock.start()
        walrock.wait_until_ready("public.branch")
        case.source("INSERT INTO tree VALUES (1, 'new', 1), (101, 'new', 1), (201, 'new', 1)", "UPDATE tree SET id = 102 WHERE id = 210",
                    "UPDATE tree SET id = 103 WHERE id = 10", "UPDATE tree SET id = 3 WHERE id = 220", "DELETE FROM branch_1 WHERE id = 110",
                    "UPDATE branch SET v = 'newer' WHERE id > 250")
        case.settle_and_compare(walrock, "branch")


def test_columns_that_are_added_to_a_root_arrive_from_leaves_of_every_order(case):
    needs(case, 13)
    case.source(*TREE)
    with case.walrock("tree", FRESH) as walrock:
        walrock.start()
        walrock.wait_until_ready("public.tree")
        case.source("INSERT INTO tree VALUES (1, 'new', 1), (101, 'new', 1)", "ALTER TABLE tree ADD COLUMN x text, ADD COLUMN y int",
                    "INSERT INTO tree (id, v, y) VALUES (2, 'newer', 5), (102, 'newer', 6), (202, 'newer', 7)",
                    "INSERT INTO tree (id, x) VALUES (3, 'given')", "UPDATE tree SET y = 9 WHERE id IN (10, 110, 210)",
                    "UPDATE tree SET id = 104, y = 10 WHERE id = 20")
        case.settle_and_compare(walrock, "tree")


def test_the_column_list_of_a_root_holds_for_its_partitions(case):
    needs(case, 15)
    case.source(*TREE, "CREATE PUBLICATION mine FOR TABLE tree (id, v), TABLE low (id, w) WITH (publish_via_partition_root = true)")
    with case.walrock("tree", MINE) as walrock:
        walrock.start()
        walrock.wait_until_ready("public.tree")
        case.source("INSERT INTO tree VALUES (1, 'new', 1), (101, 'new', 1)", "UPDATE tree SET v = 'newer', w = 0 WHERE id IN (10, 110)",
                    "UPDATE tree SET w = 77 WHERE id = 20", "UPDATE tree SET id = 104 WHERE id = 30")
        case.settle(walrock)
        assert [row[0] for row in case.target("DESC tree")] == ["id", "v"]
        assert case.target("SELECT id, v FROM tree ORDER BY id") == rows_of(case, "SELECT id::text, v FROM tree ORDER BY tree.id")


def test_each_partition_has_its_own_column_list_when_they_are_published_by_themselves(case):
    needs(case, 15)
    case.source(*TREE, "CREATE PUBLICATION mine FOR TABLE tree, TABLE low (id, w), TABLE branch_1 (id, v)")
    with case.walrock(["low", "branch_1", "branch_2"], MINE) as walrock:
        walrock.start()
        walrock.wait_until_ready("public.low", "public.branch_1", "public.branch_2")
        case.source("INSERT INTO tree VALUES (1, 'new', 1), (101, 'new', 1), (201, 'new', 1)", "UPDATE tree SET v = 'newer', w = 0 WHERE id IN (10, 110, 210)",
                    "UPDATE tree SET id = 104 WHERE id = 30")
        case.settle_and_compare(walrock, "branch_2")
        assert case.target("SELECT id, w FROM low ORDER BY id") == rows_of(case, "SELECT id::text, w::text FROM low ORDER BY low.id")
        assert case.target("SELECT id, v FROM branch_1 ORDER BY id") == rows_of(case, "SELECT id::text, v FROM branch_1 ORDER BY branch_1.id")


# -- tables that change, several jobs ----------------------------------------------------------

def test_a_schema_that_is_renamed_inside_a_transaction_is_never_wrong(case):
    """The followed table is the one of before, whatever has its name since."""
    case.source("CREATE SCHEMA first", "CREATE TABLE first.t1 (id int PRIMARY KEY)", "INSERT INTO first.t1 VALUES (0)", *SMALL)
    with case.walrock(["first.t1", "public.small"], FRESH) as walrock:
        walrock.start()
        walrock.wait_until_ready("first.t1", "public.small")
        with case.transaction() as cursor:
            cursor.execute("INSERT INTO first.t1 VALUES (1); ALTER SCHEMA first RENAME TO second; CREATE SCHEMA first; "
                           "CREATE TABLE first.t1 (id int PRIMARY KEY); INSERT INTO first.t1 VALUES (2); INSERT INTO second.t1 VALUES (3)")
        case.settle(walrock)
        table = walrock.table("first.t1")  # before 18 the server does not tell of the new name
        assert "second.t1" in table["reason"] or case.target("SELECT id FROM t1 ORDER BY id") == rows_of(case, "SELECT id::text FROM second.t1 ORDER BY id"), table
        assert ["2"] not in case.target("SELECT id FROM t1")
        case.source(*CHANGES)
        case.settle_and_compare(walrock, "small")


def test_values_that_rows_lack_since_a_column_was_added_arrive_under_identity_full(case):
    """Rows from before ADD COLUMN ... DEFAULT hold nothing for it: their updates have the default all the same."""
    case.source("CREATE TABLE late (id int PRIMARY KEY, v text)", "ALTER TABLE late REPLICA IDENTITY FULL", "INSERT INTO late VALUES (1, 'a'), (2, 'b'), (3, 'c')",
                "ALTER TABLE late ADD COLUMN flag boolean NOT NULL DEFAULT false", "INSERT INTO late VALUES (4, 'd', true)")
    with case.walrock("late", FRESH) as walrock:
        walrock.start()
        walrock.wait_until_ready("public.late")
        case.source("UPDATE late SET id = id + 10 WHERE id IN (1, 4)", "ALTER TABLE late ADD COLUMN later text DEFAULT 'so'", "UPDATE late SET v = 'new' WHERE id = 2",
                    "UPDATE late SET id = 30 WHERE id = 3", "DELETE FROM late WHERE id = 11")
        case.settle_and_compare(walrock, "late")


def test_two_jobs_follow_one_table(case, tmp_path):
    case.source(*SMALL)
    case.rockpool.execute("CREATE DATABASE scenario_too")
    other = {"sink": {"starrocks": {"database": "scenario_too"}}, "walrock": {"freshness": "200ms", "checkpoint": str(tmp_path / "other"), "http": "127.0.0.1:0"}}
    try:
        with case.walrock("small", FRESH) as one, case.walrock("small", other, job_name="other.yml", job_id="scenario_too") as two:
            for walrock in (one, two):
                walrock.start()
                walrock.wait_until_ready("public.small")
            case.source(*CHANGES, "TRUNCATE small", "INSERT INTO small VALUES (1, 'last', 1)")
            for walrock in (one, two):
                case.settle(walrock)
            case.assert_identical("small")
            assert case.rockpool.execute("SELECT id, v, w FROM scenario_too.small") == [["1", "last", "1"]]
    finally:
        case.rockpool.execute("DROP DATABASE IF EXISTS scenario_too FORCE")


def test_columns_that_only_the_target_has_keep_their_default(case):
    case.source(*SMALL)
    case.target("CREATE TABLE small (id INT NOT NULL, v VARCHAR(100), w INT, mark VARCHAR(10) DEFAULT 'ours', empty INT) "
                "PRIMARY KEY (id) DISTRIBUTED BY HASH (id) PROPERTIES ('replication_num' = '1')")
    with case.walrock("small", FRESH) as walrock:
        walrock.start()
        walrock.wait_until_ready("public.small")
        case.source(*CHANGES)
        case.settle(walrock)
        assert case.target("SELECT id, v, w FROM small ORDER BY id") == rows_of(case, "SELECT id::text, v, w::text FROM small ORDER BY small.id")
        assert case.target("SELECT DISTINCT mark, empty FROM small") == [["ours", None]]


def test_prepared_transactions_without_changes_hold_nothing_up(case):
    case.source(*SMALL)
    with case.walrock("small", FRESH) as walrock:
        walrock.start()
        walrock.wait_until_ready("public.small")
        with case.pg.connect(case.name) as connection, connection.cursor() as cursor:
            for end in ("COMMIT", "ROLLBACK"):
                for statement in ("BEGIN", "SELECT id FROM small WHERE id = 1 FOR SHARE", "PREPARE TRANSACTION ''", f"{end} PREPARED ''"):
                    cursor.execute(statement)
        case.source(*CHANGES)
        case.settle_and_compare(walrock, "small")
