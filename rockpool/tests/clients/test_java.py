"""MySQL's and MariaDB's JDBC drivers, as they come from Maven."""
from pathlib import Path

import pytest

from rockpool.tests import java_tools

SOURCES = Path(__file__).parent / "java"
NEW, OLD = "com.mysql:mysql-connector-j:8.4.0", "mysql:mysql-connector-java:8.0.33"
MARIADB = "org.mariadb.jdbc:mariadb-java-client:3.4.1"
READ = {"boolean": "true", "long": "9007199254740993", "large": "170141183460469231731687303715884105727",
        "largeDecimal": "170141183460469231731687303715884105727", "decimal": "12345678.90", "double": "0.1", "float": "1.5",
        "date": "2024-02-03", "timestamp": "2024-02-03 04:05:06.000007", "local": "2024-02-03T04:05:06.000007",
        "string": "\u00fc", "json": '{"a": 1}', "array": "[1,2]", "bytes": "[0, -1]", "null": "null,null,null,0,true",
        "more": "false"}


def driven(scene, coordinates, parts, options="", scheme="mysql"):
    """What the parts of Driver.java print, as a dict."""
    classpath = java_tools.compile(SOURCES, java_tools.fetch_jars(coordinates))
    url = f"jdbc:{scheme}://127.0.0.1:{scene.pool.ports['mysql']}/{scene.name}?{options}"
    return dict(line.split("=", 1) for line in java_tools.run(classpath, "Driver", url, *parts.split()) if "=" in line)


@pytest.mark.parametrize("coordinates, options, kind", (
    (NEW, "sslMode=DISABLED", "ClientPreparedStatement"), (OLD, "sslMode=DISABLED", "ClientPreparedStatement"),
    (NEW, "sslMode=DISABLED&useServerPrepStmts=true", "ServerPreparedStatement"),
    (NEW, "sslMode=DISABLED&useServerPrepStmts=true&useCursorFetch=true", "ServerPreparedStatement")))
def test_connector_j_reads_every_type(scene, coordinates, options, kind):
    found = driven(scene, coordinates, "types serverPrepared parameters streaming", options)
    for way in ("text", "prepared0", "prepared1"):
        assert {k: found[f"{way}.{k}"] for k in READ} == READ
    assert found["class"] == kind
    assert found["text.shape"] == ("id:INT:4,b:BIT:-7,n:BIGINT:-5,l:CHAR:1,m:DECIMAL:3,d:DOUBLE:8,f:FLOAT:7,day:DATE:91,"
                                   "at:DATETIME:93,s:VARCHAR:12,j:CHAR:1,a:VARCHAR:12,v:MEDIUMTEXT:-1")
    assert found["prepared0.shape"] == found["text.shape"]
    assert found["parameters"].replace("500000", "5") == (
        "-5|9223372036854775807|12.50|it's \\ \"x\" \u00fc?|2024-02-03|2024-02-03 04:05:06.5|null|0.1")
    assert found["streamed"] == "49995000" and found["fetched"] == "1000"


@pytest.mark.parametrize("options", ("", "&rewriteBatchedStatements=true", "&useServerPrepStmts=true&rewriteBatchedStatements=true"))
def test_connector_j_writes(scene, options):
    """Prepared DML is refused (1295); the driver then prepares by itself."""
    found = driven(scene, NEW, "writes transactions pool errors", "sslMode=DISABLED" + options)
    assert (found["inserted"], found["batch"], found["updated"], found["deleted"]) == ("2", "10", "2", "1")
    assert found["written"] == "11|1.90|it's 10"
    assert (found["autocommit"], found["before"], found["after"]) == ("true", "0", "1")
    assert (found["valid"], found["closed"], found["catalog"]) == ("true", "true", "information_schema")
    assert found["SELECT * FROM ghost"] == "5502 42602" and found["USE nowhere"] == "5501 3F000"
    assert found["SELEC 1"].startswith("1064 ") and found["SET no_such "] == " 1=1193 HY000"


@pytest.mark.parametrize("coordinates, scheme, options", ((NEW, "mysql", "sslMode=DISABLED"), (OLD, "mysql", "sslMode=DISABLED"),
                                                          (MARIADB, "mariadb", "")))
def test_metadata(scene, coordinates, scheme, options):
    """Primary keys and indexes are empty: StarRocks lists none in information_schema.statistics."""
    found = driven(scene, coordinates, "metadata", options, scheme)
    assert found["product"] == "8.0.33" and found["tables"] == "n|TABLE;t|TABLE" and found["views"] == "seen|VIEW"
    columns = [c.split("|") for c in found["columns"].split(";")]
    assert [c[0] for c in columns] == "id b n l m d f day at s j a v".split()
    assert columns[0][1] == "4" and columns[0][7] == "the key" and columns[4][1:5] == ["3", "DECIMAL", "10", "2"]
    assert [c[6] for c in columns] == [str(n) for n in range(1, 14)] and columns[0][5] == "0"
    assert found["keys"] == "" and found["indexes"] == ""
    assert scene.name in found["catalogs"].split(";")


@pytest.mark.parametrize("options", ("", "useServerPrepStmts=true"))
def test_mariadb_driver(scene, options):
    parts = "types serverPrepared parameters streaming transactions pool errors" if options else \
        "types serverPrepared parameters writes streaming transactions pool errors"
    if options:
        scene.sql("CREATE TABLE w (id INT NOT NULL, s VARCHAR(20), m DECIMAL(10,2), at DATETIME) PRIMARY KEY(id) DISTRIBUTED BY "
                  "HASH(id) BUCKETS 1 PROPERTIES('replication_num'='1')")
    found = driven(scene, MARIADB, parts, options, "mariadb")
    for way in ("text", "prepared0", "prepared1"):
        assert {k: found[f"{way}.{k}"] for k in READ} == READ
    assert found["class"] == ("ServerPreparedStatement" if options else "ClientPreparedStatement")
    assert found["streamed"] == "49995000" and found["fetched"] == "1000" and found["valid"] == "true"
    assert (found["before"], found["after"]) == ("0", "1")
    assert found["SELECT * FROM ghost"] == "5502 42602" and found["SELEC 1"] == "1064 HY000"


def test_drivers_over_tls(scene, authority, tmp_path):
    """A certificate that the driver checks; one it cannot check is refused."""
    for options in ("sslMode=REQUIRED",):
        assert driven(scene, NEW, "secure", options)["secure"] == "over TLS"
    with pytest.raises(AssertionError, match="PKIX|certificat"):
        driven(scene, NEW, "secure", "sslMode=VERIFY_CA")
    assert driven(scene, MARIADB, "secure", f"sslMode=verify-full&serverSslCert={authority[0]}", "mariadb")["secure"] == "over TLS"


def test_connector_j_at_older_versions(own):
    """Server version 5.1.0, every error 1064, nothing to prepare before 3.2."""
    from rockpool.tests.pool import Scene
    scene = Scene(own("--version", "3.1.0"), "older")
    scene.table("id INT NOT NULL, s VARCHAR(9)")
    found = driven(scene, OLD, "errors pool parameters", "sslMode=DISABLED&useServerPrepStmts=true")
    assert found["SELECT * FROM ghost"].startswith("1064 ") and found["USE nowhere"].startswith("1064 ")
    assert found["valid"] == "true" and found["parameters"].startswith("-5|")
    scene.close()
