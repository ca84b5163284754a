"""CREATE, ALTER, DROP, SHOW and information_schema."""
import threading

import pytest

ONE = "PROPERTIES('replication_num'='1')"
PAIR = "id INT NOT NULL, v INT NULL"
SHOW = "SELECT * FROM t ORDER BY 1"


def job(scene, table="t"):
    return scene.sql(f"SHOW ALTER TABLE COLUMN FROM {scene.name} WHERE TableName = '{table}' ORDER BY CreateTime DESC LIMIT 1")[0]


def finished(scene, table="t"):
    scene.wait(lambda: job(scene, table)[9] in ("FINISHED", "CANCELLED"), 10)
    return job(scene, table)[9]


# ---------------------------------------------------------------- CREATE
@pytest.mark.parametrize("columns, rest, text", [
    ("v INT, id INT NOT NULL", "PRIMARY KEY(id)", "Key columns must be the first few columns of the schema and the order  of"),
    ("id DECIMAL(9,2) NOT NULL, v INT", "PRIMARY KEY(id)", "primary key column[id] type not supported"),
    ("id CHAR(5) NOT NULL, v INT", "PRIMARY KEY(id)", "primary key column[id] type not supported"),
    ("id INT NULL, v INT", "PRIMARY KEY(id)", "primary key column[id] cannot be nullable"),
    ("id DOUBLE, v INT", "DUPLICATE KEY(id)", "Invalid data type of key column 'id': 'DOUBLE', use decimal instead"),
    ("id INT, v INT", "UNIQUE KEY(id)", "Currently not support default distribution in UNIQUE_KEYS."),
    ("id INT, v INT SUM", "AGGREGATE KEY(id)", "Currently not support default distribution in AGG_KEYS."),
    ("id INT, v INT", "PRIMARY KEY(id) DISTRIBUTED BY RANDOM", "PRIMARY KEY must use hash distribution."),
    ("id INT, id INT", "DUPLICATE KEY(id)", "Duplicate column name 'id'"),
    ("id INT, __op INT", "DUPLICATE KEY(id)", "Incorrect column name '__op'"),
    ("id INT, v TIME", "DUPLICATE KEY(id)", "Type:TIME of column:v does not support."),
    ("id INT, v INT DEFAULT 'x'", "DUPLICATE KEY(id)", "Invalid default value for 'v'"),
    ("id INT, v INT NOT NULL DEFAULT NULL", "DUPLICATE KEY(id)", "null default value"),
    ("id INT, v DATE DEFAULT CURRENT_TIMESTAMP", "DUPLICATE KEY(id)", "Default function now() for type DATE is not supported"),
    ("id BIGINT NULL AUTO_INCREMENT, v INT", "DUPLICATE KEY(id)", "AUTO_INCREMENT column id must be NOT NULL."),
    ("id INT NOT NULL, v INT", "PRIMARY KEY(id) DISTRIBUTED BY HASH(v)", "Distribution column[v] is not key column"),
    ("id INT, v INT", "DUPLICATE KEY(id) ORDER BY (v, v)", "Duplicate sort key column v is not allowed."),
    ("id INT, v INT", "UNIQUE KEY(id) DISTRIBUTED BY HASH(id) ORDER BY (v)", "must be same with key columns"),
    ("id INT, v VARCHAR(2000000)", "DUPLICATE KEY(id)", "Varchar size must be <= 1048576"),
    ("id INT, v NONSENSE", "DUPLICATE KEY(id)", "Unexpected input 'NONSENSE', the most similar input is"),
])
def test_tables_that_cannot_be(scene, columns, rest, text):
    code, found = scene.error(f"CREATE TABLE t ({columns}) {rest} {ONE}")
    assert text in found and code in (1064, 1060, 1166), found


def test_replicas_and_properties_are_checked(scene):
    assert "Table replication num should be less than" in scene.error(f"CREATE TABLE t ({PAIR}) DUPLICATE KEY(id)")[1]
    assert "Unknown properties: {colour=blue}" in scene.error(
        f"CREATE TABLE t ({PAIR}) DUPLICATE KEY(id) PROPERTIES('replication_num'='1', 'colour'='blue')")[1]


