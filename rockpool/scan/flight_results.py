"""What statements answer over Arrow Flight SQL: queries in typed columns, SHOW and EXPLAIN as texts, all others a status."""
import pyarrow as pa

from rockpool.errors import SqlError
from rockpool.scan import columns
from rockpool.sql import select
from rockpool.sql.lexer import Reader, statements

QUERIES = ("SELECT", "WITH", "(", "VALUES")
STATUS = pa.table({"StatusResult": ["0"]})


class Failed(Exception):
    """What a client is told."""


async def answer(session, text):
    """The Arrow table of one statement."""
    found = statements(text)
    if len(found) != 1:
        raise Failed("arrow flight sql query does not support execute multiple query")
    word = Reader(*found[0]).token.upper
    try:
        if word in QUERIES and not found[0][0].upper().startswith("EXPLAIN"):
            return await _typed(session, found[0][0])
        result = await session.one(*found[0])
    except SqlError as e:
        raise Failed(e.text) from None
    if not result.columns:
        return STATUS
    return texts(result)


def texts(result):
    """Rows of texts, as the frontend itself answers."""
    cells = list(zip(*result.rows)) if result.rows else [()] * len(result.columns)
    arrays = [pa.array([v.decode("utf-8", "replace") if isinstance(v, bytes) else None if v is None else str(v)
                        for v in column], pa.string()) for column in cells]
    return pa.table(arrays, schema=pa.schema([pa.field(c.name, pa.string()) for c in result.columns]))


async def _typed(session, text):
    plan = select.plan_of(session, text)
    world = session.world
    cursor = await world.storage.snapshot([t.id for t in plan.tables])

    def read():
        for name, table in plan.virtual.items():
            cursor.register(name, table)
        relation = cursor.sql(plan.sql)
        shown = plan.metadata(relation)
        return shown, plan.kinds(relation), relation.to_arrow_table()
    try:
        shown, kinds, table = await world.storage.read(read)
        return await world.storage.read(_converted, shown, kinds, table, world.version)
    except columns.Unsupported as e:
        raise Failed(str(e)) from None
    except select.duckdb.Error as e:
        raise Failed(select._query_error(session, e).text) from None
    finally:
        cursor.close()


def _converted(shown, kinds, table, version):
    kinds = [columns.BOOLEAN if k.name == "NULL" else k for k in kinds]
    targets = [columns.flight_type(k, version) for k in kinds]
    arrays = [columns.convert(c.combine_chunks(), k, t) for c, k, t in zip(table.columns, kinds, targets)]
    schema = pa.schema([pa.field(c.name, t) for c, t in zip(shown, targets)])
    return pa.Table.from_arrays(arrays, schema=schema)
