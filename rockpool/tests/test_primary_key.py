"""PRIMARY KEY tables: upsert, delete, partial update, merge condition; and the other models."""
import pytest

PAIR = "id INT NOT NULL, v VARCHAR(40) NULL"
SHOW = "SELECT * FROM t ORDER BY 1"


def test_the_last_row_of_a_key_wins_within_and_between_loads(scene):
    scene.table(PAIR)
    scene.ok(scene.load("1,a\n1,b\n2,c\n"), 3)
    scene.ok(scene.load("1,d\n"), 1)
    assert scene.sql(SHOW) == [["1", "d"], ["2", "c"]]


def test_order_of_upserts_and_deletes_in_one_load(scene):
    scene.table(PAIR)
    scene.ok(scene.load("1,a,0\n1,a,1\n2,b,1\n2,b,0\n", columns="id,v,__op"), 4)
    assert scene.sql(SHOW) == [["2", "b"]]
    scene.ok(scene.load("2,x\n9,y\n", columns="id, v, __op='delete'"), 2)
    assert scene.sql(SHOW) == []


def test_json_picks_up_op_by_itself_and_missing_is_upsert(scene):
    scene.table(PAIR)
    scene.ok(scene.load("1,a\n2,b\n"))
    scene.ok(scene.json([{"id": 1, "v": "x", "__op": 1}, {"id": 3, "v": "c"}], strip_outer_array="true"), 2)
    assert scene.sql(SHOW) == [["2", "b"], ["3", "c"]]


def test_other_values_of_op(scene):
    scene.table(PAIR)
    scene.ok(scene.load("1,a,7\n", columns="id,v,__op"), 1)  # no 1 in the batch: an upsert
    assert scene.sql(SHOW) == [["1", "a"]]
    scene.ok(scene.load("1,a,7\n2,b,1\n3,c,0\n", columns="id,v,__op"), 3)  # with a 1, everything but 0 deletes
    assert scene.sql(SHOW) == [["3", "c"]]
    for body in ("1,a,upsert\n", "1,a,\\N\n"):
        assert scene.load(body, columns="id,v,__op")["NumberFilteredRows"] == 1
    assert scene.load("1,a\n", columns="id,v,__op='drop'")["Message"] == "load op type string not supported: drop"
    assert "should only be upsert(0)/delete(1)" in scene.load("1,a\n", columns="id,v,__op=2")["Message"]


def test_delete_rows_are_validated_like_others(scene):
    scene.table("id INT NOT NULL, must INT NOT NULL")
    scene.ok(scene.load("1,5\n"))
    found = scene.load("1,\\N,1\n", columns="id,must,__op")
    assert found["NumberFilteredRows"] == 1 and "[1, NULL, 1]" in scene.log_of(found)
    assert "no default value" in scene.load("1\n", columns="id,__op='delete'")["Message"]
    scene.ok(scene.load("1,0,1\n", columns="id,must,__op"), 1)
    assert scene.sql(SHOW) == []


@pytest.mark.parametrize("key", ["DUPLICATE KEY(id)", "UNIQUE KEY(id)"])
def test_op_is_an_unknown_field_for_other_models(scene, key):
    scene.table(PAIR, key)
    scene.ok(scene.load("1,a,0\n", columns="id,v,__op"), 1)
    scene.ok(scene.load("1,a,1\n", columns="id,v,__op"), 1)
    scene.ok(scene.json({"id": 1, "v": "a", "__op": 1}), 1)
    assert len(scene.sql(SHOW)) == (3 if key.startswith("DUP") else 1)


def test_partial_update_keeps_other_columns_and_fills_new_keys(scene):
    scene.table("id INT NOT NULL, a INT NULL, b INT NULL DEFAULT '7', c VARCHAR(9) NULL")
    scene.ok(scene.load("1,1,1,x\n2,2,2,y\n"))
    for mode in ("row", "column"):
        scene.ok(scene.load("1,10\n3,30\n", columns="ID, A", partial_update="true", partial_update_mode=mode), 2)
    assert scene.sql(SHOW) == [["1", "10", "1", "x"], ["2", "2", "2", "y"], ["3", "30", "7", None]]
    scene.ok(scene.load("1,5,0\n2,0,1\n", columns="id,a,__op", partial_update="true"), 2)
    assert scene.sql(SHOW) == [["1", "5", "1", "x"], ["3", "30", "7", None]]


def test_partial_updates_one_after_the_other_in_one_go(scene):
    scene.table("id INT NOT NULL, a INT NULL, b INT NULL")
    for n, columns in enumerate(("id,a,b", "id,a", "id,b", "id,a", "id,a,b", "id,b")):
        scene.ok(scene.load("1,%d%s\n" % (n, ",%d" % n if columns.count(",") == 2 else ""), columns=columns,
                            partial_update="true"), 1)
    assert scene.sql(SHOW) == [["1", "4", "5"]]