def test_show_create_table_of_everything(scene):
    scene.sql("CREATE TABLE t (id INT NOT NULL COMMENT 'the \"key\"', d DATE NOT NULL, v VARCHAR(32) NULL DEFAULT '', n BIGINT NULL "
              "DEFAULT '0', m DATETIME NULL DEFAULT CURRENT_TIMESTAMP, j ARRAY<MAP<INT,STRING>>, s STRUCT<a INT, b STRING>) ENGINE=OLAP "
              "PRIMARY KEY(id, d) COMMENT 'mine' PARTITION BY RANGE(d) (PARTITION p1 VALUES LESS THAN ('2024-01-01'), PARTITION p2 "
              "VALUES [('2024-01-01'), ('2025-01-01'))) DISTRIBUTED BY HASH(id) BUCKETS 3 ORDER BY(v) PROPERTIES('replication_num'='1')")
    assert scene.sql("SHOW CREATE TABLE t")[0][1] == (
        'CREATE TABLE `t` (\n  `id` int(11) NOT NULL COMMENT "the \\"key\\"",\n  `d` date NOT NULL COMMENT "",\n'
        '  `v` varchar(32) NULL DEFAULT "" COMMENT "",\n  `n` bigint(20) NULL DEFAULT "0" COMMENT "",\n'
        '  `m` datetime NULL DEFAULT CURRENT_TIMESTAMP COMMENT "",\n'
        '  `j` array<map<int(11),varchar(65533)>> NULL COMMENT "",\n  `s` struct<a int(11), b varchar(65533)> NULL COMMENT ""\n'
        ') ENGINE=OLAP \nPRIMARY KEY(`id`, `d`)\nCOMMENT "mine"\nPARTITION BY RANGE(`d`)\n'
        '(PARTITION p1 VALUES [("0000-01-01"), ("2024-01-01")),\nPARTITION p2 VALUES [("2024-01-01"), ("2025-01-01")))\n'
        'DISTRIBUTED BY HASH(`id`) BUCKETS 3 \nORDER BY(`v`)\nPROPERTIES (\n"compression" = "LZ4",\n'
        '"enable_persistent_index" = "true",\n"fast_schema_evolution" = "true",\n"replicated_storage" = "true",\n'
        '"replication_num" = "1"\n);')


def test_what_show_create_prints_can_be_created(scene):
    scene.sql("CREATE TABLE t (id INT, v DECIMAL(9,2) NULL DEFAULT '1.5', b BOOLEAN) DUPLICATE KEY(id) "
              "PARTITION BY date_trunc('day', made) DISTRIBUTED BY RANDOM BUCKETS 2 PROPERTIES('replication_num'='1')"
              .replace("b BOOLEAN", "made DATETIME"))
    text = scene.sql("SHOW CREATE TABLE t")[0][1]
    scene.sql("DROP TABLE t FORCE", text)
    assert scene.sql("SHOW CREATE TABLE t")[0][1] == text


def test_databases_tables_views_and_their_names(scene):
    scene.table(PAIR)
    scene.table(PAIR, name="T")
    scene.sql("CREATE VIEW w AS SELECT v AS x FROM t WHERE id > 1", "INSERT INTO t VALUES (1, 1), (2, 2)")
    assert scene.sql("SHOW TABLES") == [["T"], ["t"], ["w"]] and scene.sql("SHOW TABLES LIKE 'w%'") == [["w"]]
    assert scene.sql("SHOW FULL TABLES") == [["T", "BASE TABLE"], ["t", "BASE TABLE"], ["w", "VIEW"]]
    assert scene.sql("SELECT x FROM w") == [["2"]] and [scene.name] in scene.sql("SHOW DATABASES")
    scene.sql("CREATE TABLE c AS SELECT id, v * 2 AS dbl FROM t".replace("c AS", f"c {ONE} AS"), "DROP VIEW w")
    assert scene.sql("SELECT * FROM c ORDER BY id") == [["1", "2"], ["2", "4"]]
    scene.sql("ALTER TABLE t RENAME t2", f"CREATE DATABASE IF NOT EXISTS {scene.name}")
    assert scene.error("SELECT * FROM t")[0] == 5502 and len(scene.sql("SELECT * FROM t2")) == 2


