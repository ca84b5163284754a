"""CREATE TABLE, databases and views: what is taken, what is refused, and how it is shown."""
import pytest

ONE = "PROPERTIES('replication_num'='1')"


def shown(scene, table="t"):
    return scene.sql(f"SHOW CREATE TABLE {table}")[0][1]


def create(scene, columns, rest="", name="t"):
    scene.sql(f"CREATE TABLE {name} ({columns}) {rest} {ONE}")


@pytest.mark.parametrize("columns, rest, text", [
    ("v DOUBLE, k INT", "", "Data type of first column cannot be DOUBLE"),
    ("k JSON", "", "Data type of first column cannot be JSON"),
    ("a BIGINT NOT NULL AUTO_INCREMENT, b BIGINT AUTO_INCREMENT", "DUPLICATE KEY(a)",
     "More than one AUTO_INCREMENT column defined in CREATE TABLE Statement."),
    ("a INT AUTO_INCREMENT", "DUPLICATE KEY(a)", "The AUTO_INCREMENT column must be BIGINT."),
    ("k INT, v VARCHAR(35) DEFAULT (uuid())", "", "Varchar type length must be greater than 36 for uuid function"),
    ("k INT, v INT DEFAULT (uuid())", "", "Default function uuid() for type INT is not supported"),
    ("k INT, v BIGINT DEFAULT (uuid_numeric())", "", "Default function uuid_numeric() for type BIGINT is not supported"),
    ("k INT, v BOOLEAN DEFAULT 'maybe'", "", "Invalid default value for 'v'"),
    ("k INT, v TINYINT DEFAULT '300'", "", "Number out of range[300]"),
    ("k INT, v VARCHAR(3) DEFAULT 'four'", "", "Default value is too long: four"),
    ("k INT, v DATE DEFAULT 'soon'", "", "Invalid default value for 'v'"),
    ("k INT, v JSON DEFAULT '{a:1}'", "", "Invalid JSON format for default value"),
    ("k INT, v VARBINARY DEFAULT 'x'", "", "Type 'VARBINARY' only supports empty string"),
    ("k INT KEY, v INT SUM", "DUPLICATE KEY(k)", "DUP_KEYS table should not specify aggregate type for non-key column[v]"),
    ("k INT, v INT", "AGGREGATE KEY(k) DISTRIBUTED BY HASH(k)", "AGG_KEYS table should specify aggregate type for non-key column[v]"),
    ("k INT SUM, v INT SUM", "AGGREGATE KEY(k)", "Key column[k] should not specify aggregate type."),
    ("k INT, v VARCHAR(9) SUM", "AGGREGATE KEY(k)", "Invalid aggregate function 'SUM' for 'v'"),
    ("k BITMAP", "DUPLICATE KEY(k)", "for 'k'"),
    ("k INT, b BITMAP", "DUPLICATE KEY(k)", "No aggregate function specified for 'b'"),
    ("k ARRAY<INT>, v INT", "DUPLICATE KEY(k)", "Invalid data type of key column 'k': 'ARRAY<INT>'"),
    ("k INT, v DOUBLE", "DISTRIBUTED BY HASH(v)", "DOUBLE column can not be distribution column"),
    ("k INT, v JSON", "DISTRIBUTED BY HASH(v)", "JSON column can not be distribution column"),
    ("k INT, v INT", "DISTRIBUTED BY HASH(ghost)", "Distribution column(ghost) doesn't exist."),
    ("k INT, v INT", "DISTRIBUTED BY HASH(k, K)", "Duplicated distribution column K"),
    ("k INT, v INT", "DISTRIBUTED BY HASH(k) BUCKETS 0", "Number of hash bucket should be larger than zero."),
    ("k INT, v DOUBLE", "PARTITION BY RANGE(v) ()", "Invalid partition column 'v': invalid data type DOUBLE"),
    ("k INT, v VARCHAR(9)", "PARTITION BY RANGE(v) ()", "Invalid partition column 'v': invalid data type VARCHAR(9)"),
    ("k INT, v DECIMAL(9,2)", "PARTITION BY LIST(v) ()", "Invalid partition column 'v': invalid data type DECIMAL(9,2)"),
    ("k INT, v JSON", "PARTITION BY LIST(v) ()", "Invalid partition column 'v': invalid data type JSON"),
    ("k INT, v INT", "PARTITION BY RANGE(w) ()", "Partition column[w] does not exist in column list."),
    ("k INT, v INT", "UNIQUE KEY(k) PARTITION BY RANGE(v) () DISTRIBUTED BY HASH(k)",
     "The partition column could not be aggregated column and unique table's partition column must be key column."),
    ("k INT", "PARTITION BY RANGE(k) (PARTITION a VALUES LESS THAN ('5'), PARTITION A VALUES LESS THAN ('9'))", "Duplicated partition name: A"),
    ("k INT", "PARTITION BY RANGE(k) (PARTITION a VALUES [('1'), ('5')), PARTITION b VALUES [('4'), ('9')))", "is intersected with range"),
    ("k INT", "PARTITION BY RANGE(k) (PARTITION a VALUES LESS THAN ('x'))", "Invalid range value format"),
    ("k INT", "PARTITION BY LIST(k) (PARTITION a VALUES IN ('1', '2'), PARTITION b VALUES IN ('2'))", "Duplicated value 2"),
    ("k INT", "PARTITION BY RANGE(k) (PARTITION `1p` VALUES LESS THAN ('5'))", "Incorrect partition name '1p'"),
    ("k DATE", "PARTITION BY RANGE(k) (START ('2024-02-01') END ('2024-01-01') EVERY (INTERVAL 1 DAY))",
     "Batch build partition start date should less than end date"),
    ("k INT, INDEX i (k) USING BITMAP, INDEX I (v) USING BITMAP, v INT", "", "index name must be unique"),
    ("k INT, v DOUBLE, INDEX i (v) USING BITMAP", "", "DOUBLE is not supported in bitmap index. invalid column: v"),
    ("k INT, INDEX i (ghost) USING BITMAP", "", "i column does not exist in table. invalid column: ghost"),
    ("k INT, v INT", "ENGINE=nothing", "Unknown engine name: nothing"),
    ("k INT, s STRUCT<a INT, A INT>", "", "struct contains duplicate subfield name"),
    ("k INT, v VARCHAR(0)", "", "Varchar size must be"),
    ("k INT, v DECIMAL(77, 2)", "", "DECIMAL's precision should range from 1 to 76"),
])
def test_definitions_that_are_refused(scene, columns, rest, text):
    code, found = scene.error(f"CREATE TABLE t ({columns}) {rest} {ONE}")
    assert text in found and code in (1064, 1166), found


