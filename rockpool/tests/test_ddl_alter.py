"""ALTER TABLE: what each clause takes and refuses, which clauses are jobs, partitions, and tables' settings."""
import pytest

from rockpool.tests.pool import Scene
from rockpool.tests.test_ddl import finished, job

ONE = "PROPERTIES('replication_num'='1')"
DAYS = ("DUPLICATE KEY(id) PARTITION BY RANGE(d) (PARTITION p1 VALUES LESS THAN ('2024-02-01'), "
        "PARTITION p2 VALUES LESS THAN ('2024-03-01'))")


def fields(scene, table="t"):
    return [row[0] for row in scene.sql(f"DESC {table}")]


def jobs(scene, table="t", kind="COLUMN"):
    return len(scene.sql(f"SHOW ALTER TABLE {kind} WHERE TableName = '{table}'"))


def parts(scene, table="t"):
    return [row[1] for row in scene.sql(f"SHOW PARTITIONS FROM {table}")]


# ---------------------------------------------------------------- columns
def test_key_columns_of_duplicate_tables_come_and_go_by_jobs(scene):
    scene.table("id INT NOT NULL, k VARCHAR(9), v INT", "DUPLICATE KEY(id, k)")
    scene.sql("INSERT INTO t VALUES (1, 'x', 5)", "ALTER TABLE t DROP COLUMN k")
    assert finished(scene) == "FINISHED" and scene.sql("SELECT * FROM t") == [["1", "5"]]
    scene.sql("ALTER TABLE t ADD COLUMN n INT KEY DEFAULT '7'")
    assert finished(scene) == "FINISHED" and scene.sql("SELECT * FROM t") == [["1", "7", "5"]]
    assert [r[3] for r in scene.sql("DESC t")] == ["true", "true", "false"] and jobs(scene) == 2


@pytest.mark.parametrize("key", ["UNIQUE KEY(id)", "DUPLICATE KEY(id)"])
def test_a_name_that_is_there_already(scene, key):
    scene.table("id INT NOT NULL, v INT", key)
    assert scene.error("ALTER TABLE t ADD COLUMN v BIGINT") == (1064, "Can not add column which already exists in base table: v")
    scene.table("id INT NOT NULL, v INT", name="p")
    assert scene.error("ALTER TABLE p ADD COLUMN v BIGINT")[1] == (
        'Can not add column which already exists in column id: v, you can remove `v` int(11) NULL COMMENT "" and try again.')


def test_adding_and_dropping_one_column_in_a_statement_changes_nothing(scene):
    scene.table("id INT NOT NULL, v INT")
    scene.sql("INSERT INTO t VALUES (1, 5)", "ALTER TABLE t ADD COLUMN n INT DEFAULT '3', DROP COLUMN n")
    assert fields(scene) == ["id", "v"] and scene.sql("SELECT * FROM t") == [["1", "5"]]


def test_a_column_may_be_made_nullable_but_not_the_other_way(scene):
    scene.table("id INT NOT NULL, v INT NOT NULL")
    scene.sql("INSERT INTO t VALUES (1, 5)", "ALTER TABLE t MODIFY COLUMN v INT NULL")
    assert finished(scene) == "FINISHED"
    scene.sql("INSERT INTO t VALUES (2, NULL)")
    assert scene.sql("SELECT * FROM t ORDER BY id") == [["1", "5"], ["2", None]]
    assert "Can not change from nullable to non-nullable" in scene.error("ALTER TABLE t MODIFY COLUMN v INT NOT NULL")[1]


def test_automatic_and_partition_columns_cannot_be_modified(scene):
    scene.table("id INT NOT NULL, n BIGINT NOT NULL AUTO_INCREMENT")
    assert "AUTO_INCREMENT" in scene.error("ALTER TABLE t MODIFY COLUMN n BIGINT NOT NULL AUTO_INCREMENT")[1]
    scene.table("id INT, d DATE NOT NULL, v INT", DAYS, "p")
    assert scene.error("ALTER TABLE p MODIFY COLUMN d DATETIME NOT NULL")[1] == "Can not modify partition column[d]. index[p]"


