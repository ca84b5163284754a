"""Headers of a load that the other files do not look at: what each refuses, and when."""
import pytest
import requests

from rockpool.errors import LoadError
from rockpool.loads.options import delimiter, ratio, read, zone_name
from rockpool.tests.pool import Scene, basic
from rockpool.version import Version

DUP = "DUPLICATE KEY(id)"
PK = "PRIMARY KEY(id)"
PAIR = "id INT NOT NULL, v VARCHAR(40) NULL"
SHOW = "SELECT id, v FROM t ORDER BY id"


@pytest.mark.parametrize("header, value, text", [
    ("skip_header", "-1", "skip_header must be equal or greater than 0"),
    ("skip_header", "x", "Invalid csv load skip_header format"),
    ("trim_space", "yes", "Invalid trim space format. Must be bool type"),
    ("strict_mode", "1", "Invalid strict mode format. Must be bool type"),
    ("partial_update", "maybe", "Invalid partial update flag format. Must be bool type"),
    ("load_mem_limit", "-1", "load_mem_limit must be equal or greater than 0"),
    ("load_mem_limit", "much", "Invalid load mem limit format"),
    ("exec_mem_limit", "0", "exec_mem_limit must be greater than 0"),
    ("load_dop", "x", "Invalid load_dop format"),
    ("log_rejected_record_num", "-2", "log_rejected_record_num must be equal or greater than -1"),
    ("log_rejected_record_num", "x", "Invalid log_rejected_record_num format"),
    ("compression", "rar", "Unsupported compression type: rar"),
    ("timezone", "Middle/Earth", "Unknown or incorrect time zone: 'Middle/Earth'"),
    ("timezone", "+15:00", "Unknown or incorrect time zone: '+15:00'"),
    ("column_separator", "x" * 51, "the column separator is limited to a maximum of 50 bytes"),
    ("row_delimiter", "é" * 26, "the row delimiter is limited to a maximum of 50 bytes"),
    ("column_separator", "\\x", "Invalid delimiter '\\x: empty hex string"),
    ("columns", "id, v =", "Getting syntax error"), ("columns", "id,, v", "Getting syntax error"),
    ("where", "nothing = 1", "unknown column reference in where statement, reference=nothing"),
])
def test_a_mistake_behind_the_begin_aborts_a_transaction_with_an_id(scene, header, value, text):
    scene.table(PAIR, DUP)
    label = scene.label()
    found = scene.load("1,a\n", label=label, **{header: value})
    assert found["Status"] == "Fail" and text in found["Message"], found
    assert found["TxnId"] > 0 and scene.state(label) == "ABORTED"


@pytest.mark.parametrize("header, value, text", [
    ("format", "parquet", "unknown data format, format=parquet"), ("timeout", "soon", "Invalid timeout format"),
    ("timeout", "-5", "Invalid timeout format"),
    ("timeout", "0", "Invalid timeout. Timeout should between 1 and 259200 seconds"),
    ("timeout", "259201", "Invalid timeout. Timeout should between 1 and 259200 seconds")])
def test_a_mistake_before_the_begin_has_no_transaction(scene, header, value, text):
    scene.table(PAIR, DUP)
    label = scene.label()
    found = scene.load("1,a\n", label=label, **{header: value})
    assert (found["Status"], found["Message"], found["TxnId"]) == ("Fail", text, -1)
    assert scene.state(label) == "UNKNOWN"


def test_harmless_headers_change_nothing(scene):
    scene.table(PAIR, DUP)
    scene.ok(scene.load("1,a\n", load_dop="4", transmission_compression_type="LZ4", warehouse="w", made_up="x",
                        exec_mem_limit="1048576", load_mem_limit="0", STRICT_MODE="TRUE", timezone="+08:00"), 1)


def test_numbers_are_read_like_stoll_and_strtod():
    version = Version()
    assert read({"skip_header": " 2x"}, version).skip_header == 2
    with pytest.raises(LoadError):
        read({"skip_header": "9" * 20}, version)
    assert [ratio(t) for t in ("0.5x", "x", "1e-1", ".25", "")] == [0.5, 0.0, 0.1, 0.25, 0.0]


def test_before_3_0_csv_options_are_unknown_headers():
    old, new = Version("2.5.9"), Version("3.0.0")
    given = {"skip_header": "1", "enclose": '"', "escape": "\\", "trim_space": "true"}
    assert (read(given, old).skip_header, read(given, old).enclose, read(given, old).trim_space) == (0, "", False)
    assert (read(given, new).skip_header, read(given, new).enclose, read(given, new).escape) == (1, '"', "\\")


