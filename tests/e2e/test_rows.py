"""Rows by their identity and key, whatever the key is and however it changes: one job, a table or two for each test."""
import io

import pytest

from tests.support.job_file import merge
from tests.support.rows_job import FRESH, RowsJob

JOB = RowsJob()
NAMED_KEY = {"tables": {"public.named_key": {"unique-key": ["b", "a"]}, "public.full_no_key": {"without-key": "append"}}}


@pytest.fixture(scope="module")
def rows(pg, rockpool, tmp_path_factory):
    with JOB.running("rows_of_all_kinds", pg, rockpool, tmp_path_factory.mktemp("rows"), merge(FRESH, NAMED_KEY)) as made:
        yield made


def numbered(table, count=10):
    """Rows (n, 'old n') in a table of a number and a text."""
    return f"INSERT INTO {table} SELECT n, 'old ' || n FROM generate_series(1, {count}) n"


# -- replica identity -------------------------------------------------------------------------

@JOB.having("CREATE TABLE by_default (id int PRIMARY KEY, v text)", numbered("by_default"))
def test_identity_default_follows_updates_deletes_and_key_changes(rows):
    rows.change("UPDATE by_default SET v = 'new' WHERE id < 4", "DELETE FROM by_default WHERE id = 5",
                "UPDATE by_default SET id = 60 WHERE id = 6", "INSERT INTO by_default VALUES (5, 'again'), (11, NULL)")
    rows.compare("by_default")


@JOB.having("CREATE TABLE by_index (a text, b int NOT NULL, v text)", "CREATE UNIQUE INDEX by_index_b ON by_index (b)",
            "ALTER TABLE by_index REPLICA IDENTITY USING INDEX by_index_b",
            "INSERT INTO by_index SELECT NULL, n, 'old' FROM generate_series(1, 10) n")
def test_identity_index_without_a_primary_key_follows_everything(rows):
    rows.change("UPDATE by_index SET a = 'a', v = NULL WHERE b < 4", "DELETE FROM by_index WHERE b = 5",
                "UPDATE by_index SET b = 60 WHERE b = 6", "INSERT INTO by_index VALUES ('x', 5, 'again')")
    rows.compare("by_index")


@JOB.having("CREATE TABLE beside_key (id int PRIMARY KEY, code text NOT NULL UNIQUE, v text)",
            "ALTER TABLE beside_key REPLICA IDENTITY USING INDEX beside_key_code_key",
            "INSERT INTO beside_key SELECT n, 'c' || n, 'old' FROM generate_series(1, 10) n")
def test_identity_index_beside_a_primary_key_follows_everything(rows):
    rows.change("UPDATE beside_key SET v = 'new' WHERE id < 4", "UPDATE beside_key SET id = id + 100 WHERE id < 3",
                "UPDATE beside_key SET code = 'moved' WHERE id = 5", "DELETE FROM beside_key WHERE id = 6")
    rows.change_at_once("UPDATE beside_key SET id = 200, code = 'both' WHERE id = 7", "DELETE FROM beside_key WHERE id = 200")
    rows.compare("beside_key")


@JOB.having("CREATE TABLE by_full (id int PRIMARY KEY, v text)", "ALTER TABLE by_full REPLICA IDENTITY FULL",
            numbered("by_full"))
def test_identity_full_follows_updates_deletes_and_key_changes(rows):
    rows.change("UPDATE by_full SET v = 'new' WHERE id < 4", "DELETE FROM by_full WHERE id = 5",
                "UPDATE by_full SET id = 60, v = NULL WHERE id = 6", "UPDATE by_full SET v = v")
    rows.compare("by_full")


@JOB.having("CREATE TABLE by_nothing (id int PRIMARY KEY, v text)", "ALTER TABLE by_nothing REPLICA IDENTITY NOTHING",
            numbered("by_nothing"))
def test_identity_nothing_follows_inserts_and_truncate(rows):
    rows.change("INSERT INTO by_nothing VALUES (11, 'new')", "TRUNCATE by_nothing", "INSERT INTO by_nothing VALUES (1, 'x')")
    rows.compare("by_nothing")


@JOB.having("CREATE TABLE full_no_key (a int, v text)", "ALTER TABLE full_no_key REPLICA IDENTITY FULL",
            numbered("full_no_key"), numbered("full_no_key"))
def test_identity_full_without_a_key_may_be_appended_to_until_an_update_which_sets_it_aside(rows):
    rows.change("INSERT INTO full_no_key VALUES (1, 'old 1'), (NULL, NULL)")
    rows.compare("full_no_key")
    rows.change("UPDATE full_no_key SET v = 'new' WHERE a = 1")
    reason = rows.walrock.wait_until_table("public.full_no_key", "errored")["reason"]
    assert "key" in reason, reason


@JOB.having("CREATE TABLE named_key (a int NOT NULL, v text, b text NOT NULL, big text)", "ALTER TABLE named_key REPLICA IDENTITY FULL", "CREATE UNIQUE INDEX ON named_key (a)",
            "ALTER TABLE named_key ALTER big SET STORAGE EXTERNAL",
            "INSERT INTO named_key SELECT n, 'old', 'b' || n % 3, repeat('x', 4000) FROM generate_series(1, 12) n")
