"""INSERT, UPDATE and DELETE: forms, refusals, labels, and what is found of them afterwards."""
import re

import pytest

from rockpool.tests.pool import Scene

BOTH = "id INT NOT NULL, v INT"
ALL = "SELECT * FROM t ORDER BY id"


def outcome(scene, statement):
    """(rows, warnings, what the OK packet tells)"""
    with scene.connection.cursor() as cursor:
        cursor.execute(statement)
        ok = cursor._result
        return ok.affected_rows, ok.warning_count, ok.message.decode() if ok.message else ""


# ---------------------------------------------------------------- DELETE
def test_deletes_of_primary_keys_join_other_tables(scene):
    scene.table(BOTH)
    scene.table(BOTH, "DUPLICATE KEY(id)", "u")
    scene.sql("INSERT INTO t VALUES (1, 1), (2, 2), (3, 3), (4, 4)", "INSERT INTO u VALUES (2, 20), (3, 30)")
    scene.sql("DELETE FROM t USING u WHERE t.id = u.id AND u.v > 25")
    assert scene.sql(ALL) == [["1", "1"], ["2", "2"], ["4", "4"]]
    scene.sql("WITH w AS (SELECT id FROM u) DELETE FROM t USING w WHERE t.id = w.id")
    assert scene.sql(ALL) == [["1", "1"], ["4", "4"]]
    scene.sql("DELETE FROM t WHERE id IN (SELECT max(id) FROM t)")
    assert scene.sql(ALL) == [["1", "1"]]


def test_deletes_of_other_models_compare_columns_with_values(scene):
    scene.table("id INT, v INT, s VARCHAR(9), d DOUBLE", "DUPLICATE KEY(id)")
    scene.sql("INSERT INTO t VALUES (1, 1, 'a', 1.5), (2, 2, 'b', 2.5), (3, NULL, 'c', 3.5), (4, 4, 'd', 4.5)")
    scene.sql("DELETE FROM t WHERE v = 1", "DELETE FROM t WHERE v IS NULL AND id > 2", "DELETE FROM t WHERE s IN ('b', 'x')")
    assert scene.sql("SELECT id FROM t") == [["4"]]
    scene.table("id INT, v INT SUM", "AGGREGATE KEY(id)", "a")
    for statement in ("DELETE FROM t WHERE d = 4.5", "DELETE FROM t WHERE v = 4 OR id = 1", "DELETE FROM t WHERE v + 1 = 5",
                      "DELETE FROM t WHERE id = v", "DELETE FROM t USING a WHERE t.id = a.id", "DELETE FROM a WHERE v = 1",
                      "DELETE FROM t", "DELETE FROM t WHERE id IN (SELECT 4)"):
        assert scene.error(statement)[0] == 1064, statement
    assert scene.sql("SELECT id FROM t") == [["4"]]


def test_deletes_of_one_partition(scene):
    scene.table("id INT, v INT", "DUPLICATE KEY(id)", more="PARTITION BY RANGE(id) (PARTITION p VALUES LESS THAN ('10'), "
                "PARTITION q VALUES LESS THAN ('20'))")
    scene.sql("INSERT INTO t VALUES (1, 5), (11, 5)", "DELETE FROM t PARTITION (q) WHERE v = 5")
    assert scene.sql(ALL) == [["1", "5"]]
    assert "nothing" in scene.error("DELETE FROM t PARTITION (nothing) WHERE v = 5")[1]


# ---------------------------------------------------------------- UPDATE
@pytest.mark.parametrize("statement, text", [
    ("UPDATE t SET id = 5 WHERE id = 1", "primary key column cannot be updated"),
    ("UPDATE t SET ghost = 5 WHERE id = 1", "ghost"),
    ("UPDATE u SET v = 5 WHERE id = 1", "does not support update"),
    ("UPDATE t SET v = 5", "must specify where clause to prevent full table update"),
    ("UPDATE t SET n = NULL WHERE id = 1", "null"),
])
def test_updates_that_are_refused(scene, statement, text):
    scene.table("id INT NOT NULL, v INT, n INT NOT NULL")
    scene.table(BOTH, "DUPLICATE KEY(id)", "u")
    scene.sql("INSERT INTO t VALUES (1, 1, 1)")
    assert text.lower() in scene.error(statement)[1].lower()
    assert scene.sql(ALL) == [["1", "1", "1"]]