@pytest.mark.parametrize("properties, text", [
    ("'compression'='fast'", "unknown compression type: fast"),
    ("'replication_num'='0'", "Replication num should larger than 0. (suggested 3)"),
    ("'replication_num'='5'", "Current alive backend is [10004,10005]."),
    ("'write_quorum'='some'", "unknown write quorum: some"),
    ("'bloom_filter_columns'='ghost'", "Invalid bloom filter column 'ghost': not exists"),
    ("'bloom_filter_columns'='f'", "Invalid bloom filter column 'f': unsupported type FLOAT"),
    ("'bloom_filter_columns'='k,k'", "Duplicate bloom filter column 'k'"),
    ("'bloom_filter_fpp'='0.5'", "Bloom filter fpp should in [1.0E-4, 0.05]"),
    ("'storage_medium'='tape'", "Invalid storage medium: tape"),
])
def test_properties_are_checked(scene, properties, text):
    assert text in scene.error(f"CREATE TABLE t (k INT, f FLOAT) DUPLICATE KEY(k) PROPERTIES({properties})")[1]


def test_default_keys_are_the_first_columns_up_to_36_bytes(scene):
    for n, (columns, keys) in enumerate([
            ("a INT, b INT, c INT, d INT", "`a`, `b`, `c`"), ("a INT, b VARCHAR(9), c INT", "`a`, `b`"),
            ("a LARGEINT, b LARGEINT, c LARGEINT", "`a`, `b`"), ("a DATE, b DOUBLE, c INT", "`a`"), ("a CHAR(40), b INT", "`a`")]):
        create(scene, columns, name=f"t{n}")
        assert f"DUPLICATE KEY({keys})\n" in shown(scene, f"t{n}")