def test_identity_full_with_a_key_that_the_job_names_follows_everything(rows):
    rows.change("UPDATE named_key SET v = 'new' WHERE a < 4", "DELETE FROM named_key WHERE a = 5", "UPDATE named_key SET a = 60 WHERE a = 6",
                "UPDATE named_key SET b = 'moved', v = NULL WHERE a = 7", "INSERT INTO named_key VALUES (5, 'again', 'b2', NULL)")
    rows.change_at_once("DELETE FROM named_key WHERE a = 8", "INSERT INTO named_key VALUES (8, 'at once', 'b2', 'y')", "UPDATE named_key SET v = 'z' WHERE a = 8")
    rows.compare("named_key")


@JOB.having("CREATE TABLE switched (id int PRIMARY KEY, v text, big text)",
            "ALTER TABLE switched ALTER big SET STORAGE EXTERNAL",
            "INSERT INTO switched SELECT n, 'old', repeat('b', 5000) FROM generate_series(1, 9) n")
def test_an_identity_that_changes_while_the_job_runs_is_followed(rows):
    rows.change("UPDATE switched SET v = 'default' WHERE id = 1", "ALTER TABLE switched REPLICA IDENTITY FULL",
                "UPDATE switched SET v = 'full' WHERE id = 2", "UPDATE switched SET id = 30 WHERE id = 3",
                "DELETE FROM switched WHERE id = 4", "ALTER TABLE switched REPLICA IDENTITY DEFAULT",
                "UPDATE switched SET v = 'default again' WHERE id = 5", "DELETE FROM switched WHERE id = 6")
    rows.compare("switched")


# -- keys -------------------------------------------------------------------------------------

@JOB.having("CREATE TABLE many_columns (v text, b int, a text, c date, PRIMARY KEY (a, b, c))",
            "INSERT INTO many_columns SELECT 'old', n % 3, 'k' || n % 5, date '2024-01-01' + n FROM generate_series(1, 40) n")
def test_a_key_of_several_columns_in_another_order_than_the_table(rows):
    rows.change("UPDATE many_columns SET v = 'new' WHERE b = 1", "UPDATE many_columns SET b = b + 10 WHERE a = 'k1'",
                "UPDATE many_columns SET a = 'moved', c = c + 1000 WHERE a = 'k2'", "DELETE FROM many_columns WHERE a = 'k3'")
    rows.compare("many_columns")


@JOB.having("CREATE TABLE key_last (v text, w int, id int PRIMARY KEY)",
            "INSERT INTO key_last SELECT 'old', n, n FROM generate_series(1, 10) n")
def test_a_key_that_is_not_the_first_column(rows):
    rows.change("UPDATE key_last SET v = 'new' WHERE id < 4", "UPDATE key_last SET id = 50 WHERE id = 5",
                "DELETE FROM key_last WHERE id = 6")
    rows.compare("key_last")


@JOB.having("CREATE TABLE only_key (a int, b text, PRIMARY KEY (a, b))",
            "INSERT INTO only_key SELECT n, 'k' FROM generate_series(1, 10) n")
def test_a_table_that_has_no_column_but_its_key(rows):
    rows.change("INSERT INTO only_key VALUES (1, 'l')", "UPDATE only_key SET b = 'm' WHERE a = 2", "DELETE FROM only_key WHERE a = 3")
    rows.compare("only_key")


# Type of the key -> four values of it: two that stay, one that is deleted, one that a row moves to.
KEYS = {
    "smallint": ("-32768", "0", "32767", "7"),
    "int": ("-2147483648", "0", "2147483647", "7"),
    "bigint": ("-9223372036854775808", "0", "9223372036854775807", "7"),
    "numeric": ("'1.5'", "'-12345678901234567890.123456789'", "'NaN'", "'1e30'"),
    "numeric(12,3)": ("1.5", "-1.5", "0", "999999999.999"),
    "bytea": ("'\\x00'", "'\\x'", "'\\x00ff'", "'\\xc3a4'"),
    "real": ("1.5", "0.1", "'NaN'", "'-infinity'"),
    "float8": ("0.1", "'infinity'", "'NaN'", "1e-300"),
    "boolean": ("true", None, "false", None),
    "date": ("'2024-02-29'", "'0001-01-01'", "'9999-12-31'", "'1970-01-01'"),
    "timestamp": ("'2024-02-29 00:00:00.000001'", "'2024-02-29'", "'1969-12-31 23:59:59.999999'", "'9999-12-31'"),
    "timestamptz": ("'2024-02-29 00:00:00.000001+02'", "'2024-02-29+00'", "'2024-10-27 01:30+00'", "'2024-10-27 00:30+00'"),
    "time": ("'00:00'", "'24:00'", "'12:34:56.789'", "'23:59:59.999999'"),
    "timetz": ("'00:00+00'", "'01:00+01'", "'12:34:56.789-03:30'", "'23:59:59+00'"),
    "interval": ("'1 month'", "'1 day'", "'-1 second'", "'1 year 2 days'"),
    "uuid": ("'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'", "'00000000-0000-0000-0000-000000000000'",
             "'ffffffff-ffff-ffff-ffff-ffffffffffff'", "'00000000-0000-0000-0000-000000000001'"),
    "text": ("''", "E'a\\tb'", "'\\N'", "'\u00e4\u65e5'"),
    "varchar(20)": ("'a'", "'A'", "'a '", "' a'"),
    "char(6)": ("'a'", "'ab'", "''", "'abcdef'"),
    "inet": ("'10.0.0.1'", "'10.0.0.0/8'", "'::1'", "'10.0.0.1/24'"),
    "macaddr": ("'08:00:2b:01:02:03'", "'00:00:00:00:00:00'", "'ff:ff:ff:ff:ff:ff'", "'08:00:2b:01:02:04'"),
    "oid": ("0", "1", "4294967295", "7"),
    "money": ("'0'", "'1.5'", "'-1.5'", "'92233720368547758.07'"),
    "bit(8)": ("B'00000000'", "B'10000000'", "B'11111111'", "B'00000001'"),
    "bit varying": ("B'1'", "B'10'", "B''", "B'0000'"),
    "jsonb": ("'1'", "'{\"a\": 1}'", "'[1, 2]'", "'null'"),
    "int[]": ("'{1,2}'", "'{}'", "'{1,NULL}'", "'{{1},{2}}'"),
    "int4range": ("'[1,2)'", "'empty'", "'(,)'", "'[1,)'"),
    "tsvector": ("'a'", "'a b'", "''", "'c:1'"),
    "mood": ("'sad'", "'ok'", "'happy'", "'odd one'"),
    "positive": ("1", "2", "3", "4"),
    "pair": ("'(1,a)'::pair", "'(1,b)'::pair", "'(2,)'::pair", "'(,a)'::pair"),
    "pg_lsn": ("'0/1'", "'0/2'", "'F/FFFFFFFF'", "'1/0'"),
}