@pytest.mark.parametrize("clause", [
    "ADD COLUMN IF NOT EXISTS n INT", "DROP COLUMN IF EXISTS v", "ADD n INT", "MODIFY v BIGINT", "RENAME COLUMN v", "ADD COLUMN n"])
def test_clauses_that_are_no_clauses(scene, clause):
    scene.table("id INT NOT NULL, v INT")
    code, text = scene.error(f"ALTER TABLE t {clause}")
    assert code == 1064 and text.startswith("Getting syntax error"), text


def test_columns_the_table_stands_on(scene):
    scene.table("id INT, d DATE NOT NULL, v INT", DAYS, by="DISTRIBUTED BY HASH(v) BUCKETS 1")
    assert scene.error("ALTER TABLE t DROP COLUMN v")[1] == "Distribution column[v] cannot be dropped. index[t]"
    assert scene.error("ALTER TABLE t DROP COLUMN d")[1] == "Partition column[d] cannot be dropped. index[t]"
    assert scene.error("ALTER TABLE t DROP COLUMN id")[1] == "No key column left. index[t]"
    assert scene.error("ALTER TABLE t MODIFY COLUMN v BIGINT")[1] == "Can not modify distribution column[v]. index[t]"


@pytest.mark.parametrize("clause, text", [
    ("ADD COLUMN n INT AFTER ghost", "Column[ghost] does not found"),
    ("ADD COLUMN n TIME", "Type:TIME of column:n does not support."),
    ("ADD COLUMN `__op` INT", "Incorrect column name '__op'"),
    ("MODIFY COLUMN v VARCHAR(0)", "Varchar size must be"),
    ("DROP COLUMN id, DROP COLUMN v", "Can not drop key column in primary data model table"),
    ("ORDER BY (ghost)", "Column[ghost] not exists"),
    ("DROP INDEX nothing", "nothing"),
    ("DROP ROLLUP nothing", "nothing"),
    ("ADD PARTITION p VALUES LESS THAN ('1')", "Only support adding partition to range/list partitioned table"),
])
def test_clauses_that_are_refused(scene, clause, text):
    scene.table("id INT NOT NULL, v VARCHAR(9)")
    code, found = scene.error(f"ALTER TABLE t {clause}")
    assert text in found and code in (1064, 1166, 1054), found
    assert fields(scene) == ["id", "v"] and jobs(scene) == 0


def test_defaults_of_added_columns_are_those_of_old_rows(scene):
    scene.table("id INT NOT NULL")
    scene.sql("INSERT INTO t VALUES (1)", "ALTER TABLE t ADD COLUMN a DATETIME DEFAULT CURRENT_TIMESTAMP, "
              "ADD COLUMN (b DECIMAL(9, 2) DEFAULT '1.5', c VARCHAR(9) NOT NULL DEFAULT 'x') ")
    assert scene.sql("SELECT b, c, a IS NOT NULL, a = (SELECT max(a) FROM t) FROM t") == [["1.50", "x", "1", "1"]]
    first = scene.value("SELECT a FROM t")
    assert scene.value("SELECT a FROM t") == first


# ---------------------------------------------------------------- indexes, rollups, distribution
def test_indexes_are_added_and_dropped_by_jobs(scene):
    scene.table("id INT NOT NULL, v VARCHAR(9)")
    scene.sql("ALTER TABLE t ADD INDEX iv (v) USING BITMAP COMMENT 'c'")
    assert finished(scene) == "FINISHED" and [r[2] for r in scene.sql("SHOW INDEX FROM t")] == ["iv"]
    scene.sql("DROP INDEX iv ON t")
    assert finished(scene) == "FINISHED" and scene.sql("SHOW INDEX FROM t") == []


