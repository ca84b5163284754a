"""The column clauses of ALTER TABLE: ADD, DROP, MODIFY COLUMN, fields of structs, ORDER BY. All clauses of one statement are one
change; it is made on a copy of the table, which takes the table's place inside the statement or by a job."""
import copy

from rockpool.sql import alter_fields, column_changes, generated, indexes, rewrite
from rockpool.sql.analysis import analyzing, refused
from rockpool.sql.columns import check_column, column_shown, finish_column, read_column
from rockpool.sql.table_state import check_state

MODEL_TEXT = {"PRIMARY": "primary", "UNIQUE": "Unique", "AGGREGATE": "Aggregate", "DUPLICATE": "Duplicate"}


class Change:
    """What one ALTER does to a table. kind is the job's; rows are rewritten by rewrite.apply."""
    kind, operation = "COLUMN", ""

    def __init__(self, table, world):
        self.before, self.table, self.version = table, copy.deepcopy(table), world.version
        self.added, self.dropped, self.retyped = [], [], []
        self.added_in_statement = {}
        self.touched = False  # something else than a comment changes
        self.is_slow = False  # rows must be rewritten: a job
        self.widened = set()  # VARCHAR columns that only become longer

    async def carry_out(self, world, table):
        await rewrite.apply(world, table, self)


async def change(session, reader, owner, table):
    world = session.world
    made = Change(table, world)
    while True:
        _clause(reader, made)
        if not reader.accept(","):
            break
    if reader.accept("PROPERTIES"):
        reader.properties()
    reader.end()
    check_state(table)
    column_changes.final_checks(made)
    if not table.fast_schema_evolution and (made.added or made.dropped or made.widened):
        made.is_slow = True
    if made.is_slow:
        world.jobs.start(owner, table, made)
        return
    await made.carry_out(world, table)
    if made.touched:
        world.jobs.finished(owner, table)


def _clause(reader, made):
    if reader.accept("ADD", "COLUMN"):
        _add(reader, made)
    elif reader.accept("DROP", "COLUMN"):
        name = reader.name()
        _rollup(reader, made, "FROM")
        if reader.token.kind != "end" and reader.token.text not in (",", "PROPERTIES"):
            raise reader.unexpected("','", "<EOF>")
        _drop(made, name)
    elif reader.accept("MODIFY", "COLUMN"):
        if reader.ahead().upper == "COMMENT":
            _modify_comment(reader, made)
        elif reader.ahead().upper in ("ADD", "DROP") and reader.ahead(2).upper == "FIELD":
            alter_fields.change(reader, made)
        else:
            column_changes.modify(reader, made)
    elif reader.accept("ORDER", "BY"):
        _order(made, reader.names())
    else:
        raise reader.unexpected("ADD", "DROP", "MODIFY", "RENAME", "SWAP", "SET", "ORDER")


def _rollup(reader, made, word):
    """TO rollup, FROM rollup: the index a clause speaks of."""
    if reader.accept(word):
        name = reader.name()
        if name == made.table.name:
            raise refused(f"Do not need to assign base index[{name}] to do schema change")
        if name.lower() not in [r["name"].lower() for r in made.table.rollups]:
            raise refused(f"Index[{name}] does not exist in table[{made.table.name}]")


# ---------------------------------------------------------------- ADD
def _add(reader, made):
    columns = []
    if reader.accept("("):
        while True:
            columns.append((read_column(reader), None))
            if not reader.accept(","):
                break
        reader.expect(")")
    else:
        column = read_column(reader)
        columns.append((column, column_changes.place(reader)))
    _rollup(reader, made, "TO")
    if reader.accept("PROPERTIES"):
        reader.properties()
    for column, where in columns:
        _check_definition(made, column)
    for column, where in columns:
        _add_one(made, column, where)


def _check_definition(made, column):
    table = made.table
    if table.model == "PRIMARY":
        column.aggregation = "REPLACE" if column.key_given else None  # the server takes every value column for a REPLACE
    check_column(column, made.version, of_alter=True)
    if column.auto_increment:
        raise analyzing(f"Column '{column.name}' can not be AUTO_INCREMENT when ADD COLUMN")
    if column.generated is not None:
        if table.model == "AGGREGATE":
            raise analyzing("Generated Column does not support AGG table")
        generated.check(table, column)
    elif not column.nullable and not column.has_default:
        raise refused(f"Field '{column.name}' is not null but doesn't have a default value", made.version.code(1064))


def _add_one(made, column, where):
    table = made.table
    if column.default_is_function and column.default != "CURRENT_TIMESTAMP":
        raise refused(f"unsupported default expr:{column.default}")
    if column.type.parts and column.has_default and not table.fast_schema_evolution:
        raise refused(f"Complex type (ARRAY/MAP/STRUCT) default values require fast schema evolution. Table '{table.name}' has "
                      "fast_schema_evolution=false. This property can only be set during table creation and cannot be modified "
                      "later.")
    is_key = _key_of_new(made, column)
    _check_new_name(made, column)
    if not is_key and where == ("FIRST",):
        raise refused(f"Cannot add value column[{column.name}] at first" if table.keys else "")
    same = made.added_in_statement.get(column.name.lower())
    if same is not None:
        if _definition(same, same.is_key) != _definition(column, is_key):
            raise refused(f"Repeatedly add same column with different definition: {column.name}")
        return
    finish_column(column)
    column.is_key, column.uid = is_key, table.new_uid()
    _insert(made, column, is_key, where)
    made.added.append(column)
    made.added_in_statement[column.name.lower()] = column
    made.touched = True
    if is_key or column.generated is not None:
        made.is_slow = True


