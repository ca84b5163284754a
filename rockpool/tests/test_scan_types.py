"""Every type as the scanner service sends it: its Arrow type, its values, its number in selected_columns."""
import datetime
from decimal import Decimal

import pyarrow as pa
import pytest

from rockpool.tests.pool import Scene
from rockpool.tests.scan_client import Reader, planned, tables_of

KEY, ONE = "DUPLICATE KEY(id)", "PROPERTIES('replication_num'='1')"

# type, values in SQL, number of TPrimitiveType, Arrow type, values read
TYPES = [
    ("BOOLEAN", ["true", "false"], 2, pa.bool_(), [True, False]),
    ("TINYINT", ["-128", "127"], 3, pa.int8(), [-128, 127]),
    ("SMALLINT", ["-32768", "32767"], 4, pa.int16(), [-32768, 32767]),
    ("INT", ["-2147483648", "2147483647"], 5, pa.int32(), [-2147483648, 2147483647]),
    ("BIGINT", ["-9223372036854775807", "9223372036854775807"], 6, pa.int64(), [-9223372036854775807, 9223372036854775807]),
    ("LARGEINT", ["-170141183460469231731687303715884105727", "5"], 14, pa.string(),
     ["-170141183460469231731687303715884105727", "5"]),
    ("FLOAT", ["1.5", "-0.25"], 7, pa.float32(), [1.5, -0.25]),
    ("DOUBLE", ["1.5e300", "-0.1"], 8, pa.float64(), [1.5e300, -0.1]),
    ("DATE", ["'2024-02-29'", "'0001-01-01'"], 9, pa.string(), ["2024-02-29", "0001-01-01"]),
    ("DATETIME", ["'2024-02-29 01:02:03'", "'2024-02-29 01:02:03.000400'"], 10, pa.string(),
     ["2024-02-29 01:02:03", "2024-02-29 01:02:03.000400"]),
    ("DECIMAL(9,2)", ["1.5", "-1234567.89"], 21, pa.decimal128(9, 2), [Decimal("1.50"), Decimal("-1234567.89")]),
    ("DECIMAL(18,0)", ["1", "-2"], 22, pa.decimal128(18, 0), [Decimal(1), Decimal(-2)]),
    ("DECIMAL(38,10)", ["1.5", "-2"], 23, pa.decimal128(38, 10), [Decimal("1.5"), Decimal(-2)]),
    ("CHAR(5)", ["'ab'", "''"], 13, pa.string(), ["ab", ""]),
    ("VARCHAR(20)", ["'Ж \"x\"'", "''"], 15, pa.string(), ['Ж "x"', ""]),
    ("STRING", ["'abc'", "'d'"], 15, pa.string(), ["abc", "d"]),
    ("JSON", ["parse_json('{\"a\":1,\"b\":[true,null]}')", "parse_json('[5]')"], 24, pa.string(),
     ['{"a": 1, "b": [true, null]}', "[5]"]),
    ("VARBINARY", ["x'00ff'", "x''"], 26, pa.binary(), [b"\x00\xff", b""]),
    ("ARRAY<INT>", ["[1, 2, null]", "[]"], 0, pa.list_(pa.int32()), [[1, 2, None], []]),
    ("ARRAY<DATE>", ["['2024-01-01', null]", "[]"], 0, pa.list_(pa.string()), [["2024-01-01", None], []]),
    ("ARRAY<ARRAY<STRING>>", ["[['a'], [], null]", "[]"], 0, pa.list_(pa.list_(pa.string())), [[["a"], [], None], []]),
    ("MAP<INT,DATETIME>", ["map{1: '2024-01-01 00:00:00', 3: null}", "map{2: '2024-01-02 00:00:00'}"], 0,
     pa.map_(pa.int32(), pa.string()), [[(1, "2024-01-01 00:00:00"), (3, None)], [(2, "2024-01-02 00:00:00")]]),
    ("STRUCT<a INT, b LARGEINT>", ["named_struct('a', 1, 'b', 2)", "named_struct('a', null, 'b', 3)"], 0, pa.struct([("a", pa.int32()), ("b", pa.string())]),
     [{"a": 1, "b": "2"}, {"a": None, "b": "3"}]),
]


@pytest.fixture(scope="module")
def every(pool):
    """One table with a column of every type: two rows with values and one of NULL."""
    found = Scene(pool, "scan_types")
    columns = ", ".join(f"c{n} {kind} NULL" for n, (kind, *_) in enumerate(TYPES))
    found.sql(f"CREATE TABLE t (id INT NOT NULL, {columns}) {KEY} DISTRIBUTED BY HASH(id) BUCKETS 1 {ONE}")
    for row in (0, 1):
        found.sql(f"INSERT INTO t VALUES ({row}, {', '.join(values[row] for _, values, *_ in TYPES)})")
    found.sql(f"INSERT INTO t VALUES (2, {', '.join('NULL' for _ in TYPES)})")
    yield found
    found.close()