def test_rollups_are_jobs_of_their_own_list(scene):
    scene.table("id INT NOT NULL, a INT, b INT", "DUPLICATE KEY(id)")
    scene.sql("INSERT INTO t VALUES (1, 2, 3)", "ALTER TABLE t ADD ROLLUP r (id, b)")
    scene.wait(lambda: scene.sql("SHOW ALTER TABLE ROLLUP WHERE TableName = 't'")[0][8] == "FINISHED")
    assert [r[1] for r in scene.sql("DESC t ALL")].count("DUP_KEYS") == 2 and jobs(scene) == 0
    scene.sql("ALTER TABLE t DROP ROLLUP r")
    assert [r[1] for r in scene.sql("DESC t ALL")].count("DUP_KEYS") == 1


def test_buckets_and_sort_keys_change_by_optimizing(scene):
    scene.table("id INT NOT NULL, v INT", "DUPLICATE KEY(id)")
    scene.sql("INSERT INTO t VALUES (1, 5), (2, 6)", "ALTER TABLE t DISTRIBUTED BY HASH(v) BUCKETS 4")
    scene.wait(lambda: scene.sql("SHOW ALTER TABLE OPTIMIZE WHERE TableName = 't'")[0][6] in ("FINISHED", "CANCELLED"))
    assert "DISTRIBUTED BY HASH(`v`) BUCKETS 4" in scene.sql("SHOW CREATE TABLE t")[0][1]
    assert scene.value("SELECT count(*) FROM t") == "2"


def test_sort_of_changes_shown(scene):
    for name in ("a", "b"):
        scene.table("id INT NOT NULL, v INT", name=name)
        for number in range(2):
            scene.sql(f"ALTER TABLE {name} ADD COLUMN n{number} INT")
    newest = scene.sql("SHOW ALTER TABLE COLUMN ORDER BY CreateTime DESC, JobId DESC LIMIT 2")
    assert [r[1] for r in newest] == ["b", "b"] and len(scene.sql("SHOW ALTER TABLE COLUMN")) == 4
    assert len(scene.sql(f"SHOW ALTER TABLE COLUMN FROM {scene.name} WHERE TableName = 'a' AND State = 'FINISHED'")) == 2
    assert scene.sql("SHOW ALTER TABLE COLUMN LIMIT 1 OFFSET 1") == [scene.sql("SHOW ALTER TABLE COLUMN")[1]]
    assert scene.error("SHOW ALTER TABLE COLUMN FROM ghost")[0] == 5501


# ---------------------------------------------------------------- tables
def test_comments_and_settings(scene):
    scene.table("id INT NOT NULL, v INT")
    scene.sql("ALTER TABLE t COMMENT = \"it's mine\"", "ALTER TABLE t SET ('enable_persistent_index' = 'false')")
    text = scene.sql("SHOW CREATE TABLE t")[0][1]
    assert "COMMENT \"it's mine\"" in text and '"enable_persistent_index" = "false"' in text
    assert scene.value(f"SELECT table_comment FROM information_schema.tables WHERE table_schema = '{scene.name}'") == "it's mine"
    assert scene.error("ALTER TABLE t SET ('nothing' = '1')")[0] == 1064


def test_automatic_numbers_begin_where_they_are_told(scene):
    scene.table("id INT NOT NULL, n BIGINT NOT NULL AUTO_INCREMENT")
    scene.sql("ALTER TABLE t AUTO_INCREMENT = 500", "INSERT INTO t (id) VALUES (1)")
    assert int(scene.value("SELECT n FROM t")) >= 500


def test_jobs_wait_for_the_state_of_the_table(scene):
    scene.table("id INT NOT NULL, v INT")
    scene.txn("begin", "x")
    scene.sql("ALTER TABLE t MODIFY COLUMN v BIGINT")
    for statement in ("ALTER TABLE t RENAME u", "ALTER TABLE t ADD INDEX i (v) USING BITMAP"):
        assert "in progress" in scene.error(statement)[1]
    scene.sql("CANCEL ALTER TABLE COLUMN FROM t")
    assert job(scene)[9] == "CANCELLED" and job(scene)[10] == "user cancelled"
    scene.sql("ALTER TABLE t RENAME u")
    assert scene.sql("SHOW TABLES") == [["u"]]


