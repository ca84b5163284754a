"""Every type of the mapping table on every server there is: the same, exact target value by snapshot and by stream.

What is expected stands in tests/support/type_values.py. WALROCK_PG_BINS names servers (make test-matrix: 12 to 18).
"""
import json
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest

from tests.e2e.conftest import name_for
from tests.support import type_values
from tests.support.case import Case
from tests.support.pg_server import REPLICATOR, PgServer
from tests.support.pg_versions import server_programs
from tests.support.programs import ROOT

SERVERS = server_programs()
COLUMNS_OF_A_TABLE = 25

# Settings of roles, databases and servers that change how values are printed.
ODD_SETTINGS = {"DateStyle": "'SQL, DMY'", "IntervalStyle": "'sql_standard'", "TimeZone": "'Asia/Kolkata'",
                "bytea_output": "'escape'", "extra_float_digits": "-15", "lc_monetary": "'C'", "xmlbinary": "'hex'",
                "search_path": "'public'", "client_encoding": "'LATIN1'", "standard_conforming_strings": "off"}

# The policies in turn: rows of (column's type, column-types or "", SQL of the value, with null, with clamp).
UNSUPPORTED = [
    ("date", "", "'infinity'", None, "9999-12-31"),
    ("date", "", "'-infinity'", None, "0001-01-01"),
    ("date", "", "'0044-03-15 BC'", None, "0001-01-01"),
    ("date", "", "'10000-01-01'", None, "9999-12-31"),
    ("timestamp", "", "'infinity'", None, "9999-12-31 23:59:59.999999"),
    ("timestamp", "", "'0001-12-31 12:00:00 BC'", None, "0001-01-01 00:00:00"),
    ("timestamp", "", "'294276-12-31 23:59:59.999999'", None, "9999-12-31 23:59:59.999999"),
    ("timestamptz", "", "'-infinity'", None, "0001-01-01 00:00:00"),
    ("timestamptz", "", "'10000-01-01 00:00:00+00'", None, "9999-12-31 23:59:59.999999"),
    ("numeric(10,2)", "", "'NaN'", None, None),
    ("numeric(18,0)", "BIGINT", "'NaN'", None, None),
    ("numeric", "DECIMAL(6,2)", "12345.67", None, "9999.99"),
    ("numeric", "DECIMAL(6,2)", "-12345.67", None, "-9999.99"),
    ("numeric", "DECIMAL(6,2)", "1.005", None, "1.01"),
    ("numeric", "DECIMAL(6,2)", "-0.004", None, "0.00"),
    ("numeric", "DECIMAL(6,2)", "9999.995", None, "9999.99"),
    ("text", "VARCHAR(4)", "'äöü'", None, "äö"),
    ("text", "VARCHAR(4)", "'a😀b'", None, "a"),
    ("bytea", "", "decode(repeat('ab', 524289), 'hex')", None, "ab" * 524288),
    ("int[]", "", "'[2:3]={7,8}'", None, "[7,8]"),
    ("int[]", "ARRAY<INT>", "'{{1,2},{3,4}}'", None, None),
    ("date[]", "ARRAY<DATE>", "'{infinity}'", None, None),
    ("tsvector", "VARCHAR(4)", "'abcdef'", None, None),
    ("json", "", """'{"n": 12345678901234567890123.45, "s": "12345678901234567890123.45", "m": 1.50}'""", None,
     '{"m": 1.5, "n": 1.2345678901234568e+22, "s": "12345678901234567890123.45"}'),
    ("json", "", "'[1e400, -18446744073709551617]'", None, "[1.7976931348623157e+308, -18446744073709552000]"),
    ("json", "", "'1e-400'", None, "0"),
    ("json", "", """E'{"half": "\\\\ud83d"}'""", None, None),
    ("jsonb", "", "'[0.12345678901234567890, 1]'", None, "[0.12345678901234568, 1]"),
    ("jsonb", "", "'12345678901234567890123'", None, "1.2345678901234568e+22"),
    ("jsonb[]", "", "ARRAY['null'::jsonb, NULL]", None, None),
    ("json[]", "", "ARRAY['1'::json, '9007199254740993.5']", None, None),
]