def test_drop_recover_truncate(scene):
    scene.table(PAIR)
    scene.sql("INSERT INTO t VALUES (1, 1)", "DROP TABLE t", "RECOVER TABLE t")
    assert len(scene.sql(SHOW)) == 1
    scene.sql("TRUNCATE TABLE t")
    assert scene.sql(SHOW) == []
    scene.ok(scene.load("1,2\n"))
    scene.sql("DROP TABLE t FORCE", "DROP TABLE IF EXISTS t")
    assert scene.error("RECOVER TABLE t")[0] == 5502 and scene.error("DROP TABLE t")[0] == 5502


# ---------------------------------------------------------------- ALTER
def test_add_and_drop_value_columns_are_done_inside_the_statement(scene):
    scene.table(PAIR)
    scene.sql("INSERT INTO t VALUES (1, 5)", "ALTER TABLE t ADD COLUMN n VARCHAR(20) DEFAULT 'd' AFTER id")
    assert job(scene)[9] == "FINISHED"
    scene.sql("ALTER TABLE t ADD COLUMN (a INT, b BOOLEAN DEFAULT 'true'), ADD COLUMN c DATETIME DEFAULT CURRENT_TIMESTAMP")
    assert scene.sql("SELECT id, n, v, a, b, c > '2020-01-01' FROM t") == [["1", "d", "5", None, "1", "1"]]
    scene.sql("ALTER TABLE t DROP COLUMN v, DROP COLUMN c", "ALTER TABLE t ADD COLUMN v INT")
    assert scene.sql(SHOW) == [["1", "d", None, "1", None]]


def test_an_open_transaction_does_not_stop_a_fast_change_and_may_still_commit(scene):
    scene.table(PAIR)
    scene.txn("begin", "x")
    scene.txn("load", "x", "1,5\n")
    scene.sql("ALTER TABLE t ADD COLUMN n INT DEFAULT '7'", "ALTER TABLE t DROP COLUMN v")
    assert scene.txn("commit", "x")["Status"] == "OK"
    assert scene.sql(SHOW) == [["1", "7"]]


@pytest.mark.parametrize("clause, text", [
    ("ADD COLUMN v BIGINT", "Can not add column which already exists in column id: v, you can remove `v` int(11) NULL COMMENT \"\""),
    ("ADD COLUMN n INT, ADD COLUMN n FLOAT", "Repeatedly add same column with different definition: n"),
    ("ADD COLUMN n INT NOT NULL", "Field 'n' is not null but doesn't have a default value"),
    ("ADD COLUMN n INT KEY", "Cannot specify aggregate function 'REPLACE' for key column 'n'."),
    ("ADD COLUMN n INT FIRST", "Cannot add value column[n] at first"),
    ("ADD COLUMN n VARCHAR(40) DEFAULT (uuid())", "unsupported default expr:uuid()"),
    ("ADD COLUMN n BIGINT NOT NULL AUTO_INCREMENT", "can not be AUTO_INCREMENT when ADD COLUMN."),
    ("DROP COLUMN id", "Can not drop key column in primary data model table"),
    ("DROP COLUMN s", "Can not drop sort column in primary data model table"),
    ("DROP COLUMN ghost", "Column does not exists: ghost"),
    ("MODIFY COLUMN ghost INT", "Column[ghost] does not exists"),
    ("MODIFY COLUMN id LARGEINT", "Can not modify key column: id for primary key table"),
    ("MODIFY COLUMN s BIGINT", "Can not modify sort column in primary data model table"),
    ("MODIFY COLUMN v SMALLINT", "Can not change INT to SMALLINT"),
    ("MODIFY COLUMN v INT NOT NULL", "Can not change from nullable to non-nullable"),
    ("MODIFY COLUMN v INT DEFAULT '3'", "Can not change default value"),
    ("MODIFY COLUMN w VARCHAR(5)", "Cannot shorten string length"),
    ("MODIFY COLUMN v BIGINT AFTER ghost", "does not exist"),
    ("ORDER BY (v, v)", "Duplicated column[v]"), ("ORDER BY (d)", "Sort key column[d] type not supported: DOUBLE in PrimaryKey"),
    ("RENAME COLUMN v TO w", "Duplicate column name 'w'"), ("RENAME COLUMN ghost TO x", "ghost"),
])
def test_changes_that_are_refused(scene, clause, text):
    scene.sql(
        "CREATE TABLE t (id INT NOT NULL, v INT NULL, w VARCHAR(9) NULL, s INT NULL, d DOUBLE NULL) PRIMARY KEY(id) DISTRIBUTED BY "
        f"HASH(id) BUCKETS 1 ORDER BY(s) {ONE}")
    code, found = scene.error(f"ALTER TABLE t {clause}")
    assert text in found, found
    assert len(scene.sql("DESC t")) == 5


