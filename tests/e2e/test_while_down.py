"""What others do to the source while walrock is down, or between its steps."""


def shop(case):
    case.source("CREATE TABLE shelf (id int PRIMARY KEY, what text, place text)",
                "CREATE TABLE healthy (id int PRIMARY KEY)",
                "INSERT INTO shelf SELECT n, 'what ' || n, 'place ' || n FROM generate_series(1, 50) n",
                "INSERT INTO healthy VALUES (1)")
    walrock = case.walrock(["public.shelf", "public.healthy"]).start()
    walrock.wait_until_ready("public.shelf", "public.healthy")
    case.settle(walrock)
    return walrock


def test_a_slot_that_someone_moved_is_refused_as_a_gap(case):
    walrock = shop(case)
    walrock.stop()
    case.source("INSERT INTO shelf VALUES (100, 'lost', 'in the gap')")
    case.source_as_superuser(f"SELECT pg_replication_slot_advance('{case.slot_name}', pg_current_wal_lsn())")
    walrock.start()
    assert walrock.wait_for_exit(30) == 4
    assert "by someone else" in walrock.log()
    assert case.target_count("shelf") == 50


def test_a_column_added_while_walrock_is_down_is_added(case):
    walrock = shop(case)
    walrock.stop()
    case.source("ALTER TABLE shelf ADD COLUMN colour text DEFAULT 'red'", "UPDATE shelf SET colour = 'blue' WHERE id = 1",
                "INSERT INTO shelf VALUES (100, 'new', 'here', 'green')")
    walrock.start()
    case.settle_and_compare(walrock, "shelf", "healthy")


def test_a_rename_while_walrock_is_down_is_named_and_the_others_run(case):
    walrock = shop(case)
    walrock.stop()
    case.source("ALTER TABLE shelf RENAME COLUMN what TO thing", "INSERT INTO shelf VALUES (100, 'new', 'here')",
                "INSERT INTO healthy VALUES (2)")
    walrock.start()
    walrock.wait_until("the table to be made anew", lambda: "table is made anew table=public.shelf: table public.shelf: column what "
                       "was renamed to thing" in walrock.log() and walrock.log().count("table=public.shelf state=ready") == 2)
    case.settle_and_compare(walrock, "shelf", "healthy")


def test_a_table_added_to_the_job_later_is_copied_beside_the_others(case):
    case.source("CREATE TABLE first (id int PRIMARY KEY, v text)", "INSERT INTO first VALUES (1, 'a')")
    walrock = case.walrock("public.*").start()
    walrock.wait_until_ready("public.first")
    case.settle(walrock)
    walrock.stop()
    case.source("CREATE TABLE second (id int PRIMARY KEY, v text)",
                "INSERT INTO second SELECT n, 'x' || n FROM generate_series(1, 5000) n",
                "INSERT INTO first VALUES (2, 'b')")
    walrock.start()
    walrock.wait_until_ready("public.first", "public.second")
    case.source("UPDATE second SET v = 'changed' WHERE id % 7 = 0", "DELETE FROM second WHERE id % 11 = 0")
    case.settle_and_compare(walrock, "first", "second")


def test_many_partial_updates_of_one_transaction_need_more_labels_than_there_may_be(case):
    """Two large columns updated in turn: every other row closes a part, hundreds of labels in one epoch."""
    case.source("CREATE TABLE letters (id int PRIMARY KEY, a text, b text, c int)",
                "ALTER TABLE letters ALTER COLUMN a SET STORAGE EXTERNAL, ALTER COLUMN b SET STORAGE EXTERNAL",
                "INSERT INTO letters SELECT n, repeat(md5(n::text), 100), repeat(md5((-n)::text), 100), 0 "
                "FROM generate_series(1, 200) n",
                "CREATE TABLE healthy (id int PRIMARY KEY)")
    walrock = case.walrock(["public.letters", "public.healthy"]).start()
    walrock.wait_until_ready("public.letters", "public.healthy")
    with case.transaction() as cursor:
        for number in range(1, 151):
            cursor.execute("UPDATE letters SET a = 'new a', c = c + 1 WHERE id = %s", (number,))
            cursor.execute("UPDATE letters SET b = 'new b' WHERE id = %s", (number,))
    case.source("INSERT INTO healthy VALUES (1)")
    case.settle_and_compare(walrock, "letters", "healthy")


def test_the_type_that_the_job_wants_holds_for_an_added_column_too(case):
    case.source("CREATE TABLE shelf (id int PRIMARY KEY)", "INSERT INTO shelf VALUES (1)")
    walrock = case.walrock("shelf").start()
    walrock.wait_until_ready("public.shelf")
    walrock.stop()
    case.source("ALTER TABLE shelf ADD COLUMN price numeric", "INSERT INTO shelf VALUES (2, 12.50)")
    walrock = case.walrock("shelf", {"tables": {"public.shelf": {"column-types": {"price": "DECIMAL(18,2)"}}}}).start()
    case.settle(walrock)
    types = dict(row[:2] for row in case.target("DESC shelf"))
    assert types["price"] == "decimal(18,2)", types


def test_without_schema_sync_an_added_column_sets_the_table_aside(case):
    case.source("CREATE TABLE shelf (id int PRIMARY KEY)", "CREATE TABLE healthy (id int PRIMARY KEY)")
    for table in ("shelf", "healthy"):
        case.target(f'CREATE TABLE {table} (id INT NOT NULL) PRIMARY KEY(id) DISTRIBUTED BY HASH(id) BUCKETS 1 '
                    'PROPERTIES ("replication_num" = "1")')
    walrock = case.walrock("public.*", {"schema-sync": {"enable": False}}).start()
    walrock.wait_until_ready("public.shelf", "public.healthy")
    case.source("ALTER TABLE shelf ADD COLUMN v text", "INSERT INTO shelf VALUES (1, 'a')", "INSERT INTO healthy VALUES (1)")
    assert "schema-sync" in walrock.wait_until_table("public.shelf", "errored")["reason"]
    case.settle_and_compare(walrock, "healthy")