def test_partial_update_mistakes(scene):
    scene.table("id INT NOT NULL, a INT NULL, must INT NOT NULL")
    scene.ok(scene.load("1,1,1\n"))
    assert scene.load("5\n", columns="a", partial_update="true")["Message"] == "key column id not in partial update columns"
    scene.ok(scene.load("1,9\n", columns="id,a", partial_update="true"), 1)
    assert "Column has no default value. column: must" in scene.load("2,9\n", columns="id,a", partial_update="true")["Message"]
    assert scene.sql(SHOW) == [["1", "9", "1"]]
    scene.table(PAIR, "DUPLICATE KEY(id)", name="d")
    assert scene.load("1,a\n", table="d", partial_update="true")["Message"] == "Only primary key table support partial update"
    assert (scene.load("1,a\n", table="d", merge_condition="v")["Message"]
            == "Conditional update only support primary key table d")


def test_merge_condition_takes_rows_that_are_not_older(scene):
    scene.table("id INT NOT NULL, v VARCHAR(9) NULL, ver INT NULL")
    scene.ok(scene.load("1,a,5\n2,b,5\n3,c,5\n"))
    scene.ok(scene.load("1,old,4\n2,same,5\n3,new,6\n4,first,1\n", merge_condition="ver"), 4)
    scene.ok(scene.load("5,x,9\n5,y,3\n5,z,9\n", merge_condition="ver"), 3)
    assert scene.sql(SHOW) == [["1", "a", "5"], ["2", "same", "5"], ["3", "new", "6"], ["4", "first", "1"], ["5", "z", "9"]]
    assert "should not be primary key!" in scene.load("1,a,1\n", merge_condition="id")["Message"]
    assert "Merge condition column w does not exist" in scene.load("1,a,1\n", merge_condition="w")["Message"]
    assert scene.load("1,a,1\n", merge_condition="v")["Status"] == "Fail"
    assert "delete with condition column" in scene.load("1,a,1,1\n", columns="id,v,ver,__op", merge_condition="ver")["Message"]


def test_keys_of_several_columns_and_of_every_type(scene):
    scene.sql("CREATE TABLE t (a BOOLEAN NOT NULL, b LARGEINT NOT NULL, c VARCHAR(9) NOT NULL, d DATE NOT NULL, e DATETIME NOT "
              "NULL, v INT) PRIMARY KEY(a, b, c, d, e) DISTRIBUTED BY HASH(b) PROPERTIES('replication_num'='1')")
    key = "true,170141183460469231731687303715884105727,x,0000-01-01,2024-01-01 00:00:00.000001"
    scene.ok(scene.load(f"{key},1\n{key},2\n"), 2)
    scene.ok(scene.load(f"{key},3\n"), 1)
    assert scene.sql("SELECT v FROM t") == [["3"]]
    scene.ok(scene.load(f"{key},3,1\n", columns="a,b,c,d,e,v,__op"), 1)
    assert scene.sql("SELECT v FROM t") == []


def test_unique_keys_may_be_null_and_replace(scene):
    scene.table("id INT, v INT, w INT", "UNIQUE KEY(id)")
    scene.ok(scene.load("1,1,1\n\\N,5,5\n"))
    scene.ok(scene.load("1,2,\\N\n\\N,6,6\n"))
    assert scene.sql("SELECT * FROM t ORDER BY id") == [[None, "6", "6"], ["1", "2", None]]


def test_aggregates_combine(scene):
    scene.table("id INT, s BIGINT SUM DEFAULT '0', m INT MAX, n INT MIN, r VARCHAR(9) REPLACE, q INT REPLACE_IF_NOT_NULL",
                "AGGREGATE KEY(id)")
    scene.ok(scene.load("1,1,5,5,a,1\n1,2,3,3,b,\\N\n"))
    scene.ok(scene.load("1,4,4,9,c,\\N\n\\N,1,1,1,z,1\n"))
    assert scene.sql("SELECT * FROM t ORDER BY id") == [[None, "1", "1", "1", "z", "1"], ["1", "7", "5", "3", "c", "1"]]


def test_many_small_loads_and_reads_between(scene):
    scene.table("id INT NOT NULL, v INT NULL")
    for n in range(60):
        scene.ok(scene.load(f"{n % 7},{n}\n"), 1)
        if n % 13 == 0:
            assert scene.value(f"SELECT v FROM t WHERE id = {n % 7}") == str(n)
    assert scene.sql(SHOW) == [[str(k), str(max(n for n in range(60) if n % 7 == k))] for k in range(7)]


def test_keys_are_at_most_128_bytes(scene):
    scene.table("a INT NOT NULL, id VARCHAR(200) NOT NULL, v INT NULL", "PRIMARY KEY(a, id)")
    scene.ok(scene.load("1," + "x" * 124 + ",1\n"), 1)
    assert "primary key size exceed the limit." in scene.load("1," + "x" * 125 + ",1\n")["Message"]