def test_type_changes_are_jobs_that_end(scene):
    scene.table("id INT NOT NULL, a INT NULL, b VARCHAR(9) NULL, c DATE NULL, d DECIMAL(9,2) NULL, e DOUBLE NULL")
    scene.sql("INSERT INTO t VALUES (1, 2, '33', '2024-01-02', 1.5, 2.0)")
    for clause in ("a BIGINT", "b INT", "c DATETIME", "d DECIMAL(20,4)", "e VARCHAR(30)"):
        scene.sql(f"ALTER TABLE t MODIFY COLUMN {clause}")
        assert finished(scene) == "FINISHED"
    assert scene.sql(SHOW) == [["1", "2", "33", "2024-01-02 00:00:00", "1.5000", "2"]]
    assert [r[1] for r in scene.sql("DESC t")] == ["int", "bigint", "int", "datetime", "decimal(20,4)", "varchar(30)"]


def test_widening_text_is_done_inside_the_statement_even_on_keys(scene):
    scene.table("id VARCHAR(5) NOT NULL, v VARCHAR(5) NULL")
    scene.sql("ALTER TABLE t MODIFY COLUMN v VARCHAR(50)", "ALTER TABLE t MODIFY COLUMN id VARCHAR(50) NOT NULL")
    assert [r[1] for r in scene.sql("DESC t")] == ["varchar(50)", "varchar(50)"] and job(scene)[9] == "FINISHED"


def test_unconvertible_rows_cancel_the_job(scene):
    scene.table("id INT NOT NULL, v VARCHAR(9) NOT NULL")
    scene.sql("INSERT INTO t VALUES (1, 'x')", "ALTER TABLE t MODIFY COLUMN v INT NOT NULL")
    assert finished(scene) == "CANCELLED" and scene.sql("DESC t")[1][1] == "varchar(9)"


def test_a_job_waits_for_older_transactions_and_refuses_a_second(scene):
    scene.table(PAIR)
    scene.txn("begin", "x")
    scene.txn("load", "x", "1,5\n")
    scene.sql("ALTER TABLE t MODIFY COLUMN v BIGINT")
    scene.wait(lambda: job(scene)[9] == "WAITING_TXN")
    scene.sql("INSERT INTO t VALUES (2, 6)")
    code, text = scene.error("ALTER TABLE t ADD COLUMN n INT")
    assert 'A schema change operation is in progress on the table "t". Please wait until' in text and code == 1064
    assert scene.error("TRUNCATE TABLE t")[0] == 5014
    assert job(scene)[9] == "WAITING_TXN" and scene.sql("DESC t")[1][1] == "int"
    assert scene.txn("commit", "x")["Status"] == "OK"
    assert finished(scene) == "FINISHED" and scene.sql(SHOW) == [["1", "5"], ["2", "6"]]


def test_a_waiting_job_can_be_cancelled(scene):
    scene.table(PAIR)
    scene.txn("begin", "x")
    scene.sql("ALTER TABLE t MODIFY COLUMN v BIGINT", "CANCEL ALTER TABLE COLUMN FROM t")
    assert job(scene)[9] == "CANCELLED"
    scene.sql("ALTER TABLE t ADD COLUMN n INT")
    assert "is not under SCHEMA_CHANGE" in scene.error("CANCEL ALTER TABLE COLUMN FROM t")[1]


