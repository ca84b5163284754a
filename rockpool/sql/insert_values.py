"""The rows of INSERT … VALUES: literals are taken as they are, everything else is asked from the query engine."""
from rockpool.loads import sink
from rockpool.loads.dates import FAILED
from rockpool.loads.nested import nested_text
from rockpool.sql import select, translate, variables
from rockpool.sql.analysis import analyzing


async def rows_of(session, table, columns, reader, mismatch):
    """The rows behind VALUES. mismatch(wanted, given) makes the error of a wrong number of values."""
    reader.expect("VALUES")
    rows = []
    while True:
        rows.append(await _row(session, columns, reader, table, mismatch, len(rows[0]) if rows else None))
        if not reader.accept(","):
            break
    reader.end()
    return rows


async def _row(session, columns, reader, table, mismatch, width):
    reader.expect("(")
    row, asked = [], []
    while True:
        literal = _literal(reader)
        if literal is NotImplemented:
            asked.append((len(row), _expression(reader)))
            literal = None
        row.append(literal)
        if not reader.accept(","):
            break
    reader.expect(")")
    if width is not None and len(row) != width:
        raise analyzing("Values have unequal number of values in each row")
    if len(row) != len(columns):
        raise mismatch(len(columns), len(row))
    for position, text in asked:
        row[position] = await _evaluated(session, table, columns[position], text)
    for column, value in zip(columns, row):
        if column.auto_increment and value is None:
            raise analyzing(f"`NULL` value is not supported for an AUTO_INCREMENT column: {column.name} You can use `default` for "
                            "an AUTO INCREMENT column")
    return row


def _literal(reader):
    """The text of a plain literal that ends at a comma or bracket, else NotImplemented."""
    first, second = reader.token, reader.ahead()
    if second.upper in (",", ")"):
        if first.kind == "string":
            reader.next()
            return first.value
        if first.kind == "number" and first.text[:2].lower() != "0x":
            reader.next()
            return first.text
        if first.upper in ("NULL", "TRUE", "FALSE"):
            reader.next()
            return None if first.upper == "NULL" else "1" if first.upper == "TRUE" else "0"
    third = reader.ahead(2)
    if third.upper in (",", ")"):
        if first.upper == "-" and second.kind == "number":
            reader.next(), reader.next()
            return "-" + second.text
        if first.upper in ("DATE", "DATETIME", "TIMESTAMP") and second.kind == "string":
            reader.next(), reader.next()
            return second.value
        if first.upper == "X" and second.kind == "string":
            reader.next(), reader.next()
            return bytes.fromhex(second.value)
    return NotImplemented


def _expression(reader):
    start, stop, depth = reader.token.start, reader.token.stop, 0
    while reader.token.kind != "end" and not (depth == 0 and reader.token.upper in (",", ")")):
        depth += (reader.token.upper in ("(", "[", "{")) - (reader.token.upper in (")", "]", "}"))
        stop = reader.next().stop
    return reader.text[start:stop]


async def _evaluated(session, table, column, text):
    """One expression of VALUES, as text for the converter of its column."""
    if text.strip().upper() == "DEFAULT":
        return _default(session, table, column)
    if column.type.name == "ARRAY" and nested_text(column.type, escaped=True)(text) is not FAILED:
        return text
    if column.type.parts:
        kind = column.type.duckdb()
        body = translate.nested_literal(text, column.type)
        rows = await select.raw(session, f"SELECT CAST({body} AS {kind}) AS v")
        return rows[0][0]
    if column.type.name == "VARBINARY":
        text = f"CAST({text} AS VARBINARY)"  # bytes need not be a text on their way
    result = await select.query(session, f"SELECT {text}", states=True)
    return result.rows[0][0]


def _default(session, table, column):
    """The word DEFAULT: the column's default, or the next number of an AUTO_INCREMENT column."""
    if column.auto_increment:
        with sink.AUTO_LOCK:
            table.next_auto += 1
            return str(table.next_auto - 1)
    if not column.has_default:
        raise analyzing(f"Column has no default value, column={column.name}")
    if column.type.parts:
        return column.default
    value = sink.default_scalar(column, str(variables.value_of(session, "time_zone")))
    return sink.shown(value) if value.is_valid else None