def _definition(column, is_key):
    return (column.type, column.nullable, column.default, column.default_is_function, column.aggregation, is_key,
            column.comment, column.generated)


def _key_of_new(made, column):
    """Whether a new column is a key column, or the reason why it cannot be added."""
    table = made.table
    if table.model == "PRIMARY":
        if column.key_given:
            raise refused(f"Can not add key column: {column.name} for primary key table")
        return False
    if table.model == "AGGREGATE":
        if not column.aggregation and column.generated is None and not column.type.is_key_type:
            raise refused("column without agg function would be treated as key column for aggregate table, "
                          f"{column.type.described().upper()} type can not be key column")
        if column.aggregation == "SUM" and column.has_default and column.default != "0":
            raise refused(f"The default value of '{column.name}' with SUM aggregation function must be zero")
        return not column.aggregation
    if column.aggregation:
        raise refused(f"Can not assign aggregation method on column in {MODEL_TEXT[table.model]} data model table: "
                      f"{column.name}")
    return column.key_given


def _check_new_name(made, column):
    name, model = column.name.lower(), made.table.model
    for known in made.before.columns:
        by_name = known.name.lower() == name
        by_birth = (known.born or known.name).lower() == name
        if not by_name and not by_birth or known.name in made.dropped:
            continue
        if by_name and model != "PRIMARY":
            raise refused(f"Can not add column which already exists in base table: {column.name}")
        raise refused(f"Can not add column which already exists in column id: {column.name}, you can remove "
                      f"{column_shown(known)} and try again.")


def _insert(made, column, is_key, where):
    table = made.table
    keys = len(table.keys)
    if where is None:
        plain = [c for c in table.columns if c.generated is None]
        at = keys if is_key else len(table.columns) if column.generated is not None else len(plain)
    elif where == ("FIRST",):
        at = 0
    else:
        other = table.column(where[1])
        if other is None:
            raise refused(f"Column[{where[1]}] does not found")
        if other.generated is not None and column.generated is None:
            raise refused("Can not add column after Generated Column")
        at = table.columns.index(other) + 1
    table.columns.insert(at, column)
    if is_key:
        table.keys = [c.name for c in table.columns if c.is_key]
        if table.model in ("UNIQUE", "AGGREGATE") and table.sort_key:
            table.sort_key.append(column.name)


# ---------------------------------------------------------------- DROP
def _drop(made, name):
    table = made.table
    column = table.column(name)
    if column is not None:
        depending = generated.depending(table, column.name)
        if depending is not None:
            raise analyzing(f"Column: {column.name} can not be dropped, because expression of Generated Column: "
                            f"{depending.name} will refer to it")
    if column is not None and column.is_key and table.model in ("PRIMARY", "UNIQUE"):
        raise refused(f"Can not drop key column in {MODEL_TEXT[table.model]} data model table")
    if column is not None and table.model == "PRIMARY" and column.name in table.sort_key:
        raise refused("Can not drop sort column in primary data model table")
    if column is not None and column.is_key and table.model == "AGGREGATE" and any(
            (c.aggregation or "").startswith("REPLACE") for c in table.columns):
        raise refused("Can not drop key column when table has value column with REPLACE aggregation method")
    if column is None:
        raise refused(f"Column does not exists: {name}")
    indexes.forget_column(table, column.name)
    for rollup in table.rollups:
        rollup["columns"] = [c for c in rollup["columns"] if c.lower() != column.name.lower()]
        if not rollup["columns"]:
            raise refused(f"No key column left. index[{rollup['name']}]")
    table.columns.remove(column)
    if column.is_key:
        table.keys.remove(column.name)
        made.is_slow = True
    if column.name in table.sort_key:
        raise refused(f"Sort Key Column[{column.name}] not exists in new schema")
    made.dropped.append(column.name)
    made.touched = True
    made.added_in_statement.pop(column.name.lower(), None)
    if column in made.added:
        made.added.remove(column)


# ---------------------------------------------------------------- comments, order
def _modify_comment(reader, made):
    name = reader.name()
    reader.expect("COMMENT")
    column = made.table.column(name)
    comment = reader.string()
    if column is None:
        raise refused(f"Column[{name}] does not exists")
    column.comment = comment


def _order(made, names):
    """ORDER BY all columns: their order; ORDER BY some: the sort key."""
    table = made.table
    columns = []
    if len(names) == len(table.columns) and table.model == "PRIMARY":
        raise refused("Primary key table do not support reorder table schema. Please confirm if you want to modify the "
                      "sorting columns.")
    for name in names:
        column = table.column(name)
        if column is None:
            raise refused(f"Column[{name}] not exists")
        if column in columns:
            raise refused(f"Duplicated column[{name}]")
        columns.append(column)
    made.is_slow = made.touched = True
    if len(names) == len(table.columns):
        table.columns = columns
        table.keys = [c.name for c in columns if c.is_key]
        return
    if table.model != "PRIMARY" and not made.version.since(3, 3):
        raise refused("Reorder stmt should contains all columns")
    _check_sort_key(table, columns)
    table.sort_key = [c.name for c in columns]


def _check_sort_key(table, columns):
    for column in columns:
        kind = column.type
        if table.model == "PRIMARY" and not kind.is_primary_key_type:
            raise refused(f"Sort key column[{column.name}] type not supported: {kind.described().upper()} in PrimaryKey table")
        if table.model == "DUPLICATE" and not kind.is_key_type:
            raise refused(f"Sort key column[{column.name}] type not supported: {kind.shown()}")
    if table.model in ("UNIQUE", "AGGREGATE") and {c.name for c in columns} != set(table.keys):
        raise refused(f"The sort columns of {table.model} KEY table must be same with key columns")
