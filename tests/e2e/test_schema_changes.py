"""What ALTER of the target cannot follow: the table is made anew beside the one that is there, and swapped in. Each kind of
change before rows, between rows of one transaction, on an idle table, while walrock is down, and while the table is copied."""
import pytest

TABLE = ["CREATE TABLE changed (id int PRIMARY KEY, name varchar(20), amount numeric(10,2), at timestamp(0))",
         "INSERT INTO changed SELECT n, 'name ' || n, n + 0.25, '2026-01-01 12:00:00' FROM generate_series(1, 300) n",
         "CREATE TABLE beside (id int PRIMARY KEY, what text)", "INSERT INTO beside VALUES (1, 'a')"]

# The statements, and columns that the target has afterwards (in any order; None: not looked at).
CHANGES = {
    "rename": (["ALTER TABLE changed RENAME COLUMN name TO title"], {"id", "title", "amount", "at"}),
    "swap_of_names": (["ALTER TABLE changed RENAME COLUMN name TO a", "ALTER TABLE changed ADD name text DEFAULT 'new'"],
                      {"id", "a", "amount", "at", "name"}),
    "type_of_value": (["ALTER TABLE changed ALTER amount TYPE text"], {"id", "name", "amount", "at"}),
    "type_of_key": (["ALTER TABLE changed ALTER id TYPE bigint"], {"id", "name", "amount", "at"}),
    "shorter": (["ALTER TABLE changed ALTER name TYPE varchar(6) USING left(name, 6)"], {"id", "name", "amount", "at"}),
    "same_type_using": (["ALTER TABLE changed ALTER amount TYPE numeric(10,2) USING amount * 2"], {"id", "name", "amount", "at"}),
    "volatile_default": (["ALTER TABLE changed ADD token uuid DEFAULT gen_random_uuid()"],
                         {"id", "name", "amount", "at", "token"}),
    "volatile_default_dropped": (["ALTER TABLE changed ADD token uuid DEFAULT gen_random_uuid()",
                                  "ALTER TABLE changed ALTER token DROP DEFAULT"], {"id", "name", "amount", "at", "token"}),
    "drop_and_add": (["ALTER TABLE changed DROP COLUMN name", "ALTER TABLE changed ADD name varchar(20)"],
                     {"id", "name", "amount", "at"}),
    "serial": (["ALTER TABLE changed ADD number bigserial"], {"id", "name", "amount", "at", "number"}),
    "key": (["ALTER TABLE changed ADD number bigserial", "ALTER TABLE changed DROP CONSTRAINT changed_pkey",
             "ALTER TABLE changed ADD PRIMARY KEY (number)"], {"id", "name", "amount", "at", "number"}),
}
WHEN = ["before_rows", "inside_a_transaction", "idle", "down", "copying"]


def columns_of(case, table="changed"):
    return {row[0] for row in case.target(f"SHOW COLUMNS FROM {table}")}


def rows(first, last):
    """Rows of any layout: the columns that stay."""
    return f"INSERT INTO changed (id) SELECT n FROM generate_series({first}, {last}) n"


# A copy of them takes a while at this rate, which counts by 64 kB.
MANY = "INSERT INTO changed SELECT n, repeat('x', 20), n + 0.5, NULL FROM generate_series(10000, 24000) n"
SLOWLY = {"source": {"copy-rate": "300kB"}}


def begin(case, changes=None):
    case.source(*TABLE)
    if changes:
        case.source(MANY)
    walrock = case.walrock("public.*", changes).start()
    if changes is None:
        walrock.wait_until_ready("public.changed", "public.beside")
        case.settle(walrock)
    return walrock


def settle_anew(case, walrock):
    """Every change is there, and nothing of the table is under way."""
    walrock.wait_until("changed to be made anew", lambda: "table is made anew table=public.changed" in walrock.log(), 60)
    walrock.wait_until("changed to be ready again", lambda: (table := walrock.table("public.changed"))
                       and table["state"] == "ready" and not table["reason"], 60)
    case.settle_and_compare(walrock, "changed", "beside")


