"""Databases that are not in UTF-8, and names of every kind."""
import pytest

from tests.support.pg_server import REPLICATOR


def recreate(case, encoding, locale="C"):
    case.pg.execute("postgres", f"DROP DATABASE {case.name}",
                    f"CREATE DATABASE {case.name} OWNER {REPLICATOR} ENCODING '{encoding}' "
                    f"LC_COLLATE '{locale}' LC_CTYPE '{locale}' TEMPLATE template0")


@pytest.mark.parametrize("encoding, text", [("LATIN1", "Grüße, ÿ"), ("EUC_JP", "日本語ァ"), ("WIN1252", "€ “x”")])
def test_texts_of_another_encoding_arrive_as_utf8(case, monkeypatch, encoding, text):
    monkeypatch.setenv("PGCLIENTENCODING", "UTF8")  # of the test's own sessions
    recreate(case, encoding)
    case.source(f"CREATE TABLE t (id int PRIMARY KEY, \"{text[:2]}\" text, k text[])",
                f"INSERT INTO t VALUES (1, '{text}', ARRAY['{text}'])")
    with case.walrock("t") as walrock:
        walrock.start()
        walrock.wait_until_ready("public.t")
        case.source(f"INSERT INTO t VALUES (2, '{text}', ARRAY['{text}'])",
                    "UPDATE t SET k = NULL WHERE id = 1")
        case.settle_and_compare(walrock, "t")
    assert [row[1] for row in case.target("SELECT * FROM t ORDER BY id")] == [text, text]


@pytest.mark.parametrize("encoding, text", [("LATIN1", "ä" * 63), ("WIN1252", "€" * 63), ("EUC_JP", "日" * 31)])
def test_a_name_may_have_63_bytes_in_the_encoding_of_its_database(case, monkeypatch, encoding, text):
    monkeypatch.setenv("PGCLIENTENCODING", "UTF8")
    recreate(case, encoding)
    case.source("CREATE TABLE t (id int PRIMARY KEY, v name)", f"INSERT INTO t VALUES (1, '{text}')")
    with case.walrock("t") as walrock:
        walrock.start()
        walrock.wait_until_ready("public.t")
        case.source(f"INSERT INTO t VALUES (2, '{text}')")
        case.settle_and_compare(walrock, "t")
    assert [row[1] for row in case.target("SELECT * FROM t ORDER BY id")] == [text, text]


BAD = "E'caf\\xE9 \\xC3\\xA9'"  # a byte of LATIN1, and a valid sequence of UTF-8


@pytest.mark.parametrize("policy, wanted", [("null", None), ("clamp", "caf\ufffd é")])
def test_bytes_that_are_no_utf8_follow_the_policy(case, policy, wanted):
    recreate(case, "SQL_ASCII")
    case.source("CREATE TABLE t (id int PRIMARY KEY, v text, w text[], d date)",
                f"INSERT INTO t VALUES (1, {BAD}, ARRAY[{BAD}], NULL), (2, E'fine \\xC3\\xA9', '{{}}', '2024-01-01')")
    with case.walrock("t", {"sink": {"starrocks": {"unsupported-values": {"all": policy}}}}) as walrock:
        walrock.start()
        walrock.wait_until_ready("public.t")
        case.source(f"INSERT INTO t VALUES (3, {BAD}, NULL, NULL), (4, 'fine', NULL, NULL)", f"UPDATE t SET v = {BAD} WHERE id = 2")
        case.settle(walrock)
        assert walrock.table("public.t")["changed_values"] == {"v": 3, "w": 1}
    assert [row[0] for row in case.target("SELECT v FROM t ORDER BY id")] == [wanted, wanted, wanted, "fine"]
    assert case.target("SELECT w FROM t WHERE id = 1")[0][0] == (None if policy == "null" else '["caf\ufffd é"]')


def test_bytes_that_are_no_utf8_never_stop_the_other_tables(case):
    """By default their table is set aside, by copy and by stream, and everything else goes on."""
    recreate(case, "SQL_ASCII")
    case.source("CREATE TABLE copied (id int PRIMARY KEY, v text)", "CREATE TABLE streamed (id int PRIMARY KEY, v text)",
                "CREATE TABLE keyed (id text PRIMARY KEY)", "CREATE TABLE other (id int PRIMARY KEY, v text)",
                f"INSERT INTO copied VALUES (7, {BAD})", "INSERT INTO other VALUES (1, E'\\xC3\\xA9')")
    with case.walrock(["copied", "streamed", "keyed", "other"]) as walrock:
        walrock.start()
        walrock.wait_until_ready("public.streamed", "public.other", "public.keyed")
        case.source(f"INSERT INTO streamed VALUES (7, {BAD})", f"INSERT INTO keyed VALUES ({BAD})",
                    "INSERT INTO other VALUES (2, 'x')")
        for name, key in (("copied", "id=7"), ("streamed", "id=7"), ("keyed", "id=caf\ufffd")):
            reason = walrock.wait_until_table(f"public.{name}", "errored")["reason"]
            assert "not valid UTF-8" in reason and key in reason and "unsupported-values" in reason, reason
        walrock.wait_until("the other table", lambda: case.target_count("other") == 2)
    assert case.target("SELECT v FROM other ORDER BY id") == [["é"], ["x"]]


