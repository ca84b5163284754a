"""Arrow Flight SQL: the clients that StarRocks' documentation names."""
import datetime
import warnings
from decimal import Decimal

import pyarrow as pa
import pyarrow.flight as flight
import pytest

from rockpool.scan import flight_messages as messages
from rockpool.tests.pool import Pool, Scene

adbc = pytest.importorskip("adbc_driver_flightsql.dbapi", reason="tests/requirements.txt has the ADBC driver, it is not installed")
adbc_driver_manager = pytest.importorskip("adbc_driver_manager")

ONE = "PROPERTIES('replication_num'='1')"


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    found = Pool(tmp_path_factory.mktemp("flight") / "data", "--arrow-flight", "0")
    yield found
    found.stop()


def connect(pool, user="root", password=""):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # no transactions, as with the real server
        return adbc.connect(f"grpc://127.0.0.1:{pool.ports['arrow_flight']}", db_kwargs={
            adbc_driver_manager.DatabaseOptions.USERNAME.value: user,
            adbc_driver_manager.DatabaseOptions.PASSWORD.value: password})


@pytest.fixture
def cursor(served):
    with connect(served) as connection, connection.cursor() as found:
        yield found


def ask(cursor, sql):
    cursor.execute(sql)
    return cursor.fetch_arrow_table()


@pytest.fixture
def shop(served, cursor):
    scene = Scene(served, "shop")
    ask(cursor, "USE shop")
    yield cursor
    scene.close()


def test_the_way_through_the_documentation(served, cursor):
    status = {"StatusResult": ["0"]}
    assert ask(cursor, "CREATE DATABASE doc;").to_pydict() == status
    assert "doc" in ask(cursor, "SHOW DATABASES;").to_pydict()["Database"]
    assert ask(cursor, "USE doc;").to_pydict() == status
    assert ask(cursor, f"CREATE TABLE t (k0 INT, k1 DOUBLE, k2 VARCHAR(32) NULL DEFAULT '' COMMENT '', k3 DECIMAL(27,9) DEFAULT '0', "
                       f"k4 BIGINT NULL DEFAULT '10', k5 DATE) DISTRIBUTED BY HASH(k5) BUCKETS 5 {ONE};").to_pydict() == status
    assert ask(cursor, "SHOW CREATE TABLE t;").to_pydict()["Table"] == ["t"]
    assert ask(cursor, "INSERT INTO t VALUES (0, 0.1, 'ID', 0.0001, 1111111111, '2025-04-21'), (1, 0.20, 'ID_1', 1.00000001, 0, "
                       "'2025-04-21'), (2, 3.4, 'ID_1', 3.1, 123456, '2025-04-22');").to_pydict() == status
    rows = ask(cursor, "SELECT * FROM t ORDER BY k0;")
    assert rows.num_rows == 3 and rows.column("k3").to_pylist()[1] == Decimal("1.000000010")
    ask(cursor, "SET query_mem_limit = 2147483648;")
    assert ask(cursor, "SHOW VARIABLES LIKE '%query_mem_limit%';").to_pydict()["Value"] == ["2147483648"]
    found = ask(cursor, "SELECT k5, SUM(k1) AS total_k1, COUNT(1) AS row_count FROM t GROUP BY k5 ORDER BY k5;")
    assert found.schema.names == ["k5", "total_k1", "row_count"] and found.column("row_count").to_pylist() == [2, 1]
    assert ask(cursor, "DROP DATABASE doc FORCE").to_pydict() == status


TYPES = [("BOOLEAN", "true", pa.bool_(), True), ("TINYINT", "-1", pa.int8(), -1), ("SMALLINT", "2", pa.int16(), 2),
         ("INT", "3", pa.int32(), 3), ("BIGINT", "4", pa.int64(), 4), ("LARGEINT", "-5", pa.decimal128(38, 0), Decimal(-5)),
         ("FLOAT", "1.5", pa.float32(), 1.5), ("DOUBLE", "2.5", pa.float64(), 2.5),
         ("DECIMAL(9,2)", "1.5", pa.decimal128(9, 2), Decimal("1.50")), ("DATE", "'2024-02-29'", pa.date32(), datetime.date(2024, 2, 29)),
         ("DATETIME", "'2024-02-29 01:02:03.5'", pa.timestamp("us", "UTC"),
          datetime.datetime(2024, 2, 29, 1, 2, 3, 500000, datetime.timezone.utc)),
         ("VARCHAR(9)", "'x'", pa.string(), "x"), ("CHAR(3)", "'y'", pa.string(), "y"), ("VARBINARY", "x'00ff'", pa.binary(), b"\x00\xff"),
         ("JSON", "parse_json('{\"a\":1}')", pa.string(), '{"a": 1}'), ("ARRAY<DATE>", "['2024-01-01', null]", pa.list_(pa.date32()),
                                                                        [datetime.date(2024, 1, 1), None]),
         ("MAP<INT,STRING>", "map{1:'a'}", pa.map_(pa.int32(), pa.string()), [(1, "a")])]


