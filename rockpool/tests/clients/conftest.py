"""One rockpool with TLS for all clients, and the tables that most of them read."""
import itertools

import pytest
import trustme

from rockpool.tests.pool import ONE, Pool, Scene

NUMBERS = itertools.count(1)
TYPES = ("id INT NOT NULL COMMENT 'the key', b BOOLEAN, n BIGINT, l LARGEINT, m DECIMAL(10,2), d DOUBLE, f FLOAT, day DATE, "
         "at DATETIME, s VARCHAR(40), j JSON, a ARRAY<INT>, v VARBINARY")
ROW = ("(1, true, 9007199254740993, 170141183460469231731687303715884105727, 12345678.90, 0.1, 1.5, '2024-02-03', "
       "'2024-02-03 04:05:06.000007', '\u00fc', '{\"a\": 1}', [1,2], x'00ff')")


@pytest.fixture(scope="session")
def authority(tmp_path_factory):
    """(authority's certificate, server's certificate, server's key): file names."""
    folder = tmp_path_factory.mktemp("tls")
    made = trustme.CA()
    server = made.issue_cert("localhost", "127.0.0.1")
    names = [str(folder / n) for n in ("ca.pem", "server.pem", "server.key")]
    made.cert_pem.write_to_path(names[0])
    with open(names[1], "wb") as chain:
        chain.write(b"".join(c.bytes() for c in server.cert_chain_pems))
    server.private_key_pem.write_to_path(names[2])
    return names


@pytest.fixture(scope="session")
def pool(tmp_path_factory, authority):
    found = Pool(tmp_path_factory.mktemp("clients") / "data", "--tls-cert", authority[1], "--tls-key", authority[2],
                 "--fe-https", "0")
    yield found
    found.stop()


@pytest.fixture
def scene(pool):
    found = Scene(pool, f"client{next(NUMBERS)}")
    found.sql(f"CREATE TABLE t ({TYPES}) PRIMARY KEY(id) COMMENT 'all types' DISTRIBUTED BY HASH(id) BUCKETS 1 {ONE}",
              f"INSERT INTO t VALUES {ROW}, (2{', NULL' * 12})", "CREATE VIEW seen AS SELECT id FROM t",
              f"CREATE TABLE n (n INT) DUPLICATE KEY(n) {ONE}", f"INSERT INTO n VALUES {', '.join(f'({k})' for k in range(100))}")
    yield found
    found.close()
