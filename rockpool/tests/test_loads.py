"""Plain stream loads: columns, bad rows, compression, partitions, sizes."""
import bz2
import gzip
import json
import zlib

import lz4.frame
import pytest
import requests
import zstandard

PAIR = "id INT NOT NULL, v VARCHAR(40) NULL"
DUP = "DUPLICATE KEY(id)"
SHOW = "SELECT * FROM t ORDER BY 1"


# ---------------------------------------------------------------- columns
def test_fields_go_by_position_or_by_name(scene):
    scene.table("id INT NOT NULL, v VARCHAR(40) NULL, n INT NULL DEFAULT '12'", DUP)
    scene.ok(scene.load("1,a,2\n"), 1)
    scene.ok(scene.load("x,2\n", columns="V, ID"), 1)
    scene.ok(scene.load("3,drop,y\n", columns="`id`, unknown_field, v"), 1)
    assert scene.sql(SHOW) == [["1", "a", "2"], ["2", "x", "12"], ["3", "y", "12"]]


def test_column_mistakes_fail_the_load_with_a_real_transaction(scene):
    scene.table("id INT NOT NULL, v VARCHAR(40) NULL, must BIGINT NOT NULL", DUP)
    for columns, text in (("id, v", "Column has no default value. column: must"), ("id, v, must, V", "Duplicate column: V"),
                          ("id, v, must, w = 1", "Mapping column is not in table. column: w"),
                          ("id, v, m, must = ghost + 1", "unknown reference column, column=must, reference=ghost")):
        found = scene.load("1,a,2\n", columns=columns, label=scene.label())
        assert (found["Status"], found["Message"]) == ("Fail", text)
        assert found["TxnId"] > 0 and scene.state(found["Label"]) == "ABORTED"


def test_expressions_where_and_constants(scene):
    scene.table("id INT NOT NULL, v VARCHAR(40) NULL, n BIGINT NULL", DUP)
    found = scene.ok(scene.load("1,ab,20\n2,cd,30\n3,ef,x\n", columns="id, raw, k, v = upper(raw), n = k * 10 + id",
                                where="id <> 2"), 2)
    assert (found["NumberTotalRows"], found["NumberUnselectedRows"]) == (3, 1)
    assert scene.sql(SHOW) == [["1", "AB", "201"], ["3", "EF", None]]
    scene.ok(scene.load("7\n", columns="id, v = concat('a', 'b'), n = if(id > 5, 1, 0)"), 1)
    assert scene.sql("SELECT v, n FROM t WHERE id = 7") == [["ab", "1"]]


def test_binary_through_an_expression(scene):
    scene.table("id INT NOT NULL, b VARBINARY NULL", DUP)
    scene.ok(scene.load("1,6869\n", columns="id, tmp, b = unhex(tmp)"), 1)
    scene.ok(scene.load("2,aGk=\n"), 1)
    assert scene.sql("SELECT id, b FROM t ORDER BY id") == [["1", "hi"], ["2", "hi"]]
    scene.ok(scene.load("3,00ff10\n", columns="id, tmp, b = unhex(tmp)"), 1)  # bytes that are no text
    scene.ok(scene.load("4,AP8Q\n", columns="id, tmp, b = from_base64(tmp)"), 1)
    scene.sql("INSERT INTO t VALUES (5, unhex('00ff10'))")
    assert scene.sql("SELECT hex(b) FROM t WHERE id > 2") == [["00FF10"]] * 3


# ---------------------------------------------------------------- bad rows
def test_without_strict_mode_bad_values_become_null(scene):
    scene.table("id INT NOT NULL, n TINYINT NULL, s VARCHAR(3) NULL", DUP)
    scene.ok(scene.load("1,\\N,a\n2,abc,b\n3,2000,toolong\n"), 3)
    assert scene.sql(SHOW) == [["1", None, "a"], ["2", None, "b"], ["3", None, None]]


