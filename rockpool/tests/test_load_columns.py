"""The columns header: fields, assignments, what is refused; __op constants; computed values."""
import pytest

DUP = "DUPLICATE KEY(id)"
PK = "PRIMARY KEY(id)"
PAIR = "id INT NOT NULL, v VARCHAR(4) NULL"
SHOW = "SELECT id, v FROM t ORDER BY id"


@pytest.mark.parametrize("columns, text", [
    ("id, ID", "Duplicate column: ID"), ("id, a, v = a, V = a", "Duplicate column mapping: V"),
    ("id, a, w = a", "Mapping column is not in table. column: w"),
    ("id, v = b", "unknown reference column, column=v, reference=b"),
    ("a, id = a, v = id", "unknown reference column, column=v, reference=id"),  # a column is no field
    ("v", "Column has no default value. column: id"),
    ("id, g", "generated column: g can not be specified"), ("id, v = g", "Mapping column can not ref generated column: g"),
])
def test_mistakes_are_named(scene, columns, text):
    scene.table("id INT NOT NULL, v VARCHAR(4) NULL, g BIGINT AS (id + 1)", DUP)
    found = scene.load("1,a\n", columns=columns)
    assert found["Status"] == "Fail" and text in found["Message"], found


@pytest.mark.parametrize("headers", [{"columns": "id, v = no_such_function(id)"}, {"where": "no_such_function(id) = 1"}])
def test_a_function_that_is_none_is_found_by_the_planner(scene, headers):
    scene.table("id INT NOT NULL, v VARCHAR(4) NULL", DUP)
    found = scene.load("", **headers)  # not a row is needed
    assert found["Status"] == "Fail" and "no_such_function" in found["Message"] and found["TxnId"] > 0


def test_assignments_alone_leave_the_tables_columns_as_fields(scene):
    scene.table(PAIR, PK)
    scene.ok(scene.load("1,a\n2,b\n"), 2)
    scene.ok(scene.load("1,x\n", columns="__op='delete'"), 1)
    scene.ok(scene.load("3,c\n", columns="v = upper(v)"), 1)
    assert scene.sql(SHOW) == [["2", "b"], ["3", "C"]]


def test_a_column_may_be_made_of_a_field_of_its_own_name(scene):
    scene.table("id INT NOT NULL, y INT NULL", DUP)
    scene.ok(scene.load("1,2024-05-06\n", columns="id, y, y = year(y)", strict_mode="true"), 1)
    assert scene.sql("SELECT * FROM t") == [["1", "2024"]]


def test_fields_that_are_no_columns_vanish(scene):
    scene.table(PAIR, DUP)
    scene.ok(scene.load("1,zzzzzzzz,a\n", columns="id, typo, v", strict_mode="true"), 1)
    assert scene.sql(SHOW) == [["1", "a"]]


def test_what_an_expression_makes_is_not_strict_but_its_length_is(scene):
    scene.table("id INT NOT NULL, v VARCHAR(4) NULL, n TINYINT NULL", DUP)
    found = scene.load("1,ab,7\n2,abc,300\n3,abcd,x\n", columns="id, a, b, v = concat(a, '!!'), n = cast(b as int)",
                       strict_mode="true", max_filter_ratio="0.7")
    assert (found["Status"], found["NumberLoadedRows"], found["NumberFilteredRows"]) == ("Success", 1, 2)
    assert "Error: String 'abc!!'(length=5) is too long. The max length of 'v' is 4. Row: [2, abc!!, NULL]" in \
        scene.log_of(found)
    assert scene.sql("SELECT * FROM t") == [["1", "ab!!", "7"]]


@pytest.mark.parametrize("constant, kept", [("'upsert'", True), ("'UPSERT'", True), ("0", True), ("'delete'", False),
                                            ("1", False), ("\"Delete\"", False)])
def test_op_constants(scene, constant, kept):
    scene.table(PAIR, PK)
    scene.ok(scene.load("1,a\n"), 1)
    scene.ok(scene.load("1,b\n", columns=f"id, v, __op = {constant}"), 1)
    assert scene.sql(SHOW) == ([["1", "b"]] if kept else [])


@pytest.mark.parametrize("constant, text", [("'remove'", "load op type string not supported: remove"),
                                            ("'1'", "load op type string not supported: 1"),
                                            ("1.5", "const load op type column should only be upsert(0)/delete(1)"),
                                            ("true", "const load op type column should only be upsert(0)/delete(1)")])
def test_op_constants_that_are_none(scene, constant, text):
    scene.table(PAIR, PK)
    assert scene.load("1,b\n", columns=f"id, v, __op = {constant}")["Message"] == text


def test_op_may_be_computed(scene):
    scene.table(PAIR, PK)
    scene.ok(scene.load("1,a\n2,b\n"), 2)
    scene.ok(scene.load("1,a,D\n2,B,U\n", columns="id, v, kind, __op = if(kind = 'D', 1, 0)"), 2)
    assert scene.sql(SHOW) == [["2", "B"]]


def test_states_need_their_functions(scene):
    scene.table("id INT, b BITMAP BITMAP_UNION, h HLL HLL_UNION", "AGGREGATE KEY(id)")
    for columns, text in (("id, b, h = hll_hash(b)", "bitmap column b require the function return type is BITMAP"),
                          ("id, x, b = to_bitmap(x), h = upper(x)", "HLL column must use hll_hash function, like h=hll_hash"),
                          ("id, x, b = bitmap_count(x), h = hll_empty()", "bitmap column b require")):
        found = scene.load("1,2\n", columns=columns)
        assert found["Status"] == "Fail" and text in found["Message"], found
    scene.ok(scene.load("1,2\n1,5\n1,2\n", columns="id, x, b = to_bitmap(x), h = hll_hash(x)"), 3)


@pytest.mark.parametrize("expression, field, value", [
    ("replace(x, 'a', 'b')", "aa", "bb"), ("if(x > 5, 'big', 'small')", "30", "big"), ("x in (3, 4)", "4", "1"),
    ("cast(x as datetime)", "2020-01-02", "2020-01-02 00:00:00"), ("cast(x as double) / 3", "3", "1"),
    ("cast(x as int) + 1", "3", "4"), ("split(x, '-')[1]", "ab-c", "ab"), ("date_format(x, '%Y%m')", "2020-01-02", "202001"),
    ("concat(x, '!', null)", "a", None), ("cast(x as int)", "no", None), ("x / 0", "1", None), ("ifnull(x, 'n')", "\\N", "n"),
    ("get_json_string(x, '$.a')", '{"a":"b"}', "b"), ("upper(trim(x))", " a ", "A"), ("length(x)", "é", "2"),
    ("array_join(array_filter(e -> e <> 'b', split(x, ';')), '+')", "a;b;c", "a+c"), ("year(x)", "2024-02-30", None)])
def test_expressions(scene, expression, field, value):
    scene.table("id INT NOT NULL, v VARCHAR(40) NULL", DUP)
    scene.ok(scene.load(f"1,{field}\n", columns=f"id, x, v = {expression}", strict_mode="true"), 1)
    assert scene.value("SELECT v FROM t") == value