def test_defaults_of_every_kind_are_shown_and_used(scene):
    create(scene, "k INT, a BOOLEAN DEFAULT 'true', b VARCHAR(40) DEFAULT (uuid()), c LARGEINT DEFAULT (uuid_numeric()), d DATETIME DEFAULT "
           "CURRENT_TIMESTAMP, e JSON DEFAULT '{\"a\": 1}', f ARRAY<INT> DEFAULT [1, 2], g MAP<INT, STRING> DEFAULT map{1: 'x'}, "
           "h STRUCT<p INT, q STRING> DEFAULT row(5, 'y'), i INT DEFAULT '-7', j VARBINARY DEFAULT ''")
    scene.sql("INSERT INTO t (k) VALUES (1)")
    row = scene.sql("SELECT a, length(b), c > 0, d > '2020-01-01', e, f, g, h, i FROM t")[0]
    assert row == ["1", "36", "1", "1", '{"a": 1}', "[1,2]", '{1:"x"}', '{"p":5,"q":"y"}', "-7"]
    text = shown(scene)
    for part in ('`a` boolean NULL DEFAULT "true"', "`b` varchar(40) NULL DEFAULT (uuid())", "DEFAULT CURRENT_TIMESTAMP", '`i` int(11) NULL DEFAULT "-7"'):
        assert part in text


def test_random_and_hash_with_and_without_buckets(scene):
    create(scene, "k INT", "DUPLICATE KEY(k) DISTRIBUTED BY RANDOM BUCKETS 10", "a")
    create(scene, "k INT", "DUPLICATE KEY(k) DISTRIBUTED BY HASH(k)", "b")
    create(scene, "k INT, v INT SUM", "AGGREGATE KEY(k) DISTRIBUTED BY RANDOM", "c")
    create(scene, "k INT, v INT", "PRIMARY KEY(k)", "d")
    assert "DISTRIBUTED BY RANDOM BUCKETS 10\nPROPERTIES" in shown(scene, "a") and '"bucket_size" = "4294967296"' in shown(scene, "a")
    assert "DISTRIBUTED BY HASH(`k`)\nPROPERTIES" in shown(scene, "b") and "RANDOM\n" in shown(scene, "c")
    assert "DISTRIBUTED BY HASH(`k`)\n" in shown(scene, "d")
    assert "AGGREGATE KEY with replace  must use hash distribution" in scene.error(
        f"CREATE TABLE e (k INT, v INT REPLACE) AGGREGATE KEY(k) DISTRIBUTED BY RANDOM {ONE}")[1]


def test_range_partitions_in_every_form(scene):
    create(scene, "k INT", "DUPLICATE KEY(k) PARTITION BY RANGE(k) (START ('0') END ('30') EVERY (10), PARTITION rest VALUES LESS THAN MAXVALUE)", "a")
    assert ('(PARTITION p0 VALUES [("0"), ("10")),\nPARTITION p10 VALUES [("10"), ("20")),\nPARTITION p20 VALUES [("20"), ("30")),\n'
            'PARTITION rest VALUES [("30"), (MAXVALUE)))') in shown(scene, "a")
    create(scene, "d DATETIME", "PARTITION BY RANGE(d) (START ('2024-01-01') END ('2024-03-01') EVERY (INTERVAL 1 MONTH))", "b")
    assert 'PARTITION p202401 VALUES [("2024-01-01 00:00:00"), ("2024-02-01 00:00:00"))' in shown(scene, "b")
    create(scene, "a INT, b DATE", "PARTITION BY RANGE(a, b) (PARTITION x VALUES LESS THAN ('5', '2024-01-01'))", "c")
    assert 'PARTITION x VALUES [("-2147483648", "0000-01-01"), ("5", "2024-01-01"))' in shown(scene, "c")


def test_list_and_expression_partitions_are_shown_and_can_be_made_again(scene):
    create(scene, "c STRING NOT NULL, d DATE NOT NULL, v INT", "DUPLICATE KEY(c) PARTITION BY LIST(c, d) (PARTITION p VALUES IN (('x', '2024-01-01'), "
           "('y', '2024-01-02')))", "a")
    create(scene, "c STRING NOT NULL, v INT", "DUPLICATE KEY(c) PARTITION BY LIST(c) (PARTITION p VALUES IN ('x', 'y'))", "b")
    create(scene, "c STRING NOT NULL, d DATE NOT NULL", "DUPLICATE KEY(c) PARTITION BY (c, d)", "e")
    assert "PARTITION BY LIST(`c`,`d`)(\n  PARTITION p VALUES IN (('x', '2024-01-01'), ('y', '2024-01-02'))\n)" in shown(scene, "a")
    assert "PARTITION p VALUES IN ('x', 'y')" in shown(scene, "b") and "PARTITION BY (`c`,`d`)\n" in shown(scene, "e")
    for name in "abe":
        text = shown(scene, name)
        scene.sql(f"DROP TABLE {name} FORCE", text)
        assert shown(scene, name) == text