def test_updates_of_joins_defaults_and_expressions(scene):
    scene.table("id INT NOT NULL, v INT DEFAULT '9', s VARCHAR(9)")
    scene.table(BOTH, name="u")
    scene.sql("INSERT INTO t VALUES (1, 1, 'a'), (2, 2, 'b')", "INSERT INTO u VALUES (2, 20)")
    scene.sql("UPDATE t SET v = u.v, s = concat(s, '!') FROM u WHERE t.id = u.id", "UPDATE t SET v = DEFAULT WHERE id = 1")
    assert scene.sql(ALL) == [["1", "9", "a"], ["2", "20", "b!"]]


# ---------------------------------------------------------------- INSERT
def test_the_larger_value_of_a_column_wins(scene):
    scene.table("id INT NOT NULL, v INT, s VARCHAR(9)")
    scene.sql("INSERT INTO t VALUES (1, 5, 'old')")
    insert = "INSERT INTO t PROPERTIES('merge_condition' = 'v') VALUES"
    scene.sql(f"{insert} (1, 4, 'less')")
    assert scene.sql(ALL) == [["1", "5", "old"]]
    scene.sql(f"{insert} (1, 6, 'more')")
    assert scene.sql(ALL) == [["1", "6", "more"]]


def test_a_label_is_used_once(scene):
    scene.table(BOTH)
    rows, warnings, text = outcome(scene, "INSERT INTO t WITH LABEL mine VALUES (1, 1)")
    assert (rows, warnings) == (1, 0)
    assert re.search(r"\{'label':'mine', 'status':'VISIBLE', 'txnId':'\d+'\}$", text)
    assert "Label [mine] has already been used" in scene.error("INSERT INTO t WITH LABEL mine VALUES (2, 2)")[1]
    assert "Label format error" in scene.error(f"INSERT INTO t WITH LABEL {'x' * 129} VALUES (2, 2)")[1]
    assert scene.load("3,3\n", label="mine")["Status"] == "Label Already Exists" and scene.sql(ALL) == [["1", "1"]]
    assert scene.state("mine") == "VISIBLE"


def test_values_that_do_not_fit(scene):
    scene.table("id INT NOT NULL, v VARCHAR(3), n TINYINT")
    assert "Insert has filtered data" in scene.error("INSERT INTO t VALUES (1, 'four', 1)")[1]
    scene.sql("SET enable_insert_strict = false", "SET insert_max_filter_ratio = 0.5")
    rows, warnings, _ = outcome(scene, "INSERT INTO t VALUES (1, 'a', 1), (2, 'four', 1), (NULL, 'b', 1), (4, 'c', 1000)")
    assert rows == 4 - warnings and warnings >= 1
    assert ["1", "a", "1"] in scene.sql(ALL) and scene.value("SELECT count(*) FROM t WHERE id IS NULL OR id = 2 AND v = 'four'") == "0"
    scene.sql("SET enable_insert_strict = true", "SET insert_max_filter_ratio = 0")
    scene.sql("INSERT INTO t PROPERTIES('strict_mode' = 'false') VALUES (9, 'a', 1000), (8, 'b', 1)")
    assert scene.value("SELECT count(*) FROM t WHERE id = 8") == "1"
    assert "nothing is invalid property" in scene.error("INSERT INTO t PROPERTIES('nothing' = '1') VALUES (9, 'a', 1)")[1]


def test_columns_are_found_by_their_names(scene):
    scene.table("id INT NOT NULL, v INT, w INT DEFAULT '7'")
    scene.sql("INSERT INTO t BY NAME SELECT 30 AS w, 10 AS id, 20 AS v", "INSERT INTO t (v, id) BY NAME SELECT 1 AS id, 2 AS v")
    assert scene.sql(ALL) == [["1", "2", "7"], ["10", "20", "30"]]
    assert "Source column: ghost has no matching target column" in scene.error("INSERT INTO t BY NAME SELECT 1 AS id, 2 AS ghost")[1]
    assert "does not support values()" in scene.error("INSERT INTO t BY NAME VALUES (1, 2, 3)")[1]


