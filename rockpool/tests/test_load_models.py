"""What loads do to tables of each model: partial updates and their refusals, conditions, aggregates, AUTO_INCREMENT."""
import pytest

from rockpool.loads.options import read
from rockpool.version import Version

PK = "PRIMARY KEY(id)"
FIVE = "id INT NOT NULL, a INT NULL, b INT NULL, c INT NULL DEFAULT '7'"


# ---------------------------------------------------------------- partial update
@pytest.mark.parametrize("mode", ["row", "column", "auto", "ROW", "nonsense"])
def test_modes_of_partial_update_agree(scene, mode):
    scene.table(FIVE, PK)
    scene.ok(scene.load("1,1,1,1\n2,2,2,2\n"), 2)
    scene.ok(scene.load("1,10\n3,30\n1,11\n", partial_update="true", partial_update_mode=mode, columns="id,a"), 3)
    assert scene.sql("SELECT * FROM t ORDER BY id") == [["1", "11", "1", "1"], ["2", "2", "2", "2"], ["3", "30", None, "7"]]


@pytest.mark.parametrize("mode, columns, good", [
    ("row", "id,a", False), ("row", "id,a,b", True), ("auto", "id,a", False), ("auto", "id,b", True),
    ("column", "id,a", False), ("column", "id,b", False)])
def test_a_sort_key_of_its_own_refuses_partial_updates(scene, mode, columns, good):
    scene.table(FIVE, PK, by="DISTRIBUTED BY HASH(id) BUCKETS 1 ORDER BY (b)")
    found = scene.load("1,1,1\n" if columns.count(",") == 2 else "1,1\n", partial_update="true", partial_update_mode=mode,
                       columns=columns)
    assert (found["Status"] == "Success") == good, found
    if not good:
        assert found["Message"] == "partial update on table with sort key must provide all sort key columns"


def test_deletes_alone_pass_a_sort_key_and_a_sort_key_of_keys_is_none(scene):
    scene.table(FIVE, PK, by="DISTRIBUTED BY HASH(id) BUCKETS 1 ORDER BY (b)")
    scene.ok(scene.load("1,1,1,1\n"), 1)
    scene.ok(scene.load("1,1\n", partial_update="true", columns="id,a,__op='delete'"), 1)
    assert scene.value("SELECT count(*) FROM t") == "0"
    scene.table(FIVE, PK, "k", by="DISTRIBUTED BY HASH(id) BUCKETS 1 ORDER BY (id)")
    scene.ok(scene.load("1,1\n", "k", partial_update="true", partial_update_mode="column", columns="id,a"), 1)


def test_a_table_with_rows_takes_row_mode_alone(scene):
    scene.sql(f"CREATE TABLE t ({FIVE}) {PK} DISTRIBUTED BY HASH(id) BUCKETS 1 "
              "PROPERTIES('replication_num'='1', 'storage_type'='column_with_row')")
    refused = scene.load("1,1\n", partial_update="true", partial_update_mode="column", columns="id,a")
    assert "column with row table only support row mode partial update" in refused["Message"]
    scene.ok(scene.load("1,1\n", partial_update="true", columns="id,a"), 1)


def test_generated_columns_want_what_they_are_made_of(scene):
    scene.table("id INT NOT NULL, a INT NULL, b INT NULL, g BIGINT AS (a + 1)", PK)
    found = scene.load("1,1\n", partial_update="true", columns="id,b")
    assert found["Message"] == "column a needs to be used for expression evaluation for materialized column g"
    scene.ok(scene.load("1,1\n", partial_update="true", columns="id,a"), 1)
    assert scene.sql("SELECT * FROM t") == [["1", "1", None, "2"]]


def test_a_partial_update_names_its_keys(scene):
    scene.table("id INT NOT NULL, k INT NOT NULL, a INT NULL", "PRIMARY KEY(id, k)")
    found = scene.load("1,1\n", partial_update="true", columns="id,a")
    assert found["Message"] == "key column k not in partial update columns"


def test_new_keys_of_a_partial_update_get_numbers(scene):
    scene.table("id INT NOT NULL, a INT NULL, n BIGINT NOT NULL AUTO_INCREMENT", PK)
    scene.ok(scene.load("1,1\n"), 1)
    first = scene.value("SELECT n FROM t")
    scene.ok(scene.load("1,2\n2,2\n", partial_update="true", columns="id,a"), 2)
    rows = scene.sql("SELECT id, a, n FROM t ORDER BY id")
    assert rows[0] == ["1", "2", first] and rows[1][2] not in (None, first)
    for a in (5, 6):
        scene.ok(scene.load(f"3,{a}\n", partial_update="true", columns="id,a"), 1)
    assert int(scene.value("SELECT n FROM t WHERE id = 3")) == int(rows[1][2]) + 1  # the second load keeps it


