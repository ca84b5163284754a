"""MODIFY COLUMN, and the checks that come when all clauses of an ALTER are read."""
from rockpool.errors import SqlError
from rockpool.sql import generated
from rockpool.sql.analysis import analyzing, refused
from rockpool.sql.columns import check_column, finish_column, read_column

MODEL_TEXT = {"UNIQUE": "Unique", "DUPLICATE": "Duplicate"}
WIDER = {"TINYINT": {"SMALLINT", "INT", "BIGINT", "LARGEINT", "DOUBLE", "VARCHAR"},
         "SMALLINT": {"INT", "BIGINT", "LARGEINT", "DOUBLE", "VARCHAR"},
         "INT": {"BIGINT", "LARGEINT", "DOUBLE", "DATE", "VARCHAR"}, "BIGINT": {"LARGEINT", "DOUBLE", "VARCHAR"},
         "LARGEINT": {"VARCHAR"}, "FLOAT": {"DOUBLE", "VARCHAR"}, "DOUBLE": {"VARCHAR"},
         "DECIMAL": {"DECIMAL", "VARCHAR"}, "CHAR": {"CHAR", "VARCHAR"},
         "VARCHAR": {"VARCHAR", "TINYINT", "SMALLINT", "INT", "BIGINT", "LARGEINT", "FLOAT", "DOUBLE", "DATE", "DECIMAL",
                     "JSON"},
         "DATE": {"DATETIME"}, "DATETIME": {"DATE"}, "JSON": {"VARCHAR"}}
JSON_BYTES = 16


def place(reader):
    """("FIRST",), ("AFTER", name) or None."""
    if reader.accept("FIRST"):
        return ("FIRST",)
    return ("AFTER", reader.name()) if reader.accept("AFTER") else None


def modify(reader, made):
    new = read_column(reader)
    where = place(reader)
    if reader.accept("FROM"):
        raise refused("Do not need to specify index name when just modifying column type" if where is None else
                      f"Index[{reader.name()}] does not exist in table[{made.table.name}]")
    if reader.accept("PROPERTIES"):
        reader.properties()
    table = made.table
    old = table.column(new.name)
    _check_definition(made, old, new)
    _check_model(made, old, new)
    if old is None:
        raise refused(f"Column[{new.name}] does not exists")
    _check_generated(table, old, new)
    _check_place(table, old, where)
    if old.auto_increment:
        raise refused("Can't not modify a AUTO_INCREMENT column")
    _take_over(made, old, new, where)


def _check_definition(made, old, new):
    table = made.table
    if new.generated is None:
        if table.model == "PRIMARY" and old is not None and old.is_key:
            if new.null_given is None:
                new.nullable = False
            new.key_given = True
        check_column(new, made.version, of_alter=True)
        return
    check_column(new, made.version, of_alter=True)
    generated.check(table, new, itself=old)


def _widens(old, new):
    """A longer VARCHAR with nothing else changed."""
    return (old.type.name == new.type.name == "VARCHAR" and new.type.length > old.type.length
            and old.nullable == new.nullable and _default(old) == _default(new))


def _default(column):
    return (column.default, column.default_is_function)


def _check_model(made, old, new):
    table = made.table
    newest = made.version.since(4, 1)
    suffix = " except for increasing varchar length" if newest and old is not None and old.type.name == "VARCHAR" else ""
    widens = newest and old is not None and table.fast_schema_evolution and _widens(old, new)
    if table.model == "PRIMARY":
        if old is not None and old.is_key and not widens:
            raise refused(f"Can not modify key column: {old.name} for primary key table{suffix}")
        if old is not None and old.name in table.sort_key and not widens:
            raise refused(f"Can not modify sort column in primary data model table{suffix}")
        new.aggregation = None
    elif table.model in MODEL_TEXT and new.aggregation:
        raise refused(f"Can not assign aggregation method on column in {MODEL_TEXT[table.model]} data model table: {new.name}")


def _check_generated(table, old, new):
    if new.generated is None:
        depending = generated.depending(table, old.name)
        if depending is not None and depending is not old:
            raise refused(f"Do not support modify column: {old.name}, because it associates with the generated column")
    if old.generated is None and new.generated is not None:
        raise refused("Can not modify a non-generated column to a generated column")
    if old.generated is not None and new.generated is None:
        raise refused("Can not modify a generated column to a non-generated column")


def _check_place(table, old, where):
    if where is None or where == ("FIRST",):
        return
    other = table.column(where[1])
    if other is None:
        raise refused(f"Column[{where[1]}] does not exists")
    if other is old:
        raise refused(f"Column[{where[1]}] modify position is invalid")
    if other.generated is not None and old.generated is None:
        raise analyzing("Can not modify column after Generated Column")


