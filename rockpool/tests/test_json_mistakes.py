"""JSON bodies with mistakes, jsonpaths, json_root, and Debezium events."""
import json

import pytest

DUP = "DUPLICATE KEY(id)"
PAIR = "id INT NOT NULL, v VARCHAR(40) NULL"
SHOW = "SELECT id, v FROM t ORDER BY id"
STRIP = {"strip_outer_array": "true"}


@pytest.mark.parametrize("body, text, options", [
    ("id=1", "illegal json started with i", {}),
    ('[{"id": 1}]', "strip_outer_array=true", {}),
    ('{"id": 1}', "the value should be array type with strip_outer_array=true, value: ", STRIP),
    ('{"id": 1}, {"id": 2}', "Failed to iterate document stream as object. error: ", {}),
    ('{"id": 1} x', "does not have the requested type", {}),
    ('{"id": NaN}', "improper structure", {}), ('{"id": Infinity}', "improper structure", {}),
    ('{"id": 1, "v": "a\x01"}', "some characters must be escaped", {}),
    (b'{"id": 1, "v": "\xff"}', "not valid UTF-8", {}),
    ('[{"id": 1}', "ended early", STRIP), ('[{"id": 1, "v": "open}]', "never closed", STRIP),
    ('[{"id": 1} {"id": 2}]', "improper structure", STRIP),
    ("[1, 2]", "does not have the requested type", STRIP),
    ('{"id": 1 "v": "a"} {"id": 2}', "improper structure", {}),
])
def test_a_body_whose_documents_cannot_be_found_fails_whole(scene, body, text, options):
    scene.table(PAIR, DUP)
    found = scene.json(body, max_filter_ratio="1", **options)
    assert found["Status"] == "Fail" and text in found["Message"], found
    assert scene.value("SELECT count(*) FROM t") == "0"
    assert "Error: " in scene.log_of(found)


def test_a_mistake_inside_a_value_drops_the_rest_of_an_array_without_a_word(scene):
    scene.table("id INT NULL, m MAP<VARCHAR(10), VARCHAR(10)> NULL, v VARCHAR(9) NULL", DUP)
    body = ('[{"id": 1, "m": {"a": "1", "b": "2"}, "v": "x"}, {"id": 2, "m": {"a": "1" "b": "2"}, "v": "y"},'
            ' {"id": 3, "m": {"x": "1"}, "v": "z"}]')
    found = scene.ok(scene.json(body, **STRIP), 2)
    assert (found["NumberTotalRows"], found["NumberFilteredRows"]) == (2, 0)
    assert scene.sql("SELECT id, m, v FROM t ORDER BY id") == [["1", '{"a":"1","b":"2"}', "x"], ["2", None, None]]
    strict = scene.json(body, strict_mode="true", **STRIP)
    assert (strict["Status"], strict["NumberFilteredRows"], strict["NumberLoadedRows"]) == ("Fail", 1, 1)


def test_a_mistake_between_the_fields_of_an_element_refuses_it_and_drops_the_rest(scene):
    scene.table(PAIR, DUP)
    found = scene.json('[{"id": 1, "v": "a"}, {"id": 2 "v": "b"}, {"id": 3}]', max_filter_ratio="0.5", **STRIP)
    assert (found["Status"], found["NumberLoadedRows"], found["NumberFilteredRows"]) == ("Success", 1, 1)
    assert "construct row in object order failed" in scene.log_of(found)


def test_a_bad_string_number_or_word_fails_alone(scene):
    scene.table("id INT NOT NULL, v VARCHAR(40) NULL, n INT NULL, w VARCHAR(9) NULL", DUP)
    body = '{"id": 1, "v": "a\\s", "n": 01, "w": tru}\n{"id": 2, "v": "b", "n": 2, "w": "c"}'
    scene.ok(scene.json(body), 2)
    assert scene.sql("SELECT * FROM t ORDER BY id") == [["1", None, None, None], ["2", "b", "2", "c"]]
    strict = scene.json(body, strict_mode="true", max_filter_ratio="0.5")
    assert (strict["NumberLoadedRows"], strict["NumberFilteredRows"]) == (1, 1)


def test_what_is_no_column_is_stepped_over_by_its_brackets(scene):
    scene.table(PAIR, DUP)
    scene.ok(scene.json('{"id": 1, "junk": {"a" 1, nope}, "v": "x"} {"id": 2, "junk": [1 2], "v": "y"}'
                        ' {"id": 3}'), 3)
    assert scene.sql(SHOW) == [["1", "x"], ["2", "y"], ["3", None]]


def test_an_incomplete_last_document_is_dropped(scene):
    scene.table(PAIR, DUP)
    for body in ('{"id": 1, "v": "a"} {"id": 2, "v"', '{"id": 1, "v": "a"} {"id": 2, "v": "op', '{"id": 1, "v": "a"}{'):
        found = scene.ok(scene.json(body), 1)
        assert found["NumberTotalRows"] == 1
    alone = scene.json('{"id": 1, "v": "a"')
    assert alone["Status"] == "Fail" and "No partitions have data available" in alone["Message"]


