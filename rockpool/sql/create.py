"""CREATE TABLE: reads the statement, checks it by the rules of the models, makes the table."""
from rockpool.catalog import Table
from rockpool.loads.partitions import bound
from rockpool.sql import dynamic_partitions, generated, indexes, properties
from rockpool.sql.analysis import analyzing, refused
from rockpool.sql.columns import check_column, finish_column, read_column
from rockpool.sql.partition_clause import is_time_expression, read_partitioning
from rockpool.sql.partitions import range_shown

KEYS_FIRST = ("Key columns must be the first few columns of the schema and the order  of the key columns must be "
              "consistent with the order of the schema")
MODEL_WORDS = {"PRIMARY": "PRIMARY KEY", "UNIQUE": "UNIQUE KEY", "DUPLICATE": "DUPLICATE KEY",
               "AGGREGATE": "AGGREGATE KEY"}
KEY_NAMES = {"PRIMARY": "PRIMARY_KEYS", "UNIQUE": "UNIQUE_KEYS", "DUPLICATE": "DUP_KEYS", "AGGREGATE": "AGG_KEYS"}
ENGINES = {"OLAP": "olap", "MYSQL": "mysql", "ELASTICSEARCH": "elasticsearch", "HIVE": "hive", "ICEBERG": "iceberg",
           "HUDI": "hudi", "JDBC": "jdbc", "BROKER": "broker", "FILE": "file", "STARROCKS": "starrocks"}
INDEX_SIZES = {"BOOLEAN": 1, "TINYINT": 1, "SMALLINT": 2, "INT": 4, "BIGINT": 8, "LARGEINT": 16, "DATE": 4, "DATETIME": 8,
               "VARCHAR": 20}
SHORT_KEY_COLUMNS, SHORT_KEY_BYTES = 3, 36
MAX_COLUMNS = 10000


class Create:
    """A CREATE TABLE statement as it was written."""

    def __init__(self):
        self.columns, self.model, self.keys, self.indexes, self.rollups = [], None, [], [], []
        self.comment, self.partitioning, self.distribution = "", None, None
        self.hash_columns, self.buckets, self.sort_key = [], 0, []
        self.properties, self.engine = {}, "OLAP"
        self.distribution_place = None


def read_create(reader):
    """Everything behind the table's name."""
    made = Create()
    reader.expect("(")
    while True:
        if reader.sees("INDEX") and reader.ahead().kind in ("word", "quoted") and reader.ahead(2).upper == "(":
            reader.next()
            made.indexes.append(indexes.read_index(reader))
        else:
            made.columns.append(read_column(reader))
        if not reader.accept(","):
            break
    reader.expect(")")
    read_clauses(reader, made)
    reader.end()
    return made


def read_clauses(reader, made):
    while reader.token.kind != "end" and not reader.sees("AS"):
        if reader.accept("ENGINE"):
            reader.expect("=")
            made.engine = reader.name()
        elif reader.accept("CHARSET") or reader.accept("DEFAULT", "CHARSET"):
            reader.accept("=")
            reader.name()
        elif reader.token.upper in MODEL_WORDS and reader.ahead().upper == "KEY":
            made.model = reader.next().upper
            reader.expect("KEY")
            made.keys = reader.names()
        elif reader.accept("COMMENT"):
            made.comment = reader.string()
        elif reader.accept("PARTITION", "BY"):
            made.partitioning = read_partitioning(reader)
        elif reader.sees("DISTRIBUTED", "BY"):
            read_distribution(reader, made)
        elif reader.accept("ROLLUP"):
            _rollups(reader, made)
        elif reader.accept("ORDER", "BY"):
            made.sort_key = reader.names()
        elif reader.accept("PROPERTIES"):
            made.properties = reader.properties()
        else:
            raise reader.unexpected("<EOF>", "';'")


def read_distribution(reader, made):
    """DISTRIBUTED BY HASH (…) | RANDOM [BUCKETS n]"""
    first = reader.token
    reader.expect("DISTRIBUTED", "BY")
    made.distribution = reader.one_of("HASH", "RANDOM")
    if made.distribution == "HASH":
        made.hash_columns = reader.names()
    if reader.accept("BUCKETS"):
        if not reader.accept("AUTO"):
            made.buckets = reader.integer()
            if made.buckets == 0:
                raise analyzing(f"Number of {made.distribution.lower()} bucket should be larger than zero.")
    made.distribution_place = (reader, first, reader.tokens[reader.at - 1])