def test_every_type(shop):
    columns = ", ".join(f"c{n} {kind}" for n, (kind, *_) in enumerate(TYPES))
    ask(shop, f"CREATE TABLE e (id INT, {columns}) DUPLICATE KEY(id) DISTRIBUTED BY HASH(id) BUCKETS 1 {ONE}")
    ask(shop, f"INSERT INTO e VALUES (1, {', '.join(t[1] for t in TYPES)})")
    ask(shop, f"INSERT INTO e VALUES (2, {', '.join('NULL' for _ in TYPES)})")
    found = ask(shop, "SELECT * FROM e ORDER BY id")
    for n, (kind, _, arrow, value) in enumerate(TYPES):
        assert found.schema.field(n + 1).type == arrow, kind
        assert found.column(n + 1).to_pylist() == [value, None], kind


@pytest.mark.parametrize("sql, value", [
    ("SELECT avg(x) AS v FROM n", Decimal("1.0000000000")), ("SELECT sum(x) AS v FROM n", Decimal("2.00")), ("SELECT x * 2 AS v FROM n WHERE id = 1",
                                                                                            Decimal("3.00")),
    ("SELECT count(*) AS v FROM n", 2), ("SELECT sum(id) AS v FROM n", 3), ("SELECT NULL AS v", None), ("SELECT 1 = 1 AS v", True),
    ("SELECT array_agg(id) AS v FROM (SELECT id FROM n ORDER BY id) q", [1, 2]), ("SELECT json_object('a', 1) AS v", '{"a": 1}'),
    ("SELECT CAST(5 AS LARGEINT) + 1 AS v", Decimal(6)), ("SELECT named_struct('a', 1) AS v", {"a": 1}), ("SELECT id / 2 AS v FROM n WHERE id = 1", 0.5),
    ("SELECT table_name AS v FROM information_schema.tables WHERE table_schema = 'shop' AND table_name = 'n'", "n")])
def test_results_of_expressions(shop, sql, value):
    ask(shop, f"CREATE TABLE n (id INT, x DECIMAL(9,2)) DUPLICATE KEY(id) DISTRIBUTED BY HASH(id) BUCKETS 1 {ONE}")
    ask(shop, "INSERT INTO n VALUES (1, 1.5), (2, 0.5)")
    assert ask(shop, sql).to_pydict() == {"v": [value]}


def test_no_rows_still_have_columns(shop):
    found = ask(shop, "SELECT 1 AS a, 'x' AS b WHERE 1 = 2")
    assert found.num_rows == 0 and found.schema.names == ["a", "b"]


def test_version_3_5_sends_texts(own):
    pool = own("--version", "3.5.4", "--arrow-flight", "0")
    with connect(pool) as connection, connection.cursor() as cursor:
        found = ask(cursor, "SELECT CAST('2024-01-02' AS DATE) AS d, CAST('2024-01-02' AS DATETIME) AS t, CAST(5 AS LARGEINT) AS l")
        assert found.to_pydict() == {"d": ["2024-01-02"], "t": ["2024-01-02 00:00:00"], "l": ["5"]}


def test_the_session_stays_with_the_connection(served, shop):
    assert ask(shop, "SELECT database() AS d").to_pydict() == {"d": ["shop"]}
    with connect(served) as other, other.cursor() as cursor:
        assert ask(cursor, "SELECT database() AS d").to_pydict() != {"d": ["shop"]}


def test_errors_say_what_the_statement_said(shop):
    for sql, text in (("SELECT * FROM nowhere", "nowhere"), ("SELEC 1", "failed to process query [queryID="),
                      ("SELECT 1; SELECT 2", "arrow flight sql query does not support execute multiple query")):
        with pytest.raises(adbc_driver_manager.Error) as found:
            ask(shop, sql)
        assert text in str(found.value)
    assert ask(shop, "SELECT 1 AS one").to_pydict() == {"one": [1]}


def test_wrong_logins(served):
    for user, password in (("root", "x"), ("nobody", "")):
        with pytest.raises(adbc_driver_manager.Error) as found:
            with connect(served, user, password) as connection, connection.cursor() as cursor:
                ask(cursor, "SELECT 1")
        assert f"Access denied for user: {user}" in str(found.value)