def test_tables_without_fast_schema_evolution_take_the_slow_way(scene):
    scene.sql(f"CREATE TABLE t ({PAIR}) PRIMARY KEY(id) DISTRIBUTED BY HASH(id) PROPERTIES('replication_num'='1', "
              "'fast_schema_evolution'='false')", "INSERT INTO t VALUES (1, 1)", "ALTER TABLE t ADD COLUMN n INT DEFAULT '4'")
    assert job(scene)[9] in ("PENDING", "WAITING_TXN", "RUNNING") and len(scene.sql("DESC t")) == 2
    assert finished(scene) == "FINISHED" and scene.sql(SHOW) == [["1", "1", "4"]]


def test_rename_column_holds_at_once_and_reserves_the_old_name(scene):
    scene.table("id INT NOT NULL, v INT NULL")
    scene.ok(scene.load("1,2\n"))
    scene.sql("ALTER TABLE t RENAME COLUMN id TO k", "ALTER TABLE t RENAME COLUMN v TO x")
    scene.ok(scene.load("3,4\n", columns="k, x"), 1)
    assert scene.sql("SELECT k, x FROM t ORDER BY k") == [["1", "2"], ["3", "4"]]
    assert "PRIMARY KEY(`k`)" in scene.sql("SHOW CREATE TABLE t")[0][1]
    assert "Unknown column 'v' in 't'" in scene.error("INSERT INTO t (k, v) VALUES (1, 1)")[1]
    assert "already exists in column id: v, you can remove `x` int(11)" in scene.error("ALTER TABLE t ADD COLUMN v INT")[1]


def test_swap_exchanges_names(scene):
    scene.table(PAIR)
    scene.table("id INT NOT NULL, n BIGINT NULL", name="u")
    scene.sql("INSERT INTO t VALUES (1, 1)", "INSERT INTO u VALUES (2, 2)", "ALTER TABLE t SWAP WITH u")
    assert scene.sql("SELECT n FROM t") == [["2"]] and scene.sql("SELECT v FROM u") == [["1"]]
    scene.txn("begin", "x")
    scene.txn("load", "x", "5,5\n")
    scene.sql("ALTER TABLE t SWAP WITH u")
    scene.txn("commit", "x")  # loads follow the table, not its name
    assert scene.sql("SELECT id FROM u ORDER BY id") == [["2"], ["5"]]


def test_sort_key_of_a_primary_key_table_is_a_job(scene):
    scene.table("id INT NOT NULL, a INT NULL")
    scene.sql("ALTER TABLE t ORDER BY (a)")
    assert finished(scene) == "FINISHED" and "ORDER BY(`a`)" in scene.sql("SHOW CREATE TABLE t")[0][1]


def test_loads_and_changes_at_the_same_time_lose_nothing(scene):
    scene.table(PAIR)
    answers = []

    def loads():
        for n in range(60):
            answers.append(scene.load(f"{n},1\n", columns="id, v")["Status"])
    thread = threading.Thread(target=loads)
    thread.start()
    with scene.pool.connect(scene.name) as c, c.cursor() as cursor:
        for n in range(8):
            cursor.execute(f"ALTER TABLE t ADD COLUMN c{n} INT DEFAULT '{n}'")
    thread.join()
    assert set(answers) == {"Success"}
    assert scene.sql("SELECT count(*), sum(c0), sum(c7) FROM t") == [["60", "0", "420"]]


# ---------------------------------------------------------------- SHOW and information_schema
def test_desc_and_show_columns(scene):
    scene.sql("CREATE TABLE t (k BIGINT, s STRUCT<a INT, b STRING>, v DECIMAL(32,2) NOT NULL DEFAULT '0', m MAP<STRING,INT> COMMENT 'c') "
              f"DUPLICATE KEY(k) {ONE}")
    assert scene.sql("DESC t") == [
        ["k", "bigint", "YES", "true", None, ""], ["s", "struct<a int(11), b varchar(65533)>", "YES", "false", None, ""],
        ["v", "decimal(32,2)", "NO", "false", "0", ""], ["m", "map<varchar(65533),int>", "YES", "false", None, ""]]
    assert scene.sql("SHOW FULL COLUMNS FROM t")[3][8] == "c" and len(scene.sql("SHOW COLUMNS FROM t LIKE 'k'")) == 1