JOB.having("CREATE TYPE mood AS ENUM ('sad', 'ok', 'happy', 'odd one')", "CREATE DOMAIN positive AS int CHECK (VALUE > 0)",
           "CREATE TYPE pair AS (n int, t text)")
for place, (kind, (first, second, third, _)) in enumerate(KEYS.items()):
    JOB.having(f"CREATE TABLE key_{place} (v int, k {kind} PRIMARY KEY, w text)",
               *(f"INSERT INTO key_{place} VALUES (0, {value}, 'w')" for value in (first, second, third) if value))


@pytest.mark.parametrize("kind", KEYS)
def test_every_type_that_may_be_a_key(rows, kind):
    _, second, third, fourth = KEYS[kind]
    table = f"key_{list(KEYS).index(kind)}"
    rows.change(f"UPDATE {table} SET v = v + 1", f"DELETE FROM {table} WHERE k = {third}",
                f"INSERT INTO {table} VALUES (5, {third}, 'again')", f"UPDATE {table} SET v = 6 WHERE k = {third}")
    if second:
        rows.change(f"UPDATE {table} SET k = {fourth} WHERE k = {second}", f"DELETE FROM {table} WHERE k = {third}")
    rows.compare(table)


@JOB.having("CREATE TABLE same_number (k numeric PRIMARY KEY, v int)", "INSERT INTO same_number VALUES (1.0, 1), (2, 2)",
            "CREATE TABLE same_zero (k float8 PRIMARY KEY, v int)", "INSERT INTO same_zero VALUES ('0', 1), (1, 2)")
def test_a_key_that_is_written_otherwise_but_equal_stays_one_row(rows):
    """1.0 = 1.00 and 0 = -0 for PostgreSQL's index, but their texts differ."""
    rows.change("UPDATE same_number SET k = 1.00 WHERE v = 1", "UPDATE same_number SET v = 3 WHERE k = 1",
                "UPDATE same_zero SET k = '-0' WHERE v = 1", "UPDATE same_zero SET v = 3 WHERE k = 0")
    rows.compare("same_number", "same_zero")
    rows.change("DELETE FROM same_number WHERE k = 1", "DELETE FROM same_zero WHERE k = 0")
    rows.compare("same_number", "same_zero")
    rows.change_at_once("INSERT INTO same_number VALUES (1.000, 5)", "DELETE FROM same_number WHERE k = 1",
                        "INSERT INTO same_number VALUES (1, 6)")
    rows.compare("same_number")


@JOB.having("CREATE TABLE long_key (k text PRIMARY KEY, v int)", "INSERT INTO long_key VALUES (repeat('k', 128), 1)",
            "CREATE TABLE too_long_key (k text PRIMARY KEY, v int)", "INSERT INTO too_long_key VALUES ('short', 1)")
def test_a_text_key_may_have_128_bytes_and_a_longer_one_sets_aside(rows):
    rows.change("UPDATE long_key SET v = 2", "INSERT INTO long_key VALUES (repeat('\u00e4', 64), 3)",
                "UPDATE long_key SET k = repeat('j', 128) WHERE v = 2")
    rows.compare("long_key")
    rows.change("INSERT INTO too_long_key VALUES (repeat('k', 129), 2)")
    reason = rows.walrock.wait_until_table("public.too_long_key", "errored")["reason"]
    assert "primary key size exceed" in reason, reason
    assert rows.case.target("SELECT k, v FROM too_long_key") == [["short", "1"]]


# -- keys that change -------------------------------------------------------------------------

