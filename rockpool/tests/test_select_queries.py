"""Queries: joins, grouping, ordering, windows, set operations, names, and the mistakes people make."""
import pytest

DUP = "DUPLICATE KEY(id)"


@pytest.fixture
def shop(scene):
    scene.table("id INT NOT NULL, owner INT, price DECIMAL(10,2), tags ARRAY<STRING>", DUP, name="goods")
    scene.table("id INT NOT NULL, name VARCHAR(20)", DUP, name="people")
    scene.sql("INSERT INTO people VALUES (1, 'ann'), (2, 'bob'), (3, NULL)",
              "INSERT INTO goods VALUES (10, 1, 5, ['x', 'y']), (11, 1, 7.5, []), (12, 2, 1, NULL), (13, NULL, 2, ['z', NULL])")
    return scene


def test_null_is_the_smallest_value(shop):
    assert [r[0] for r in shop.sql("SELECT owner FROM goods ORDER BY owner, id")] == [None, "1", "1", "2"]
    assert [r[0] for r in shop.sql("SELECT owner FROM goods ORDER BY owner DESC, id")] == ["2", "1", "1", None]
    assert [r[0] for r in shop.sql("SELECT owner FROM goods ORDER BY owner NULLS LAST, id")] == ["1", "1", "2", None]
    assert shop.sql("SELECT id, rank() OVER (ORDER BY owner) FROM goods ORDER BY 1") == [["10", "2"], ["11", "2"], ["12", "4"], ["13", "1"]]


def test_order_by_takes_the_names_of_the_result_first(shop):
    assert shop.sql("SELECT -id AS id FROM people ORDER BY id") == [["-3"], ["-2"], ["-1"]] == shop.sql("SELECT -id AS id FROM people ORDER BY id + 0")
    assert shop.sql("SELECT -id AS id FROM people p ORDER BY p.id LIMIT 1") == [["-1"]]


def test_joins(shop):
    def ask(join, columns="g.id, p.name"):
        return shop.sql(f"SELECT {columns} FROM goods g {join} ORDER BY 1, 2")
    assert ask("JOIN people p ON g.owner = p.id") == [["10", "ann"], ["11", "ann"], ["12", "bob"]]
    assert ask("LEFT JOIN people p ON g.owner = p.id AND p.name = 'bob'") == [["10", None], ["11", None], ["12", "bob"], ["13", None]]
    assert ask("RIGHT OUTER JOIN people p ON g.owner = p.id AND g.price > 6") == [[None, None], [None, "bob"], ["11", "ann"]]
    assert ask("FULL OUTER JOIN people p ON g.owner = p.id AND g.id = 10", "g.id, p.id") == [[None, "2"], [None, "3"], ["10", "1"], ["11", None], ["12", None], ["13", None]]
    assert ask("LEFT SEMI JOIN people p ON g.owner = p.id", "g.id, g.owner") == [["10", "1"], ["11", "1"], ["12", "2"]]
    assert ask("LEFT ANTI JOIN people p ON g.owner = p.id", "g.id, g.owner") == [["13", None]]
    assert ask("RIGHT ANTI JOIN people p ON g.owner = p.id", "p.id, p.name") == [["3", None]]
    assert ask("CROSS JOIN people p", "count(*), 1") == [["12", "1"]]
    assert ask(", people p WHERE g.owner = p.id AND g.price < 2") == [["12", "bob"]]
    assert ask("INNER JOIN [BROADCAST] people p ON g.owner = p.id AND g.id = 12") == [["12", "bob"]]


def test_using_shows_its_column_once(shop):
    with shop.connection.cursor() as cursor:
        cursor.execute("SELECT * FROM people a JOIN people b USING (id) WHERE id = 1")
        assert [d[0] for d in cursor.description] == ["id", "name", "name"] and cursor.fetchall() == (("1", "ann", "ann"),)
    assert shop.sql("SELECT id FROM (SELECT 1 id) a FULL JOIN (SELECT 2 id) b USING (id) ORDER BY id") == [["1"], ["2"]]