@pytest.mark.parametrize("number", range(len(TYPES)), ids=[t[0] for t in TYPES])
def test_values(every, number):
    _, _, primitive, arrow, values = TYPES[number]
    plan = planned(every, f"select id, c{number} from {{db}}.t")
    (tablet, place), = plan["partitions"].items()
    reader = Reader(int(place["routings"][0].rsplit(":", 1)[1]))
    answer = reader.open(plan["opaqued_query_plan"], [int(tablet)])
    assert answer.selected_columns[1].type == primitive
    batch, = reader.batches(answer)
    assert batch.schema.field(1).type == arrow and batch.schema.field(1).nullable
    assert not batch.schema.field(0).nullable
    assert dict(zip(batch.column(0).to_pylist(), batch.column(1).to_pylist())) == {0: values[0], 1: values[1], 2: None}


def test_all_at_once(every):
    (_, batch), = tables_of(every, "select * from {db}.t")
    assert batch.num_rows == 3 and batch.schema.names == ["id"] + [f"c{n}" for n in range(len(TYPES))]


def test_decimal256(scene):
    scene.table("id INT NOT NULL, d DECIMAL(50,2) NULL", KEY)
    scene.sql("INSERT INTO t VALUES (1, 123456789012345678901234567890123456789012345.12), (2, NULL)")
    (_, batch), = tables_of(scene, "select d from {db}.t")
    assert batch.schema.field(0).type == pa.decimal256(50, 2)
    assert sorted(map(str, batch.column(0).to_pylist())) == ["123456789012345678901234567890123456789012345.12", "None"]


@pytest.mark.parametrize("kind, number", [("BITMAP BITMAP_UNION", 25), ("PERCENTILE PERCENTILE_UNION", 53)])
def test_types_that_are_not_sent(scene, kind, number):
    scene.table(f"id INT NOT NULL, b {kind}", "AGGREGATE KEY(id)")
    scene.sql("INSERT INTO t (id) VALUES (1)")
    plan = planned(scene, "select id, b from {db}.t")
    (tablet, place), = plan["partitions"].items()
    answer = Reader(int(place["routings"][0].rsplit(":", 1)[1])).open(plan["opaqued_query_plan"], [int(tablet)])
    assert answer.status.status_code == 33 and f"Unknown logical type({number})".encode() in answer.status.error_msgs[0]


def test_hll_is_opaque(scene):
    scene.table("id INT NOT NULL, h HLL HLL_UNION", "AGGREGATE KEY(id)")
    scene.ok(scene.load("1,x", columns="id, x, h = hll_hash(x)"))
    plan = planned(scene, "select h from {db}.t")
    (tablet, place), = plan["partitions"].items()
    reader = Reader(int(place["routings"][0].rsplit(":", 1)[1]))
    answer = reader.open(plan["opaqued_query_plan"], [int(tablet)])
    assert answer.selected_columns[0].type == 16
    assert reader.batches(answer)[0].schema.field(0).type == pa.string()


def test_older_versions_send_less(own):
    """3.2: arrays are named but not sent, VARBINARY is no known type, batch sizes are not checked."""
    scene = Scene(own("--version", "3.2.4"), "d")
    scene.table("id INT NOT NULL, a ARRAY<INT> NULL, b VARBINARY NULL", KEY)
    scene.sql("INSERT INTO t VALUES (1, [1], x'00')")

    def opened(columns, size=4096):
        plan = planned(scene, f"select {columns} from {{db}}.t")
        (tablet, place), = plan["partitions"].items()
        reader = Reader(int(place["routings"][0].rsplit(":", 1)[1]))
        return reader, reader.open(plan["opaqued_query_plan"], [int(tablet)], batch_size=size)
    reader, answer = opened("a")
    assert answer.status.status_code == 0
    assert reader.next(answer.context_id.decode(), 0).status.status_code == 6
    assert b"Unknown logical type(46)" in opened("b")[1].status.error_msgs[0]
    assert opened("id", None)[1].status.status_code == 0


def test_before_3_1_aliases_are_not_told(own):
    scene = Scene(own("--version", "2.5.8"), "d")
    scene.table("id INT NOT NULL", KEY)
    scene.sql("INSERT INTO t VALUES (7)")
    plan = planned(scene, "select id as number from {db}.t")
    (tablet, place), = plan["partitions"].items()
    reader = Reader(int(place["routings"][0].rsplit(":", 1)[1]))
    answer = reader.open(plan["opaqued_query_plan"], [int(tablet)])
    assert answer.selected_columns[0].name == b"id" and reader.rows(answer) == [{"id": 7}]


def test_dates_as_a_condition(every):
    (_, batch), = tables_of(every, "select id, c8 from {db}.t where c8 > '2000-01-01'")
    assert batch.to_pylist() == [{"id": 0, "c8": "2024-02-29"}]
    assert datetime.date.fromisoformat(batch.to_pylist()[0]["c8"]).year == 2024