def test_before_3_2_7_a_compression_header_is_unknown():
    assert read({"compression": "gzip", "format": "json"}, Version("3.2.6")).compression is None
    assert read({"compression": "gzip", "format": "json"}, Version("3.2.7")).compression == "GZIP"
    assert read({"content-encoding": "Lz4_Frame"}, Version("3.2.7")).compression == "LZ4_FRAME"
    assert read({"compression": "no_compression"}, Version("3.2.7")).compression is None


def test_hex_bytes_from_80_on_are_of_no_use():
    assert delimiter("0xC2A7") == "\uffc2\uffa7" and delimiter("0x7f") == "\x7f"


def test_zones():
    assert [zone_name(z) for z in ("CST", "PRC", "-3:30", "Europe/Paris")] == ["Asia/Shanghai"] * 2 + ["-03:30",
                                                                                                       "Europe/Paris"]


def test_partitions_take_only_their_rows(scene):
    scene.sql("CREATE TABLE t (id INT NOT NULL, v INT) DUPLICATE KEY(id) PARTITION BY RANGE(id) (PARTITION p1 VALUES LESS "
              "THAN ('10'), PARTITION p2 VALUES LESS THAN ('20'), PARTITION p3 VALUES LESS THAN ('30')) DISTRIBUTED BY "
              "HASH(id) BUCKETS 1 PROPERTIES('replication_num'='1')")
    found = scene.load("5,1\n15,2\n25,3\n", partitions="p1 , p2", max_filter_ratio="0.5")
    assert (found["Status"], found["NumberLoadedRows"], found["NumberFilteredRows"]) == ("Success", 2, 1)
    log = scene.log_of(found)
    assert "The row is out of partition ranges. Please add a new partition.. Row: [25, 3]" in log
    for header in ("partitions", "temporary_partitions"):
        assert "unknown partition p9 in table t" in scene.load("5,1\n", **{header: "p9"})["Message"]
    assert "both partitions and temporary" in scene.load("5,1\n", partitions="p1", temporary_partitions="p2")["Message"]


def test_negative_undoes_sums(scene):
    scene.table("id INT, s BIGINT SUM, d DECIMAL(9, 2) SUM, l LARGEINT SUM, m INT MAX", "AGGREGATE KEY(id)")
    scene.ok(scene.load("1,5,1.5,7,3\n"), 1)
    scene.ok(scene.load("1,2,0.5,9,4\n", negative="true"), 1)
    assert scene.sql("SELECT * FROM t") == [["1", "3", "1.00", "-2", "4"]]
    scene.ok(scene.load("1,1,0,0,0\n", negative="TRUE"), 1)  # only the exact word counts
    assert scene.value("SELECT s FROM t") == "4"
    scene.table(PAIR, PK, "pk")
    assert scene.load("1,a\n", "pk", negative="true")["Message"] == "Primary key table does not support negative load"


def test_where_reads_the_columns_of_the_table(scene):
    scene.table("id INT NOT NULL, v VARCHAR(40) NULL, w INT DEFAULT '7'", DUP)
    found = scene.ok(scene.load("1,a\n2,b\n3,\\N\n", columns="id, raw, v = upper(raw)", where="v = 'A' and w = 7"), 1)
    assert found["NumberUnselectedRows"] == 2
    assert "reference=raw" in scene.load("1,a\n", columns="id, raw, v = upper(raw)", where="raw = 'a'")["Message"]
    assert scene.sql(SHOW) == [["1", "A"]]


# ---------------------------------------------------------------- limits, refused rows, answers
def test_body_limits_are_settings(scene):
    scene.table(PAIR, DUP)
    pool = scene.pool
    try:
        pool.control("POST", "settings", {"streaming_load_max_mb": 0.001, "streaming_load_max_batch_size_mb": 0.0005})
        found = scene.load("1,a\n" * 300)
        assert found["TxnId"] == -1 and found["Message"].startswith("body size 1200 exceed limit: 1048, ")
        assert found["Message"].endswith(". You can increase the limit by setting streaming_load_max_mb in be.conf.")
        body = '{"id": 1, "v": "a"}\n' * 40
        assert scene.json(body)["Message"] == (
            "The size of this batch exceed the max size [524]  of json type data  data [ 800 ]. Set ignore_json_size to skip "
            "the check, although it may lead huge memory consuming.")
        scene.ok(scene.json(body, ignore_json_size="TRUE"), 40)
        url = f"{pool.be()}/api/{scene.name}/t/_stream_load"
        headers = {"Authorization": basic(), "label": scene.label(), "Expect": "100-continue"}
        chunks = requests.put(url, data=iter([body.encode()]), headers={**headers, "format": "json"}, timeout=20)
        assert chunks.json()["Status"] == "Success"  # nobody told the size of a chunked body
        large = requests.put(url, data=iter([b"1\ta\n" * 300] * 2), headers={**headers, "label": "chunked"}, timeout=20)
        assert large.status_code == 413 and scene.state("chunked") == "ABORTED"
    finally:
        pool.control("POST", "settings", {"streaming_load_max_mb": 102400, "streaming_load_max_batch_size_mb": 100})