def test_subqueries(shop):
    assert shop.sql("SELECT id, (SELECT name FROM people WHERE id = goods.owner) FROM goods ORDER BY id LIMIT 2, 2") == [["12", "bob"], ["13", None]]
    assert shop.sql("SELECT name FROM people p WHERE EXISTS (SELECT 1 FROM goods WHERE owner = p.id AND price > 6)") == [["ann"]]
    assert shop.sql("SELECT id FROM goods WHERE owner NOT IN (SELECT id FROM people WHERE id > 1)  ORDER BY 1") == [["10"], ["11"]]
    assert shop.sql("SELECT id FROM goods WHERE id NOT IN (SELECT owner FROM goods)") == []  # a NULL among them
    assert shop.sql("SELECT sum(n) FROM (SELECT owner, count(*) n FROM goods GROUP BY owner) x WHERE x.n > 1") == [["2"]]
    assert "Expected LE 1 to be returned by expression" in shop.error("SELECT (SELECT id FROM people)")[1]


def test_common_table_expressions(shop):
    assert shop.sql("WITH a AS (SELECT id FROM people), b(n) AS (SELECT count(*) FROM a) SELECT n FROM b") == [["3"]]
    assert shop.sql("WITH RECURSIVE r AS (SELECT 1 n UNION ALL SELECT n + 1 FROM r WHERE n < 4) SELECT sum(n) FROM r") == [["10"]]
    assert shop.sql("WITH people AS (SELECT 9 id) SELECT * FROM people") == [["9"]]


def test_grouping(shop):
    assert shop.sql("SELECT owner o, sum(price) FROM goods GROUP BY o ORDER BY 2 DESC") == [["1", "12.50"], [None, "2.00"], ["2", "1.00"]]
    assert shop.sql("SELECT owner, count(*) n FROM goods GROUP BY 1 HAVING n > 1") == [["1", "2"]]
    assert shop.sql("SELECT owner, grouping(owner), count(*) FROM goods WHERE owner IS NOT NULL GROUP BY ROLLUP(owner) ORDER BY 2, 1") == [["1", "0", "2"], ["2", "0", "1"], [None, "1", "3"]]
    assert shop.sql("SELECT owner, id, count(*) FROM goods WHERE owner = 2 GROUP BY GROUPING SETS ((owner), (id), ()) ORDER BY 1, 2") == [[None, None, "1"], [None, "12", "1"], ["2", None, "1"]]
    assert len(shop.sql("SELECT owner, id, count(*) FROM goods GROUP BY CUBE(owner, id)")) == 12
    assert shop.sql("SELECT count(*) FROM goods WHERE false GROUP BY owner") == []


def test_windows(shop):
    assert shop.sql("SELECT id, sum(price) OVER (PARTITION BY owner ORDER BY id), lag(id, 1, 0) OVER w, first_value(owner IGNORE NULLS) OVER (ORDER BY id DESC) FROM goods "
                    "WINDOW w AS (ORDER BY id) ORDER BY id") == [["10", "5.00", "0", "2"], ["11", "12.50", "10", "2"], ["12", "1.00", "11", "2"], ["13", "2.00", "12", None]]
    assert shop.sql("SELECT id, avg(price) OVER (ORDER BY id ROWS BETWEEN 1 PRECEDING AND 1 FOLLOWING), ntile(2) OVER (ORDER BY id) FROM goods ORDER BY id") == [
        ["10", "6.25000000", "1"], ["11", "4.50000000", "1"], ["12", "3.50000000", "2"], ["13", "1.50000000", "2"]]
    assert shop.sql("SELECT id, row_number() OVER (PARTITION BY owner ORDER BY price DESC) n FROM goods QUALIFY n = 1 ORDER BY id") == [["11", "1"], ["12", "1"], ["13", "1"]]


def test_set_operations(shop):
    assert shop.sql("SELECT owner FROM goods UNION SELECT id FROM people ORDER BY owner") == [[None], ["1"], ["2"], ["3"]]
    assert shop.sql("(SELECT id FROM people ORDER BY id DESC LIMIT 1) UNION ALL SELECT 3") == [["3"], ["3"]]
    assert shop.sql("SELECT id FROM people EXCEPT SELECT owner FROM goods") == [["3"]] == shop.sql("SELECT id FROM people MINUS SELECT owner FROM goods")
    assert shop.sql("SELECT id FROM people INTERSECT SELECT owner FROM goods ORDER BY 1 DESC LIMIT 1") == [["2"]]
    assert "unequal number of columns" in shop.error("SELECT 1 UNION SELECT 1, 2")[1]


