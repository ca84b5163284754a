"""Limits, and which types may divide a table."""
import pytest

ONE = "PROPERTIES('replication_num'='1')"
BY = "DUPLICATE KEY(id) DISTRIBUTED BY HASH(id) BUCKETS 1"
DATES = ("DATE", "DATETIME")
NUMBERS = ("TINYINT", "SMALLINT", "INT", "BIGINT", "LARGEINT")
NEVER = ("FLOAT", "DOUBLE", "VARBINARY", "JSON", "ARRAY<INT>", "MAP<INT,INT>", "STRUCT<a INT>")


def made(scene, statement):
    """None when the table is made (and dropped again), else the refusal."""
    try:
        scene.sql(statement, "DROP TABLE t FORCE")
    except Exception as e:
        return str(e.args[1])
    return None


@pytest.mark.parametrize("kinds, taken", [
    (("BOOLEAN", *NUMBERS, "DECIMAL(9,2)", "CHAR(3)", "VARCHAR(9)", *DATES), True), (NEVER, False)])
def test_types_of_bucket_columns(scene, kinds, taken):
    for kind in kinds:
        refusal = made(scene, f"CREATE TABLE t (id INT, c {kind}) DUPLICATE KEY(id) DISTRIBUTED BY HASH(c) BUCKETS 1 {ONE}")
        assert (refusal is None) if taken else "column can not be distribution column" in refusal, (kind, refusal)


@pytest.mark.parametrize("kinds, taken", [((*NUMBERS, *DATES), True), (("BOOLEAN", "DECIMAL(9,2)", "CHAR(3)", "VARCHAR(9)", *NEVER), False)])
def test_types_of_range_partitions(scene, kinds, taken):
    for kind in kinds:
        bound = {"DATE": "'2024-01-01'", "DATETIME": "'2024-01-01 00:00:00'"}.get(kind, "'5'")
        refusal = made(scene, f"CREATE TABLE t (id INT, c {kind}) DUPLICATE KEY(id) PARTITION BY RANGE(c) (PARTITION p VALUES LESS THAN "
                              f"({bound})) DISTRIBUTED BY HASH(id) BUCKETS 1 {ONE}")
        assert (refusal is None) if taken else "Invalid partition column 'c': invalid data type" in refusal, (kind, refusal)


@pytest.mark.parametrize("kinds, taken", [((*NUMBERS, *DATES, "CHAR(3)", "VARCHAR(9)"), True), (("DECIMAL(9,2)", *NEVER), False)])
def test_types_of_list_partitions(scene, kinds, taken):
    for kind in kinds:
        value = {"DATE": "'2024-01-01'", "DATETIME": "'2024-01-01 00:00:00'"}.get(kind, "'5'")
        refusal = made(scene, f"CREATE TABLE t (id INT, c {kind} NOT NULL) DUPLICATE KEY(id) PARTITION BY LIST(c) (PARTITION p VALUES IN "
                              f"({value})) DISTRIBUTED BY HASH(id) BUCKETS 1 {ONE}")
        assert (refusal is None) if taken else "Invalid partition column 'c': invalid data type" in refusal, (kind, refusal)


def test_a_table_has_at_most_10000_columns(scene):
    wide = ", ".join(f"c{n} INT" for n in range(10_000))
    assert scene.error(f"CREATE TABLE t (id INT, {wide}) {BY} {ONE}") == (1117, "Getting analyzing error. Detail message: Too many columns.")


def test_nul_bytes_inside_a_text_survive(scene):
    scene.sql(f"CREATE TABLE t (id INT, v VARCHAR(9)) {BY} {ONE}")
    scene.ok(scene.load(b"1,a\x00b\n2,\x00\n"), 2)
    assert scene.sql("SELECT hex(v), length(v) FROM t ORDER BY id") == [["610062", "3"], ["00", "1"]]


def test_a_json_value_has_at_most_16_mb(scene):
    scene.sql(f"CREATE TABLE t (id INT, j JSON) {BY} {ONE}")
    frame = len('{"a":""}')
    body = "".join(f'{n}|{{"a":"{"x" * ((16 << 20) - frame + more)}"}}\n' for n, more in ((1, 0), (2, 1)))
    scene.ok(scene.load(body, column_separator="|"), 2)
    assert scene.sql("SELECT id, j IS NULL FROM t ORDER BY id") == [["1", "0"], ["2", "1"]]
    assert scene.load(body, column_separator="|", strict_mode="true", max_filter_ratio="0.5")["NumberFilteredRows"] == 1