def test_refused_rows_are_kept_on_demand(scene):
    scene.table("id INT NOT NULL, n INT NULL", DUP)
    bad = "".join(f"{n},x\n" for n in range(60))
    plain = scene.load(bad, strict_mode="true", max_filter_ratio="1")
    assert "RejectedRecordPath" not in plain and scene.log_of(plain).count("Error: ") == 50
    for number, kept in ((-1, 60), (3, 3)):
        found = scene.load(bad + "61,1\n", strict_mode="true", max_filter_ratio="1", log_rejected_record_num=str(number))
        assert list(found)[-2:] == ["ErrorURL", "RejectedRecordPath"]
        host, path = found["RejectedRecordPath"].split(":", 1)
        lines = open(path).read().splitlines()
        assert host == "127.0.0.1" and len(lines) == kept
        assert lines[0].startswith("0,x\tThe field (name = n, pos = 1) is out of range.")


def test_loads_can_be_disabled(scene):
    scene.table(PAIR, DUP)
    try:
        scene.sql('ADMIN SET FRONTEND CONFIG ("disable_load_job" = "true")')
        found = scene.load("1,a\n")
        assert (found["TxnId"], found["Message"]) == (-1, "disable_load_job is set to true, all load jobs are prevented")
    finally:
        scene.sql('ADMIN SET FRONTEND CONFIG ("disable_load_job" = "false")')
    scene.ok(scene.load("1,a\n"), 1)


def test_the_order_of_checks_at_begin(scene):
    scene.table(PAIR, DUP)
    wrong = {"label": "not a label", "timeout": "0"}
    assert scene.load("1,a\n", "none", format="odd", **wrong)["Message"].startswith("unknown data format")
    assert "unknown table" in scene.load("1,a\n", "none", **wrong)["Message"]
    assert "Timeout should between" in scene.load("1,a\n", **wrong)["Message"]
    assert "Label format error" in scene.load("1,a\n", label="not a label")["Message"]
    name, scene.name = scene.name, "nowhere"
    assert scene.load("1,a\n", "none", **wrong)["Message"] == "unknown database, database=nowhere"
    scene.name = name
    assert scene.load("1,a\n", "none")["Message"] == f'unknown table "{name}.none"'


def test_empty_loads(scene, own):
    scene.table(PAIR, DUP)
    assert scene.load("")["Message"].startswith("No partitions have data available for loading.")
    assert scene.load("1,a\n", where="id > 5")["Status"] == "Fail"
    try:
        scene.sql('ADMIN SET FRONTEND CONFIG ("empty_load_as_error" = "false")')
        found = scene.ok(scene.load(""), 0)
        assert (found["Message"], found["NumberTotalRows"], found["NumberUnselectedRows"]) == ("OK", 0, 0)
        scene.ok(scene.load("1,a\n", where="id > 5"), 0)
    finally:
        scene.sql('ADMIN SET FRONTEND CONFIG ("empty_load_as_error" = "true")')
    old = Scene(own("--version", "3.1.0"), "old")
    old.table(PAIR, DUP)
    assert old.load("")["Message"] == "all partitions have no load data"


def test_the_error_log_says_what_is_wrong_with_a_row(scene):
    scene.table(PAIR, DUP)
    found = scene.load(b"1,a,b\n2,\xff\n3\n", max_filter_ratio="1")
    log = scene.log_of(found)
    assert ("Error: Value count does not match column count: expected = 2, actual = 3. Column separator: ,, Row delimiter: "
            "\\n. Row: 1,a,b") in log
    assert "Error: Invalid UTF-8 row. Row: 2," in log and "actual = 1." in log
    assert scene.sql("SELECT tracking_log FROM information_schema.load_tracking_logs WHERE LABEL = 'never'") == []


def test_a_commit_that_finds_no_leader_leaves_the_state_unknown(own):
    pool = own("--frontends", "2")
    place = Scene(pool, "leaderless")
    place.table(PAIR, DUP)
    other = f"http://127.0.0.1:{pool.ports['frontends'][1]['fe_http']}"

    def body():
        yield b"1\ta\n"
        assert requests.post(other + "/_rockpool/leader?fe=1&seconds=5", timeout=5).ok
        yield b"2\tb\n"
    found = requests.put(f"{pool.be()}/api/leaderless/t/_stream_load", data=body(), auth=("root", ""), timeout=20,
                         headers={"Expect": "100-continue", "label": "unknown_end"}).json()
    assert found["Status"] == "Fail"
    assert found["Message"].endswith("Transaction status unknown, you can retry with same label.")