def _rollups(reader, made):
    reader.expect("(")
    while True:
        made.rollups.append({"name": reader.name(), "columns": reader.names(), "id": 0})
        if reader.accept("FROM"):
            reader.name()
        if reader.sees("PROPERTIES"):
            reader.next()
            reader.properties()
        if not reader.accept(","):
            break
    reader.expect(")")


# ---------------------------------------------------------------- checks
def make_table(made, name, database, world):
    """A Table from a statement, or the error that StarRocks gives."""
    version = world.version
    _engine(made)
    if not made.columns:
        raise analyzing("A table must have at least 1 column", version.code(1113))
    if sum(c.auto_increment for c in made.columns) > 1:
        raise analyzing("More than one AUTO_INCREMENT column defined in CREATE TABLE Statement")
    model = _model(made, version)
    table = Table(world.meta.number("object", 10001), name, database.id, model, [], [])
    _keys(made, table, version)
    _check_columns(made, table, version)
    table.columns = made.columns
    if any(c.generated is not None for c in made.columns) and not version.since(3, 1):
        raise analyzing("Generated columns are not supported")
    generated.check_all(table)
    for column in made.columns:
        column.uid = table.new_uid()
        finish_column(column)
    _distribute(made, table, version)
    _sort(made, table, version)
    _partition(made, table, version)
    indexes.check_indexes(made.indexes, table)
    table.comment, table.indexes, table.rollups = made.comment, made.indexes, made.rollups
    table.properties = properties.table_properties(made.properties, table, world)
    dynamic_partitions.create(table, world)
    return table


def _engine(made):
    known = ENGINES.get(made.engine.upper())
    if known is None:
        raise analyzing(f"Unknown engine name: {made.engine}")
    if known != "olap":
        raise refused(f"rockpool keeps olap tables only, not tables of engine {known}")


def _check_columns(made, table, version):
    seen = set()
    for column in made.columns:
        if column.type.name in ("HLL", "BITMAP", "PERCENTILE") and not column.aggregation and table.model in (
                "DUPLICATE", "AGGREGATE") and not column.generated:
            raise analyzing(f"No aggregate function specified for '{column.name}'")
        check_column(column, version)
        if column.name.lower() in seen:
            raise analyzing(f"Duplicate column name '{column.name}'", version.code(1060))
        seen.add(column.name.lower())
    if len(made.columns) > MAX_COLUMNS:
        raise analyzing("Too many columns", version.code(1117))


def _model(made, version):
    if made.model == "PRIMARY" and any(c.aggregation and c.aggregation != "REPLACE" for c in made.columns):
        pass  # told by _keys
    if made.model:
        return made.model
    if any(c.aggregation for c in made.columns):
        made.keys = [c.name for c in made.columns if not c.aggregation]
        return "AGGREGATE"
    keyed = [c.name for c in made.columns if c.key_given]
    made.keys = keyed or _default_keys(made)
    return "DUPLICATE"


def _default_keys(made):
    """The first columns, at most 3 and 36 bytes; ends behind a VARCHAR."""
    keys, size = [], 0
    for column in made.columns:
        kind = column.type
        size += kind.length if kind.name == "CHAR" else 8 if kind.name == "DECIMAL" else INDEX_SIZES.get(kind.name, 16)
        if len(keys) >= SHORT_KEY_COLUMNS or size > SHORT_KEY_BYTES:
            if not keys and kind.is_text:
                keys.append(column.name)
            break
        if not kind.is_key_type or column.generated:
            break
        keys.append(column.name)
        if kind.name == "VARCHAR":
            break
    if not keys:
        raise analyzing(f"Data type of first column cannot be {made.columns[0].type.described().upper()}")
    return keys


