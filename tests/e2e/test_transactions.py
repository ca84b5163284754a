"""Transactions of every shape: what is committed is there, what is rolled back is not, whatever came between."""
import random
import threading
from contextlib import closing

import pytest

from tests.support.case import Case
from tests.support.pg_server import REPLICATOR, REPLICATOR_PASSWORD, PgServer
from tests.support.rows_job import FRESH, RowsJob
from tests.support.waiting import wait_until

JOB = RowsJob()


@pytest.fixture(scope="module")
def rows(pg, rockpool, tmp_path_factory):
    with JOB.running("transactions", pg, rockpool, tmp_path_factory.mktemp("transactions")) as made:
        yield made


def numbered(table, count=10):
    return (f"CREATE TABLE {table} (id int PRIMARY KEY, v text)",
            f"INSERT INTO {table} SELECT n, 'old ' || n FROM generate_series(1, {count}) n")


def session(case):
    return case.pg.connect(case.name, REPLICATOR, REPLICATOR_PASSWORD, autocommit=False)


# -- subtransactions --------------------------------------------------------------------------

# Every third of the blocks fails and is rolled back, with the block inside it.
MANY = """DO $$ BEGIN FOR i IN 1..{count} LOOP
  BEGIN
    INSERT INTO {table} VALUES (i + 1000, 'outer');
    BEGIN
      UPDATE {table} SET v = 'inner ' || i WHERE id = i + 1000;
      UPDATE {table} SET v = 'seen ' || i WHERE id = 1;
      IF i % 5 = 0 THEN RAISE 'inner'; END IF;
    EXCEPTION WHEN OTHERS THEN NULL; END;
    IF i % 3 = 0 THEN RAISE 'outer'; END IF;
  EXCEPTION WHEN OTHERS THEN NULL; END;
END LOOP; END $$"""


@JOB.having(*numbered("many_blocks"))
def test_thousands_of_subtransactions_a_part_of_them_rolled_back(rows):
    rows.change(MANY.format(table="many_blocks", count=5000))
    rows.compare("many_blocks")


@JOB.having(*numbered("many_streamed"))
def test_subtransactions_of_a_transaction_that_is_sent_while_in_progress(rows):
    """Small memory of decoding: what is rolled back has been sent already."""
    with rows.case.transaction() as cursor:
        cursor.execute(MANY.format(table="many_streamed", count=2000))
        cursor.execute("SAVEPOINT s")
        cursor.execute("INSERT INTO many_streamed SELECT n, repeat('x', 1000) FROM generate_series(10001, 20000) n")
        cursor.execute("DELETE FROM many_streamed WHERE id < 10")
        cursor.execute("ROLLBACK TO s")
        cursor.execute("INSERT INTO many_streamed SELECT n, repeat('y', 1000) FROM generate_series(10001, 20000) n")
    rows.compare("many_streamed")


@JOB.having(*numbered("altered_inside"))
def test_columns_added_inside_a_streamed_transaction_and_rolled_back(rows):
    rows.change_at_once("INSERT INTO altered_inside SELECT n, repeat('a', 500) FROM generate_series(1000, 3000) n",
                        "SAVEPOINT s", "ALTER TABLE altered_inside ADD COLUMN never int DEFAULT 7",
                        "INSERT INTO altered_inside SELECT n, repeat('b', 500), n FROM generate_series(3001, 6000) n", "ROLLBACK TO s",
                        "INSERT INTO altered_inside SELECT n, repeat('c', 500) FROM generate_series(3001, 4000) n",
                        "ALTER TABLE altered_inside ADD COLUMN extra int", "UPDATE altered_inside SET extra = id WHERE id % 2 = 0",
                        "INSERT INTO altered_inside VALUES (9000, 'last', 1)")
    rows.compare("altered_inside")


