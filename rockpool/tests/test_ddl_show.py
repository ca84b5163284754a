"""SHOW and information_schema: every list, its filters, and how they differ by version."""
import pytest

from rockpool.tests.pool import Scene

ONE = "PROPERTIES('replication_num'='1')"


@pytest.fixture
def filled(scene):
    scene.table("id INT NOT NULL, v VARCHAR(9), a ARRAY<INT>, m MAP<INT, VARCHAR(5)>, s STRUCT<x INT, y BIGINT>, n BIGINT NOT NULL AUTO_INCREMENT",
                more="COMMENT 'mine'")
    scene.sql("INSERT INTO t (id, v) VALUES (1, 'a'), (2, 'b')", "CREATE VIEW w AS SELECT id FROM t")
    return scene


def record(scene, query):
    """The first row by its columns' names."""
    with scene.connection.cursor() as cursor:
        cursor.execute(query)
        names = [d[0] for d in cursor.description]
        row = cursor.fetchone()
    return dict(zip(names, (v.decode() if isinstance(v, bytes) else v for v in row)))


# ---------------------------------------------------------------- information_schema
def test_tables_know_their_size_and_times(filled):
    row = record(filled, f"SELECT * FROM information_schema.tables WHERE table_schema = '{filled.name}' AND table_name = 't'")
    assert (row["TABLE_ROWS"], row["TABLE_TYPE"], row["ENGINE"], row["TABLE_COMMENT"]) == ("2", "BASE TABLE", "StarRocks", "mine")
    assert int(row["AUTO_INCREMENT"]) >= 2 and row["CREATE_TIME"] <= row["UPDATE_TIME"] and row["ROW_FORMAT"] is None


@pytest.mark.parametrize("name, kind, text", [
    ("a", "array", "array<int(11)>"), ("m", "map", "map<int(11),varchar(5)>"), ("s", "struct", "struct<x int(11), y bigint(20)>"),
    ("v", "varchar", "varchar(9)"), ("n", "bigint", "bigint(20)")])
def test_types_of_columns(filled, name, kind, text):
    row = record(filled, f"SELECT * FROM information_schema.columns WHERE table_schema = '{filled.name}' AND column_name = '{name}'")
    assert (row["DATA_TYPE"], row["COLUMN_TYPE"], row["TABLE_CATALOG"]) == (kind, text, "def")
    assert row["EXTRA"] == ("auto_increment" if name == "n" else "")


def test_partitions_are_described(filled):
    filled.table("id INT, d DATE NOT NULL", "DUPLICATE KEY(id)", "p", "PARTITION BY date_trunc('day', d)")
    assert filled.sql("SHOW PARTITIONS FROM p") == []
    filled.sql("INSERT INTO p VALUES (1, '2024-03-04'), (2, '2024-03-04'), (3, '2024-03-05')")
    found = filled.sql("SELECT partition_name, row_count, is_temp, buckets, distribution_key FROM information_schema.partitions_meta WHERE "
                       f"db_name = '{filled.name}' AND table_name = 'p' ORDER BY 1")
    assert found[1:] == [["p20240304", "2", "0", "1", "id"], ["p20240305", "1", "0", "1", "id"]]
    assert [[r[1], r[16]] for r in filled.sql("SHOW PARTITIONS FROM p")] == [["p20240304", "2"], ["p20240305", "1"]]
    assert filled.sql("SELECT id FROM p PARTITION (p20240305)") == [["3"]]
    assert "Unknown partition" in filled.error("SELECT id FROM p PARTITION (nothing)")[1]


@pytest.mark.parametrize("name", ["be_txns", "be_tablets", "be_compactions", "be_configs", "be_metrics", "task_runs", "tasks", "stream_loads",
                                  "pipes", "routine_load_jobs", "materialized_views", "statistics", "triggers", "routines", "events",
                                  "referential_constraints", "table_constraints", "table_privileges", "column_privileges"])
def test_lists_that_are_there(scene, name):
    scene.sql(f"SELECT * FROM information_schema.{name} LIMIT 3")
    assert record(scene, f"SELECT count(*) AS n FROM information_schema.{name}")["n"].isdigit()


def test_stream_loads_are_listed_while_they_run(filled):
    with filled.connection.cursor() as cursor:
        cursor.execute("SELECT * FROM information_schema.stream_loads LIMIT 0")
        names = [d[0] for d in cursor.description]
    assert names[:8] == ["LABEL", "ID", "LOAD_ID", "TXN_ID", "DB_NAME", "TABLE_NAME", "STATE", "ERROR_MSG"]
    assert names[-3:] == ["CHANNEL_STATE", "TYPE", "TRACKING_SQL"]


def test_lists_that_never_change(scene):
    assert record(scene, "SELECT * FROM information_schema.character_sets")["CHARACTER_SET_NAME"] == "utf8"
    assert scene.sql("SELECT engine FROM information_schema.engines") == [["OLAP"]]
    assert ["information_schema"] in scene.sql("SELECT schema_name FROM information_schema.schemata")
    assert scene.error("SELECT * FROM information_schema.nothing")[0] == 5502