def test_indexes_are_shown_and_listed(scene):
    create(scene, "k INT, v VARCHAR(9), INDEX iv (v) USING BITMAP COMMENT 'about'", "DUPLICATE KEY(k)")
    assert "  INDEX iv (`v`) USING BITMAP COMMENT 'about'\n) ENGINE=OLAP " in shown(scene)
    row = scene.sql("SHOW INDEX FROM t")[0]
    assert [row[0], row[2], row[4], row[10], row[11]] == [f"{scene.name}.t", "iv", "v", "BITMAP", "about"]


def test_like_and_as_select(scene):
    create(scene, "k INT NOT NULL, v VARCHAR(9) DEFAULT 'x' COMMENT 'c'", "PRIMARY KEY(k) COMMENT 'mine' DISTRIBUTED BY HASH(k) BUCKETS 2", "a")
    scene.sql("INSERT INTO a VALUES (1, 'p')", "CREATE TABLE b LIKE a")
    assert shown(scene, "b") == shown(scene, "a").replace("TABLE `a`", "TABLE `b`") and scene.sql("SELECT * FROM b") == []
    scene.sql(f"CREATE TABLE c (x, y) DISTRIBUTED BY HASH(x) BUCKETS 1 {ONE} AS SELECT k, v FROM a")
    assert scene.sql("SELECT x, y FROM c") == [["1", "p"]] and "DISTRIBUTED BY HASH(`x`) BUCKETS 1" in shown(scene, "c")
    assert scene.error("CREATE TABLE b LIKE a")[0] == 1050
    scene.sql("CREATE TABLE IF NOT EXISTS b LIKE a")


def test_temporary_tables_end_with_their_session(scene):
    with scene.pool.connect(scene.name) as other, other.cursor() as cursor:
        cursor.execute(f"CREATE TEMPORARY TABLE tmp (k INT) {ONE}")
        cursor.execute("INSERT INTO tmp VALUES (1)")
        cursor.execute("SHOW TEMPORARY TABLES")
        assert len(cursor.fetchall()) == 1
        assert scene.sql("SHOW TABLES") == []
    scene.wait(lambda: "Unknown table" in scene.error("SELECT * FROM tmp")[1])


def test_dynamic_partitions_are_made_ahead(scene):
    dynamic = "'dynamic_partition.time_unit'='DAY', 'dynamic_partition.end'='3', 'dynamic_partition.prefix'='p'"
    scene.sql(f"CREATE TABLE t (d DATE) PARTITION BY RANGE(d) () PROPERTIES('replication_num'='1', {dynamic})")
    assert shown(scene).count("PARTITION p20") == 4 and '"dynamic_partition.enable" = "true"' in shown(scene)
    row = scene.sql("SHOW DYNAMIC PARTITION TABLES")[0]
    assert row[:6] == ["t", "true", "DAY", "-2147483648", "3", "p"]
    assert "Must assign dynamic_partition.end properties" in scene.error(
        "CREATE TABLE u (d DATE) PARTITION BY RANGE(d) () PROPERTIES('replication_num'='1', 'dynamic_partition.time_unit'='DAY')")[1]


# ---------------------------------------------------------------- databases and views
def test_databases_can_be_recovered_renamed_and_have_quotas(scene):
    name = scene.name + "_r"
    scene.sql(f"CREATE DATABASE {name}", f"CREATE TABLE {name}.t (k INT) {ONE}", f"INSERT INTO {name}.t VALUES (3)", f"DROP DATABASE {name}")
    assert scene.error(f"USE {name}")[0] == 5501
    scene.sql(f"CREATE DATABASE {name}", f"DROP DATABASE {name} FORCE")
    assert scene.error(f"RECOVER DATABASE {name}")[0] == 5501
    scene.sql(f"CREATE DATABASE {name}", f"CREATE TABLE {name}.t (k INT) {ONE}", f"INSERT INTO {name}.t VALUES (3)", f"DROP DATABASE {name}",
              f"RECOVER DATABASE {name}", f"ALTER DATABASE {name} RENAME {name}2", f"ALTER DATABASE {name}2 SET DATA QUOTA 10GB")
    assert scene.sql(f"SELECT k FROM {name}2.t") == [["3"]]
    assert scene.sql(f"SHOW DATA FROM {name}2")[-2][:2] == ["Quota", "10.000 GB"]
    scene.sql(f"DROP DATABASE {name}2 FORCE")