@JOB.having(*numbered("savepoints"))
def test_savepoints_released_and_rolled_back(rows):
    rows.change_at_once("UPDATE savepoints SET v = 'a' WHERE id = 1", "SAVEPOINT a", "UPDATE savepoints SET v = 'b' WHERE id = 1",
                        "SAVEPOINT b", "DELETE FROM savepoints WHERE id = 1", "ROLLBACK TO b", "INSERT INTO savepoints VALUES (11, 'b')",
                        "RELEASE a", "SAVEPOINT c", "UPDATE savepoints SET id = 99 WHERE id = 2", "ROLLBACK TO c",
                        "UPDATE savepoints SET v = 'c' WHERE id = 2", "SAVEPOINT c", "DELETE FROM savepoints", "ROLLBACK TO c")
    rows.compare("savepoints")


@JOB.having(*numbered("keys_rolled_back"))
def test_a_key_that_is_inserted_in_a_savepoint_rolled_back_and_inserted_again(rows):
    rows.change_at_once("SAVEPOINT s", "INSERT INTO keys_rolled_back VALUES (20, 'never')", "DELETE FROM keys_rolled_back WHERE id = 1",
                        "ROLLBACK TO s", "INSERT INTO keys_rolled_back VALUES (20, 'this')", "SAVEPOINT s",
                        "UPDATE keys_rolled_back SET v = 'nor this'", "ROLLBACK TO s")
    rows.compare("keys_rolled_back")


@JOB.having(*numbered("undone"))
def test_a_transaction_rolled_back_as_a_whole_leaves_nothing(rows):
    connection = session(rows.case)
    with connection.cursor() as cursor:
        cursor.execute("INSERT INTO undone SELECT n, repeat('x', 1000) FROM generate_series(100, 20000) n")
        cursor.execute("DELETE FROM undone WHERE id < 5")
    connection.rollback()
    connection.close()
    rows.change("UPDATE undone SET v = 'after' WHERE id = 1")
    rows.compare("undone")


# -- prepared transactions --------------------------------------------------------------------

def prepare(case, name, *statements):
    connection = session(case)
    with connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)
        cursor.execute(f"PREPARE TRANSACTION '{name}'")
    connection.close()


@JOB.having(*numbered("two_phases"))
def test_prepared_transactions_count_when_they_are_committed(rows):
    prepare(rows.case, "kept", "INSERT INTO two_phases VALUES (11, 'prepared')", "UPDATE two_phases SET v = 'prepared' WHERE id = 1",
            "SAVEPOINT s", "DELETE FROM two_phases WHERE id = 2", "ROLLBACK TO s", "DELETE FROM two_phases WHERE id = 3")
    prepare(rows.case, "given up", "INSERT INTO two_phases VALUES (12, 'never')", "DELETE FROM two_phases WHERE id = 4")
    rows.change("UPDATE two_phases SET v = 'between' WHERE id = 5")
    rows.compare("two_phases")
    assert rows.case.target("SELECT v FROM two_phases WHERE id IN (1, 11)") == [["old 1"]]
    rows.change("COMMIT PREPARED 'kept'", "INSERT INTO two_phases VALUES (13, 'after')", "ROLLBACK PREPARED 'given up'")
    rows.compare("two_phases")


@JOB.having(*numbered("large_two_phases"))
def test_a_large_prepared_transaction_of_several_tables(rows):
    prepare(rows.case, "large", "INSERT INTO large_two_phases SELECT n, repeat('p', 500) FROM generate_series(100, 20000) n",
            "DELETE FROM large_two_phases WHERE id % 2 = 0", "TRUNCATE moved_over")
    rows.change("COMMIT PREPARED 'large'")
    rows.compare("large_two_phases", "moved_over")


def test_a_transaction_prepared_before_the_slot_and_committed_behind_it(case):
    case.source(*numbered("t"))
    prepare(case, case.name, "INSERT INTO t VALUES (11, 'prepared')", "DELETE FROM t WHERE id = 1")
    with case.walrock("t", FRESH) as walrock:
        walrock.start()
        wait_for_the_slot(case)
        case.source(f"COMMIT PREPARED '{case.name}'")
        walrock.wait_until_ready("public.t")
        case.source("UPDATE t SET v = 'after' WHERE id = 11")
        case.settle_and_compare(walrock, "t")


@pytest.fixture
def case_with_own_pg(rockpool, tmp_path):
    with PgServer() as own, Case("prepared_and_crashed", own, rockpool, tmp_path) as made:
        yield made