@JOB.having("CREATE TABLE chain (id int PRIMARY KEY, v text)", numbered("chain"))
def test_a_key_that_changes_again_and_again_in_one_transaction(rows):
    rows.change_at_once(*(f"UPDATE chain SET id = {n + 1}, v = v || {n} WHERE id = {n}" for n in range(100, 110)),
                        "UPDATE chain SET id = 100 WHERE id = 1",
                        *(f"UPDATE chain SET id = {n + 1}, v = v || '{n}' WHERE id = {n}" for n in range(100, 110)),
                        "INSERT INTO chain VALUES (1, 'where it was'), (105, 'on the way')")
    rows.compare("chain")
    rows.change_at_once("UPDATE chain SET id = 300 WHERE id = 2", "UPDATE chain SET id = 2 WHERE id = 300")
    rows.compare("chain")


@JOB.having("CREATE TABLE swapped (id int PRIMARY KEY, v text)", numbered("swapped"))
def test_two_keys_swapped_by_way_of_a_third_value(rows):
    rows.change_at_once("UPDATE swapped SET id = -1 WHERE id = 1", "UPDATE swapped SET id = 1 WHERE id = 2",
                        "UPDATE swapped SET id = 2 WHERE id = -1")
    rows.compare("swapped")


@pytest.mark.parametrize("change", ["UPDATE swapped SET id = 3 - id WHERE id IN (1, 2)", "UPDATE swapped SET id = id + 1"])
def test_a_deferrable_key_is_never_silently_wrong(case, change):
    """For a moment two rows have one key, so that changes cannot be applied by it: rows are known by all their values."""
    case.source("CREATE TABLE swapped (id int PRIMARY KEY DEFERRABLE INITIALLY DEFERRED, v text)",
                "ALTER TABLE swapped REPLICA IDENTITY FULL", "INSERT INTO swapped SELECT n, 'old ' || n FROM generate_series(1, 10) n")
    with case.walrock("swapped") as walrock:
        walrock.start()
        walrock.wait_until_ready("public.swapped")
        assert "deferrable" in walrock.log()
        case.source(change)
        case.settle_and_compare(walrock, "swapped")


def test_a_deferrable_key_that_is_appended_to_is_never_silently_wrong(case):
    case.source("CREATE TABLE swapped (id int PRIMARY KEY DEFERRABLE INITIALLY DEFERRED, v text)",
                "ALTER TABLE swapped REPLICA IDENTITY FULL", "INSERT INTO swapped SELECT n, 'old ' || n FROM generate_series(1, 10) n")
    with case.walrock("swapped", {"tables": {"public.swapped": {"without-key": "append"}}}) as walrock:
        walrock.start()
        walrock.wait_until_ready("public.swapped")
        case.source("UPDATE swapped SET id = 3 - id WHERE id IN (1, 2)")
        assert "deferrable" in walrock.wait_until_table("public.swapped", "errored")["reason"]


MOVED = {"deferrable": ["CREATE TABLE moved (a int NOT NULL UNIQUE DEFERRABLE INITIALLY DEFERRED, v text)"],
         "checked after the statement": ["CREATE TABLE moved (a int NOT NULL UNIQUE DEFERRABLE, v text)"],
         "unique where v is short": ["CREATE TABLE moved (a int NOT NULL, v text)", "CREATE UNIQUE INDEX ON moved (a) WHERE length(v) < 9"],
         "not unique": ["CREATE TABLE moved (a int NOT NULL, v text)"]}


@pytest.mark.parametrize("made", MOVED)
def test_a_key_that_the_job_names_and_two_rows_may_have_is_refused(case, made):
    """UPDATE t SET a = a + 1 makes the second row out of the first before it moves the second: one of them would be lost."""
    case.source(*MOVED[made], "ALTER TABLE moved REPLICA IDENTITY FULL", "INSERT INTO moved VALUES (1, 'x'), (2, 'y')",
                "CREATE TABLE other (id int PRIMARY KEY)")
    named = {"tables": {"public.moved": {"unique-key": "a"}}}
    with case.walrock("moved, other", named) as walrock:
        for command in ("check", "plan"):
            said = walrock.command(command)
            assert "unique-key (a)" in said.stdout + said.stderr, said.stdout + said.stderr
        walrock.start()
        reason = walrock.wait_until_table("public.moved", "errored")["reason"]
        assert "unique-key (a)" in reason and "CREATE UNIQUE INDEX" in reason, reason
        walrock.wait_until_ready("public.other")  # one bad table stops no other
        assert walrock.stop() == 0
    case.source("CREATE UNIQUE INDEX at_once ON moved (a)")
    with case.walrock("moved, other", named) as walrock:
        walrock.start()
        # (For a moment the status shows what the checkpoint says of the table.)
        walrock.wait_until("moved to be copied", lambda: "table=public.moved state=ready" in walrock.log())
        case.source("UPDATE moved SET a = a + 10", "INSERT INTO moved VALUES (1, 'z')", "DELETE FROM moved WHERE v = 'y'")
        case.settle_and_compare(walrock, "moved")


@JOB.having("CREATE TABLE again (id int PRIMARY KEY, v text)", numbered("again"))
def test_delete_and_insert_again_in_one_transaction(rows):
    rows.change_at_once("DELETE FROM again WHERE id < 6", "INSERT INTO again SELECT n, NULL FROM generate_series(3, 5) n",
                        "DELETE FROM again WHERE id = 4")
    rows.compare("again")
    rows.change("DELETE FROM again WHERE id = 7", "INSERT INTO again VALUES (7, 'back')", "DELETE FROM again WHERE id = 8")
    rows.compare("again")


