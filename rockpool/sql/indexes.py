"""INDEX clauses: bitmap, n-gram bloom filter, inverted and vector indexes. Kept and shown; queries do not need them."""
from rockpool.sql.analysis import analyzing, refused

KINDS = ("BITMAP", "NGRAMBF", "GIN", "VECTOR")
NO_BITMAP = {"FLOAT", "DOUBLE", "JSON", "VARBINARY", "HLL", "BITMAP", "PERCENTILE", "TIME"}
TEXTS = ("CHAR", "VARCHAR")


def read_index(reader):
    """Everything behind INDEX: name (columns) [USING kind] [(properties)] [COMMENT "…"]"""
    found = {"name": reader.name(), "columns": reader.names(), "kind": "BITMAP", "properties": {}, "comment": ""}
    if reader.accept("USING"):
        found["kind"] = reader.one_of(*KINDS)
    if reader.sees("("):
        found["properties"] = reader.properties()
    if reader.accept("COMMENT"):
        found["comment"] = reader.string()
    return found


def check_indexes(indexes, table):
    """The indexes of CREATE TABLE."""
    for index in indexes:
        check_index(index, table)
    if len({i["name"].lower() for i in indexes}) != len(indexes):
        raise analyzing("index name must be unique")
    if len({tuple(c.upper() for c in i["columns"]) for i in indexes}) != len(indexes):
        raise analyzing("same index columns have multiple index name is not allowed")


def check_index(index, table):
    if len(index["columns"]) > 1:
        raise analyzing(f"{index['kind'].lower()} index can only apply to a single column")
    for name in index["columns"]:
        column = table.column(name)
        if column is None:
            raise analyzing(f"{index['name']} column does not exist in table. invalid column: {name}")
        _check_type(index["kind"], column)
        if table.model in ("UNIQUE", "AGGREGATE") and not column.is_key and index["kind"] != "VECTOR":
            raise analyzing(f"{index['kind']} index only used in columns of DUP_KEYS/PRIMARY_KEYS table or key columns of "
                            f"UNIQUE_KEYS/AGG_KEYS table. invalid column: {name}")


def _check_type(kind, column):
    bad = (column.type.parts or column.type.name in NO_BITMAP) if kind == "BITMAP" else \
        column.type.name not in TEXTS if kind in ("GIN", "NGRAMBF") else \
        column.type.name != "ARRAY"
    if bad:
        name = {"BITMAP": "bitmap", "GIN": "gin", "NGRAMBF": "ngram bloom filter", "VECTOR": "vector"}[kind]
        raise analyzing(f"{column.type.described().upper()} is not supported in {name} index. invalid column: {column.name}")


def add_index(table, index):
    check_index(index, table)
    if any(i["name"].lower() == index["name"].lower() for i in table.indexes):
        raise refused(f"Index `{index['name']}` already exist.")
    if any([c.lower() for c in i["columns"]] == [c.lower() for c in index["columns"]] for i in table.indexes):
        raise refused(f"Index for columns ({','.join(index['columns'])} ) already exist.")
    table.indexes.append(index)


def drop_index(table, name):
    kept = [i for i in table.indexes if i["name"].lower() != name.lower()]
    if len(kept) == len(table.indexes):
        raise refused(f"Index {name} does not exist")
    table.indexes[:] = kept


def forget_column(table, name):
    """Dropping a column drops its indexes."""
    table.indexes[:] = [i for i in table.indexes if name.lower() not in [c.lower() for c in i["columns"]]]


def index_shown(index):
    properties = ", ".join(f'"{k}" = "{v}"' for k, v in index["properties"].items())
    columns = ", ".join(f"`{c}`" for c in index["columns"])
    return (f"INDEX {index['name']} ({columns}) USING {index['kind']}" + (f"({properties})" if properties else "")
            + f" COMMENT '{index['comment']}'")


def index_rows(database, table):
    """The rows of SHOW INDEX."""
    return [[f"{database}.{table.name}", "", i["name"], "", ",".join(i["columns"]), "", "", "", "", "",
             i["kind"] + _properties_text(i["properties"]), i["comment"]] for i in table.indexes]


def _properties_text(properties):
    return "(" + ", ".join(f'"{k}" = "{v}"' for k, v in properties.items()) + ")" if properties else ""