def test_automatic_numbers_are_not_null(scene):
    scene.table("id INT NOT NULL, n BIGINT NOT NULL AUTO_INCREMENT")
    text = scene.error("INSERT INTO t VALUES (1, NULL)")[1]
    assert "`NULL` value is not supported for an AUTO_INCREMENT column: n" in text
    scene.sql("INSERT INTO t VALUES (1, DEFAULT)", "INSERT INTO t (id) VALUES (2)", "INSERT INTO t VALUES (3, 1000)")
    numbers = [int(r[1]) for r in scene.sql(ALL)]
    assert len(set(numbers)) == 3 and numbers[2] == 1000


def test_overwriting(scene):
    scene.table("id INT, v INT", "DUPLICATE KEY(id)", more="PARTITION BY RANGE(id) (PARTITION p VALUES LESS THAN ('10'), "
                "PARTITION q VALUES LESS THAN ('20'))")
    scene.sql("INSERT INTO t VALUES (1, 1), (11, 1)", "INSERT OVERWRITE t PARTITION (q) VALUES (12, 2)")
    assert scene.sql(ALL) == [["1", "1"], ["12", "2"]]
    scene.sql("INSERT OVERWRITE t SELECT 5, 5")
    assert scene.sql(ALL) == [["5", "5"]]
    assert scene.error("INSERT OVERWRITE t SELECT 5, 5, 5")[0] == 5604 and scene.sql(ALL) == [["5", "5"]]


@pytest.mark.parametrize("statement, code, text", [
    ("INSERT INTO t (id, id) VALUES (1, 1)", None, "id"),
    ("INSERT INTO t (id, ghost) VALUES (1, 1)", None, "ghost"),
    ("INSERT INTO t (v) VALUES (1)", None, "id"),
    ("INSERT INTO t VALUES (1)", 5604, "Inserted target column count: 2 doesn't match select/value column count: 1."),
    ("INSERT INTO t VALUES (1, 1), (2)", None, ""),
    ("INSERT INTO ghost VALUES (1)", 5502, "ghost"),
    ("INSERT INTO v VALUES (1, 1)", 1064, "Only support insert into"),
])
def test_inserts_that_are_refused(scene, statement, code, text):
    scene.table(BOTH)
    scene.sql("CREATE VIEW v AS SELECT * FROM t")
    found = scene.error(statement)
    assert text in found[1] and code in (None, found[0]), found
    assert scene.sql(ALL) == []


def test_every_statement_is_a_transaction_that_is_found(scene):
    scene.table(BOTH)
    labels = []
    for statement in ("INSERT INTO t VALUES (1, 1), (2, 2)", "UPDATE t SET v = 3 WHERE id = 1", "DELETE FROM t WHERE id = 2"):
        rows, _, text = outcome(scene, statement)
        labels.append(re.search(r"'label':'([^']*)', 'status':'VISIBLE'", text).group(1))
    assert [label.split("_")[0] for label in labels] == ["insert", "update", "delete"]
    listed = scene.sql(f"SELECT label, state, type FROM information_schema.loads WHERE db_name = '{scene.name}' ORDER BY job_id")
    assert listed == [[label, "FINISHED", "INSERT"] for label in labels]
    assert [scene.state(label) for label in labels] == ["VISIBLE"] * 3


def test_before_3_4_inserts_have_neither_properties_nor_names(own):
    scene = Scene(own("--version", "3.2.7"), "d")
    scene.table(BOTH)
    for statement in ("INSERT INTO t PROPERTIES('strict_mode' = 'true') VALUES (1, 1)", "INSERT INTO t BY NAME SELECT 1 AS v, 2 AS id"):
        assert scene.error(statement)[1].startswith("Getting syntax error")
    scene.sql("INSERT INTO t WITH LABEL x VALUES (1, 1)")
    assert "Insert has filtered data in strict mode" in scene.error("INSERT INTO t VALUES (NULL, 2), (3, 3)")[1]
    scene.sql("SET enable_insert_strict = false", "INSERT INTO t VALUES (NULL, 2), (3, 3)")
    assert scene.sql(ALL) == [["1", "1"], ["3", "3"]]
    scene.connection.close()