@JOB.having("CREATE TABLE brief (id int PRIMARY KEY, v text)", numbered("brief"))
def test_insert_update_and_delete_of_one_key_in_one_batch(rows):
    rows.change_at_once("INSERT INTO brief VALUES (20, 'a'), (21, 'a')", "UPDATE brief SET v = 'b' WHERE id >= 20",
                        "DELETE FROM brief WHERE id = 20", "UPDATE brief SET v = 'c' WHERE id = 1",
                        "DELETE FROM brief WHERE id = 1")
    rows.compare("brief")


@JOB.having("CREATE TABLE counter (id int PRIMARY KEY, n int)", "INSERT INTO counter VALUES (1, 0), (2, 0)")
def test_one_key_thousands_of_times_in_one_batch(rows):
    count = "DO $$ BEGIN FOR i IN 1..5000 LOOP UPDATE counter SET n = n + 1 WHERE id = 1; END LOOP; END $$"
    rows.change(count)
    rows.compare("counter")
    rows.change("DO $$ BEGIN FOR i IN 1..1000 LOOP DELETE FROM counter WHERE id = 2; INSERT INTO counter VALUES (2, i); "
                "END LOOP; END $$")
    rows.compare("counter")


@JOB.having("CREATE TABLE written_over (id int PRIMARY KEY, v text)", numbered("written_over"))
def test_insert_on_conflict_updates_and_leaves_alone(rows):
    rows.change("INSERT INTO written_over VALUES (1, 'over'), (11, 'new') ON CONFLICT (id) DO UPDATE SET v = EXCLUDED.v",
                "INSERT INTO written_over VALUES (2, 'over'), (12, 'new') ON CONFLICT DO NOTHING")
    rows.compare("written_over")


@JOB.having("CREATE TABLE rekeyed (a int PRIMARY KEY, b int NOT NULL, v text)",
            "INSERT INTO rekeyed SELECT n, n + 100, 'old' FROM generate_series(1, 10) n")
def test_a_primary_key_that_moves_to_another_column_is_followed_or_set_aside_but_never_wrong(rows):
    rows.change("UPDATE rekeyed SET v = 'before' WHERE a = 1", "ALTER TABLE rekeyed DROP CONSTRAINT rekeyed_pkey",
                "INSERT INTO rekeyed VALUES (20, 120, 'between')", "ALTER TABLE rekeyed ADD PRIMARY KEY (b)",
                "UPDATE rekeyed SET v = 'behind' WHERE b = 102", "UPDATE rekeyed SET a = 30 WHERE b = 103", "DELETE FROM rekeyed WHERE b = 104")
    rows.case.settle(rows.walrock)
    table = rows.walrock.table("public.rekeyed")
    if table["state"] == "errored":
        assert "key" in table["reason"] or "identity" in table["reason"], table
    else:
        rows.compare("rekeyed")


def test_a_primary_key_that_moves_to_another_column_while_walrock_is_down_is_the_new_key(case):
    case.source("CREATE TABLE rekeyed_down (a int, b int NOT NULL, v text, CONSTRAINT by_a PRIMARY KEY (a))",
                "INSERT INTO rekeyed_down SELECT n, n + 100, 'old' FROM generate_series(1, 10) n")
    with case.walrock("rekeyed_down") as walrock:
        walrock.start()
        walrock.wait_until_ready("public.rekeyed_down")
        walrock.stop()
        case.source("ALTER TABLE rekeyed_down DROP CONSTRAINT by_a, ADD PRIMARY KEY (b)", "INSERT INTO rekeyed_down VALUES (1, 200, 'second')")
        walrock.start()
        walrock.wait_until("the table to be made anew", lambda: "its key is (b) by now, that of its target is (a)" in walrock.log()
                           and walrock.log().count("table=public.rekeyed_down state=ready") == 2)
        case.source("INSERT INTO rekeyed_down VALUES (1, 300, 'third')", "DELETE FROM rekeyed_down WHERE b = 200")
        case.settle_and_compare(walrock, "rekeyed_down")


@JOB.having("CREATE TABLE swapped_index (id int PRIMARY KEY DEFERRABLE, x int NOT NULL, UNIQUE (id, x))",
            "ALTER TABLE swapped_index REPLICA IDENTITY USING INDEX swapped_index_id_x_key",
            "INSERT INTO swapped_index VALUES (1, 10), (2, 20)")
def test_a_deferrable_key_is_not_the_key_where_another_index_is_the_identity(rows):
    rows.change("UPDATE swapped_index SET id = 3 - id")
    rows.compare("swapped_index")


@JOB.having("CREATE TABLE moved_key (k varchar(120) PRIMARY KEY, n int, " + ", ".join(f"c{i} text" for i in range(40)) + ")",
            "INSERT INTO moved_key SELECT repeat(chr(64 + n), 120), 1" + ", repeat('c', 64)" * 40 + " FROM generate_series(1, 5) n")
def test_a_short_key_that_is_stored_out_of_line(rows):
    rows.change("UPDATE moved_key SET n = 2 WHERE k LIKE 'A%'")
    rows.compare("moved_key")