@pytest.mark.parametrize("when", WHEN)
@pytest.mark.parametrize("change", CHANGES)
def test_what_the_target_cannot_follow_is_made_anew(case, change, when):
    statements, columns = CHANGES[change]
    walrock = begin(case, SLOWLY if when == "copying" else None)
    if when == "before_rows":
        case.source(*statements)
        case.source(rows(1000, 1010), "INSERT INTO beside VALUES (2, 'b')")
    elif when == "inside_a_transaction":
        case.source("; ".join([rows(1000, 1010), *statements, rows(2000, 2010), "DELETE FROM changed WHERE id IN (1, 1001, 2001)"]))
    elif when == "idle":
        case.source(*statements)
    elif when == "down":
        case.source(rows(1000, 1010))
        walrock.stop()
        case.source(rows(1100, 1110), *statements, rows(2000, 2010))
        walrock.start()
    else:
        walrock.wait_until_table("public.changed", "copying")
        case.source(*statements, rows(1000, 1010))
    if when == "copying":
        walrock.kill()
        walrock = case.walrock("public.*").start()
        walrock.wait_until_ready("public.changed", "public.beside")
        case.source(rows(3000, 3010))
        case.settle_and_compare(walrock, "changed", "beside")
    else:
        settle_anew(case, walrock)
        case.source(rows(3000, 3010), "UPDATE changed SET id = id + 1000000 WHERE id BETWEEN 10 AND 20")
        case.settle_and_compare(walrock, "changed", "beside")
    if columns is not None and when != "copying":
        assert columns_of(case) == columns
    assert walrock.table("public.changed")["reason"] == ""


def test_the_old_rows_are_shown_until_the_new_table_is_complete(case):
    walrock = begin(case)
    walrock.stop()
    case.source(MANY, "ALTER TABLE changed RENAME COLUMN name TO title")
    walrock = case.walrock("public.*", SLOWLY).start()
    table = walrock.wait_until_table("public.changed", "copying")
    assert table["reason"].startswith("made anew because table public.changed: column name was renamed to title")
    assert case.target_count("changed") == 300 and "name" in columns_of(case)
    for _ in range(2):
        walrock.kill()
        walrock.start()
        walrock.wait_until_table("public.changed", "copying")
    walrock.kill()
    walrock = case.walrock("public.*").start()
    walrock.wait_until_ready("public.changed")
    case.settle_and_compare(walrock, "changed", "beside")
    assert columns_of(case) == {"id", "title", "amount", "at"}
    assert case.target("SHOW TABLES LIKE '%walrock_copy%'") == []


@pytest.mark.parametrize("changes", [{"schema-sync": {"auto-create-table": False}}, {"schema-sync": {"enable": False}}])
def test_where_no_table_may_be_made_it_is_set_aside(case, changes):
    walrock = begin(case)
    walrock.stop()
    case.source("ALTER TABLE changed RENAME COLUMN name TO title", rows(1000, 1010))
    walrock = case.walrock("public.*", changes).start()
    table = walrock.wait_until_table("public.changed", "errored")
    assert "column name was renamed to title" in table["reason"]
    case.source("INSERT INTO beside VALUES (3, 'c')")
    case.settle_and_compare(walrock, "beside")


@pytest.mark.parametrize("statement", ["VACUUM FULL changed", "CLUSTER changed USING changed_pkey", "ANALYZE changed",
                                       "ALTER TABLE changed ALTER name SET STATISTICS 500", "CREATE INDEX ON changed (name)",
                                       "ALTER TABLE changed ALTER name TYPE varchar(40)", "ALTER TABLE changed ALTER name SET DEFAULT 'x'"])
def test_what_changes_no_row_makes_nothing_anew(case, statement):
    walrock = begin(case)
    case.source(statement, rows(1000, 1010))
    case.settle_and_compare(walrock, "changed")
    walrock.stop()
    case.source(statement, rows(2000, 2010))
    walrock.start()
    case.settle_and_compare(walrock, "changed")
    assert "made anew" not in walrock.log() and "copied again" not in walrock.log()