def test_rows_that_are_no_utf8_can_be_kept_aside(case):
    recreate(case, "SQL_ASCII")
    case.source("CREATE TABLE t (id int PRIMARY KEY, v text)", f"INSERT INTO t VALUES (1, {BAD}), (2, 'fine')")
    with case.walrock("t", {"sink": {"starrocks": {"bad-rows": "quarantine"}}}) as walrock:
        walrock.start()
        walrock.wait_until_ready("public.t")
        case.source(f"INSERT INTO t VALUES (3, {BAD})")
        case.settle(walrock)
        assert walrock.table("public.t")["quarantined_rows"] == 2
    kept = case.target("SELECT row_values FROM _walrock_quarantine ORDER BY row_key")
    assert all("caf\ufffd é" in row[0] for row in kept) and len(kept) == 2, kept


NAMES = ["select", "MiXed", "with space", "with.dot", "with-hyphen", "größe", "日本", "n" * 63, "a`b", 'a"b', "1st", "%s", "a,b"]


def quoted(name):
    return '"' + name.replace('"', '""') + '"'


def test_names_of_every_kind(case):
    """Columns and tables: reserved, mixed case, with dots, blanks, quotes, non-ASCII, 63 bytes."""
    columns = ", ".join(f"{quoted(name)} text" for name in NAMES)
    case.source(f"CREATE TABLE odd (id int PRIMARY KEY, {columns})",
                "INSERT INTO odd VALUES (1, " + ", ".join(f"'s{i}'" for i in range(len(NAMES))) + ")")
    tables = [name for name in NAMES if name not in ("a`b",)]
    for name in tables:
        case.source(f"CREATE TABLE {quoted(name)} (id int PRIMARY KEY, v text)", f"INSERT INTO {quoted(name)} VALUES (1, 'x')")
    with case.walrock("public.*") as walrock:
        walrock.start()
        walrock.wait_until_ready("public.odd")
        case.source("INSERT INTO odd VALUES (2, " + ", ".join(f"'i{i}'" for i in range(len(NAMES))) + ")",
                    "UPDATE odd SET " + ", ".join(f"{quoted(name)} = 'u'" for name in NAMES) + " WHERE id = 1")
        for name in tables:
            case.source(f"INSERT INTO {quoted(name)} VALUES (2, 'y')", f"UPDATE {quoted(name)} SET v = 'z' WHERE id = 1")
        case.settle(walrock)
        assert all(table["state"] == "ready" for table in walrock.status()["tables"]), walrock.status()["tables"]
    assert [row[1:] for row in case.target("SELECT * FROM odd ORDER BY id")] == [
        ["u"] * len(NAMES), [f"i{i}" for i in range(len(NAMES))]]
    for name in tables:
        target = name.replace("`", "``")
        assert case.target(f"SELECT v FROM `{target}` ORDER BY id") == [["z"], ["y"]], name


def test_columns_that_collide_are_said_and_set_aside(case):
    case.source('CREATE TABLE twice (id int PRIMARY KEY, "Name" text, name text)', "CREATE TABLE fine (id int PRIMARY KEY)")
    with case.walrock(["twice", "fine"]) as walrock:
        walrock.start()
        walrock.wait_until_ready("public.fine")
        reason = walrock.wait_until_table("public.twice", "errored")["reason"]
        assert "does not tell case apart" in reason and "RENAME COLUMN" in reason, reason


def test_tables_of_one_name_in_two_schemas_need_a_rule(case):
    case.source("CREATE SCHEMA b", "CREATE TABLE t (id int PRIMARY KEY)", "CREATE TABLE b.t (id int PRIMARY KEY)",
                "INSERT INTO t VALUES (1)", "INSERT INTO b.t VALUES (2)")
    with case.walrock(["public.t", "b.t"]) as walrock:
        walrock.start()
        assert walrock.wait_for_exit() != 0
        assert "would both go to" in walrock.log() and "{schema}_{table}" in walrock.log()
    changes = {"sink": {"starrocks": {"table": "{schema}_{table}"}}}
    with case.walrock(["public.t", "b.t"], changes, job_name="routed.yml") as walrock:
        walrock.start()
        walrock.wait_until_ready("public.t", "b.t")
    assert case.target("SELECT id FROM public_t") == [["1"]] and case.target("SELECT id FROM b_t") == [["2"]]
