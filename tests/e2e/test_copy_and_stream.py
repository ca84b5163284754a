"""What is copied is what was there; what follows is every change, in order, once."""
import pytest

from tests.support.shop import ORDER_LINES, SEED_TABLES, TABLES, Traffic, fill_statements
from tests.support.waiting import wait_until
from tests.support.walrock import parse_lsn

ACCOUNTS = "CREATE TABLE accounts (id int PRIMARY KEY, owner text NOT NULL, balance numeric(12,2))"
TEN_ACCOUNTS = "INSERT INTO accounts SELECT n, 'owner ' || n, n * 1.5 FROM generate_series(1, 10) n"


@pytest.fixture
def accounts(case):
    """A running job over one small table that is copied already."""
    case.source(ACCOUNTS, TEN_ACCOUNTS)
    walrock = case.walrock("accounts").start()
    walrock.wait_until_ready("public.accounts")
    case.assert_identical("accounts")
    return walrock


def test_inserts_updates_and_deletes_are_followed(case, accounts):
    case.source("INSERT INTO accounts VALUES (11, 'new', 0), (12, 'gone soon', 1)",
                "UPDATE accounts SET balance = balance + 1 WHERE id <= 5",
                "DELETE FROM accounts WHERE id IN (3, 12)",
                "INSERT INTO accounts VALUES (3, 'again', NULL)")
    case.settle_and_compare(accounts, "accounts")


def test_several_changes_of_one_key_in_one_transaction_leave_the_last(case, accounts):
    with case.transaction() as cursor:
        for turn in range(50):
            cursor.execute("UPDATE accounts SET owner = %s WHERE id = 1", (f"turn {turn}",))
        cursor.execute("DELETE FROM accounts WHERE id = 2")
        cursor.execute("INSERT INTO accounts VALUES (2, 'back', 2)")
        cursor.execute("INSERT INTO accounts VALUES (20, 'short life', 2)")
        cursor.execute("DELETE FROM accounts WHERE id = 20")
    case.settle_and_compare(accounts, "accounts")


def test_a_rolled_back_transaction_leaves_nothing(case, accounts):
    connection = case.pg.connect(case.name, "replicator", "replicator_pass", autocommit=False)
    connection.cursor().execute("DELETE FROM accounts")
    connection.rollback()
    connection.close()
    case.source("UPDATE accounts SET balance = 0 WHERE id = 1")
    case.settle_and_compare(accounts, "accounts")


def test_a_key_change_moves_the_row(case, accounts):
    case.source("UPDATE accounts SET id = 100 WHERE id = 1",
                "UPDATE accounts SET id = id + 1000, owner = 'moved' WHERE id BETWEEN 5 AND 7")
    case.settle_and_compare(accounts, "accounts")


def test_truncate_empties_the_target_and_rows_behind_it_stay(case, accounts):
    with case.transaction() as cursor:
        cursor.execute("INSERT INTO accounts VALUES (50, 'before', 1)")
        cursor.execute("TRUNCATE accounts")
        cursor.execute("INSERT INTO accounts VALUES (51, 'after', 1)")
    case.settle_and_compare(accounts, "accounts")
    case.source("TRUNCATE accounts")
    case.settle_and_compare(accounts, "accounts")
    case.source(TEN_ACCOUNTS)
    case.settle_and_compare(accounts, "accounts")


def test_a_column_added_with_a_constant_default_appears_in_old_rows_too(case, accounts):
    case.source("ALTER TABLE accounts ADD COLUMN is_active BOOLEAN DEFAULT true",
                "UPDATE accounts SET is_active = false WHERE id = 1",
                "ALTER TABLE accounts ADD COLUMN remark text",
                "INSERT INTO accounts VALUES (60, 'new', 1, NULL, 'said')")
    case.settle_and_compare(accounts, "accounts")