def _take_over(made, old, new, where):
    """Puts the new definition in the place of the old one."""
    table = made.table
    comment_only = where is None and _same(table, old, new)
    if comment_only and made.version.since(4, 1) and old.comment != new.comment:
        old.comment = new.comment
        return
    made.touched = True
    position = table.columns.index(old)
    if where is not None:
        target = 0 if where == ("FIRST",) else table.columns.index(table.column(where[1])) + 1
        table.columns.pop(position)
        table.columns.insert(target - 1 if position < target else target, old)
    if made.version.since(4, 1) and _widens(old, new) and where is None:
        made.widened.add(old.uid)
    else:
        made.is_slow = made.is_slow or not comment_only or where is not None
    if new.type != old.type and old.generated is None:
        made.retyped.append((old.uid, old.type, new.type))
    old.changed_key = table.model in ("DUPLICATE", "UNIQUE") and old.generated is None and new.key_given != old.is_key
    old.changed_aggregation = table.model == "AGGREGATE" and (new.aggregation or None) != (old.aggregation or None)
    old.nullable_before, old.default_before = old.nullable, _default(old)
    old.type_before = old.type
    finish_column(new)
    old.type, old.nullable, old.comment, old.generated = new.type, new.nullable, new.comment, new.generated
    old.default, old.default_is_function = new.default, new.default_is_function


def _same(table, old, new):
    key_kept = table.model in ("PRIMARY", "AGGREGATE") or new.key_given == old.is_key
    return (old.type == new.type and old.nullable == new.nullable and _default(old) == _default(new)
            and old.generated == new.generated and key_kept and (old.aggregation or None) == (new.aggregation or None))


# ---------------------------------------------------------------- at the end of all clauses
def final_checks(made):
    table = made.table
    try:
        _check_order(table)
        for column in table.columns:
            if "type_before" in column.__dict__:
                _check_allowed(column)
        _check_partition(made)
        _check_distribution(made)
    finally:
        for column in table.columns:
            for extra in ("changed_key", "changed_aggregation", "nullable_before", "default_before", "type_before"):
                column.__dict__.pop(extra, None)


def _check_order(table):
    """Keys come first, and at least one is left. A MODIFY without KEY makes a value of a key."""
    met_value = False
    for column in table.columns:
        is_key = column.is_key != column.__dict__.get("changed_key", False)
        if is_key and met_value:
            raise refused(f"Invalid column order. value should be after key. index[{table.name}]")
        met_value |= not is_key
    if not any(c.is_key for c in table.columns):
        raise refused(f"No key column left. index[{table.name}]")


def _check_allowed(column):
    if column.generated is not None:
        return
    old, new = column.type_before, column.type
    check_type_change(old, new)
    if column.changed_key or column.changed_aggregation:
        raise refused("Can not change aggregation type")
    if column.nullable_before and not column.nullable:
        raise refused("Can not change from nullable to non-nullable")
    if column.default_before != _default(column):
        raise refused("Can not change default value")
    if old.is_text and new.is_text and new.length < old.length:
        raise refused("Cannot shorten string length")
    if old.name == "JSON" and new.is_text and new.length <= JSON_BYTES:
        raise refused(f"JSON needs minimum length of {JSON_BYTES}")


def check_type_change(old, new):
    if old == new:
        return
    bad = new.name not in WIDER.get(old.name, ())
    if old.name == new.name == "DECIMAL":
        bad = new.scale < old.scale or new.precision - new.scale < old.precision - old.scale
    if bad:
        raise refused(f"Can not change {_type_name(old)} to {_type_name(new)}")


def _type_name(kind):
    if kind.name == "DECIMAL":
        return f"{kind.primitive()}({kind.precision},{kind.scale})"
    return kind.described().upper()


def _check_partition(made):
    before, table = made.before, made.table
    names = before.partitioning.columns if before.partitioning else []
    _check_kept(made, names, f"Can not modify partition column[{{}}]. index[{table.name}]",
                f"Partition column[{{}}] cannot be dropped. index[{table.name}]")


def _check_distribution(made):
    _check_kept(made, made.before.hash_columns, f"Can not modify distribution column[{{}}]. index[{made.table.name}]",
                f"Distribution column[{{}}] cannot be dropped. index[{made.table.name}]")


def _check_kept(made, names, modified, dropped):
    for name in names:
        old, new = made.before.column(name), made.table.column(name)
        if new is None or old.uid != new.uid:
            raise SqlError(dropped.format(name))
        if new.uid not in made.widened and (old.type, old.nullable, old.comment) != (new.type, new.nullable, new.comment):
            raise SqlError(modified.format(name))
