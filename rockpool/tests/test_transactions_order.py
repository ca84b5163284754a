"""Publication in the order of commits, and what happens to transactions when their tables change."""
import threading
import time

from rockpool.tests.pool import Scene, call

PAIR = "id INT NOT NULL, v VARCHAR(40) NULL"


def prepared(scene, label, body, table="t"):
    assert scene.txn("begin", label, table=table)["Status"] == "OK"
    assert scene.txn("load", label, body, table=table)["Status"] == "OK"
    assert scene.txn("prepare", label, table=table)["Status"] == "OK"


def test_a_later_commit_waits_behind_an_unpublished_earlier_one(place):
    place.pool.fault(point="publish_timeout", label="^first$", count=1, seconds=1.2)
    prepared(place, "first", "1,old\n")
    prepared(place, "second", "1,new\n")
    assert place.txn("commit", "first", timeout="0")["Status"] == "FAILED"
    begun = time.monotonic()
    found = place.txn("commit", "second", timeout="0")
    assert (found["Status"], found["Message"]) == (
        "FAILED", "class com.starrocks.common.StarRocksException: publish timeout: 0")
    assert [place.state("first"), place.state("second")] == ["COMMITTED"] * 2 and place.sql("SELECT * FROM t") == []
    assert place.load("2,x\n", label="third")["Status"] == "Success"  # a plain load waits until it is visible
    assert time.monotonic() - begun > 0.8
    assert place.sql("SELECT * FROM t ORDER BY id") == [["1", "new"], ["2", "x"]]
    times = {h["label"]: h["visible"] for h in place.pool.control("GET", "stats?last=3")["history"]}
    assert times["first"] <= times["second"] <= times["third"]


def test_other_tables_do_not_wait(place):
    place.table(PAIR, name="u")
    place.pool.fault(point="publish_timeout", table="t", count=1, seconds=1.5)
    assert place.load("1,a\n")["Status"] == "Publish Timeout"
    begun = time.monotonic()
    place.ok(place.load("1,a\n", table="u"))
    assert time.monotonic() - begun < 1
    assert place.value("SELECT count(*) FROM u") == "1" and place.value("SELECT count(*) FROM t") == "0"


def test_other_partitions_of_the_table_do_not_wait(place):
    place.sql("CREATE TABLE p (id INT NOT NULL, v INT) DUPLICATE KEY(id) PARTITION BY RANGE(id) (PARTITION a VALUES LESS THAN "
              "('10'), PARTITION b VALUES LESS THAN ('20')) DISTRIBUTED BY HASH(id) BUCKETS 1 PROPERTIES('replication_num'='1')")
    place.pool.fault(point="publish_timeout", table="p", count=1, seconds=1.5)
    assert place.load("1,1\n", table="p", label="held")["Status"] == "Publish Timeout"
    begun = time.monotonic()
    place.ok(place.load("11,1\n", table="p"))
    assert time.monotonic() - begun < 1 and place.sql("SELECT id FROM p") == [["11"]]
    place.ok(place.load("2,1\n12,1\n", table="p"))  # goes to both
    assert time.monotonic() - begun > 0.9 and place.value("SELECT count(*) FROM p") == "4"
    assert place.state("held") == "VISIBLE"


def test_a_commit_that_waits_for_its_turn_succeeds_when_it_comes(place):
    place.pool.fault(point="publish_timeout", label="^slow$", count=1, seconds=0.7)
    assert place.load("1,a\n", label="slow")["Status"] == "Publish Timeout"
    prepared(place, "next", "2,b\n")
    begun = time.monotonic()
    assert place.txn("commit", "next", timeout="10")["Status"] == "OK"
    assert time.monotonic() - begun > 0.3 and place.value("SELECT count(*) FROM t") == "2"


def test_an_insert_waits_for_its_turn_too(place):
    place.pool.fault(point="publish_timeout", count=1, seconds=0.6)
    assert place.load("1,load\n")["Status"] == "Publish Timeout"
    place.sql("INSERT INTO t VALUES (1, 'insert')")
    assert place.sql("SELECT * FROM t") == [["1", "insert"]]


