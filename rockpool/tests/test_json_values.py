"""JSON values into columns of each type, and what the log says of those that do not fit."""
from types import SimpleNamespace

import pytest

from rockpool.errors import LoadError
from rockpool.loads import stream
from rockpool.loads.options import LoadOptions

DUP = "DUPLICATE KEY(id)"
STRIP = {"strip_outer_array": "true"}


@pytest.mark.parametrize("kind, given, kept", [
    ("INT", "true", None), ("INT", '"7"', "7"), ("INT", "7.9", "7"), ("INT", "-7.9", "-7"), ("INT", '" 7 "', "7"),
    ("INT", "[1]", None), ("INT", "2147483648", None), ("INT", "2147483647.3", "2147483647"), ("TINYINT", "128", None),
    ("BIGINT", "9223372036854775808", None), ("BIGINT", "9223372036854775000.0", "9223372036854774784"),
    ("BIGINT", "9223372036854775807.0", None), ("BIGINT", '"9223372036854775807"', "9223372036854775807"),
    ("LARGEINT", "170141183460469231731687303715884105727", "170141183460469231731687303715884105727"),
    ("LARGEINT", "170141183460469231731687303715884105728", None), ("LARGEINT", "true", "1"),
    ("DECIMAL(9, 2)", "1.005", "1.01"), ("DECIMAL(9, 2)", '"12345678.1"', None), ("DECIMAL(9, 2)", "1e2", "100.00"),
    ("DOUBLE", '"inf"', "inf"), ("DOUBLE", "1e400", None), ("DOUBLE", "true", None), ("FLOAT", "1.5", "1.5"),
    ("BOOLEAN", "true", "1"), ("BOOLEAN", "5", "1"), ("BOOLEAN", "0", "0"), ("BOOLEAN", '"false"', "0"),
    ("BOOLEAN", '"yes"', None), ("BOOLEAN", "{}", None),
    ("VARCHAR(20)", "true", "1"), ("VARCHAR(20)", "1.50", "1.50"), ("VARCHAR(20)", '{"b": 1, "a": [1, 2]}', '{"b":1,"a":[1,2]}'),
    ("VARCHAR(3)", '"abcd"', None), ("VARCHAR(3)", '"\u00e9\u00e9"', None), ("VARCHAR(4)", '"\u00e9\u00e9"', "\u00e9\u00e9"),
    ("CHAR(3)", "12345", None),
    ("DATE", '"2024-02-29"', "2024-02-29"), ("DATE", "20240229", "2024-02-29"), ("DATE", '"2024-02-30"', None),
    ("DATE", "true", None), ("DATETIME", '"2024-02-29T01:02:03Z"', "2024-02-29 01:02:03"),
    ("JSON", '{"b": 1, "a": null}', '{"a": null, "b": 1}'), ("JSON", "5", "5"), ("JSON", '"x"', '"x"'),
    ("ARRAY<INT>", '[1, "2", null, "x"]', "[1,2,null,null]"), ("ARRAY<INT>", '"[1]"', None), ("ARRAY<INT>", "[]", "[]"),
    ("ARRAY<VARCHAR(3)>", '["a", "long", 5]', '["a",null,"5"]'), ("ARRAY<ARRAY<INT>>", "[[1], null, 5]", "[[1],null,null]"),
    ("MAP<INT, VARCHAR(9)>", '{"1": "a", "2": 3}', '{1:"a",2:"3"}'), ("MAP<INT, INT>", "[1]", None),
    ("STRUCT<p INT, q VARCHAR(9)>", '{"q": "z", "p": 1, "r": 0}', '{"p":1,"q":"z"}'),
    ("STRUCT<p INT, q VARCHAR(9)>", '{"q": "z"}', '{"p":null,"q":"z"}'), ("STRUCT<p INT>", "5", None),
    ("VARBINARY", '"1234"', "1234"),
])
def test_values(scene, kind, given, kept):
    scene.table(f"id INT NOT NULL, v {kind} NULL", DUP)
    scene.ok(scene.json(f'{{"id": 1, "v": {given}}}'), 1)
    assert scene.sql("SELECT v FROM t") == [[kept]]
    strict = scene.json(f'{{"id": 2, "v": {given}}}', strict_mode="true")
    assert (strict["Status"] == "Fail") == (kept is None), strict


@pytest.mark.parametrize("kind, given, text", [
    ("INT", '"x"', "Unable to cast string value to BIGINT. value=x, column=v"),
    ("INT", "3e10", "Value is overflow. column=v, value=3e10"),
    ("INT", "{}", "Unsupported value type. Numeric type is required. column=v"),
    ("VARCHAR(2)", '"abc"', "Value length is beyond the capacity. column=v, capacity=2"),
    ("BOOLEAN", '"x"', "Failed to parse string value as boolean. column=v, value=x"),
    ("ARRAY<INT>", "5", "Failed to parse value as array, column=v"),
    ("DATE", '"x"', "Value 'x' is out of range. The type of 'v' is DATE")])
def test_the_log_says_why(scene, kind, given, text):
    scene.table(f"id INT NOT NULL, v {kind} NULL", DUP)
    log = scene.log_of(scene.json(f'{{"id": 1, "v": {given}}}', strict_mode="true"))
    assert text in log and 'Row: {"id":1,"v":' in log


def test_a_json_body_may_be_so_large(tmp_path, monkeypatch):
    plan = SimpleNamespace(options=LoadOptions(format="json"), fields=["id"], needs_engine=False, table=SimpleNamespace(
        partitioning=None), most_partitions=1)
    assert stream.MAX_JSON_BODY == 4 << 30
    monkeypatch.setattr(stream, "MAX_JSON_BODY", 100)
    load = stream.LoadStream(plan, str(tmp_path), 1)
    load.feed(b" " * 60)
    load.feed(b" " * 40)
    with pytest.raises(LoadError) as failed:
        load.end_body()
    assert failed.value.message == "payload size [100] of single write beyond the JSON payload limit [100]"