def test_strict_mode_filters_rows_and_says_why(scene):
    scene.table("id INT NOT NULL, n TINYINT NULL", DUP)
    found = scene.load("1,\\N\n2,abc\n3,2000\n4,1\n", strict_mode="true")
    assert (found["Status"], found["Message"]) == ("Fail", "too many filtered rows")
    assert (found["NumberTotalRows"], found["NumberLoadedRows"], found["NumberFilteredRows"]) == (4, 2, 2)
    lines = scene.log_of(found).splitlines()
    assert lines[0] == "Error: The field (name = n, pos = 1) is out of range. Type: tinyint(4), Value: abc. Row: 2,abc"
    found = scene.ok(scene.load("1,\\N\n2,abc\n3,2000\n4,1\n", strict_mode="true", max_filter_ratio="0.5"), 2)
    assert found["ErrorURL"] and scene.sql(SHOW) == [["1", None], ["4", "1"]]


def test_null_into_not_null_is_filtered_in_both_modes(scene):
    scene.table("id INT NOT NULL, name VARCHAR(9) NOT NULL, n INT NULL")
    for strict in ("true", "false"):
        found = scene.load("1,\\N,100\n", strict_mode=strict)
        assert found["NumberFilteredRows"] == 1 and found["Message"] == "too many filtered rows"
        assert scene.log_of(found) == "Error: NULL value in non-nullable column 'name'. Row: [1, NULL, 100, 0]\n"
    found = scene.json([{"id": 1, "n": 100}], strip_outer_array="true")
    assert "Row: [1, NULL, 100, 0]" in scene.log_of(found)


def test_the_error_log_holds_50_lines_and_sql_shows_it_too(scene):
    scene.table(PAIR, DUP)
    found = scene.load("x,1\n" * 80, strict_mode="true", label="many")
    assert found["NumberFilteredRows"] == 80 and len(scene.log_of(found).splitlines()) == 50
    rows = scene.sql("SELECT tracking_log FROM information_schema.load_tracking_logs WHERE label = 'many'")
    assert rows[0][0].startswith("Error: The field (name = id, pos = 0)")
    assert requests.get(found["ErrorURL"] + "x", timeout=5).status_code == 404


def test_the_share_of_bad_rows_leaves_unselected_rows_out(scene):
    scene.table("id INT NOT NULL, n INT NULL", DUP)
    body = "1,1\n2,x\n3,3\n4,4\n"
    assert scene.load(body, strict_mode="true", max_filter_ratio="0.3", where="id < 4")["Status"] == "Fail"
    scene.ok(scene.load(body, strict_mode="true", max_filter_ratio="0.34", where="id < 4"), 2)


def test_loads_without_rows_are_an_error(scene):
    scene.table(PAIR, DUP)
    assert scene.load("")["Message"].startswith("No partitions have data available for loading")
    assert scene.load("1,a\n", where="id > 5")["Status"] == "Fail"
    assert scene.json("[]", strip_outer_array="true")["Status"] == "Fail"


def test_rows_outside_all_partitions_are_filtered(scene):
    scene.sql("CREATE TABLE t (d DATE NOT NULL, n BIGINT) DUPLICATE KEY(d) PARTITION BY RANGE(d) (PARTITION p1 VALUES LESS "
              "THAN ('2021-05-01'), PARTITION p2 VALUES [('2021-06-01'), ('2021-07-01'))) DISTRIBUTED BY HASH(d) BUCKETS 1 "
              "PROPERTIES('replication_num'='1')")
    found = scene.load("2021-04-30,1\n2021-05-01,2\n2021-06-30,3\n2021-07-01,4\n", max_filter_ratio="0.5")
    assert (found["NumberLoadedRows"], found["NumberFilteredRows"]) == (2, 2)
    assert ("Error: The row is out of partition ranges. Please add a new partition.. Row: [2021-05-01, 2]"
            in scene.log_of(found))
    scene.sql("ALTER TABLE t ADD PARTITION p3 VALUES LESS THAN ('2022-01-01')")
    scene.ok(scene.load("2021-12-31,5\n"), 1)