# ---------------------------------------------------------------- partitions
@pytest.fixture
def days(scene):
    scene.table("id INT, d DATE NOT NULL", DAYS)
    scene.sql("INSERT INTO t VALUES (1, '2024-01-05'), (2, '2024-02-05')")
    return scene


def test_partitions_come_and_go(days):
    days.sql("ALTER TABLE t ADD PARTITION p3 VALUES LESS THAN ('2024-04-01')", "INSERT INTO t VALUES (3, '2024-03-05')")
    days.sql("ALTER TABLE t ADD PARTITION IF NOT EXISTS p3 VALUES LESS THAN ('2024-05-01')")
    days.sql("ALTER TABLE t ADD PARTITIONS START ('2024-04-01') END ('2024-06-01') EVERY (INTERVAL 1 MONTH)")
    assert parts(days) == ["p1", "p2", "p3", "p202404", "p202405"]
    days.sql("ALTER TABLE t DROP PARTITION p1", "ALTER TABLE t DROP PARTITION IF EXISTS p1")
    days.sql("ALTER TABLE t RENAME PARTITION p3 spring")
    assert days.sql("SELECT id FROM t ORDER BY id") == [["2"], ["3"]] and parts(days)[:2] == ["p2", "spring"]
    assert days.sql("SELECT id FROM t PARTITION (spring)") == [["3"]]
    assert "filtered" in days.error("INSERT INTO t VALUES (9, '2030-01-01')")[1]


@pytest.mark.parametrize("clause, text", [
    ("ADD PARTITION p1 VALUES LESS THAN ('2024-09-01')", "Duplicate partition name p1"),
    ("ADD PARTITION p9 VALUES LESS THAN ('2024-01-15')", "Range"),
    ("ADD PARTITION p9 VALUES IN ('2024-01-15')", "artition"),
    ("DROP PARTITION p9", "p9"),
    ("RENAME PARTITION p1 p2", "p2"),
])
def test_partitions_that_cannot_be(days, clause, text):
    code, found = days.error(f"ALTER TABLE t {clause}")
    assert text in found and code in (1064, 1507, 1517), found
    assert parts(days) == ["p1", "p2"]


def test_single_partitions_are_emptied(days):
    days.sql("TRUNCATE TABLE t PARTITION (p1)")
    assert days.sql("SELECT id FROM t") == [["2"]]
    assert "p9" in days.error("TRUNCATE TABLE t PARTITION (p9)")[1]


# ---------------------------------------------------------------- older versions
def test_before_3_3_2_columns_have_the_name_they_got(own):
    scene = Scene(own("--version", "3.3.1"), "d")
    scene.table("id INT NOT NULL, v INT")
    assert scene.error("ALTER TABLE t RENAME COLUMN v TO w")[1].startswith("Getting syntax error")
    assert fields(scene) == ["id", "v"]
    scene.connection.close()


def test_2_5_widens_no_column_the_table_stands_on(own):
    scene = Scene(own("--version", "2.5.13"), "d")
    scene.table("id VARCHAR(5) NOT NULL, v VARCHAR(5)", "DUPLICATE KEY(id)", by="DISTRIBUTED BY HASH(id) BUCKETS 1")
    assert "Can not modify distribution column[id]. index[t]" in scene.error("ALTER TABLE t MODIFY COLUMN id VARCHAR(50) KEY NOT NULL")[1]
    scene.table("id VARCHAR(5) NOT NULL, v VARCHAR(5)", name="p")
    assert "key column" in scene.error("ALTER TABLE p MODIFY COLUMN id VARCHAR(50) NOT NULL")[1]
    scene.sql("ALTER TABLE t MODIFY COLUMN v VARCHAR(50)")
    assert finished(scene) == "FINISHED"
    assert scene.error("ALTER TABLE t AUTO_INCREMENT = 5")[1].startswith("Getting syntax error")
    scene.connection.close()