def test_unchanged_toast_keeps_the_old_value(case):
    case.source("CREATE TABLE letters (id int PRIMARY KEY, subject text, body text)",
                "ALTER TABLE letters ALTER COLUMN body SET STORAGE EXTERNAL",
                "INSERT INTO letters SELECT n, 's' || n, repeat(md5(n::text), 400) FROM generate_series(1, 20) n")
    walrock = case.walrock("letters").start()
    walrock.wait_until_ready("public.letters")
    case.source("UPDATE letters SET subject = 'changed' WHERE id <= 10")
    with case.transaction() as cursor:
        cursor.execute("INSERT INTO letters VALUES (30, 'new', repeat('x', 9000))")
        cursor.execute("UPDATE letters SET subject = 'new, changed' WHERE id = 30")
        cursor.execute("UPDATE letters SET body = 'short now' WHERE id = 1")
        cursor.execute("UPDATE letters SET subject = 'twice' WHERE id IN (2, 11)")
        cursor.execute("DELETE FROM letters WHERE id = 12")
    case.settle_and_compare(walrock, "letters")


def test_texts_that_csv_cannot_say_arrive_unchanged(case):
    case.source("CREATE TABLE texts (id int PRIMARY KEY, body text)")
    with case.transaction() as cursor:
        for number, body in enumerate(["", "\\N", "a\tb", "a\nb", "a\r\nb", "\\", '"', "'", ",", "\x01", "\x02", "\x01\x02",
                                       "NULL", "null", " spaced ", "\u00e4\u20ac\U0001f600", "\\x01", "a\\tb"]):
            cursor.execute("INSERT INTO texts VALUES (%s, %s), (%s, NULL)", (number, body, number + 1000))
    walrock = case.walrock("texts").start()
    walrock.wait_until_ready("public.texts")
    case.assert_identical("texts")
    case.source("UPDATE texts SET body = body || body", "INSERT INTO texts SELECT id + 100, body FROM texts WHERE id < 100",
                "INSERT INTO texts VALUES (500, '\\N'), (501, '')")
    case.settle_and_compare(walrock, "texts")


def test_common_types_arrive_unchanged_by_copy_and_by_stream(case):
    case.source("""CREATE TABLE kinds (id bigint PRIMARY KEY, b boolean, s smallint, i integer, n numeric(20,6), m numeric,
                     r real, d double precision, v varchar(20), c char(5), t text, y bytea, day date,
                     ts timestamp, ts3 timestamp(3), tz timestamptz, u uuid, j json, jb jsonb)""")
    rows = ["""(1, true, -32768, -2147483648, 12345678901234.123456, 0.1000, 1.5, 1e-300, 'v', 'c', 't', '\\x00ff10',
                '2024-02-29', '2024-02-29 23:59:59.999999', '2024-02-29 01:02:03.4', '2024-02-29 12:00:00+05',
                'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11', '{"a":  [1, "x"]}', '{"b": null, "a": 1.50}')""",
            "(2, false, 32767, 2147483647, -0.000001, 1e30, 3.4e38, 0.1, '', '', '', '', '0001-01-01', "
            "'1970-01-01 00:00:00', '9999-12-31 23:59:59.999', '1970-01-01 00:00:00+00', "
            "'00000000-0000-0000-0000-000000000000', '[]', '{}')",
            "(3" + ", NULL" * 18 + ")"]
    case.source(f"INSERT INTO kinds VALUES {', '.join(rows)}")
    walrock = case.walrock("kinds").start()
    walrock.wait_until_ready("public.kinds")
    case.assert_identical("kinds")
    case.source("INSERT INTO kinds SELECT id + 10, b, s, i, n, m, r, d, v, c, t, y, day, ts, ts3, tz, u, j, jb FROM kinds",
                "UPDATE kinds SET b = NOT b, n = n + 1, tz = tz + interval '1 microsecond' WHERE id = 1")
    case.settle_and_compare(walrock, "kinds")


def test_a_table_without_a_key_that_only_grows_is_appended_to(case):
    case.source("CREATE TABLE events (at timestamp, what text)", "ALTER TABLE events REPLICA IDENTITY NOTHING",
                "INSERT INTO events SELECT '2024-01-01', 'e' || n % 100 FROM generate_series(1, 500) n")
    walrock = case.walrock("events").start()
    walrock.wait_until_ready("public.events")
    case.assert_identical("events")
    case.source("INSERT INTO events SELECT '2024-01-01', 'e' || n % 100 FROM generate_series(1, 500) n",
                "INSERT INTO events VALUES (NULL, NULL), (NULL, NULL)")
    case.settle_and_compare(walrock, "events")
    assert "DUPLICATE KEY" in case.target(f"SHOW CREATE TABLE {case.name}.events")[0][1]