def test_rights_are_the_users(served, shop):
    scene = Scene(served, "shop2")
    scene.table("id INT", "DUPLICATE KEY(id)")
    scene.sql("CREATE USER IF NOT EXISTS flier IDENTIFIED BY 'pw'")
    with connect(served, "flier", "pw") as connection, connection.cursor() as cursor:
        assert ask(cursor, "SELECT 1 AS one").to_pydict() == {"one": [1]}
        with pytest.raises(adbc_driver_manager.Error, match="denied"):
            ask(cursor, "SELECT * FROM shop2.t")
    scene.close()


def test_updates_and_parameters_are_not_taken(shop):
    with pytest.raises(adbc_driver_manager.Error, match="unimplemented"):
        shop.execute("SELECT ?", (1,))
        shop.fetch_arrow_table()
    shop.adbc_statement.set_sql_query("CREATE TABLE x (id INT)")
    with pytest.raises(adbc_driver_manager.Error, match="unimplemented"):
        shop.adbc_statement.execute_update()


def test_partitions_of_a_result(shop):
    partitions, schema = shop.adbc_execute_partitions("SELECT 1 AS a, 'x' AS b")
    assert len(partitions) == 1 and schema.names == ["a", "b"]
    shop.adbc_read_partition(partitions[0])
    assert shop.fetch_arrow_table().to_pydict() == {"a": [1], "b": ["x"]}


def test_the_server_names_itself(served):
    with connect(served) as connection:
        found = connection.adbc_get_info()
        assert found["vendor_name"] == "StarRocks" and found["vendor_version"] == "1.0.0"
        with pytest.raises(adbc_driver_manager.Error, match="unimplemented"):
            connection.adbc_get_objects(depth="catalogs").read_all()


def test_plain_flight_clients(served):
    client = flight.FlightClient(f"grpc://127.0.0.1:{served.ports['arrow_flight']}")
    token = client.authenticate_basic_token(b"root", b"")
    options = flight.FlightCallOptions(headers=[token])
    command = messages.wrapped("CommandStatementQuery", messages.message(f1="SELECT 7 AS n"))
    info = client.get_flight_info(flight.FlightDescriptor.for_command(command), options)
    assert info.schema.names == ["n"] and len(info.endpoints) == 1
    assert client.do_get(info.endpoints[0].ticket, options).read_all().to_pydict() == {"n": [7]}
    with pytest.raises(pa.ArrowKeyError, match="cannot find result of the query"):
        client.do_get(info.endpoints[0].ticket, options).read_all()  # given out once
    with pytest.raises(flight.FlightUnauthenticatedError):
        client.get_flight_info(flight.FlightDescriptor.for_command(command))
    with pytest.raises(flight.FlightUnauthenticatedError, match="invalid bearer token"):
        client.get_flight_info(flight.FlightDescriptor.for_command(command), flight.FlightCallOptions(
            headers=[(b"authorization", b"Bearer none")]))
    client.close()


def test_a_reader_that_does_not_read_does_not_hold_up_the_end(own):
    pool = own("--arrow-flight", "0")
    client = flight.FlightClient(f"grpc://127.0.0.1:{pool.ports['arrow_flight']}")
    options = flight.FlightCallOptions(headers=[client.authenticate_basic_token(b"root", b"")])
    sql = "SELECT repeat('x', 1000) AS s FROM TABLE(generate_series(1, 100000))"
    command = messages.wrapped("CommandStatementQuery", messages.message(f1=sql))
    info = client.get_flight_info(flight.FlightDescriptor.for_command(command), options)
    reader = client.do_get(info.endpoints[0].ticket, options)
    assert reader.read_chunk().data.num_rows == 4096
    assert pool.stop() == 0


def test_without_the_option_there_is_no_port(pool):
    assert "arrow_flight" not in pool.ports


def test_many_rows(shop):
    ask(shop, f"CREATE TABLE m (id INT, s STRING) DUPLICATE KEY(id) DISTRIBUTED BY HASH(id) BUCKETS 1 {ONE}")
    ask(shop, "INSERT INTO m SELECT generate_series, repeat('x', 600) FROM TABLE(generate_series(1, 50000))")
    shop.execute("SELECT id, s FROM m")
    batches = list(shop.fetch_record_batch())
    assert sorted(v for b in batches for v in b.column(0).to_pylist()) == list(range(1, 50001))
    assert max(b.num_rows for b in batches) <= 4096  # clients take messages of 16 MB at the most