@pytest.mark.parametrize("name, good", [("a-b~!@#$%^&<>=+", True), ("1a", False), ("a b", False), ("_x", True), ("a.b", False)])
def test_names_of_databases(scene, name, good):
    if good:
        scene.sql(f"CREATE DATABASE IF NOT EXISTS `{name}`", f"DROP DATABASE `{name}` FORCE")
    else:
        assert "Incorrect database name" in scene.error(f"CREATE DATABASE `{name}`")[1] or name == "a.b"


def test_views_keep_their_words(scene):
    create(scene, "k INT, v INT", "DUPLICATE KEY(k)")
    scene.sql("INSERT INTO t VALUES (1, 2)", "CREATE VIEW w (a COMMENT 'first', b) COMMENT 'two columns' AS select k,  v /* kept */ from t")
    assert scene.sql("SHOW CREATE VIEW w")[0] == [
        "w", 'CREATE VIEW `w` (`a` COMMENT "first", `b`)\nCOMMENT "two columns" SECURITY NONE AS select k,  v /* kept */ from t;', "utf8",
        "utf8_general_ci"]
    scene.sql("ALTER VIEW w AS SELECT v FROM t")
    assert scene.sql("SELECT * FROM w") == [["2"]] and scene.sql("DESC w") == [["v", "int", "YES", "false", None, ""]]
    assert "is not VIEW" in scene.error("DROP VIEW t")[1] and "is not TABLE" in scene.error("DROP TABLE w")[1]
    scene.sql("CREATE OR REPLACE VIEW w AS SELECT 1 AS one", "ALTER VIEW w RENAME x", "DROP VIEW IF EXISTS w", "DROP VIEW x")
    assert scene.error("CREATE VIEW d AS SELECT k, k FROM t")[0] == 1060


def test_materialized_views_are_views_that_are_always_fresh(scene):
    create(scene, "k INT, v INT", "DUPLICATE KEY(k)")
    scene.sql("CREATE MATERIALIZED VIEW m DISTRIBUTED BY HASH(k) REFRESH ASYNC AS SELECT k, sum(v) AS s FROM t GROUP BY k", "INSERT INTO t VALUES (1, 2), (1, 3)")
    assert len(scene.sql("REFRESH MATERIALIZED VIEW m WITH SYNC MODE")) == 1 and scene.sql("SELECT * FROM m") == [["1", "5"]]
    assert "cannot be inserted because 'm' is a materialized view" in scene.error("INSERT INTO m VALUES (1, 1)")[1]
    assert scene.sql(f"SELECT table_name, is_active FROM information_schema.materialized_views WHERE table_schema = '{scene.name}'") == [["m", "true"]]
    assert [r[2] for r in scene.sql("SHOW MATERIALIZED VIEWS")] == ["m"]
    scene.sql("DROP MATERIALIZED VIEW m")
    assert "is not found" in scene.error("DROP MATERIALIZED VIEW m")[1]


def test_too_many_columns(scene):
    columns = ", ".join(f"c{n} INT" for n in range(10001))
    assert scene.error(f"CREATE TABLE t ({columns}) {ONE}")[0] == 1117


def test_a_refused_clause_carries_its_place(scene):
    statement = f"CREATE TABLE t (k INT, v INT REPLACE) AGGREGATE KEY(k) DISTRIBUTED BY RANDOM BUCKETS 2 {ONE}"
    begin, end = statement.index("DISTRIBUTED"), statement.index("2 PROPERTIES")  # its first and its last word
    assert scene.error(statement)[1].startswith(f"Getting analyzing error from line 1, column {begin} to line 1, column {end}. Detail message: ")
    code, text = scene.error("SELECT ghost\nFROM (SELECT 1 AS a) AS q")
    assert "line 1, column 7" in text