# ---------------------------------------------------------------- conditions
def test_conditions_with_partial_updates(scene):
    scene.table("id INT NOT NULL, a INT NULL, ver INT NULL", PK)
    scene.ok(scene.load("1,1,5\n2,2,5\n"), 2)
    both = {"partial_update": "true", "merge_condition": "ver"}
    scene.ok(scene.load("1,4\n2,6\n", columns="id,ver", **both), 2)
    assert scene.sql("SELECT * FROM t ORDER BY id") == [["1", "1", "5"], ["2", "2", "6"]]
    missing = scene.load("1,9\n", columns="id,a", **both)
    assert missing["Message"].startswith("Merge condition column ver does not exist. If you are doing partial update")
    scene.ok(scene.load("1,\\N\n", columns="id,ver", partial_update_mode="column", **both), 1)
    assert scene.value("SELECT ver FROM t WHERE id = 1") is None  # a NULL is applied over what is there


def test_a_null_condition_is_applied_over_what_is_there_load_by_load(scene):
    scene.table("id INT NOT NULL, a INT NULL, ver INT NULL", PK)
    for row in ("1,1,5", "1,2,\\N", "1,3,1", "1,4,0"):
        scene.ok(scene.load(row + "\n", merge_condition="ver"), 1)  # nobody reads in between
    assert scene.sql("SELECT * FROM t") == [["1", "3", "1"]]


@pytest.mark.parametrize("column, text", [
    ("id", "Merge condition column id should not be primary key!"),
    ("s", "Merge condition column has invalid type maybe bitmap/hll/percentile/json/varchar!"),
    ("x", "Merge condition column x does not exist. If you are doing partial update with condition update, please check "
          "condition column is in the given update columns. Otherwise please check condition column is in table t")])
def test_columns_that_are_no_condition(scene, column, text):
    scene.table("id INT NOT NULL, s VARCHAR(9) NULL", PK)
    assert scene.load("1,a\n", merge_condition=column)["Message"] == text


def test_deletes_do_not_go_with_a_condition(scene):
    scene.table("id INT NOT NULL, ver INT NULL", PK)
    found = scene.load("1,1,1\n", columns="id,ver,__op", merge_condition="ver")
    assert found["Status"] == "Fail" and "delete with condition column ver" in found["Message"]


def test_options_that_older_versions_do_not_know():
    given = {"partial_update": "true", "partial_update_mode": "column"}
    assert read(given, Version("3.0.9")).partial_update_mode == "row"
    assert read(given, Version("3.1.0")).partial_update_mode == "column"
    assert read({"partial_update_mode": "COLUMN"}, Version()).partial_update_mode == "row"


# ---------------------------------------------------------------- other models
def test_every_aggregation_in_the_order_of_rows_and_loads(scene):
    scene.table("id INT, s INT SUM, lo INT MIN, hi INT MAX, r INT REPLACE NULL, q INT REPLACE_IF_NOT_NULL NULL, "
                "d DECIMAL(9, 2) SUM, l LARGEINT SUM, v VARCHAR(9) MAX", "AGGREGATE KEY(id)")
    scene.ok(scene.load("1,1,5,5,1,1,1.5,1,b\n1,2,3,9,\\N,\\N,2.25,2,a\n"), 2)
    scene.ok(scene.load("1,\\N,4,4,7,\\N,\\N,\\N,\\N\n2,1,1,1,1,1,1,1,z\n"), 2)
    assert scene.sql("SELECT * FROM t ORDER BY id") == [["1", "3", "3", "9", "7", "1", "3.75", "3", "b"],
                                                        ["2", "1", "1", "1", "1", "1", "1.00", "1", "z"]]
    scene.ok(scene.load("1,0,9,0,\\N,9,0,0,\n"), 1)
    assert scene.sql("SELECT r, q FROM t WHERE id = 1") == [[None, "9"]]


def test_sums_wrap_around_in_their_type(scene):
    scene.table("id INT, s INT SUM", "AGGREGATE KEY(id)")
    scene.ok(scene.load("1,2147483647\n"), 1)
    scene.ok(scene.load("1,2\n"), 1)
    assert scene.value("SELECT s FROM t") == "-2147483647"