@JOB.having("CREATE TABLE part_identity (id int PRIMARY KEY, v int, big text) PARTITION BY RANGE (id)",
            "CREATE TABLE part_identity_1 PARTITION OF part_identity FOR VALUES FROM (0) TO (1000)",
            "ALTER TABLE part_identity_1 ALTER big SET STORAGE EXTERNAL",
            "ALTER TABLE ONLY part_identity REPLICA IDENTITY FULL",
            "INSERT INTO part_identity SELECT n, 0, repeat('b', 5000) FROM generate_series(1, 5) n")
def test_the_root_has_identity_full_and_its_partition_has_not(rows):
    rows.since(13)
    rows.change("UPDATE part_identity SET v = 1 WHERE id = 1", "UPDATE part_identity SET id = 101 WHERE id = 2", "DELETE FROM part_identity WHERE id = 3")
    rows.compare("part_identity")


@JOB.having("CREATE TABLE scalars (id int PRIMARY KEY, j json, b jsonb)",
            "INSERT INTO scalars VALUES (1, '5', '5'), (2, 'true', 'null'), (3, '\"5\"', '\"true\"'), (4, '{}', '[1]'), (5, NULL, '-1.5')")
def test_json_documents_that_are_a_number_a_boolean_or_null(rows):
    rows.change("UPDATE scalars SET b = '7' WHERE id = 4", "INSERT INTO scalars SELECT n, n::text::json, 'false' FROM generate_series(10, 20) n",
                "DELETE FROM scalars WHERE id = 1")
    rows.compare("scalars")
    kept = rows.case.target("SELECT id, json_query(b, '$') FROM scalars WHERE id IN (2, 3, 4, 5) ORDER BY id")
    assert [(row[0], row[1]) for row in kept] == [("2", "null"), ("3", '"true"'), ("4", "7"), ("5", "-1.5")]


@JOB.having("CREATE COLLATION any_case (provider = icu, locale = 'und-u-ks-level2', deterministic = false)",
            "CREATE TABLE any_case_key (k text COLLATE any_case PRIMARY KEY, v int)", "INSERT INTO any_case_key VALUES ('a', 1), ('B', 2), ('c', 3)")
def test_a_key_whose_collation_takes_different_texts_for_equal(rows):
    rows.change("UPDATE any_case_key SET k = 'A' WHERE k = 'a'", "UPDATE any_case_key SET v = 5 WHERE k = 'b'", "DELETE FROM any_case_key WHERE k = 'C'",
                "INSERT INTO any_case_key VALUES ('C', 6)")
    rows.change_at_once("DELETE FROM any_case_key WHERE k = 'c'", "INSERT INTO any_case_key VALUES ('c', 7)",
                        "INSERT INTO any_case_key VALUES ('b', 8) ON CONFLICT (k) DO UPDATE SET v = 9")
    rows.compare("any_case_key")


@JOB.having("CREATE TABLE full_with_gaps (gone int, id int PRIMARY KEY, twice int GENERATED ALWAYS AS (id * 2) STORED, v text, big text)",
            "ALTER TABLE full_with_gaps DROP gone", "ALTER TABLE full_with_gaps ALTER big SET STORAGE EXTERNAL",
            "ALTER TABLE full_with_gaps REPLICA IDENTITY FULL",
            "INSERT INTO full_with_gaps (id, v, big) SELECT n, 'old', repeat('b', 5000) FROM generate_series(1, 10) n")
def test_identity_full_with_dropped_and_generated_columns(rows):
    rows.change("UPDATE full_with_gaps SET v = 'new' WHERE id = 1", "UPDATE full_with_gaps SET id = 20 WHERE id = 2",
                "DELETE FROM full_with_gaps WHERE id = 3", "UPDATE full_with_gaps SET v = NULL, big = NULL WHERE id = 4")
    rows.compare("full_with_gaps")


@JOB.having("CREATE TABLE mixed_leaves (id int PRIMARY KEY, v text, w int) PARTITION BY LIST (id)", "CREATE TABLE mixed_1 (w int, gone int, v text, id int NOT NULL)",
            "ALTER TABLE mixed_1 DROP gone", "ALTER TABLE mixed_leaves ATTACH PARTITION mixed_1 FOR VALUES IN (1, 2, 3)",
            "CREATE TABLE mixed_rest PARTITION OF mixed_leaves DEFAULT", "INSERT INTO mixed_leaves SELECT n, 'old', n * 7 FROM generate_series(1, 8) n")
def test_leaves_whose_columns_stand_in_another_order(rows):
    rows.since(13)
    rows.change("UPDATE mixed_leaves SET v = 'new' WHERE id IN (1, 5)", "UPDATE mixed_1 SET w = 0 WHERE id = 2", "DELETE FROM mixed_leaves WHERE id IN (3, 6)",
                "INSERT INTO mixed_1 VALUES (9, 'by the leaf', 3)", "UPDATE mixed_leaves SET id = 30 WHERE id = 1")
    rows.compare("mixed_leaves")