@pytest.mark.parametrize("who", ["walrock", "PostgreSQL"])
def test_a_transaction_that_is_prepared_while_one_side_crashes(case_with_own_pg, who):
    case = case_with_own_pg
    case.source(*numbered("t"))
    with case.walrock("t", FRESH) as walrock:
        walrock.start()
        walrock.wait_until_ready("public.t")
        prepare(case, case.name, "INSERT INTO t VALUES (11, 'prepared')", "DELETE FROM t WHERE id = 1")
        case.source("UPDATE t SET v = 'between' WHERE id = 2")
        case.settle(walrock)
        if who == "walrock":
            walrock.kill()
            walrock.start()
        else:
            case.pg.stop_immediately()
            case.pg.start()
        case.source("UPDATE t SET v = 'behind' WHERE id = 3", f"COMMIT PREPARED '{case.name}'", "INSERT INTO t VALUES (1, 'again')")
        case.settle_and_compare(walrock, "t")


# -- what a reader sees -----------------------------------------------------------------------

@JOB.having("CREATE TABLE balances (id int PRIMARY KEY, amount int)", "INSERT INTO balances SELECT n, 100 FROM generate_series(1, 50) n")
def test_a_reader_never_sees_half_a_transaction_of_a_table(rows):
    """Each transaction moves an amount from one row to others, deletes rows and makes new ones; the sum stays."""
    dice, stopped, seen = random.Random(7), threading.Event(), set()

    def look():
        while not stopped.is_set():
            seen.add(rows.case.target("SELECT sum(amount) FROM balances")[0][0])

    reader = threading.Thread(target=look)
    reader.start()
    try:
        for _ in range(150):
            one, two, three = dice.sample(range(1, 51), 3)
            rows.change_at_once(f"UPDATE balances SET amount = amount - 20 WHERE id = {one}", f"UPDATE balances SET amount = amount + 15 WHERE id = {two}",
                                f"UPDATE balances SET amount = amount + 5 WHERE id = {three}", f"UPDATE balances SET id = id + 1000 WHERE id = {one}",
                                f"WITH gone AS (DELETE FROM balances WHERE id = {one + 1000} RETURNING amount) INSERT INTO balances SELECT {one}, amount FROM gone")
        rows.compare("balances")
    finally:
        stopped.set()
        reader.join()
    assert seen == {"5000"}


# -- transactions and the snapshot ------------------------------------------------------------

def wait_for_the_slot(case):
    """A slot waits for the transactions that have an xid; this one is being made and waits."""
    wait_until("the slot being made", lambda: case.pg.slot(case.slot_name), 30)


def test_a_transaction_that_wrote_before_the_slot_and_commits_behind_it(case):
    case.source(*numbered("t"), *numbered("u"))
    long, short = session(case), session(case)
    with closing(long), closing(short), case.walrock("public.*", FRESH) as walrock:
        cursor, other = long.cursor(), short.cursor()
        cursor.execute("UPDATE t SET v = 'long' WHERE id = 1")
        other.execute("SELECT count(*) FROM u")  # no xid yet: the slot does not wait for this one
        walrock.start()
        wait_for_the_slot(case)
        case.source("INSERT INTO t VALUES (20, 'while the slot waits')")
        cursor.execute("INSERT INTO t VALUES (21, 'long')")
        cursor.execute("DELETE FROM u WHERE id = 1")
        long.commit()
        walrock.wait_until_ready("public.t", "public.u")
        other.execute("INSERT INTO u VALUES (22, 'began before, wrote behind')")
        other.execute("DELETE FROM u WHERE id = 2")
        short.commit()
        case.settle_and_compare(walrock, "t", "u")


def test_long_transactions_around_the_copy_of_a_table(case):
    """They write before, while and after the table is read; the copy goes on beside them."""
    case.source("CREATE TABLE t (id int PRIMARY KEY, v text)",
                "INSERT INTO t SELECT n, repeat('x', 100) FROM generate_series(1, 60000) n")
    long = session(case)
    with closing(long), case.walrock("t", {"source": {"copy-rate": "2MB"}, **FRESH}) as walrock:
        cursor = long.cursor()
        walrock.start()
        walrock.wait_until_table("public.t", "copying")
        cursor.execute("UPDATE t SET v = 'while copying' WHERE id % 1000 = 0")
        case.source("DELETE FROM t WHERE id % 1000 = 1")
        walrock.wait_until_ready("public.t")
        cursor.execute("INSERT INTO t VALUES (100001, 'after the copy')")
        cursor.execute("DELETE FROM t WHERE id % 1000 = 2")
        long.commit()
        case.settle_and_compare(walrock, "t")


