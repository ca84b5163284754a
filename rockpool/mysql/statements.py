"""COM_STMT_PREPARE, EXECUTE and CLOSE. Long parameters and cursors are none of the server's commands."""
from rockpool.errors import SqlError
from rockpool.mysql import wire
from rockpool.sql.lexer import Reader
from rockpool.sql.prepared import Statement


class Prepared:
    """The prepared statements of one connection."""

    def __init__(self, connection):
        self.connection = connection
        self.known = {}
        self.next_id = 1

    async def prepare(self, body):
        text = body.rstrip(b"\0").decode("utf-8", "surrogateescape").rstrip("; \t\r\n")
        session, send = self.connection.session, self.connection.channel.send
        session.check_preparable(Reader(text))
        statement, number = Statement(text), self.next_id
        columns = await session.columns_of(statement.filled([None] * len(statement.marks)))
        self.next_id += 1
        self.known[number] = statement
        packets = [wire.prepared(number, len(columns), len(statement.marks))]
        if statement.marks:
            packets += [wire.column(wire.ResultColumn("?")) for _ in statement.marks] + [wire.eof(session.status)]
        if columns:
            packets += [wire.column(c) for c in columns] + [wire.eof(session.status)]
        send(*packets)

    async def execute(self, body):
        c = wire.Cursor(body)
        number = c.integer(4)
        statement = self.known.get(number)
        if statement is None:
            raise SqlError(f"msg: Not Found prepared statement, stmtName: {number}")
        c.take(5)  # the kind of cursor and the number of iterations, which the server leaves aside
        values = wire.parameters(c, len(statement.marks), statement.types) if statement.marks else []
        text = self.connection.statement = statement.filled(values)
        async for result, last in self.connection.session.run(text):
            self.connection.answer(result, 0 if last else wire.MORE_RESULTS, binary=True)

    async def close(self, body):
        """Without an answer."""
        self.known.pop(int.from_bytes(body[:4], "little"), None)
