"""A small shop: the seed's three tables, a large one, and somebody who keeps changing them.

The demo and the end-to-end tests share it. Statements are plain SQL, as an application would send them.
"""
import random
import threading
import time
import uuid

import psycopg2

# The seed's tables, word for word (its steps 1.2 and 6.3).
SEED_TABLES = (
    """CREATE TABLE IF NOT EXISTS users (
    id SERIAL PRIMARY KEY,
    name TEXT,
    email TEXT,
    updated_at TIMESTAMP DEFAULT NOW()
)""",
    """CREATE TABLE orders (
  order_id UUID PRIMARY KEY,
  user_id INT,
  total NUMERIC
)""",
    """CREATE TABLE products (
  product_id TEXT PRIMARY KEY,
  name TEXT,
  price NUMERIC
)""",
)

ORDER_LINES = """CREATE TABLE order_lines (
  line_id BIGINT PRIMARY KEY,
  order_id UUID NOT NULL,
  product_id TEXT NOT NULL,
  quantity INT NOT NULL,
  unit_price NUMERIC(10,2) NOT NULL,
  gift BOOLEAN NOT NULL,
  note TEXT,
  created_at TIMESTAMPTZ NOT NULL
)"""

TABLES = ("users", "orders", "products", "order_lines")


def fill_statements(users=1000, orders=5000, products=500, lines=0):
    """Rows that are the same in every run."""
    yield (f"INSERT INTO users (name, email, updated_at) SELECT 'User ' || n, 'user' || n || '@example.com', "
           f"timestamp '2024-01-01' + n * interval '1.5 seconds' FROM generate_series(1, {users}) n")
    yield (f"INSERT INTO orders SELECT md5('order' || n)::uuid, 1 + n % {users}, (n * 7 % 100000) / 100.0 "
           f"FROM generate_series(1, {orders}) n")
    yield (f"INSERT INTO products SELECT 'P-' || n, 'Product ' || n, (n * 13 % 9999) / 100.0 "
           f"FROM generate_series(1, {products}) n")
    if lines:
        yield (f"INSERT INTO order_lines SELECT n, md5('order' || 1 + n % {orders})::uuid, 'P-' || 1 + n % {products}, "
               f"1 + n % 9, (n * 13 % 9999) / 100.0, n % 17 = 0, "
               f"CASE WHEN n % 5 = 0 THEN NULL ELSE 'line ' || n || ' of an order' END, "
               f"timestamptz '2024-01-01 00:00:00+00' + n * interval '1 millisecond' "
               f"FROM generate_series(1, {lines}) n")


class Customer:
    """Makes one random transaction after the other; the same seed makes the same choices."""

    def __init__(self, seed, with_lines=True):
        self._random = random.Random(seed)
        self._with_lines = with_lines
        self.statements = 0

    def transact(self, connection):
        """One transaction of one to five statements, committed; now and then rolled back."""
        with connection.cursor() as cursor:
            for _ in range(self._random.randint(1, 5)):
                statement, arguments = self._random.choice(self._choices())
                cursor.execute(statement, arguments)
                self.statements += 1
        if self._random.random() < 0.05:
            connection.rollback()
        else:
            connection.commit()

    def _choices(self):
        r = self._random
        number = r.randint(1, 1000)
        choices = [
            ("INSERT INTO users (name, email) VALUES (%s, %s)", (f"New {number}", f"n{number}@example.com")),
            ("UPDATE users SET name = %s, updated_at = clock_timestamp()::timestamp WHERE id = %s",
             (f"Renamed {number}", number)),
            ("DELETE FROM users WHERE id = %s", (number,)),
            ("INSERT INTO orders VALUES (%s, %s, %s)",
             (str(uuid.UUID(int=r.getrandbits(128), version=4)), number, f"{r.randint(0, 10**7) / 100}")),
            ("UPDATE orders SET total = coalesce(total, 0) + %s WHERE order_id = md5(%s)::uuid",
             (f"{number / 100}", f"order{number}")),
            ("UPDATE products SET price = %s WHERE product_id = %s", (f"{number / 10}", f"P-{number % 500}")),
        ]
        if self._with_lines:
            line = r.randint(1, 100000)
            choices += [
                ("UPDATE order_lines SET quantity = quantity + 1, note = %s WHERE line_id = %s", (f"again {line}", line)),
                ("DELETE FROM order_lines WHERE line_id = %s", (line,)),
                ("INSERT INTO order_lines SELECT coalesce(max(line_id), 0) + 1, md5('order1')::uuid, 'P-1', 1, 9.99, "
                 "false, 'a tab \t and a \\ backslash', clock_timestamp() FROM order_lines", ()),
            ]
        return choices


class Traffic:
    """A customer in a thread of its own; pause() returns when no transaction is open."""

    def __init__(self, dsn, seed=1, with_lines=True, per_second=400):
        self._dsn, self._pause_s = dsn, 1.0 / per_second
        self.customer = Customer(seed, with_lines)
        self.transactions = 0
        self.failure = None
        self._stop = threading.Event()
        self._running = threading.Event()
        self._idle = threading.Event()
        self._thread = threading.Thread(target=self._work, name="traffic", daemon=True)

    def __enter__(self):
        self._running.set()
        self._thread.start()
        return self

    def __exit__(self, *_):
        self.stop()

    def pause(self):
        self._running.clear()
        self._idle.wait()

    def resume(self):
        self._idle.clear()
        self._running.set()

    def stop(self):
        """Ends the thread; raises what ended it before."""
        self._stop.set()
        self._running.set()
        self._thread.join()
        if self.failure is not None:
            raise self.failure

    def _work(self):
        try:
            connection = psycopg2.connect(self._dsn)
            try:
                while not self._stop.is_set():
                    self._turn(connection)
            finally:
                connection.close()
        except psycopg2.Error as problem:
            self.failure = problem
        finally:
            self._idle.set()

    def _turn(self, connection):
        if not self._running.is_set():
            self._idle.set()
            self._running.wait()
            return
        self.customer.transact(connection)
        self.transactions += 1
        time.sleep(self._pause_s)
