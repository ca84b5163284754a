"""How long labels are remembered, who is told what about them, and limits of a database."""
from rockpool.tests.pool import Scene, call

PAIR = "id INT NOT NULL, v VARCHAR(40) NULL"
DAY = 86400


def cancel(scene, label, path="t"):
    return call(f"{scene.pool.fe}/api/{scene.name}/{path}/_cancel?label={label}", "POST", {}).json()


def test_finished_labels_are_dropped_after_three_days(place):
    place.ok(place.load("1,a\n", label="old"))
    place.txn("begin", "open", timeout=str(259200))
    place.pool.control("POST", "clock", {"seconds": 2 * DAY})
    place.ok(place.load("2,a\n", label="young"))
    assert place.load("3,a\n", label="old")["Status"] == "Label Already Exists"
    place.pool.control("POST", "clock", {"seconds": DAY + 10})
    assert [place.state("old"), place.state("young"), place.state("open")] == ["UNKNOWN", "VISIBLE", "ABORTED"]
    place.ok(place.load("3,a\n", label="old"))


def test_the_number_of_labels_is_that_of_one_database(place):
    other = Scene(place.pool, place.name + "x")
    other.table(PAIR)
    other.ok(other.load("1,a\n", label="theirs"))
    place.sql('ADMIN SET FRONTEND CONFIG ("label_keep_max_num" = "2")')
    try:
        for n in range(4):
            place.ok(place.load("1,a\n", label=f"n{n}"))
        place.pool.control("POST", "tick")
        assert [place.state(f"n{n}") for n in range(4)] == ["UNKNOWN", "UNKNOWN", "VISIBLE", "VISIBLE"]
        assert other.state("theirs") == "VISIBLE"
    finally:
        place.sql('ADMIN SET FRONTEND CONFIG ("label_keep_max_num" = "1000")')
    other.close()


def test_an_aborted_use_of_a_label_is_evicted_before_the_visible_one(place):
    assert place.load("x,a\n", label="again", strict_mode="true")["Status"] == "Fail"
    place.ok(place.load("1,a\n", label="again"))
    place.pool.control("POST", "settings", {"label_keep_max_num": 1})
    place.pool.control("POST", "tick")
    place.pool.control("POST", "settings", {"label_keep_max_num": 1000})
    assert place.state("again") == "VISIBLE" and place.load("1,a\n", label="again")["Status"] == "Label Already Exists"


def test_cancel_is_the_way_out_when_the_backend_lost_the_load(place):
    place.txn("begin", "lost")
    place.txn("load", "lost", "1,a\n")
    place.pool.control("POST", "restart_be")
    assert place.txn("rollback", "lost")["Status"] == "TXN_NOT_EXISTS" and place.state("lost") == "PREPARE"
    assert cancel(place, "lost") == {"status": "OK", "code": "0", "msg": "Success", "message": "OK"}
    answer = call(f"{place.pool.fe}/api/{place.name}/get_load_state?label=lost", "GET", {}).json()
    assert (answer["state"], answer["reason"]) == ("ABORTED", "user cancel")
    assert place.sql(f"SHOW PROC '/transactions/{place.name}'")[0] == ["running", "0"]
    assert place.sql(f"SELECT state FROM information_schema.loads WHERE label = 'lost' AND db_name = '{place.name}'") == [
        ["CANCELLED"]]
    assert place.txn("begin", "lost")["Status"] == "OK"


def test_cancel_names_what_is_missing(place):
    assert cancel(place, "")["msg"] == "No label selected."
    answer = call(f"{place.pool.fe}/api/nowhere/t/_cancel?label=x", "POST", {}).json()
    assert answer["msg"] == answer["message"] == "unknown database, database=nowhere"


def test_a_backend_taken_for_dead_ends_what_it_coordinates(place):
    for label in ("open", "ready"):
        place.txn("begin", label)
        place.txn("load", label, "1,a\n")
    place.txn("prepare", "ready")
    try:
        place.pool.control("POST", "backends", {"dead": [0, 1]})
        answer = call(f"{place.pool.fe}/api/{place.name}/get_load_state?label=open", "GET", {}).json()
        assert (answer["state"], answer["reason"]) == ("ABORTED", "coordinate BE is down")
        assert place.state("ready") == "PREPARED" and place.txn("commit", "ready")["Status"] == "OK"
        assert "No backend alive." in place.txn("begin", "new")["Message"]
    finally:
        place.pool.control("POST", "backends", {"dead": []})