@JOB.having("CREATE TABLE odd_indexes (a int PRIMARY KEY, b int, gone text)", "ALTER TABLE odd_indexes DROP gone",
            "CREATE FUNCTION twice(x int) RETURNS int IMMUTABLE LANGUAGE sql AS 'SELECT x * 2'",
            "CREATE INDEX ON odd_indexes (b) WHERE a > twice(1)", "CREATE UNIQUE INDEX ON odd_indexes (twice(a))",
            "CREATE INDEX ON odd_indexes USING hash (b)", "INSERT INTO odd_indexes SELECT n, n FROM generate_series(1, 10) n")
def test_partial_indexes_and_indexes_of_expressions_beside_the_key(rows):
    rows.change("UPDATE odd_indexes SET b = 0 WHERE a < 4", "UPDATE odd_indexes SET a = 40 WHERE a = 4", "DELETE FROM odd_indexes WHERE a = 5")
    rows.compare("odd_indexes")


@JOB.having("CREATE TABLE beside_temporary (id int PRIMARY KEY, v text)", numbered("beside_temporary"))
def test_temporary_and_unlogged_tables_beside_the_followed_one(rows):
    rows.change_at_once("CREATE TEMP TABLE scratch (id int) ON COMMIT DROP", "INSERT INTO scratch VALUES (1), (2)",
                        "UPDATE beside_temporary SET v = 'new' WHERE id IN (SELECT id FROM scratch)",
                        "CREATE UNLOGGED TABLE not_logged (id int)", "INSERT INTO not_logged VALUES (1)",
                        "CREATE MATERIALIZED VIEW seen AS SELECT count(*) FROM beside_temporary", "REFRESH MATERIALIZED VIEW seen")
    rows.compare("beside_temporary")


# -- large values that stay -------------------------------------------------------------------

def toasted(table, *statements):
    return (f"CREATE TABLE {table} (id int PRIMARY KEY, v text, a text, b text NOT NULL)",
            *(f"ALTER TABLE {table} ALTER {column} SET STORAGE EXTERNAL" for column in "ab"),
            f"INSERT INTO {table} SELECT n, 'old', repeat('a' || n, 3000), repeat('b' || n, 3000) FROM generate_series(1, 20) n",
            *statements)


@pytest.mark.parametrize("table", ["toast_default", "toast_full", "toast_index"])
@JOB.having(*toasted("toast_default"), *toasted("toast_full", "ALTER TABLE toast_full REPLICA IDENTITY FULL"),
            *toasted("toast_index", "CREATE UNIQUE INDEX toast_index_id ON toast_index (id)",
                     "ALTER TABLE toast_index REPLICA IDENTITY USING INDEX toast_index_id"))
def test_unchanged_large_values_stay_under_every_identity(rows, table):
    rows.change(f"UPDATE {table} SET v = 'new' WHERE id < 5")
    rows.change_at_once(f"UPDATE {table} SET a = 'short' WHERE id = 5", f"UPDATE {table} SET b = repeat('n', 4000) WHERE id = 6",
                        f"UPDATE {table} SET v = 'both', a = NULL WHERE id = 7", f"UPDATE {table} SET v = 'then' WHERE id BETWEEN 5 AND 8",
                        f"DELETE FROM {table} WHERE id = 8", f"INSERT INTO {table} VALUES (8, 'again', 'x', repeat('y', 9000))",
                        f"UPDATE {table} SET v = 'partial' WHERE id = 8")
    rows.compare(table)


@pytest.mark.parametrize("table", ["moved_toast_default", "moved_toast_full"])
@JOB.having(*toasted("moved_toast_default"), *toasted("moved_toast_full", "ALTER TABLE moved_toast_full REPLICA IDENTITY FULL"))
def test_a_key_change_takes_unchanged_large_values_along(rows, table):
    rows.change(f"UPDATE {table} SET id = 100 WHERE id = 1")
    rows.compare(table)
    rows.change_at_once(f"UPDATE {table} SET id = -1, v = 'moved' WHERE id = 2", f"UPDATE {table} SET id = 2 WHERE id = 3",
                        f"UPDATE {table} SET id = 3 WHERE id = -1", f"UPDATE {table} SET a = 'now short', id = 50 WHERE id = 5",
                        f"UPDATE {table} SET id = 60 WHERE id = 6", f"DELETE FROM {table} WHERE id = 60")
    rows.compare(table)


# -- columns that PostgreSQL fills ------------------------------------------------------------

@JOB.having("CREATE TABLE generated (a int, twice int GENERATED ALWAYS AS (a * 2) STORED, id int PRIMARY KEY, v text)",
            "INSERT INTO generated (a, id, v) SELECT n, n, 'old' FROM generate_series(1, 10) n")
def test_generated_columns_in_the_middle_are_left_out_and_the_others_are_exact(rows):
    rows.change("UPDATE generated SET a = 100 WHERE id = 1", "INSERT INTO generated (id, v) VALUES (11, 'new')",
                "DELETE FROM generated WHERE id = 2")
    rows.compare("generated")
    assert [row[0] for row in rows.case.target("DESC generated")] == ["id", "a", "v"]


@JOB.having("CREATE TABLE given (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, n bigserial, "
            "m int GENERATED BY DEFAULT AS IDENTITY, v text DEFAULT 'default')", "INSERT INTO given (v) VALUES ('a'), (NULL)")
def test_identity_columns_sequences_and_defaults_arrive_as_values(rows):
    rows.change("INSERT INTO given DEFAULT VALUES", "INSERT INTO given (id, m) OVERRIDING SYSTEM VALUE VALUES (100, 200)",
                "UPDATE given SET id = DEFAULT WHERE id = 1")
    rows.compare("given")