# -- shapes -----------------------------------------------------------------------------------

@JOB.having(*numbered("empties"))
def test_empty_transactions_between_others_let_the_position_go_on(rows):
    rows.change("SELECT txid_current()", "UPDATE empties SET v = 'new' WHERE false", "CREATE TABLE not_followed (id int)",
                "INSERT INTO not_followed VALUES (1)", "UPDATE empties SET v = 'new' WHERE id = 1", "SELECT txid_current()")
    rows.compare("empties")


@JOB.having(*numbered("moved_from"), *numbered("moved_over", 0))
def test_a_transaction_of_several_tables(rows):
    rows.change_at_once("WITH gone AS (DELETE FROM moved_from WHERE id < 5 RETURNING *) INSERT INTO moved_over SELECT * FROM gone",
                        "UPDATE moved_from SET v = 'stayed'", "INSERT INTO moved_over SELECT id + 100, v FROM moved_from",
                        "DELETE FROM moved_from WHERE id = 5", "UPDATE moved_over SET id = 5 WHERE id = 105")
    rows.compare("moved_from", "moved_over")


@JOB.having("CREATE TABLE huge (id int PRIMARY KEY, v text, n numeric(12,2))",
            "INSERT INTO huge SELECT n, 'old', n FROM generate_series(1, 100000) n")
def test_a_transaction_of_three_hundred_thousand_rows(rows):
    rows.change_at_once("INSERT INTO huge SELECT n, 'new', n / 7.0 FROM generate_series(100001, 200000) n",
                        "UPDATE huge SET v = 'changed' WHERE id <= 100000", "DELETE FROM huge WHERE id % 2 = 0")
    rows.compare("huge")


@JOB.having(*(statement for n in range(6) for statement in numbered(f"overlap_{n}", 100)))
def test_many_sessions_whose_large_transactions_overlap(rows):
    """Six transactions write in turns and commit in another order than they began."""
    sessions = [session(rows.case) for _ in range(6)]
    for turn in range(4):
        for n, connection in enumerate(sessions):
            with connection.cursor() as cursor:
                cursor.execute(f"INSERT INTO overlap_{n} SELECT i, 'session {n}' FROM generate_series({1000 * (turn + 1)}, {1000 * (turn + 1) + 800}) i")
                cursor.execute(f"UPDATE overlap_{n} SET v = v || 'u' WHERE id % 7 = {turn}")
                cursor.execute(f"DELETE FROM overlap_{n} WHERE id % 11 = {turn}")
    for n in (3, 0, 5, 1, 4):
        sessions[n].commit()
    sessions[2].rollback()
    for connection in sessions:
        connection.close()
    rows.compare(*(f"overlap_{n}" for n in range(6)))


@JOB.having(*numbered("messages"))
def test_logical_messages_change_nothing(rows):
    rows.change_at_once("SELECT pg_logical_emit_message(true, 'app', 'in the transaction')", "UPDATE messages SET v = 'new' WHERE id = 1")
    rows.change("SELECT pg_logical_emit_message(true, 'app', 'alone')", "SELECT pg_logical_emit_message(false, 'app', 'outside')")
    rows.compare("messages")


@JOB.having(*numbered("by_origin"))
def test_rows_with_a_replication_origin_are_followed_too(rows):
    """What another replication wrote into the source is content of the source."""
    rows.case.source_as_superuser(
        "SELECT pg_replication_origin_create('elsewhere')", "SELECT pg_replication_origin_session_setup('elsewhere')",
        "UPDATE by_origin SET v = 'from elsewhere' WHERE id < 4", "INSERT INTO by_origin VALUES (11, 'from elsewhere')",
        "SELECT pg_replication_origin_session_reset()", "SELECT pg_replication_origin_drop('elsewhere')")
    rows.compare("by_origin")