def test_list_and_expression_partitions(scene):
    scene.sql("CREATE TABLE t (c VARCHAR(9) NOT NULL, n INT) DUPLICATE KEY(c) PARTITION BY LIST(c) (PARTITION a VALUES IN "
              "('x', 'y')) DISTRIBUTED BY HASH(c) BUCKETS 1 PROPERTIES('replication_num'='1')",
              "CREATE TABLE u (d DATETIME NOT NULL, n INT) DUPLICATE KEY(d) PARTITION BY date_trunc('day', d) DISTRIBUTED BY "
              "HASH(d) PROPERTIES('replication_num'='1')")
    assert scene.load("x,1\nz,2\n", max_filter_ratio="1")["NumberFilteredRows"] == 1
    scene.ok(scene.load("2024-01-01 10:00:00,1\n", table="u"), 1)


# ---------------------------------------------------------------- bodies
@pytest.mark.parametrize("name, packed", [
    ("gzip", gzip.compress), ("bzip2", bz2.compress), ("lz4", lz4.frame.compress), ("deflate", zlib.compress),
    ("zstd", lambda b: zstandard.ZstdCompressor().compress(b))])
def test_compressed_bodies(scene, name, packed):
    scene.table(PAIR, DUP)
    found = scene.ok(scene.load(packed(b"1,a\n2,b\n"), format=name), 2)
    assert found["LoadBytes"] == len(packed(b"1,a\n2,b\n"))
    header = {"lz4": "lz4_frame"}.get(name, name)
    scene.ok(scene.load(packed(b"3,c\n"), compression=header), 1)
    scene.ok(scene.load(packed(b"4,d\n") + packed(b"5,e\n"), compression=header), 2)
    scene.ok(scene.json(packed(b'{"id": 6, "v": "f"}'), Content__Encoding=header), 1)
    assert [r[0] for r in scene.sql(SHOW)] == list("123456")


def test_a_broken_compressed_body_fails(scene):
    scene.table(PAIR, DUP)
    whole = gzip.compress(b"1,a\n" * 1000)
    for body in (b"not gzip", whole[:-10]):
        assert scene.load(body, format="gzip")["Status"] == "Fail"
    assert scene.value("SELECT count(*) FROM t") == "0"


def test_chunked_bodies_and_large_ones(scene):
    scene.table(PAIR, DUP)

    def pieces():
        for n in range(200):
            yield b"".join(b"%d,%s\n" % (n * 1000 + k, b"x" * 30) for k in range(1000))
    url = f"{scene.pool.be()}/api/{scene.name}/t/_stream_load"
    found = requests.put(url, headers={"column_separator": ","}, data=pieces(), auth=("root", ""), timeout=60).json()
    scene.ok(found, 200_000)
    assert scene.sql("SELECT count(*), sum(id), count(DISTINCT id) FROM t") == [["200000", "19999900000", "200000"]]


# ---------------------------------------------------------------- JSON
def test_json_documents_arrays_paths_and_root(scene):
    scene.table("id INT NOT NULL, v VARCHAR(40) NULL", DUP)
    scene.ok(scene.json('{"id": 1, "v": "a"} {"v": null, "id": 2}\n\n{"id": 3}'), 3)
    scene.ok(scene.json([{"id": 4, "v": "d"}], strip_outer_array="true"), 1)
    scene.ok(scene.json({"k": {"n": 5}, "w": [1, 2]}, columns="id, v", jsonpaths='["$.k.n", "$.w[1]"]'), 1)
    scene.ok(scene.json({"rows": [{"id": 6}, {"id": 7, "v": "g"}]}, json_root="$.rows", strip_outer_array="true"), 2)
    scene.ok(scene.json({"row": {"id": 8}}, json_root="$.row"), 1)
    assert scene.sql(SHOW) == [["1", "a"], ["2", None], ["3", None], ["4", "d"], ["5", "2"], ["6", None], ["7", "g"],
                               ["8", None]]