# -- who writes, and how ----------------------------------------------------------------------

@JOB.having("CREATE TABLE by_trigger (id int PRIMARY KEY, v text)", "CREATE TABLE seen_by_trigger (id serial PRIMARY KEY, what text)",
            "CREATE FUNCTION look() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO seen_by_trigger (what) "
            "VALUES (TG_OP || ' ' || OLD.id); RETURN NEW; END $$",
            "CREATE TRIGGER look AFTER UPDATE ON by_trigger FOR EACH ROW EXECUTE FUNCTION look()", numbered("by_trigger"))
def test_rows_that_triggers_write(rows):
    rows.change("UPDATE by_trigger SET v = 'new'")
    rows.compare("by_trigger", "seen_by_trigger")


@JOB.having("CREATE TABLE parent (id int PRIMARY KEY)", "INSERT INTO parent SELECT generate_series(1, 10)",
            "CREATE TABLE child (id int PRIMARY KEY, p int REFERENCES parent ON DELETE CASCADE ON UPDATE CASCADE)",
            "INSERT INTO child SELECT n, n % 5 + 1 FROM generate_series(1, 20) n")
def test_rows_that_foreign_keys_delete_and_update(rows):
    rows.change("DELETE FROM parent WHERE id = 1", "UPDATE parent SET id = 20 WHERE id = 2")
    rows.compare("parent", "child")


@JOB.having("CREATE TABLE by_copy (id int PRIMARY KEY, v text)", numbered("by_copy"))
def test_rows_that_copy_from_writes(rows):
    with rows.case.transaction() as cursor:
        cursor.copy_expert("COPY by_copy FROM STDIN", io.StringIO("".join(f"{n}\tcopied \\\\ {n}\n" for n in range(100, 3100))))
    rows.compare("by_copy")


@JOB.having("CREATE TABLE rewritten (id int PRIMARY KEY, v text)", numbered("rewritten", 1000))
def test_a_table_that_is_vacuumed_full_and_clustered_stays(rows):
    rows.change("DELETE FROM rewritten WHERE id % 2 = 0", "VACUUM FULL rewritten", "UPDATE rewritten SET v = 'new' WHERE id < 50",
                "CLUSTER rewritten USING rewritten_pkey", "INSERT INTO rewritten VALUES (2000, 'last')")
    rows.compare("rewritten")


@JOB.having("CREATE TABLE nulls (id int PRIMARY KEY, a text, b int, c date, d jsonb, e int[])",
            "INSERT INTO nulls SELECT n, CASE WHEN n % 2 = 0 THEN '' END FROM generate_series(1, 10) n")
def test_null_and_empty_stay_apart_and_columns_become_null(rows):
    rows.change("UPDATE nulls SET a = NULL, b = 1, c = '2024-01-01', d = 'null', e = '{}' WHERE id < 4",
                "UPDATE nulls SET a = '', b = NULL, c = NULL, d = NULL, e = NULL WHERE id = 2", "UPDATE nulls SET a = '' WHERE id = 5")
    rows.compare("nulls")


@JOB.having("CREATE TABLE dropped_column (gone int, id int PRIMARY KEY, gone_too text, v text)",
            "ALTER TABLE dropped_column DROP gone", "ALTER TABLE dropped_column DROP gone_too", numbered("dropped_column"))
def test_a_table_that_lost_columns_before_the_copy(rows):
    rows.change("UPDATE dropped_column SET v = 'new' WHERE id = 1", "DELETE FROM dropped_column WHERE id = 2",
                "UPDATE dropped_column SET id = 30 WHERE id = 3")
    rows.compare("dropped_column")


@JOB.having("CREATE TABLE wide (id int PRIMARY KEY, " + ", ".join(f"c{n} int" for n in range(1500)) + ")",
            "INSERT INTO wide SELECT n FROM generate_series(1, 5) n")
def test_a_table_of_fifteen_hundred_columns(rows):
    rows.change("UPDATE wide SET c1499 = 7, c0 = 1 WHERE id = 1", "INSERT INTO wide (id, c700) VALUES (9, 9)")
    rows.compare("wide")


@JOB.having("CREATE TABLE two_sessions (id int PRIMARY KEY, v text)", numbered("two_sessions"))
def test_two_sessions_whose_transactions_overlap(rows):
    first, second = (rows.case.pg.connect(rows.case.name, autocommit=False) for _ in range(2))
    try:
        with first.cursor() as early, second.cursor() as late:
            early.execute("UPDATE two_sessions SET v = 'early' WHERE id = 1")
            late.execute("UPDATE two_sessions SET v = 'late' WHERE id = 2")
            early.execute("DELETE FROM two_sessions WHERE id = 3")
            late.execute("INSERT INTO two_sessions VALUES (30, 'late')")
            second.commit()
            early.execute("UPDATE two_sessions SET v = v || ', then early' WHERE id = 2")
            rows.change("UPDATE two_sessions SET v = 'between' WHERE id = 4")
            early.execute("UPDATE two_sessions SET v = v || ', then early' WHERE id = 4")
            first.commit()
    finally:
        first.close()
        second.close()
    rows.compare("two_sessions")