@pytest.fixture(scope="module", params=SERVERS, ids=[f"pg{major}" for major in SERVERS])
def server(request):
    """A server whose own settings are odd as well."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PG_BIN", str(SERVERS[request.param]))
        with PgServer(datestyle="German", timezone="Asia/Tokyo", intervalstyle="postgres_verbose",
                      bytea_output="escape", extra_float_digits="0") as pg:
            pg.major = request.param
            pg.extensions = {name for (name,) in pg.execute("postgres", "SELECT name FROM pg_available_extensions")}
            yield pg


@pytest.fixture
def typed(request, server, rockpool, tmp_path):
    name = f"{name_for(request)}_{server.major}"
    with Case(name, server, rockpool, tmp_path) as made:
        for setting, value in ODD_SETTINGS.items():
            server.execute(name, f"ALTER ROLE {REPLICATOR} IN DATABASE {name} SET {setting} = {value}")
        yield made
    server.execute("postgres", f"DROP OWNED BY {REPLICATOR}", f"ALTER ROLE {REPLICATOR} RESET ALL")


def plain_session(case):
    """Statements of a session with settings that do not change what literals mean."""
    settings = "; ".join(f"SET {name} = {value}" for name, value in (
        ("DateStyle", "'ISO, YMD'"), ("TimeZone", "'UTC'"), ("client_encoding", "'UTF8'"), ("lc_monetary", "'C'"),
        ("standard_conforming_strings", "on"), ("search_path", "public, pg_catalog"), ("IntervalStyle", "'postgres'")))
    return lambda *statements: case.source_as_superuser(*[f"{settings}; {statement}" for statement in statements])


class Typed:
    """A table with a column for each of some types and as many rows as the longest list of values needs."""

    def __init__(self, name, types):
        self.name, self.types = name, types
        self.height = max(len(kind.values) for kind in types)

    def create(self):
        columns = ", ".join(f"c{i} {kind.declared}" for i, kind in enumerate(self.types))
        return f"CREATE TABLE {self.name} (id int PRIMARY KEY, {columns}); ALTER TABLE {self.name} OWNER TO {REPLICATOR}"

    def sql_row(self, row):
        return [kind.values[row][0] if row < len(kind.values) else "NULL" for kind in self.types]

    def insert(self, first_id):
        return [f"INSERT INTO {self.name} VALUES ({first_id + row}, {', '.join(self.sql_row(row))})"
                for row in range(self.height + 1)]  # the last one is all NULL

    def insert_nulls(self, first_id):
        return [f"INSERT INTO {self.name} (id) SELECT generate_series({first_id}, {first_id + self.height})"]

    def update(self, first_id):
        return [f"UPDATE {self.name} SET " + ", ".join(f"c{i} = {value}" for i, value in enumerate(self.sql_row(row))) +
                f" WHERE id = {first_id + row}" for row in range(self.height + 1)]

    def expected(self, row):
        return tuple(type_values.canonical(kind.target, kind.values[row][1]) if row < len(kind.values) else None
                     for kind in self.types)


def target_rows(case, table):
    connection = case.rockpool.connect(case.name)
    try:
        with connection.cursor() as cursor:
            cursor.execute(f"SELECT * FROM `{table}` ORDER BY id")
            return {int(row[0]): row[1:] for row in cursor.fetchall()}
    finally:
        connection.close()


def text(cell):
    return cell.decode("utf-8") if isinstance(cell, bytes) else cell


def target_types(case, table):
    return {name: str(kind).upper().replace(" ", "") for name, kind, *_ in case.target(f"DESC `{table}`")}


def differences(case, table, firsts):
    shown = target_rows(case, table.name)
    found = []
    for way, first in firsts.items():
        for row in range(table.height + 1):
            cells = shown.get(first + row)
            if cells is None:
                found.append(f"{table.name} {way}: row {first + row} is missing")
                continue
            for kind, cell, wanted in zip(table.types, cells, table.expected(row)):
                if type_values.canonical(kind.target, cell) != wanted:
                    found.append(f"{kind.declared} {way}: {str(cell)[:200]!r} instead of {str(wanted)[:200]!r}")
    return found


def test_every_type_of_the_table_arrives_exactly(typed):
    """Ordinary, NULL and extreme values x snapshot, insert, update, whatever role, database and server have set."""
    case, run = typed, plain_session(typed)
    types = type_values.types_of(case.pg.major, case.pg.extensions)
    for extension in sorted({kind.needs for kind in types if kind.needs}):
        run(f"CREATE EXTENSION {extension}")
    run(f"SET search_path = public; {type_values.DEFINITIONS}")
    tables = [Typed(f"types_{at // COLUMNS_OF_A_TABLE}", types[at:at + COLUMNS_OF_A_TABLE])
              for at in range(0, len(types), COLUMNS_OF_A_TABLE)]
    for table in tables:
        run(table.create(), *table.insert(0), *table.insert_nulls(2000))
    with case.walrock("public.*") as walrock:
        walrock.start()
        walrock.wait_until_ready()
        for table in tables:
            run(*table.insert(1000), *table.update(2000))
        case.settle(walrock)
        log = walrock.log()
    found = [line for table in tables
             for line in differences(case, table, {"snapshot": 0, "insert": 1000, "update": 2000})]
    assert not found, "\n".join(found)
    for table in tables:
        made = target_types(case, table.name)
        for i, kind in enumerate(table.types):
            assert made[f"c{i}"] == kind.target, f"{kind.declared} became {made[f'c{i}']}, not {kind.target}"
            has_warning = log.count(f"column c{i} of public.{table.name}: walrock has no mapping of its own")
            assert has_warning <= 1, f"{kind.declared}: more than one warning"


def test_every_row_of_the_guide_has_values_here():
    """docs/guide/types.md is made from the mapping table itself: no type of it goes untested."""
    declared = {kind.declared for kind in type_values.TYPES}
    untested = []
    mapping = (ROOT / "docs/guide/types.md").read_text(encoding="utf-8").split("\n## ")[0]
    for line in mapping.splitlines():
        cells = [cell.strip() for cell in line.strip("|").split(" | ")]
        if not line.startswith("| ") or cells[0] in ("PostgreSQL", "xml") or len(cells) < 3 or "types" in cells[0]:
            continue
        family = re.sub(r"\(.*\)", "", cells[0]).replace("bpchar", "char")
        if cells[0] == "domains" or cells[0].startswith("every other") or family in {re.sub(r"\(.*\)", "", name) for name in declared}:
            continue
        untested.append(cells[0])
    assert not untested, untested


def policy_table(name, run):
    columns = ", ".join(f"c{i} {kind}" for i, (kind, *_) in enumerate(UNSUPPORTED))
    run(f"CREATE TABLE {name} (id int PRIMARY KEY, {columns}); ALTER TABLE {name} OWNER TO {REPLICATOR}")


def policy_statements(name, first_id):
    values = ", ".join(value for _, _, value, *_ in UNSUPPORTED)
    updates = ", ".join(f"c{i} = {value}" for i, (_, _, value, *_) in enumerate(UNSUPPORTED))
    return (f"INSERT INTO {name} VALUES ({first_id}, {values})",
            f"UPDATE {name} SET {updates} WHERE id = {first_id + 1}")


def chosen_types():
    return {f"c{i}": chosen for i, (_, chosen, *_) in enumerate(UNSUPPORTED) if chosen}


@pytest.mark.parametrize("policy", ["null", "clamp"])
def test_values_that_the_target_cannot_hold_follow_their_policy(typed, policy):
    """The same by snapshot, insert and update; each change is counted, and said once."""
    case, run = typed, plain_session(typed)
    policy_table("bent", run)
    run(policy_statements("bent", 1)[0], "INSERT INTO bent (id) VALUES (12)")
    options = {"unsupported-values": {"all": policy}, "column-types": chosen_types()}
    with case.walrock("bent", {"tables": {"public.bent": options}}) as walrock:
        plan = walrock.command("plan").stdout
        assert f"unsupported-values: {policy}" in plan and "c0 DATE (infinity" in plan, plan
        walrock.start()
        walrock.wait_until_ready("public.bent")
        run(*policy_statements("bent", 11))
        case.settle(walrock)
        changed = walrock.table("public.bent")["changed_values"]
        assert walrock.stop() == 0
        log = walrock.log()
    rows = target_rows(case, "bent")
    types = list(target_types(case, "bent").values())[1:]
    found = []
    for i, (kind, _, value, nulled, clamped) in enumerate(UNSUPPORTED):
        wanted = type_values.canonical(types[i], nulled if policy == "null" else clamped)
        for row in (1, 11, 12):
            if type_values.canonical(types[i], rows[row][i]) != wanted:
                found.append(f"{kind} {value[:60]} row {row}: {str(rows[row][i])[:80]!r}, not {str(wanted)[:80]!r}")
        if changed.get(f"c{i}") != 3:
            found.append(f"{kind} {value[:60]}: {changed.get(f'c{i}')} counted instead of 3")
        if not 1 <= log.count(f"table=public.bent column=c{i} count=") <= 2:
            found.append(f"{kind} {value[:60]}: not said once or twice in the log")
    assert not found, "\n".join(found)


def test_with_text_the_columns_hold_everything(typed):
    case, run = typed, plain_session(typed)
    kinds = [(kind, value) for kind, chosen, value, *_ in UNSUPPORTED if not chosen and kind != "bytea"]
    columns = ", ".join(f"c{i} {kind}" for i, (kind, _) in enumerate(kinds))
    values = ", ".join(value for _, value in kinds)
    run(f"CREATE TABLE wide (id int PRIMARY KEY, {columns}); ALTER TABLE wide OWNER TO {REPLICATOR}",
        f"INSERT INTO wide VALUES (1, {values})")
    with case.walrock("wide", {"sink": {"starrocks": {"unsupported-values": {"all": "text"}}}}) as walrock:
        walrock.start()
        walrock.wait_until_ready("public.wide")
        run(f"INSERT INTO wide VALUES (2, {values})")
        case.settle(walrock)
    with case.pg.connect(case.name) as connection, connection.cursor() as cursor:
        cursor.execute("SET DateStyle = 'ISO'; SET TimeZone = 'UTC'; "
                       f"SELECT {', '.join(f'c{i}::text' for i in range(len(kinds)))} FROM wide WHERE id = 1")
        wanted = cursor.fetchone()
    shown = target_rows(case, "wide")
    assert tuple(shown[1]) == wanted and tuple(shown[2]) == wanted
    assert all(kind.startswith("VARCHAR") for name, kind in target_types(case, "wide").items() if name != "id")


def test_by_default_the_row_is_named_and_the_table_set_aside(typed):
    """One table for each way to fail, by snapshot and by stream; the ways out are named."""
    case, run = typed, plain_session(typed)
    chosen, names = {}, []
    for i, (kind, column_type, value, *_) in enumerate(UNSUPPORTED):
        if column_type.startswith("VARCHAR"):
            continue  # StarRocks looks at lengths itself: tests/e2e/test_bad_rows.py
        for way in ("copied", "streamed"):
            run(f"CREATE TABLE {way}_{i} (id int PRIMARY KEY, v {kind}); ALTER TABLE {way}_{i} OWNER TO {REPLICATOR}")
            names.append((f"{way}_{i}", value))
            if column_type:
                chosen[f"public.{way}_{i}"] = {"column-types": {"v": column_type}}
        run(f"INSERT INTO copied_{i} VALUES (42, {value})")
    with case.walrock("public.*", {"tables": chosen}) as walrock:
        walrock.start()
        streamed = [f"public.{name}" for name, _ in names if name.startswith("streamed")]
        walrock.wait_until("the copies", lambda: {t["state"] for t in (walrock.status() or {}).get("tables", [])
                                                   if t["name"] in streamed} == {"ready"})
        run(*[f"INSERT INTO {name} VALUES (42, {value})" for name, value in names if name.startswith("streamed")])
        for name, value in names:
            reason = walrock.wait_until_table(f"public.{name}", "errored")["reason"]
            for part in ("value_unsupported", "column v", "id=42", "unsupported-values", "column-types"):
                assert part in reason, f"{name} {value}: {reason}"


def test_what_is_said_of_a_column_comes_before_its_type_and_that_before_all(typed):
    """Of the table before of all tables, too; each column has the date that none holds."""
    case, run = typed, plain_session(typed)
    columns = ["by_all numeric(5,2)", "by_type date", "by_column date", "by_text date", "here timestamp", "elsewhere timestamptz"]
    run(f"CREATE TABLE ruled (id int PRIMARY KEY, {', '.join(columns)}); ALTER TABLE ruled OWNER TO {REPLICATOR}",
        "INSERT INTO ruled VALUES (1, 'NaN', 'infinity', 'infinity', 'infinity', 'infinity', 'infinity')")
    rules = {"sink": {"starrocks": {"unsupported-values": {"all": "null", "date": "clamp", "timestamp": "fail"},
                                    "column-unsupported-values": {"by_column": "null", "by_text": "null"}}},
             "tables": {"public.ruled": {"unsupported-values": {"timestamp": "clamp"},
                                         "column-unsupported-values": {"by_text": "text"}}}}
    with case.walrock("ruled", rules) as walrock:
        walrock.start()
        walrock.wait_until_ready("public.ruled")
        run("INSERT INTO ruled VALUES (2, 'NaN', '-infinity', 'infinity', '0044-03-15 BC', '-infinity', 'infinity')")
        case.settle(walrock)
        assert walrock.table("public.ruled")["changed_values"] == {"by_all": 2, "by_type": 2, "by_column": 2, "here": 2, "elsewhere": 2}
    shown = {key: tuple(None if value is None else text(value) for value in row) for key, row in target_rows(case, "ruled").items()}
    assert shown == {1: (None, "9999-12-31", None, "infinity", "9999-12-31 23:59:59.999999", None),
                     2: (None, "0001-01-01", None, "0044-03-15 BC", "0001-01-01 00:00:00", None)}


def test_a_refused_value_goes_to_the_quarantine(typed):
    case, run = typed, plain_session(typed)
    run(f"CREATE TABLE kept (id int PRIMARY KEY, born date, n numeric(5,2)); ALTER TABLE kept OWNER TO {REPLICATOR}",
        "INSERT INTO kept VALUES (1, 'infinity', 1), (2, '2024-01-01', 2)")
    options = {"bad-rows": "quarantine", "unsupported-values": {"numeric": "null"}}
    with case.walrock("kept", {"tables": {"public.kept": options}}) as walrock:
        walrock.start()
        walrock.wait_until_ready("public.kept")
        run("INSERT INTO kept VALUES (3, '-infinity', 'NaN'), (4, '2024-01-01', 'NaN')")
        case.settle(walrock)
        assert walrock.table("public.kept")["quarantined_rows"] == 2
    assert {key: row[1] for key, row in target_rows(case, "kept").items()} == {2: "2.00", 4: None}
    kept = case.target("SELECT row_key FROM _walrock_quarantine ORDER BY row_key")
    assert [json.loads(row[0]) for row in kept] == [{"id": "1"}, {"id": "3"}]


def test_moments_are_in_the_zone_that_the_job_names(typed):
    """An hour that comes twice in autumn is two moments of one text; as a key they stay apart."""
    case, run = typed, plain_session(typed)
    run(f"CREATE TABLE zoned (id int PRIMARY KEY, at timestamptz, plain timestamp, many timestamptz[]); "
        f"ALTER TABLE zoned OWNER TO {REPLICATOR}; CREATE TABLE keyed (at timestamptz PRIMARY KEY, v int); "
        f"ALTER TABLE keyed OWNER TO {REPLICATOR}")
    moments = ["2024-07-01 12:00:00+00", "2024-01-01 12:00:00.25+00", "2024-10-27 00:30:00+00", "2024-10-27 01:30:00+00",
               "1880-01-01 00:00:00+00"]
    wanted = ["2024-07-01 14:00:00", "2024-01-01 13:00:00.25", "2024-10-27 02:30:00", "2024-10-27 02:30:00",
              "1880-01-01 00:53:28"]
    keyed_only = "INSERT INTO keyed VALUES ('0044-03-15 11:41:28.789012+00 BC', 5)"  # 38 bytes in Berlin's own time of then
    rows = ["INSERT INTO zoned VALUES ({}, '{}', '2024-07-01 12:00:00', ARRAY['{}'::timestamptz])".format(i, at, at)
            for i, at in enumerate(moments)]
    keys = [f"INSERT INTO keyed VALUES ('{at}', {i})" for i, at in enumerate(moments)]
    run(*rows[:3], *keys[:3])
    changes = {"sink": {"starrocks": {"time-zone": "Europe/Berlin"}},
               "tables": {"public.zoned": {"column-types": {"many": "ARRAY<DATETIME>"}}}}
    with case.walrock(["zoned", "keyed"], changes) as walrock:
        walrock.start()
        walrock.wait_until_ready("public.zoned", "public.keyed")
        run(*rows[3:], *keys[3:], keyed_only)
        case.settle(walrock)
    shown = target_rows(case, "zoned")
    assert [type_values.canonical("DATETIME", shown[i][0]) for i in range(5)] == wanted
    assert {shown[i][1] for i in range(5)} == {"2024-07-01 12:00:00"}
    assert "2024-07-01 14:00:00" in text(shown[0][2]) and "2024-10-27 02:30:00" in text(shown[3][2])
    assert sorted(int(v) for (v,) in case.target("SELECT v FROM keyed")) == [0, 1, 2, 3, 4, 5]
    assert case.target("SELECT `at` FROM keyed WHERE v = 5") == [["0044-03-15 12:34:56.789012+00:53:28 BC"]]
    assert target_types(case, "keyed")["at"] == "VARCHAR(38)"


def test_another_zone_does_not_mix_with_the_rows_that_are_there(typed):
    case, run = typed, plain_session(typed)
    run("CREATE TABLE zoned (id int PRIMARY KEY, at timestamptz)", "CREATE TABLE plain (id int PRIMARY KEY, at timestamp)",
        f"ALTER TABLE zoned OWNER TO {REPLICATOR}; ALTER TABLE plain OWNER TO {REPLICATOR}",
        "INSERT INTO zoned VALUES (1, '2024-07-01 12:00:00+00')")
    with case.walrock(["zoned", "plain"]) as walrock:
        walrock.start()
        walrock.wait_until_ready()
        assert walrock.stop() == 0
    changes = {"sink": {"starrocks": {"time-zone": "Europe/Berlin"}}}
    with case.walrock(["zoned", "plain"], changes, job_name="berlin.yml") as walrock:
        walrock.start()
        reason = walrock.wait_until_table("public.zoned", "errored")["reason"]
        assert "in the zone UTC, and time-zone is Europe/Berlin" in reason, reason
        walrock.wait_until_ready("public.plain")
        assert walrock.stop() == 0
        case.target("DROP TABLE zoned FORCE")
        walrock.start()
        # (For a moment the status shows what the checkpoint says of the table.)
        walrock.wait_until("zoned to be copied again", lambda: "table=public.zoned state=ready" in walrock.log())
        assert walrock.stop() == 0
        walrock.start()
        walrock.wait_until_ready("public.zoned", "public.plain")
    assert target_rows(case, "zoned") == {1: ("2024-07-01 14:00:00",)}


def test_a_zone_that_there_is_not_is_refused(typed):
    case, run = typed, plain_session(typed)
    run(f"CREATE TABLE t (id int PRIMARY KEY); ALTER TABLE t OWNER TO {REPLICATOR}")
    with case.walrock("t", {"sink": {"starrocks": {"time-zone": "Europe/Berlln"}}}) as walrock:
        checked = walrock.command("check")
        assert checked.returncode != 0 and "knows no zone Europe/Berlln" in checked.stdout + checked.stderr
        walrock.start()
        assert walrock.wait_for_exit() != 0
        assert "knows no zone Europe/Berlln" in walrock.log()


# -- money ------------------------------------------------------------------------------------

@pytest.fixture(scope="module")
def server_of_locales():
    """A server that knows the currencies of Japan (no smaller unit) and of France."""
    if not Path("/usr/share/i18n/locales/ja_JP").exists() or not shutil.which("localedef"):
        pytest.skip("there are no definitions of locales here")
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        Path(folder).chmod(0o755)
        for locale in ("ja_JP", "fr_FR"):
            subprocess.run(["localedef", "-i", locale, "-f", "UTF-8", f"{folder}/{locale}.UTF-8"], check=True)
        patch.setenv("LOCPATH", folder)
        with PgServer(lc_monetary="fr_FR.UTF-8") as pg:
            yield pg


def prices(case, session="SELECT"):
    """{id: (v, w)} as the source prints it in such a session, and as the target shows it."""
    with case.pg.connect(case.name) as connection, connection.cursor() as cursor:
        cursor.execute(f"{session} 1; SELECT id, v::text, w::text FROM priced")
        printed = {id: row for id, *row in cursor.fetchall()}
    return printed, {key: [text(cell) for cell in row] for key, row in target_rows(case, "priced").items()}


def test_money_is_printed_as_the_database_says_whatever_role_and_time(server_of_locales, rockpool, tmp_path):
    """The same amount is 100 times as much in yen as in a currency of cents, so it must be that of those who write."""
    pg = server_of_locales
    with Case("money", pg, rockpool, tmp_path) as case:
        pg.execute("postgres", "ALTER DATABASE money SET lc_monetary = 'ja_JP.UTF-8'",
                   f"ALTER ROLE {REPLICATOR} SET lc_monetary = 'fr_FR.UTF-8'",
                   f"ALTER ROLE {REPLICATOR} IN DATABASE money SET lc_monetary = 'C'")
        run = case.source_as_superuser
        run("CREATE TABLE priced (id int PRIMARY KEY, v money, w money[])", "CREATE TABLE plain (id int PRIMARY KEY)",
            f"ALTER TABLE priced OWNER TO {REPLICATOR}", f"ALTER TABLE plain OWNER TO {REPLICATOR}",
            "INSERT INTO priced VALUES (1, 1234567::money, ARRAY[(-5)::money, NULL]), (2, (-1)::money, NULL)")
        with case.walrock(["priced", "plain"]) as walrock:
            walrock.start()
            walrock.wait_until_ready("public.priced")
            run("INSERT INTO priced VALUES (3, 1234567::money, ARRAY[(-5)::money, NULL])", "UPDATE priced SET v = 7::money WHERE id = 2")
            case.settle(walrock)
            printed, shown = prices(case)
            assert shown[1][0] == printed[1][0] and "1,234,567" in printed[1][0] and ".00" not in printed[1][0]
            assert shown[3] == shown[1] and shown[2][0] == printed[2][0]
            pg.execute("postgres", "ALTER DATABASE money SET lc_monetary = 'C'")  # not yet: copy and stream are one
            run("INSERT INTO priced VALUES (4, 123.45::money, NULL)")
            case.settle(walrock)
            assert prices(case)[1][4][0] == shown[1][0].replace("1,234,567", "12,345")
            assert walrock.stop() == 0
            walrock.start()
            reason = walrock.wait_until_table("public.priced", "errored")["reason"]
            assert "lc_monetary" in reason and shown[1][0] in reason and "$1,234,567.00" in reason, reason
            walrock.wait_until_ready("public.plain")
            assert walrock.stop() == 0
            case.target("DROP TABLE priced FORCE")
            walrock.start()
            walrock.wait_until("priced to be copied again", lambda: "table=public.priced state=ready" in walrock.log().split("lc_monetary")[-1])
            case.settle(walrock)
            printed, shown = prices(case)
            assert {key: row[0] for key, row in shown.items()} == {key: row[0] for key, row in printed.items()}
            assert shown[1][0] == "$12,345.67"
        pg.execute("postgres", f"ALTER ROLE {REPLICATOR} RESET ALL", f"ALTER ROLE {REPLICATOR} IN DATABASE money RESET ALL")


def test_an_enum_may_get_values_while_the_job_runs(typed):
    case, run = typed, plain_session(typed)
    run("CREATE TYPE level AS ENUM ('low', 'high')",
        f"CREATE TABLE graded (id int PRIMARY KEY, v level, w level[]); ALTER TABLE graded OWNER TO {REPLICATOR}",
        "INSERT INTO graded VALUES (1, 'low', '{low}')")
    with case.walrock("graded") as walrock:
        walrock.start()
        walrock.wait_until_ready("public.graded")
        run("ALTER TYPE level ADD VALUE 'medium' BEFORE 'high'")
        run("INSERT INTO graded VALUES (2, 'medium', '{medium,high}')")
        case.settle(walrock)
    assert target_rows(case, "graded") == {1: ("low", "{low}"), 2: ("medium", "{medium,high}")}