def _keys(made, table, version):
    names = [c.name.lower() for c in made.columns]
    if not made.keys:
        raise analyzing("The number of key columns is 0.")
    if len(made.keys) > len(made.columns):
        raise analyzing("The number of key columns should be less than the number of columns.")
    for position, key in enumerate(made.keys):
        if names[position] != key.lower():
            raise analyzing(f"Key column({key}) doesn't exist" if key.lower() not in names else
                            KEYS_FIRST if version.since(3) else "Key columns should be a ordered prefix of the schema.")
        _key(made.columns[position], table.model)
    for column in made.columns[len(made.keys):]:
        if table.model == "AGGREGATE" and not column.aggregation and not column.generated:
            raise analyzing(f"AGG_KEYS table should specify aggregate type for non-key column[{column.name}]")
        if table.model != "AGGREGATE" and column.aggregation and column.aggregation != "REPLACE" \
                or table.model == "DUPLICATE" and column.aggregation:
            raise analyzing(f"{KEY_NAMES[table.model]} table should not specify aggregate type for non-key "
                            f"column[{column.name}]")
        if table.model != "AGGREGATE":
            column.aggregation = None
    table.keys = [made.columns[n].name for n in range(len(made.keys))]


def _key(column, model):
    column.is_key = column.key_given = True
    if column.generated:
        raise analyzing(f"Generated Column {column.name} can not be KEY")
    if column.aggregation:
        raise analyzing(f"Key column[{column.name}] should not specify aggregate type.")
    if model == "PRIMARY":
        if column.null_given is True:
            raise analyzing(f"primary key column[{column.name}] cannot be nullable")
        column.nullable = False
        if not column.type.is_primary_key_type:
            raise analyzing(f"primary key column[{column.name}] type not supported: {column.type.shown()}")


# ---------------------------------------------------------------- distribution and order
def _distribute(made, table, version):
    if made.distribution is None:
        _default_distribution(made, table, version)
    replaces = any((c.aggregation or "").startswith("REPLACE") for c in table.columns)
    if made.distribution == "RANDOM":
        check_random(table, replaces, made.distribution_place, version)
    if made.distribution == "HASH" and not made.buckets and not version.since(2, 5, 7):
        raise analyzing("please use colon to specify the number of buckets: BUCKETS is required")
    table.distribution, table.buckets = made.distribution, made.buckets
    table.hash_columns = hash_columns(made.hash_columns, table)


def _default_distribution(made, table, version):
    if "colocate_with" in made.properties:
        raise analyzing("Colocate table must specify distribution column")
    if table.model == "DUPLICATE" and version.since(3, 1):
        made.distribution = "RANDOM"
    elif table.model == "PRIMARY" and version.since(3, 2):
        made.distribution, made.hash_columns = "HASH", list(table.keys)
    else:
        raise analyzing(f"Currently not support default distribution in {KEY_NAMES[table.model]}" if version.since(3, 2)
                        else "Currently only support default distribution in DUP_KEYS")


def check_random(table, replaces, place, version):
    if not version.since(3, 1):
        raise analyzing("RANDOM distribution is not supported", at=place)
    if table.model == "DUPLICATE" or table.model == "AGGREGATE" and not replaces:
        return
    if not version.since(3, 2):
        raise analyzing("Random distribution must be used in DUP_KEYS or AGG_KEYS without replace", at=place)
    raise analyzing(f"{MODEL_WORDS[table.model]}{' with replace ' if replaces else ''} must use hash distribution", at=place)


def hash_columns(names, table):
    """The bucket columns of a table by their true names."""
    found = []
    for name in names:
        column = table.column(name)
        if column is None:
            raise analyzing(f"Distribution column({name}) doesn't exist")
        if column.name in found:
            raise analyzing(f"Duplicated distribution column {name}")
        found.append(column.name)
    for name in found:
        column = table.column(name)
        if table.model != "DUPLICATE" and not column.is_key:
            raise refused(f"Distribution column[{name}] is not key column")
        if not column.type.is_key_type:
            raise refused(f"{column.type.described().upper()} column can not be distribution column")
    return found


def _sort(made, table, version):
    if not made.sort_key:
        return
    if table.model != "PRIMARY" and not version.since(3, 3):
        raise analyzing("only primary key support sort key")
    if not version.since(3, 0):
        raise analyzing("sort key is not supported")
    seen = set()
    for name in made.sort_key:
        column = table.column(name)
        if column is None:
            raise analyzing(f"Unknown column '{name}' does not exist")
        if name.lower() in seen:
            raise analyzing(f"Duplicate sort key column {name} is not allowed")
        seen.add(name.lower())
        if table.model == "PRIMARY" and not column.type.is_primary_key_type or \
                table.model == "DUPLICATE" and not column.type.is_key_type:
            raise analyzing(f"sort key column[{column.name}] type not supported: {column.type.shown()}")
    if table.model in ("UNIQUE", "AGGREGATE") and {k.lower() for k in table.keys} != seen:
        raise analyzing(f"The sort columns of {MODEL_WORDS[table.model]} table must be same with key columns")
    table.sort_key = [table.column(n).name for n in made.sort_key]