def test_a_transaction_of_many_tables_waits_for_all_of_them(place):
    place.table(PAIR, name="u")
    place.pool.fault(point="publish_timeout", table="u", count=1, seconds=0.8)
    assert place.load("9,u\n", table="u")["Status"] == "Publish Timeout"
    label = place.name + "m"
    place.txn("begin", label, transaction_type="multi")
    for table in ("t", "u"):
        assert place.txn("load", label, "9,m\n", table=table, transaction_type="multi")["Status"] == "OK"
    seen = []
    thread = threading.Thread(target=lambda: seen.append(place.txn("commit", label, transaction_type="multi")["Status"]))
    thread.start()
    time.sleep(0.3)
    with place.pool.connect(place.name) as c, c.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM t")
        assert int(cursor.fetchall()[0][0]) == 0  # not half of it
    thread.join()
    assert seen == ["OK"] and place.sql("SELECT v FROM u") == [["m"]] and place.sql("SELECT v FROM t") == [["m"]]


def test_committed_transactions_become_visible_in_order_after_a_restart(own):
    pool = own()
    scene = Scene(pool, "d")
    scene.table(PAIR)
    pool.fault(point="publish_timeout", count=1, seconds=60)
    assert scene.load("1,a\n", label="a")["Status"] == "Publish Timeout"
    prepared(scene, "b", "1,b\n")
    assert scene.txn("commit", "b", timeout="0")["Status"] == "FAILED"
    pool.restart()
    scene.connection = pool.connect("d")
    assert [scene.state("a"), scene.state("b")] == ["VISIBLE"] * 2 and scene.sql("SELECT v FROM t") == [["b"]]


# ---------------------------------------------------------------- tables that change meanwhile
def test_rows_prepared_before_a_truncate_are_gone_and_the_commit_succeeds(place):
    prepared(place, "p", "1,a\n")
    place.txn("begin", "open")
    place.txn("load", "open", "2,b\n")
    place.sql("TRUNCATE TABLE t")
    assert place.txn("commit", "p")["Status"] == "OK" and place.state("p") == "VISIBLE"
    assert place.txn("commit", "open")["Status"] == "OK"
    assert place.value("SELECT count(*) FROM t") == "0"
    place.ok(place.load("3,c\n"))
    assert place.value("SELECT count(*) FROM t") == "1"


def test_prepared_rows_follow_their_table_through_a_swap(place):
    place.table(PAIR, name="u")
    prepared(place, "s", "1,a\n")
    place.sql("ALTER TABLE t SWAP WITH u")
    assert place.txn("commit", "s", table=None)["Status"] == "OK"
    assert place.value("SELECT count(*) FROM u") == "1" and place.value("SELECT count(*) FROM t") == "0"


def test_the_rows_of_a_dropped_table_are_gone_and_the_commit_succeeds(place):
    prepared(place, "p", "1,a\n")
    place.sql("DROP TABLE t FORCE")
    place.table(PAIR)
    assert place.txn("commit", "p", table=None)["Status"] == "OK"
    assert place.value("SELECT count(*) FROM t") == "0"


def test_a_table_with_commits_in_publication_is_dropped_by_force_only(place):
    place.pool.fault(point="publish_timeout", count=1, seconds=0.8)
    place.load("1,a\n", label="w")
    assert "There are still some transactions in the COMMITTED state" in place.error("DROP TABLE t")[1]
    place.wait(lambda: place.state("w") == "VISIBLE")
    place.sql("DROP TABLE t")


def test_dropping_a_database_ends_its_transactions(place):
    other = Scene(place.pool, place.name + "x")
    other.table(PAIR)
    other.txn("begin", "open")
    other.sql(f"DROP DATABASE {other.name} FORCE")
    answer = call(f"{place.pool.fe}/api/{other.name}/get_load_state?label=open", "GET", {}).json()
    assert answer["msg"] == f"unknown database, database={other.name}"
    assert other.txn("commit", "open")["Message"].endswith(f"Database[{other.name}] does not exist.")
    other.connection.close()
