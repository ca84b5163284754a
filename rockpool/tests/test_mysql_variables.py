"""SET, SHOW VARIABLES, @@name and @name."""
import pytest


def test_session_and_global_values(scene):
    other = scene.pool.connect()
    scene.sql("SET query_timeout = 11", "SET SESSION insert_timeout = 12, @@session.batch_size = 13, @x = 'y'")
    assert scene.sql("SELECT @@query_timeout, @@insert_timeout, @@session.batch_size, @@global.query_timeout, @x") == [
        ["11", "12", "13", "300", "y"]]
    scene.sql("SET GLOBAL net_read_timeout = 77")
    with other.cursor() as cursor:
        cursor.execute("SELECT @@net_read_timeout")
        assert cursor.fetchone() == ("77",)
    assert scene.sql("SHOW GLOBAL VARIABLES LIKE 'net_read_timeout'") == [["net_read_timeout", "77"]]
    scene.sql("SET GLOBAL net_read_timeout = DEFAULT", "SET query_timeout = DEFAULT")
    assert scene.value("SELECT @@query_timeout") == "300"
    other.close()


def test_types_of_variables(scene):
    """Truths are 1 and 0 in SELECT, true and false in SHOW."""
    scene.sql("SET enable_profile = ON", "SET autocommit = 0")
    assert scene.sql("SELECT @@enable_profile, @@autocommit, @@sql_mode, @@transaction_read_only") == [["1", "0", "ONLY_FULL_GROUP_BY", "0"]]
    assert scene.sql("SHOW VARIABLES LIKE 'enable_profile'") == [["enable_profile", "true"]]
    with scene.connection.cursor() as cursor:
        cursor.execute("SELECT @@query_timeout, @@time_zone, @@autocommit")
        assert cursor.description[1][1] in (253, 254) and cursor.description[2][1] == 1
    scene.sql("SET @n = 5, @t = '5', @e = 2 + 3, @z = NULL")
    assert scene.sql("SELECT @n + 1, @t, @e, @z, @never") == [["6", "5", "5", None, None]]
    scene.sql("SET autocommit = 1, enable_profile = 'false'")


@pytest.mark.parametrize("statement, code, text", (
    ("SET no_such = 1", 1193, "Unknown system variable 'no_such'"), ("SELECT @@no_such", 1193, "the most similar variables are {'"),
    ("SET time_zone = 'Mars/Olympus'", 1298, "Unknown or incorrect time zone: 'Mars/Olympus'"),
    ("SET time_zone = '+15:00'", 1298, "Unknown or incorrect time zone: '+15:00'"),
    ("SET autocommit = 2", 1231, "Variable 'autocommit' can't be set to the value of '2'"),
    ("SET query_timeout = 'long'", 1232, "Incorrect argument type to variable 'query_timeout'"),
    ("SET sql_mode = 'NONSENSE'", 1231, "Variable 'sql_mode' can't be set to the value of 'NONSENSE'"),
    ("SET version = '9'", 1621, "Variable 'version' is a read only variable"),
    ("SET query_cache_size = 1", 1229, "Variable 'query_cache_size' is a GLOBAL variable and should be set with SET GLOBAL"),
    ("SET NAMES latin1", 1115, "Unknown character set: 'latin1'"), ("SET CATALOG nowhere", 5078, "Unknown catalog 'nowhere'")))
def test_what_cannot_be_set(scene, statement, code, text):
    found = scene.error(statement)
    assert found[0] == code and text in found[1]


def test_what_is_taken(scene):
    scene.sql("SET NAMES utf8mb4 COLLATE utf8mb4_general_ci", "SET NAMES 'utf8'", "SET CHARACTER SET utf8", "SET CATALOG default_catalog",
              "SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED", "SET autocommit = 1, NAMES utf8mb4",
              "SET sql_mode = concat(@@sql_mode, ',STRICT_TRANS_TABLES')", "SET time_zone = '-3:30'", "SET character_set_results = NULL")
    assert scene.sql("SELECT @@sql_mode, @@time_zone, @@character_set_results") == [
        ["ONLY_FULL_GROUP_BY,STRICT_TRANS_TABLES", "-03:30", "utf8"]]
    scene.sql("SET sql_mode = 32", "SET time_zone = 'CST'")
    assert scene.value("SELECT @@sql_mode") == "ONLY_FULL_GROUP_BY"


def test_show_variables_filters(scene):
    def names(condition):
        return [r[0] for r in scene.sql(f"SHOW VARIABLES {condition}")]
    assert names("LIKE 'tx%'") == ["tx_isolation", "tx_read_only", "tx_visible_wait_timeout"]
    assert names("WHERE Variable_name = 'version' OR variable_name = 'license'") == ["license", "version"]
    assert names("WHERE variable_name IN ('version', 'nothing')") == ["version"]
    assert names("WHERE variable_name LIKE 'enable_i%' AND value = 'true'") == ["enable_insert_partial_update", "enable_insert_strict"]
    assert len(names("")) > 90
    scene.sql("SET query_timeout = 8")
    assert scene.sql("SHOW VERBOSE VARIABLES LIKE 'query_timeout'") == [["query_timeout", "8", "300", "1"]]
    scene.sql("SET query_timeout = 300")
    assert scene.value("SELECT VARIABLE_VALUE FROM information_schema.session_variables WHERE VARIABLE_NAME = 'query_timeout'") == "300"
    assert scene.value("SELECT VARIABLE_VALUE FROM information_schema.global_variables WHERE VARIABLE_NAME = 'query_timeout'") == "300"


def test_a_new_connection_has_the_defaults(scene):
    assert scene.sql("SELECT @@query_timeout, @@time_zone, @@sql_mode") == [["300", "Asia/Shanghai", "ONLY_FULL_GROUP_BY"]]


def test_three_part_names(scene):
    scene.table("id INT NOT NULL, v INT")
    scene.sql("SET CATALOG default_catalog", f"USE default_catalog.{scene.name}", f"INSERT INTO default_catalog.{scene.name}.t VALUES (1, 2)")
    assert scene.sql(f"SELECT v FROM default_catalog.{scene.name}.t") == [["2"]]
    assert scene.error("USE nowhere.d")[0] == 5078