def test_information_schema_columns(scene):
    scene.table("id INT NOT NULL COMMENT 'c1', v VARCHAR(40) NULL DEFAULT 'x', m DECIMAL(9, 3) NULL, b BOOLEAN, l LARGEINT, d DATETIME")
    where = f"WHERE table_schema = '{scene.name}' AND table_name = 't' ORDER BY ordinal_position"
    assert scene.sql(f"SELECT COLUMN_NAME, ORDINAL_POSITION, IS_NULLABLE, DATA_TYPE, COLUMN_TYPE, COLUMN_KEY, COLUMN_DEFAULT, COLUMN_COMMENT, "
                     f"CHARACTER_MAXIMUM_LENGTH, NUMERIC_PRECISION, NUMERIC_SCALE, DATETIME_PRECISION FROM information_schema.columns {where}") == [
        ["id", "1", "NO", "int", "int(11)", "PRI", None, "c1", None, "10", "0", None],
        ["v", "2", "YES", "varchar", "varchar(40)", "", "x", "", "40", None, None, None],
        ["m", "3", "YES", "decimal", "decimal(9,3)", "", None, "", None, "9", "3", None],
        ["b", "4", "YES", "tinyint", "tinyint(1)", "", None, "", None, None, None, None],
        ["l", "5", "YES", "bigint unsigned", "bigint(20) unsigned", "", None, "", None, "39", "0", None],
        ["d", "6", "YES", "datetime", "datetime", "", None, "", None, None, None, "6"]]
    with scene.connection.cursor() as cursor:
        cursor.execute(f"SELECT ordinal_position, column_size, numeric_scale FROM information_schema.columns {where}")
        assert {d[1] for d in cursor.description} == {8}  # BIGINT


def test_information_schema_tables_and_loads(scene):
    scene.sql(f"CREATE TABLE t (a DATE, b INT, v INT) UNIQUE KEY(a, b) COMMENT 'about' DISTRIBUTED BY HASH(a, b) BUCKETS 3 {ONE}",
              "CREATE VIEW w AS SELECT 1 AS one")
    assert scene.sql(f"SELECT table_name, table_type, engine, table_comment FROM information_schema.tables WHERE table_schema = "
                     f"'{scene.name}' ORDER BY 1") == [["t", "BASE TABLE", "StarRocks", "about"], ["w", "VIEW", None, ""]]
    row = scene.sql(f"SELECT table_engine, table_model, primary_key, partition_key, distribute_key, distribute_type, distribute_bucket, "
                    f"sort_key, properties, table_id > 10000 FROM information_schema.tables_config WHERE table_schema = '{scene.name}'")[0]
    assert row[:8] == ["OLAP", "UNIQUE_KEYS", "`a`, `b`", "", "`a`, `b`", "HASH", "3", "`a`, `b`"] and row[9] == "1"
    assert row[8].startswith('{"compression":"LZ4"') and '"replication_num":"1"' in row[8]
    scene.ok(scene.load("2024-01-01,1,1\n", label="good"))
    scene.load("x,1,1\n", label="bad", strict_mode="true")
    scene.sql("INSERT INTO t WITH LABEL ins VALUES ('2024-01-01', 2, 2)")
    assert scene.sql(f"SELECT label, state, type, sink_rows FROM information_schema.loads WHERE db_name = '{scene.name}' ORDER BY label") == [
        ["bad", "CANCELLED", "STREAM", "0"], ["good", "FINISHED", "STREAM", "1"], ["ins", "FINISHED", "INSERT", "1"]]
    assert "must specify label or job_id" in scene.error("SELECT * FROM information_schema.load_tracking_logs")[1]
    assert [scene.name] in scene.sql("SELECT schema_name FROM information_schema.schemata")


def test_servers_are_shown(scene):
    row = scene.sql("SHOW BACKENDS")
    assert [r[1] for r in row] == ["127.0.0.1"] * 2 and [int(r[4]) for r in row] == scene.pool.ports["be_http"]
    front = scene.sql("SHOW FRONTENDS")[0]
    assert front[6] == "LEADER" and int(front[3]) == scene.pool.ports["fe_http"] and int(front[4]) == scene.pool.ports["mysql"]
    assert scene.sql("SHOW COMPUTE NODES") == []