def test_rows_out_of_arrays(shop):
    assert shop.sql("SELECT id, tag FROM goods, UNNEST(tags) AS u(tag) ORDER BY id, tag") == [["10", "x"], ["10", "y"], ["13", None], ["13", "z"]]
    assert shop.sql("SELECT id, unnest FROM goods CROSS JOIN LATERAL unnest(goods.tags) ORDER BY id, unnest")[0] == ["10", "x"]
    assert shop.sql("SELECT id, u.t FROM goods LEFT JOIN UNNEST(tags) AS u(t) ON true ORDER BY id, 2") == [["10", "x"], ["10", "y"], ["11", None], ["12", None], ["13", None], ["13", "z"]]
    assert shop.sql("SELECT a, b FROM (SELECT 1) q, UNNEST([1, 2], ['p']) AS u(a, b) ORDER BY a") == [["1", "p"], ["2", None]]
    assert shop.sql("SELECT generate_series FROM TABLE(generate_series(2, 6, 2))") == [["2"], ["4"], ["6"]]


def test_values_stand_alone_and_in_from(shop):
    assert shop.sql("VALUES (1, 'a'), (2.5, NULL)") == [["1.0", "a"], ["2.5", None]]
    assert shop.sql("SELECT y, x FROM (VALUES (1, 'a'), (2, 'b')) AS t(x, y) ORDER BY x DESC LIMIT 1") == [["b", "2"]]


def test_names_of_result_columns(shop):
    with shop.connection.cursor() as cursor:
        for query, names in (("SELECT g.id, g.price p, count(*), SUM(g.price) FROM goods g GROUP BY g.id, g.price", ["id", "p", "count(*)", "sum(g.price)"]),
                             ("SELECT 1 + 2, 'x', now() > '2000-01-01' AS late", ["1 + 2", "'x'", "late"]), ("SELECT * FROM (SELECT id, id FROM people) x", ["id", "id"]),
                             ("SELECT p.*, 1 one FROM people p", ["id", "name", "one"])):
            cursor.execute(query)
            assert [d[0] for d in cursor.description] == names


def test_names_that_mean_nothing(shop):
    for query, text in (("SELECT nothing FROM people", "at line 1, column 7. Detail message: Column 'nothing' cannot be resolved."), ("SELECT p.nothing FROM people p", "Column 'p.nothing' cannot be resolved"),
                        ("SELECT id FROM people a, people b", "Column 'id' is ambiguous"), ("SELECT 1 FROM people, people", "Not unique table/alias: 'people'"),
                        ("SELECT name x FROM people WHERE x = 'a'", "Column 'x' cannot be resolved"), ("SELECT * FROM (SELECT 1)", "Every derived table must have its own alias"),
                        ("SELECT name, count(*) FROM people", "must be an aggregate expression or appear in GROUP BY clause"), ("SELECT id FROM people WHERE count(*) > 1", "WHERE clause cannot contain aggregations"),
                        ("SELECT id FROM people ORDER BY 2", "ORDER BY position 2 is not in select list"), ("SELECT id FROM people GROUP BY 3", "Group by position 3 is not in select list"),
                        ("SELECT sum(count(*)) FROM people", "nested aggregate function is not allowed"), ("SELECT z.* FROM people", "Unknown table 'z'")):
        code, found = shop.error(query)
        assert text in found and found.startswith("Getting analyzing error"), (query, found)
    assert shop.error("SELECT FROM people")[1].startswith("Getting syntax error at line 1, column 7. Detail message: Unexpected input 'FROM'")


def test_views_keep_the_types(shop):
    shop.sql("CREATE VIEW v AS SELECT owner, avg(price) a, array_map(t -> upper(t), tags) up, IF(id > 11, 'y', 'n') late FROM goods GROUP BY owner, tags, id")
    assert shop.sql("SELECT a / 2, up, late FROM v WHERE a > 6") == [["3.75000000000000", "[]", "n"]] or shop.sql("SELECT a, up, late FROM v WHERE a > 6") == [["7.50000000", "[]", "n"]]
    assert [r[1] for r in shop.sql("DESC v")][:2] == ["int", "decimal(38,8)"]


def test_group_concat_has_a_longest_result(scene):
    assert scene.value("SELECT length(group_concat(repeat('x', 600))) FROM (VALUES (1), (2)) t(a)") == "1024"
    scene.sql("SET group_concat_max_len = 5000")
    assert scene.value("SELECT length(group_concat(repeat('x', 600))) FROM (VALUES (1), (2)) t(a)") == "1201"