def test_views_are_listed(filled):
    row = record(filled, f"SELECT * FROM information_schema.views WHERE table_schema = '{filled.name}'")
    assert row["TABLE_NAME"] == "w" and "SELECT" in row["VIEW_DEFINITION"]
    assert filled.sql("SHOW FULL TABLES") == [["t", "BASE TABLE"], ["w", "VIEW"]]


# ---------------------------------------------------------------- SHOW
def test_lists_are_filtered_by_like_and_where(filled):
    filled.sql("CREATE TABLE t_two LIKE t")
    assert filled.sql("SHOW TABLES LIKE 't%'") == [["t"], ["t_two"]]
    assert filled.sql(f"SHOW TABLES FROM {filled.name} LIKE 'x%'") == []
    assert filled.sql(f"SHOW TABLES WHERE Tables_in_{filled.name} = 't'") == [["t", "BASE TABLE"]]
    assert filled.sql(f"SHOW DATABASES LIKE '{filled.name}'") == [[filled.name]]
    assert [r[0] for r in filled.sql("SHOW COLUMNS FROM t LIKE 'v'")] == ["v"]
    assert [r[0] for r in filled.sql("SHOW FULL COLUMNS FROM t WHERE Field = 'n'")] == ["n"]
    assert [r[0] for r in filled.sql("SHOW TABLE STATUS LIKE 't'")] == ["t"]
    assert filled.error("SHOW TABLES FROM ghost")[0] in (1049, 5501)
    assert filled.error("SHOW COLUMNS FROM ghost")[0] == 5502


def test_tablets_and_sizes(filled):
    rows = filled.sql("SHOW TABLET FROM t")
    assert len(rows) == 1 and rows[0][0].isdigit()
    assert filled.sql("SHOW DATA")[0][0] == "t" and [r[0] for r in filled.sql("SHOW DATA")][-3:] == ["Total", "Quota", "Left"]
    found = record(filled, f"SHOW TABLET {rows[0][0]}")
    assert (found["DbName"], found["TableName"]) == (filled.name, "t")


def test_paths_of_the_cluster(filled):
    number = next(r[0] for r in filled.sql("SHOW PROC '/dbs'") if r[1] == filled.name)
    assert [[r[1], r[4], r[5]] for r in filled.sql(f"SHOW PROC '/dbs/{number}'")] == [["t", "1", "NORMAL"]]
    assert filled.sql(f"SHOW PROC '/dbs/{filled.name}/t'") == [["partitions"], ["index_schema"]]
    assert [r[1] for r in filled.sql(f"SHOW PROC '/dbs/{filled.name}/t/partitions'")] == ["t"]
    assert filled.sql("SHOW PROC '/statistic'")[-1][0] == "Total"
    assert ["dbs"] in filled.sql("SHOW PROC '/'")
    filled.sql("ALTER TABLE t ADD COLUMN more INT")
    assert [r[3] for r in filled.sql(f"SHOW PROC '/jobs/{number}'")] == ["0", "0", "1", "0"]
    assert "unknown table id or name" in filled.error(f"SHOW PROC '/dbs/{number}/ghost'")[1]
    assert filled.error("SHOW PROC '/nothing'")[0] == 1064 and filled.error("SHOW PROC '/dbs/ghost'")[0] == 5501


# ---------------------------------------------------------------- versions
@pytest.mark.parametrize("number, decimal, order", [
    ("2.5.13", "decimal64(10, 2)", ["replication_num", "in_memory", "storage_format", "enable_persistent_index", "replicated_storage", "compression"]),
    ("3.1.4", "decimal64(10, 2)", ["replication_num", "in_memory", "enable_persistent_index", "replicated_storage", "compression"]),
    ("3.4.0", "decimal(10, 2)", ["compression", "enable_persistent_index", "fast_schema_evolution", "replicated_storage", "replication_num"]),
])
def test_tables_are_shown_by_version(own, number, decimal, order):
    scene = Scene(own("--version", number), "d")
    scene.table("id INT NOT NULL, d DECIMAL(10, 2)")
    text = scene.sql("SHOW CREATE TABLE t")[0][1]
    assert f"  `d` {decimal} NULL COMMENT \"\"" in text
    assert [line.split('"')[1] for line in text.splitlines() if line.startswith('"')] == order
    if number == "2.5.13":
        scene.sql("CREATE TABLE n (id INT, v INT) DUPLICATE KEY(id) DISTRIBUTED BY HASH(id) " + ONE)
        assert "sort key" in scene.error("CREATE TABLE o (id INT, v INT) DUPLICATE KEY(id) DISTRIBUTED BY HASH(id) BUCKETS 1 ORDER BY(v) " + ONE)[1]
    scene.connection.close()