@pytest.mark.parametrize("semantic", ["exactly-once", "at-least-once"])
def test_a_shop_under_traffic_is_copied_and_followed(case, semantic):
    case.source(*SEED_TABLES, ORDER_LINES, *fill_statements(lines=100_000))
    walrock = case.walrock([f"public.{table}" for table in TABLES], {"sink": {"starrocks": {"sink.semantic": semantic}}})
    with Traffic(case.pg.dsn(case.name), seed=7) as traffic:
        walrock.start()
        walrock.wait_until_ready()
        reached = traffic.transactions + 1000
        walrock.wait_until("more traffic", lambda: traffic.transactions >= reached)
    case.settle_and_compare(walrock, *TABLES)


def test_tables_can_be_named_by_a_pattern(case):
    case.source("CREATE TABLE log_a (id int PRIMARY KEY)", "CREATE TABLE log_b (id int PRIMARY KEY)",
                "CREATE TABLE other (id int PRIMARY KEY)", "INSERT INTO log_b VALUES (1)")
    walrock = case.walrock("public.log_[a-z]").start()
    walrock.wait_until_ready("public.log_a", "public.log_b")
    case.assert_identical("log_a", "log_b")
    assert {table["name"] for table in walrock.status()["tables"]} == {"public.log_a", "public.log_b"}


def test_an_idle_job_lets_wal_go(case, accounts):
    """Changes of tables that nobody follows must not hold WAL back."""
    before = parse_lsn(case.pg.slot(case.slot_name)["confirmed_flush_lsn"])
    case.source("CREATE TABLE unfollowed (id int)", "INSERT INTO unfollowed SELECT generate_series(1, 1000)")
    lsn = parse_lsn(case.pg.current_lsn())
    accounts.wait_until("confirmed_flush_lsn to pass changes of other tables",
                        lambda: parse_lsn(case.pg.slot(case.slot_name)["confirmed_flush_lsn"]) >= lsn, 60)
    assert lsn > before


def test_a_change_is_visible_within_the_freshness_goal(case, accounts):
    """The default goal is 1 s; a loaded machine gets 3."""
    for turn in range(5):
        case.source(f"UPDATE accounts SET owner = 'turn {turn}' WHERE id = 1")
        accounts.wait_until("the change to be visible", lambda turn=turn: case.target(
            "SELECT owner FROM accounts WHERE id = 1") == [[f"turn {turn}"]], 3)


def streamed_bytes(case):
    """What the server sent of transactions in progress."""
    slot = f"'{case.slot_name}'"
    return case.source_as_superuser(f"SELECT stream_bytes FROM pg_stat_replication_slots WHERE slot_name = {slot}")[0][0]


def test_a_table_described_first_in_a_savepoint_that_is_rolled_back(case):
    # The transaction is sent while in progress; behind the savepoint pgoutput describes the table anew.
    case.source_as_superuser(f"ALTER ROLE replicator IN DATABASE {case.name} SET logical_decoding_work_mem = '64kB'")
    case.source(ACCOUNTS, TEN_ACCOUNTS)
    walrock = case.walrock("accounts").start()
    walrock.wait_until_ready("public.accounts")
    with case.transaction() as cursor:
        cursor.execute("SAVEPOINT s")
        cursor.execute("INSERT INTO accounts SELECT n, repeat('rolled back', 20), n FROM generate_series(1001, 4000) n")
        wait_until("the transaction being sent while in progress", lambda: streamed_bytes(case))
        cursor.execute("ROLLBACK TO s")
        cursor.execute("INSERT INTO accounts SELECT n, repeat('kept', 20), n FROM generate_series(4001, 5000) n")
    case.source("INSERT INTO accounts VALUES (5001, 'of the next transaction', 0)")
    case.settle_and_compare(walrock, "accounts")
    assert "description" not in walrock.log()