def test_json_keys_are_case_sensitive_and_missing_is_null_not_the_default(scene):
    scene.table("id INT NOT NULL, v VARCHAR(40) NULL DEFAULT 'x', w INT NULL DEFAULT '7'", DUP)
    scene.ok(scene.json({"id": 1, "V": "a"}, columns="id, v"), 1)
    assert scene.sql(SHOW) == [["1", None, "7"]]


def test_json_row_errors_filter_only_their_row(scene):
    scene.table("id INT NOT NULL, n INT NULL", DUP)
    found = scene.json([{"id": 1, "n": "x"}, {"id": 2, "n": 3}], strip_outer_array="true", strict_mode="true",
                       max_filter_ratio="0.5")
    assert (found["NumberLoadedRows"], found["NumberFilteredRows"]) == (1, 1)
    assert "Unable to cast string value to BIGINT. value=x, column=n" in scene.log_of(found)


def test_json_bodies_over_100_mb_need_a_word(scene):
    scene.table(PAIR, DUP)
    body = b'{"id": 1, "v": "a"}' + b" " * (100 << 20)
    assert scene.json(body)["Message"].startswith("The size of this batch exceed the max size [104857600]  of json type data")
    scene.ok(scene.json(body, ignore_json_size="true"), 1)


# ---------------------------------------------------------------- types that survive a load and a read
def test_every_type_comes_back_as_text(scene):
    scene.table("id INT NOT NULL, a BOOLEAN, b TINYINT, c SMALLINT, d BIGINT, e LARGEINT, f FLOAT, g DOUBLE, h DECIMAL(20,4), "
                "i CHAR(5), j STRING, k DATE, l DATETIME, m JSON, n ARRAY<VARCHAR(20)>, o MAP<INT,INT>, p VARBINARY, "
                "q DECIMAL(60,2)", DUP)
    line = ('1|true|-5|300|9007199254740993|-170141183460469231731687303715884105727|1.5|0.1|12.5|ab |tab\there|0000-01-01|'
            '9999-12-31 23:59:59.000001|{"b":1,"a":[1,null]}|["x",null,"a""b"]|{1:2,3:null}|aGk=|'
            '123456789012345678901234567890123456789012345678.25')
    scene.ok(scene.load(line, column_separator="|", strict_mode="true"), 1)
    assert scene.sql("SELECT * FROM t") == [[
        "1", "1", "-5", "300", "9007199254740993", "-170141183460469231731687303715884105727", "1.5", "0.1", "12.5000", "ab ",
        "tab\there", "0000-01-01", "9999-12-31 23:59:59.000001", '{"a": [1, null], "b": 1}', '["x",null,"a\\"b"]',
        "{1:2,3:null}", "hi", "123456789012345678901234567890123456789012345678.25"]]


def test_auto_increment_is_filled_and_null_in_it_refused(scene):
    scene.table("id BIGINT NOT NULL AUTO_INCREMENT, v INT NULL")
    scene.ok(scene.load("5\n6\n"), 2)
    assert scene.sql(SHOW) == [["1", "5"], ["2", "6"]]
    found = scene.load("\\N,7\n", columns="id, v")
    assert "NULL value in auto increment column 'id'" in scene.log_of(found)


def test_current_timestamp_default_follows_the_zone(scene):
    scene.table("id INT NOT NULL, made DATETIME NOT NULL DEFAULT CURRENT_TIMESTAMP", DUP)
    scene.ok(scene.load("1\n", columns="id", timezone="UTC"), 1)
    scene.ok(scene.load("2\n", columns="id", timezone="+08:00"), 1)
    assert scene.value("SELECT hours_diff(max(made), min(made)) FROM t") == "8"
