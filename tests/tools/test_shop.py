"""The shop that tests and demo share works on its own."""
from tests.support import shop
from tests.support.pg_server import PgServer
from tests.support.waiting import wait_until


def test_the_customer_changes_every_table_and_stands_still_when_paused():
    with PgServer() as pg:
        pg.create_database("shop")
        pg.execute("shop", *shop.SEED_TABLES, shop.ORDER_LINES, *shop.fill_statements(lines=2000))
        counts = "SELECT (SELECT sum(n_tup_ins + n_tup_upd + n_tup_del) FROM pg_stat_user_tables)"
        with shop.Traffic(pg.dsn("shop"), seed=1, per_second=2000) as traffic:
            wait_until("traffic", lambda: traffic.transactions > 300)
            traffic.pause()
            stood = traffic.transactions
            open_transactions = "SELECT count(*) FROM pg_stat_activity WHERE datname = 'shop' AND xact_start IS NOT NULL"
            assert pg.scalar("postgres", open_transactions) == 0
            assert traffic.transactions == stood
            traffic.resume()
            wait_until("more traffic", lambda: traffic.transactions > stood + 100)
        assert pg.scalar("shop", counts) > 0
        for table in shop.TABLES:
            assert pg.scalar("shop", f"SELECT count(*) FROM {table}") > 0
