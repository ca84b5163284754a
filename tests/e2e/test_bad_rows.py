"""Rows that the target cannot take: the table stops and says which row, which column and why; the others run on."""
import pytest

HEALTHY = "CREATE TABLE healthy (id int PRIMARY KEY)"
KEYED = 'PRIMARY KEY({}) DISTRIBUTED BY HASH({}) BUCKETS 1 PROPERTIES ("replication_num" = "1")'


def narrow(case, columns, key="id"):
    """A target that a user made, with less room than the source."""
    case.target(f"CREATE TABLE narrow ({columns}) " + KEYED.format(key, key))


def start(case):
    walrock = case.walrock("public.*").start()
    walrock.wait_until_ready("public.healthy", "public.narrow")
    return walrock


def reason_of(walrock, table="public.narrow"):
    return walrock.wait_until_table(table, "errored")["reason"]


def assert_the_others_run_on(case, walrock):
    case.source("INSERT INTO healthy VALUES (2)")
    case.settle_and_compare(walrock, "healthy")


@pytest.mark.parametrize("source, target, good, bad, words", [
    ("what text", "what VARCHAR(4)", "'abcd'", "'abcdef'", ["what", "abcdef"]),
    ("what int", "what INT NOT NULL", "1", "NULL", ["what", "NULL value in non-nullable column"]),
])
def test_a_refused_row_is_named_with_its_key_column_and_reason(case, source, target, good, bad, words):
    case.source(f"CREATE TABLE narrow (id int PRIMARY KEY, {source})", HEALTHY)
    narrow(case, f"id INT NOT NULL, {target}")
    walrock = start(case)
    case.source(f"INSERT INTO narrow VALUES (41, {good}), (42, {bad}), (43, {good})")
    reason = reason_of(walrock)
    assert "load_rejected" in reason and "1 of 3 rows refused" in reason, reason
    assert "id=42, column what" in reason and "id=41" not in reason and "id=43" not in reason, reason
    assert all(word in reason for word in words), reason
    assert_the_others_run_on(case, walrock)
    assert case.target_count("narrow") == 0, "nothing of a load with a refused row is visible"


def test_a_row_refused_in_the_copy_is_named(case):
    case.source("CREATE TABLE narrow (id int PRIMARY KEY, what text)", HEALTHY,
                "INSERT INTO narrow SELECT n, nullif(n, 77)::text FROM generate_series(1, 200) n")
    narrow(case, "id INT NOT NULL, what STRING NOT NULL")
    walrock = case.walrock("public.*").start()
    reason = reason_of(walrock)
    assert "row id=77, column what: NULL value in non-nullable column 'what'" in reason, reason
    assert_the_others_run_on(case, walrock)


def test_a_key_of_several_columns_with_commas_is_named_exactly(case):
    case.source("CREATE TABLE narrow (area varchar(20), n int, what int, PRIMARY KEY (area, n))", HEALTHY)
    narrow(case, "area VARCHAR(80) NOT NULL, n INT NOT NULL, what INT NOT NULL", "area, n")
    walrock = start(case)
    case.source("INSERT INTO narrow VALUES ('north, 1', 7, NULL), ('north', 1, 8)")
    reason = reason_of(walrock)
    assert "row area=north, 1, n=7, column what" in reason, reason


def test_many_refused_rows_are_counted_and_the_first_are_named(case):
    case.source("CREATE TABLE narrow (id int PRIMARY KEY, what int)", HEALTHY)
    narrow(case, "id INT NOT NULL, what INT NOT NULL")
    walrock = start(case)
    case.source("INSERT INTO narrow SELECT n, NULL FROM generate_series(1, 20) n")
    assert "20 of 20 rows refused: row id=1, column what" in (reason := reason_of(walrock)), reason
    assert "; and 17 more" in reason, reason


def test_more_refused_rows_than_the_error_log_holds_are_not_counted(case):
    case.source("CREATE TABLE narrow (id int PRIMARY KEY, what int)", HEALTHY)
    narrow(case, "id INT NOT NULL, what INT NOT NULL")
    walrock = start(case)
    case.source("INSERT INTO narrow SELECT n, NULL FROM generate_series(1, 200) n")
    reason = reason_of(walrock)
    assert "at least 50 of 200 rows refused: row id=1, column what" in reason and "; and more" in reason, reason


def test_a_refusal_whose_row_nobody_names_is_counted(case_with_own_rockpool):
    case = case_with_own_rockpool
    case.source("CREATE TABLE narrow (id int PRIMARY KEY, what int)", HEALTHY)
    walrock = start(case)
    case.rockpool.order_fault(point="reject_rows", table="narrow", count=1)
    case.source("INSERT INTO narrow VALUES (1, 1)")
    reason = reason_of(walrock)
    assert "1 of 1 rows refused: row ?: Value '?' is out of range" in reason, reason
    assert_the_others_run_on(case, walrock)


def test_a_row_that_the_error_log_does_not_name_is_found_by_halving(case_with_own_rockpool):
    case = case_with_own_rockpool
    case.source("CREATE TABLE narrow (id int PRIMARY KEY, what int)", HEALTHY)
    walrock = start(case)
    case.rockpool.order_fault(point="reject_rows", table="narrow")
    case.source("INSERT INTO narrow SELECT n, n FROM generate_series(1, 100) n")
    reason = reason_of(walrock)
    assert "1 of 100 rows refused: row id=1: Value '?' is out of range" in reason, reason
    labels = {fired["label"] for fired in case.rockpool.fired_faults()}
    assert len(labels) == 1, "the checkpoint knows the label that a restart must roll back"
    case.rockpool.clear_faults()
    assert_the_others_run_on(case, walrock)


@pytest.mark.parametrize("when", ["copy", "stream"])
def test_a_value_that_the_target_would_bend_is_named_with_its_row(case, when):
    case.source("CREATE TABLE narrow (id int PRIMARY KEY, at timestamp)", HEALTHY)
    bad = "INSERT INTO narrow VALUES (1, '2026-01-01'), (42, '0044-03-15 12:00:00 BC')"
    if when == "copy":
        case.source(bad)
        walrock = case.walrock("public.*").start()
    else:
        walrock = start(case)
        case.source(bad)
    reason = reason_of(walrock)
    assert "value_unsupported: column at of public.narrow" in reason and "row id=42" in reason, reason
    assert_the_others_run_on(case, walrock)