def test_escaped_control_characters_load_as_their_byte(scene):
    scene.table(PAIR, DUP)
    scene.ok(scene.json('{"id": 1, "v": "\\u000b"}'), 1)
    assert scene.value("SELECT hex(v) FROM t") == "0B"


def test_paths_pair_with_fields_by_position(scene):
    scene.table("id INT NOT NULL, v VARCHAR(99) NULL, n INT NULL", DUP)
    scene.ok(scene.json('{"a": {"b.c": 1}, "l": [5, {"k": 6}]}', jsonpaths='["$.a.\\"b.c\\"", "$.l[1].k", "$.l"]',
                        columns="n, id, v"), 1)
    assert scene.sql("SELECT id, v, n FROM t") == [["6", '[5,{"k":6}]', "1"]]
    scene.ok(scene.json('{"a": 7}', jsonpaths='["$.a"]'), 1)  # fields without a path are NULL
    scene.ok(scene.json('{"a": 8, "x": {"y": 1}}', jsonpaths='["$.a", "$"]', columns="id, v"), 1)
    assert scene.sql("SELECT id, v, n FROM t WHERE id > 6 ORDER BY id") == [["7", None, None],
                                                                            ["8", '{"a":8,"x":{"y":1}}', None]]
    for paths in ("$.a", "[1]", '["a"]'):
        assert scene.json('{"a": 7}', jsonpaths=paths)["Status"] == "Fail", paths


def test_root_and_strip(scene):
    scene.table(PAIR, DUP)
    scene.ok(scene.json('{"d": {"r": {"id": 1}}} {"d": {"r": {"id": 2}}}', json_root="$.d.r"), 2)
    scene.ok(scene.json('{"d": [{"id": 3}, {"id": 4}]}', json_root="$.d", **STRIP), 2)
    scene.ok(scene.json('[{"d": {"id": 5}}, {"d": {"id": 6}}]', json_root="$.d"), 2)
    scene.ok(scene.json('[{"d": [{"id": 7}]}, {"d": [{"id": 8}]}]', json_root="$.d", **STRIP), 2)
    assert scene.value("SELECT count(*) FROM t") == "8"
    for body, options in (('{"d": {"id": 3}}', STRIP), ('{"d": [1]}', {}), ('[{"d": 1}]', {})):
        assert scene.json(body, json_root="$.d", **options)["Status"] == "Fail"


def test_json_null_in_op_fails_the_row_and_a_missing_one_is_an_upsert(scene):
    scene.table(PAIR, "PRIMARY KEY(id)")
    found = scene.json('{"id": 1, "v": "a", "__op": null} {"id": 2, "v": "b"}', max_filter_ratio="0.5")
    assert (found["Status"], found["NumberFilteredRows"]) == ("Success", 1)
    scene.ok(scene.json('{"id": 2, "__op": 1} {"id": 3}', columns="id, v"), 2)  # __op is looked for all the same
    assert scene.sql(SHOW) == [["3", None]]
    scene.ok(scene.json('{"id": 3, "v": "c", "__op": 1}', jsonpaths='["$.id", "$.v"]'), 1)  # behind the paths it is 0
    assert scene.sql(SHOW) == [["3", "c"]]


# ---------------------------------------------------------------- Debezium
def event(before, after, op):
    return {"payload": {"before": before, "after": after, "op": op}}


def test_debezium_events(scene):
    scene.table(PAIR, "PRIMARY KEY(id)")
    one, two = {"id": 1, "v": "a"}, {"id": 2, "v": "b"}
    body = " ".join(map(json.dumps, [event(None, one, "c"), event(None, two, "r"), event(two, {"id": 2, "v": "B"}, "u"),
                                     {"payload": None}]))
    scene.ok(scene.json(body, envelope="debezium"), 3)
    assert scene.sql(SHOW) == [["1", "a"], ["2", "B"]]
    scene.ok(scene.json(json.dumps(event(one, None, "d")["payload"]), envelope="Debezium"), 1)  # without a payload
    assert scene.sql(SHOW) == [["2", "B"]]
    scene.ok(scene.json(event(None, {"id": 3, "v": "c", "x": 1}, "c"), envelope="debezium", jsonpaths='["$.id", "$.v"]'), 1)
    assert scene.sql(SHOW) == [["2", "B"], ["3", "c"]]


@pytest.mark.parametrize("document", [event(None, {"id": 1}, "x"), event(None, None, "c"), event(None, None, "d"),
                                      {"payload": {"after": {"id": 1}}}])
def test_debezium_events_that_are_none(scene, document):
    scene.table(PAIR, "PRIMARY KEY(id)")
    assert scene.json(document, envelope="debezium")["Status"] == "Fail"


def test_debezium_excludes_other_options(scene):
    scene.table(PAIR, "PRIMARY KEY(id)")
    for options, text in (({"json_root": "$.a"}, "json_root cannot be specified"), (STRIP, "strip_outer_array cannot be"),
                          ({"format": "csv"}, "only be specified when format is json")):
        found = scene.json("{}", envelope="debezium", **options)
        assert found["Status"] == "Fail" and text in found["Message"], found
    assert scene.json("{}", envelope="maxwell")["Status"] == "Fail"
