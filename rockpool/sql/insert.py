"""INSERT: what the statement says, and which rows it means; insert_rows.py writes them."""
from rockpool.errors import SqlError
from rockpool.sql import insert_rows, insert_values, partitions, select
from rockpool.sql.analysis import analyzing
from rockpool.txn import LABEL

MATCHES = ("position", "name")


class Insert:
    """An INSERT as it was written."""

    def __init__(self):
        self.overwrite, self.parts = False, []
        self.partitions, self.label, self.names = None, None, None
        self.by_name, self.properties = False, {}

    def read(self, reader):
        self.overwrite = reader.one_of("INTO", "OVERWRITE") == "OVERWRITE"
        reader.accept("TABLE")
        self.parts = reader.qualified()
        if reader.accept("TEMPORARY"):
            raise SqlError("rockpool does not model temporary partitions")
        if reader.accept("PARTITION") or reader.accept("PARTITIONS"):
            self.partitions = reader.names() if reader.sees("(") else [reader.name()]
        self._label(reader)
        if reader.sees("(") and reader.ahead().upper not in ("SELECT", "WITH", "("):
            self.names = reader.names()
        if reader.accept("BY", "NAME"):
            self.by_name = True
        self._label(reader)
        if reader.accept("PROPERTIES"):
            self.properties = {k.lower(): v for k, v in reader.properties().items()}
        self._label(reader)
        return self

    def _label(self, reader):
        if self.label is None and reader.accept("WITH", "LABEL"):
            self.label = reader.string() if reader.token.kind == "string" else _label_text(reader)


def _label_text(reader):
    """A label may hold hyphens: the tokens up to the next blank."""
    token = reader.token
    text = reader.name()
    while reader.token.start == token.start + len(text) and reader.token.text in "-" or (
            text.endswith("-") and reader.token.start == token.start + len(text)):
        text += reader.next().text
    return text


async def insert(session, reader):
    reader.expect("INSERT")
    made = Insert().read(reader)
    table = session.table(made.parts)
    database = session.resolve(made.parts)[0]
    _check_kind(table)
    session.demand("INSERT", database, table.name)
    _check(session, table, database, made)
    text = reader.text[reader.token.start:]
    columns = target_columns(table, made.names)
    partial = insert_rows.is_partial(session, table, columns)
    values = reader.sees("VALUES")
    _check_by_name(session, made, values)
    if values:
        rows = await insert_values.rows_of(session, table, columns, reader, lambda *n: _mismatch(session, *n))
    else:
        rows, columns = await _query_rows(session, text, table, columns, made)
    _check_mentioned(table, columns, partial)
    chosen = await _partitions(session, table, made.partitions)
    return await insert_rows.write(session, table, database, columns, rows, made, chosen)


def _check_kind(table):
    if table.materialized is not None:
        raise analyzing(f"The data of '{table.name}' cannot be inserted because '{table.name}' is a materialized view,and the "
                        "data of materialized view must be consistent with the base table")
    if table.view_sql is not None:
        raise analyzing("Only support insert into olap/mysql/iceberg/hive table")


def _check(session, table, database, made):
    if made.overwrite and table.state != "NORMAL":
        raise analyzing(f"table state is {table.state}, please wait to insert overwrite until table state is normal")
    if made.overwrite and session.transaction is not None:
        raise analyzing("INSERT OVERWRITE is not supported in a transaction")
    if made.label is not None:
        _check_label(session, database, made.label)


def _check_label(session, database, label):
    if not LABEL.fullmatch(label):
        raise analyzing(f"Label format error. regex: ^[-\\w]{{1,128}}$, label: {label}")
    owner = session.world.catalog.database(database)
    earlier = session.world.txns.by_label(owner.id, label)
    if earlier is not None and earlier.state != "ABORTED":
        raise SqlError(f"Label [{label}] has already been used.")


def _check_by_name(session, made, values):
    """BY NAME, or the property match_column_by."""
    version = session.world.version
    if (made.by_name or made.properties) and not version.since(3, 4):
        raise SqlError("Getting syntax error. Detail message: Unexpected input "
                       f"'{'BY' if made.by_name else 'PROPERTIES'}', the most similar input is {{'SELECT', 'VALUES'}}.")
    match = made.properties.get("match_column_by", "position").lower()
    if match not in MATCHES:
        raise analyzing(f"Invalid match_column_by: '{match}'. Expected values should be position, name (case insensitive)")
    made.by_name = made.by_name or match == "name"
    if made.by_name and values:
        raise analyzing("Insert match column by name does not support values()")


def target_columns(table, names):
    if names is None:
        return [c for c in table.columns if c.generated is None]
    found = []
    for name in names:
        column = table.column(name)
        if column is None:
            raise analyzing(f"Unknown column '{name}' in '{table.name}'")
        if column in found:
            raise analyzing(f"Column '{name}' specified twice")
        if column.generated is not None:
            raise analyzing(f"generated column '{name}' can not be specified")
        found.append(column)
    return found


def _mismatch(session, wanted, given):
    version = session.world.version
    if not version.since(3, 2):
        return analyzing("Column count doesn't match value count")
    return analyzing(f"Inserted target column count: {wanted} doesn't match select/value column count: {given}",
                     version.code(5604))


def _check_mentioned(table, columns, partial):
    """A column left out takes its default or NULL; one that has neither must be named."""
    if partial:
        return
    for column in table.columns:
        if column not in columns and not column.has_default and not column.nullable and not column.auto_increment \
                and column.generated is None:
            named = "".join(f" {n} " for n in sorted((c.name for c in columns), key=str.lower))
            raise analyzing(f"'{column.name}' must be explicitly mentioned in column permutation: {named}")


async def insert_query(session, table, database, text):
    """INSERT INTO table SELECT …, for CREATE TABLE AS."""
    columns = target_columns(table, None)
    made = Insert()
    rows, columns = await _query_rows(session, text, table, columns, made)
    await insert_rows.write(session, table, database, columns, rows, made, None)


async def _query_rows(session, text, table, columns, made):
    result = await select.query(session, text, states=True)
    if made.by_name:
        columns = _named(session, table, columns, [c.name for c in result.columns])
    if len(result.columns) != len(columns):
        raise _mismatch(session, len(columns), len(result.columns))
    return result.rows, columns


def _named(session, table, columns, names):
    """The target columns in the order of the query's names."""
    wanted = {c.name.lower(): c for c in columns}
    found = []
    for name in names:
        column = wanted.get(name.lower())
        if column is None:
            raise analyzing(f"Source column: {name} has no matching target column")
        if column in found:
            raise analyzing(f"Duplicate column name '{name}'", session.world.version.code(1060))
        found.append(column)
    for column in columns:
        if column not in found:
            raise analyzing(f"Target column: {column.name} has no matching source column")
    return found


async def _partitions(session, table, names):
    if names is None:
        return None
    if table.partitioning is None and [n.lower() for n in names] != [table.name.lower()]:
        raise analyzing("PARTITION clause is not valid for INSERT into unpartitioned table")
    chosen, missing = await partitions.named(session.world, table, names)
    if missing is not None:
        raise analyzing(f"Unknown partition '{missing}' in table '{table.name}'")
    return chosen