# ---------------------------------------------------------------- partitions
def _partition(made, table, version):
    parts = made.partitioning
    if parts is None:
        return
    for n, name in enumerate(parts.columns):
        column = table.column(name)
        if name.lower() in [c.lower() for c in parts.columns[:n]]:
            raise analyzing(f"Duplicated partition column {name}")
        if column is None:
            raise analyzing(f"Partition column[{name}] does not exist in column list")
        if table.model != "DUPLICATE" and not column.is_key:
            raise analyzing("The partition column could not be aggregated column and unique table's partition column must be "
                            "key column")
        _partition_type(parts, column, version)
    parts.columns = [table.column(n).name for n in parts.columns]
    if parts.kind == "expression" and not version.since(3):
        raise analyzing("Currently only support range and list partition with engine type olap")
    if parts.kind == "list" and not version.since(3, 1):
        raise analyzing("List partition is not supported")
    check_values(table, parts)
    table.partitioning = parts


def _partition_type(parts, column, version):
    kind = column.type
    bad = kind.name in ("FLOAT", "DOUBLE") or kind.parts or kind.name in ("JSON", "VARBINARY", "HLL", "BITMAP", "PERCENTILE")
    if parts.kind == "range" and not parts.text:
        bad = bad or not (kind.is_integer or kind.name in ("DATE", "DATETIME"))
    elif parts.kind == "list" or parts.kind == "expression" and not is_time_expression(parts):
        bad = bad or kind.name == "DECIMAL"
    elif kind.name not in ("DATE", "DATETIME") and is_time_expression(parts):
        raise analyzing("partition expr date_trunc|time_slice only supports columns of type DATE or DATETIME, not "
                        f"{kind.described().upper()}")
    if bad:
        raise analyzing(f"Invalid partition column '{column.name}': invalid data type {kind.described().upper()}")


def check_values(table, parts, added=None):
    """Checks the edges and values of partitions; added: the names that are new, all when not told."""
    columns = [table.column(n) for n in parts.columns]
    try:
        for _, lower, upper in parts.ranges:
            for edge in (lower, upper):
                if edge is not None and len(edge) > len(columns):
                    raise analyzing(f"partition column number in multi partition clause must be one but start column size is "
                                    f"{len(edge)}")
                for column, text in zip(columns, edge or ()):
                    if text is not None and not parts.text:
                        bound(column, text)
    except ValueError as e:
        raise analyzing(f"Invalid range value format: {e}") from None
    _check_apart(parts, columns)
    _check_lists(parts, columns, added)


def _check_apart(parts, columns):
    """Ranges may not overlap, and none is empty."""
    if parts.text and parts.kind == "range":
        return
    known = []
    for name, lower, upper in parts.ranges:
        low = _edge_key(columns, lower) if lower is not None else None
        high = _edge_key(columns, upper) if upper is not None else None
        if low is not None and high is not None and low >= high:
            raise analyzing(f"Invalid partition range {range_shown(columns, lower, upper)} of partition {name}: the lower bound "
                            "must be less than the upper bound")
        for other_low, other_high, other in known:
            if (high is None or other_low is None or other_low < high) and (low is None or other_high is None or low < other_high):
                raise refused(f"Range {range_shown(columns, lower, upper)} is intersected with range: "
                              f"{range_shown(columns, *other)}")
        known.append((low, high, (lower, upper)))


def _edge_key(columns, edge):
    return tuple((1, 0) if t is None else (0, bound(c, t)) for c, t in zip(columns, edge))


def _check_lists(parts, columns, added):
    seen = {}
    for name, rows in parts.lists:
        for row in rows:
            key = tuple(row)
            if key in seen:
                if len(columns) == 1:
                    raise analyzing(f"Duplicated value {row[0]}")
                raise analyzing("Duplicate values (" + ",".join(f'"{v}"' for v in row) + ") not allow")
            seen[key] = name
            for column, text in zip(columns, row):
                if text is not None and parts.kind == "list":
                    try:
                        bound(column, text)
                    except ValueError as e:
                        raise analyzing(f"Invalid partition value: {e}") from None
