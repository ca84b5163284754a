"""MODIFY COLUMN c ADD FIELD … and DROP FIELD …: the fields of STRUCT columns, also inside arrays ([*]) and other structs."""
from rockpool.sql.analysis import analyzing, refused
from rockpool.sql.columns import read_type
from rockpool.sqltypes import SqlType


def change(reader, made):
    name = reader.name()
    word = reader.one_of("ADD", "DROP")
    reader.expect("FIELD")
    path = _path(reader)
    if not made.version.since(3, 3, 2):
        raise refused("Add/Drop field for struct column is not supported")
    kind = read_type(reader) if word == "ADD" else None
    where = None
    if word == "ADD":
        where = ("FIRST",) if reader.accept("FIRST") else ("AFTER", reader.name()) if reader.accept("AFTER") else None
    column = made.table.column(name)
    if column is None:
        raise refused(f"Column[{name}] not exists")
    if column.type.name not in ("STRUCT", "ARRAY"):
        raise refused(f"Column[{name}] type is invalid, {word.lower()} field only support Struct")
    if not made.table.fast_schema_evolution:
        raise analyzing("Add/Drop field for struct column require table enable fast schema evolution")
    old = column.type
    column.type = _changed(old, path[:-1], name, lambda struct, owner: _field(struct, owner, path[-1], kind, where, name))
    made.retyped.append((column.uid, old, column.type))
    made.touched = True


def _path(reader):
    """a.b.c, with [*] for the elements of an array."""
    found = []
    while True:
        if reader.accept("["):
            reader.expect("*")
            reader.expect("]")
            found.append("[*]")
        else:
            found.append(reader.name())
        if not (reader.accept(".") or reader.sees("[")):
            return found


def _changed(kind, path, owner, work):
    if not path:
        if kind.name != "STRUCT":
            raise refused(f"Field {owner} is invalid, add field only support for Struct")
        return work(kind, owner)
    if kind.name == "ARRAY":
        return SqlType("ARRAY", parts=(_changed(kind.parts[0], path[1:] if path[0] == "[*]" else path, path[0], work),))
    if kind.name != "STRUCT" or path[0].lower() not in [n.lower() for n in kind.names]:
        raise refused(f"Field[{path[0]}] not exist in Field[{owner}]")
    at = [n.lower() for n in kind.names].index(path[0].lower())
    parts = list(kind.parts)
    parts[at] = _changed(parts[at], path[1:], path[0], work)
    return SqlType("STRUCT", parts=tuple(parts), names=kind.names)


def _field(struct, owner, name, kind, where, column):
    names, parts = list(struct.names), list(struct.parts)
    lowered = [n.lower() for n in names]
    if kind is None:
        if name.lower() not in lowered:
            raise refused(f"Field[{name}] is not exist in Field[{owner}]")
        if len(names) == 1:
            raise refused(f"Field[{name}] is the last field of column[{column}], can not drop any more.")
        at = lowered.index(name.lower())
        del names[at], parts[at]
        return SqlType("STRUCT", parts=tuple(parts), names=tuple(names))
    if name.lower() in lowered:
        raise refused(f"Field {name} is already exist")
    at = len(names)
    if where is not None and where[0] == "FIRST":
        at = 0
    elif where is not None:
        if where[1].lower() not in lowered:
            raise refused(f"Field[{where[1]}] is not exist in Field[{owner}]")
        at = lowered.index(where[1].lower()) + 1
    names.insert(at, name)
    parts.insert(at, kind)
    return SqlType("STRUCT", parts=tuple(parts), names=tuple(names))