def test_prepared_and_committed_transactions_count_as_running(place):
    place.table(PAIR, name="held")
    for label in ("prepared", "open"):
        place.txn("begin", label)
        place.txn("load", label, "1,a\n")
    place.txn("prepare", "prepared")
    place.pool.fault(point="publish_timeout", table="held", count=1, seconds=1)
    place.load("1,a\n", table="held", label="committed")
    place.pool.control("POST", "settings", {"max_running_txn_num_per_db": 3})
    try:
        assert "is 3, larger than limit 3" in place.load("2,a\n")["Message"]
        assert place.txn("begin", "more")["Status"] == "ANALYSIS_ERROR"
        place.wait(lambda: place.state("committed") == "VISIBLE")
        place.ok(place.load("2,a\n"))
        assert place.txn("commit", "prepared")["Status"] == "OK"
    finally:
        place.pool.control("POST", "settings", {"max_running_txn_num_per_db": 1000})


def test_the_quota_of_a_database_stops_loads_at_begin(place):
    place.ok(place.load("".join(f"{n},{'x' * 30}\n" for n in range(1000))))
    place.sql(f"ALTER DATABASE {place.name} SET DATA QUOTA 1KB")
    found = place.load("1,a\n")
    assert found["Message"] == f"Database[{place.name}] data size exceeds quota[1.000 KB]" and found["TxnId"] == -1
    assert "exceeds quota" in place.txn("begin", "x")["Message"]
    assert "exceeds quota" in place.error("INSERT INTO t VALUES (1, 'a')")[1]
    place.sql(f"ALTER DATABASE {place.name} SET DATA QUOTA 1TB")
    place.ok(place.load("1,a\n"))


def test_the_order_of_the_checks_at_begin(place):
    place.sql("CREATE USER IF NOT EXISTS nobody IDENTIFIED BY 'pw'")
    base = f"{place.pool.be()}/api/"

    def message(path, user=("root", ""), **headers):
        return call(base + path + "/_stream_load", "PUT", {"timeout": "0", "label": "a b", **headers}, b"", user=user).json()["Message"]
    assert message("nowhere/t", ("root", "wrong")).startswith("Access denied for root@")
    assert "INSERT privilege" in message("nowhere/t", ("nobody", "pw"))
    assert message("nowhere/t") == "unknown database, database=nowhere"
    assert message(f"{place.name}/none") == f'unknown table "{place.name}.none"'
    assert message(f"{place.name}/t") == "Invalid timeout. Timeout should between 1 and 259200 seconds"
    assert message(f"{place.name}/t", timeout="10").startswith("Label format error.")
    place.pool.control("POST", "settings", {"max_running_txn_num_per_db": 0})
    try:
        place_of = f"{place.name}/t"
        assert "larger than limit" in message(place_of, timeout="10", label="free")
    finally:
        place.pool.control("POST", "settings", {"max_running_txn_num_per_db": 1000})


# ---------------------------------------------------------------- versions of tablets
def test_versions_pile_up_until_compaction_merges_them(place):
    set_to = lambda **given: place.pool.control("POST", "settings", given)  # noqa: E731
    set_to(tablet_max_versions=5, compaction_versions_per_second=0)
    try:
        for n in range(5):
            place.ok(place.load(f"{n},a\n"))
        found = place.load("9,a\n", label="v")
        assert found["Status"] == "Fail" and "too many versions, current/limit: 6/5." in found["Message"]
        assert "too many versions" in place.error("INSERT INTO t VALUES (8, 'x')")[1]
        place.txn("begin", "x")
        place.txn("load", "x", "9,a\n")
        assert "too many versions" in place.txn("prepare", "x")["Message"] and place.state("x") == "ABORTED"
        set_to(compaction_versions_per_second=100)
        place.wait(lambda: place.load("9,a\n", label="v")["Status"] == "Success", 5)
    finally:
        set_to(tablet_max_versions=1000, compaction_versions_per_second=500)