def test_states_are_united(scene):
    scene.table("id INT, b BITMAP BITMAP_UNION, h HLL HLL_UNION, p PERCENTILE PERCENTILE_UNION", "AGGREGATE KEY(id)")
    made = "id, x, y, b = to_bitmap(x), h = hll_hash(y), p = percentile_hash(x)"
    scene.ok(scene.load("1,9,a\n1,10,b\n2,5,a\n", columns=made), 3)
    scene.ok(scene.load("1,9,b\n1,2,c\n", columns=made), 2)
    scene.ok(scene.load("1\n", columns="id, b = bitmap_empty(), h = hll_empty(), p = percentile_empty()"), 1)
    rows = scene.sql("SELECT id, bitmap_to_string(b), bitmap_count(b), hll_cardinality(h) FROM t ORDER BY id")
    assert rows == [["1", "2,9,10", "3", "3"], ["2", "5", "1", "1"]]


def test_insert_takes_states_as_they_are(scene):
    scene.table("id INT, b BITMAP BITMAP_UNION, h HLL HLL_UNION", "AGGREGATE KEY(id)")
    scene.sql("INSERT INTO t VALUES (1, to_bitmap(5), hll_hash('a')), (1, to_bitmap(7), hll_hash('b'))")
    scene.sql("INSERT INTO t SELECT id + 1, b, h FROM t")
    assert scene.sql("SELECT id, bitmap_to_string(b), hll_cardinality(h), b FROM t ORDER BY id") == [
        ["1", "5,7", "2", None], ["2", "5,7", "2", None]]


def test_auto_increment_may_be_given(scene):
    scene.table("id INT NOT NULL, n BIGINT NOT NULL AUTO_INCREMENT", PK)
    scene.ok(scene.load("1,500\n", columns="id,n"), 1)
    scene.ok(scene.load("2\n", columns="id"), 1)
    assert scene.sql("SELECT * FROM t ORDER BY id") == [["1", "500"], ["2", "1"]]
    refused = scene.load("3,\\N\n", columns="id,n")
    assert "Error: NULL value in auto increment column 'n'. Row: [3, NULL, 0]" in scene.log_of(refused)


def test_unlisted_columns_get_what_their_default_makes(scene):
    scene.table("id INT NOT NULL, u VARCHAR(36) DEFAULT (uuid()), w LARGEINT DEFAULT (uuid_numeric()), c DATETIME NOT NULL "
                "DEFAULT CURRENT_TIMESTAMP, d DECIMAL(9, 2) DEFAULT '1.5', g BIGINT AS (id * 2)", PK)
    scene.ok(scene.load("1\n2\n", columns="id"), 2)
    rows = scene.sql("SELECT u, w, c, d, g FROM t ORDER BY id")
    assert rows[0][0] != rows[1][0] and len(rows[0][0]) == 36 and rows[0][1] != rows[1][1]
    assert [r[3:] for r in rows] == [["1.50", "2"], ["1.50", "4"]]


def test_char_loses_nul_bytes_at_its_end_and_keeps_blanks(scene):
    scene.table("id INT NOT NULL, c CHAR(6) NULL, v VARCHAR(6) NULL", PK)
    scene.ok(scene.load("1,a \0\0,b \0\n"), 1)
    assert scene.sql("SELECT hex(c), hex(v) FROM t") == [["6120", "622000"]]


def test_a_load_makes_so_many_partitions_by_an_expression(scene):
    scene.sql("CREATE TABLE t (id INT, d DATETIME) DUPLICATE KEY(id) PARTITION BY date_trunc('day', d) DISTRIBUTED BY HASH(id) "
              "BUCKETS 1 PROPERTIES('replication_num'='1')")
    try:
        scene.sql('ADMIN SET FRONTEND CONFIG ("max_automatic_partition_number" = "3")')
        scene.ok(scene.load("1,2024-01-01 01:00:00\n2,2024-01-01 02:00:00\n3,2024-01-02\n4,2024-01-03\n"), 4)
        found = scene.load("1,2024-02-01\n2,2024-02-02\n3,2024-02-03\n4,2024-02-04\n")
        assert found["Status"] == "Fail"
        assert found["Message"].startswith("Automatically created partitions exceeded the maximum limit: 3.")
    finally:
        scene.sql('ADMIN SET FRONTEND CONFIG ("max_automatic_partition_number" = "4096")')
    assert scene.value("SELECT count(*) FROM t") == "4"
