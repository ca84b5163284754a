"""CREATE TABLE: reads the statement, checks it by the rules of the models, makes the table."""
from rockpool.catalog import Table
from rockpool.errors import SqlError
from rockpool.loads.partitions import bound
from rockpool.sql.columns import analyzing, read_column
from rockpool.sql.partition_clause import read_partitioning

KEYS_FIRST = ("Key columns must be the first few columns of the schema and the order  of the key columns must be "
              "consistent with the order of the schema")
MODEL_WORDS = {"PRIMARY": "PRIMARY KEY", "UNIQUE": "UNIQUE KEY", "DUPLICATE": "DUPLICATE KEY",
               "AGGREGATE": "AGGREGATE KEY"}
KEY_NAMES = {"PRIMARY": "PRIMARY_KEYS", "UNIQUE": "UNIQUE_KEYS", "DUPLICATE": "DUP_KEYS", "AGGREGATE": "AGG_KEYS"}
KNOWN_PROPERTIES = {
    "replication_num", "storage_medium", "storage_cooldown_time", "storage_cooldown_ttl", "bloom_filter_columns",
    "colocate_with", "enable_persistent_index", "persistent_index_type", "compression", "write_quorum",
    "replicated_storage", "partition_live_number", "fast_schema_evolution", "bucket_size", "storage_volume",
    "file_bundling", "in_memory", "storage_format", "mutable_bucket_num", "unique_constraints",
    "foreign_key_constraints", "partition_ttl", "enable_load_profile", "base_compaction_forbidden_time_ranges",
    "cloud_native_fast_schema_evolution_v2", "light_schema_change", "labels.location", "primary_index_cache_expire_sec"}
BACKENDS = 2


class Create:
    """A CREATE TABLE statement as it was written."""

    def __init__(self):
        self.columns, self.model, self.keys = [], None, []
        self.comment, self.partitioning, self.distribution = "", None, None
        self.hash_columns, self.buckets, self.sort_key = [], 0, []
        self.properties, self.engine = {}, "OLAP"


def read_create(reader):
    """Everything behind the table's name."""
    made = Create()
    reader.expect("(")
    while True:
        if reader.sees("INDEX"):
            while not (reader.sees(",") or reader.sees(")")):
                if reader.sees("("):
                    reader.bracketed()
                else:
                    reader.next()
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
        elif reader.token.upper in MODEL_WORDS and reader.ahead().upper == "KEY":
            made.model = reader.next().upper
            reader.expect("KEY")
            made.keys = reader.names()
        elif reader.accept("COMMENT"):
            made.comment = reader.string()
        elif reader.accept("PARTITION", "BY"):
            made.partitioning = read_partitioning(reader)
        elif reader.accept("DISTRIBUTED", "BY"):
            _distribution(reader, made)
        elif reader.accept("ROLLUP"):
            reader.bracketed()
        elif reader.accept("ORDER", "BY"):
            made.sort_key = reader.names()
        elif reader.accept("PROPERTIES"):
            made.properties = reader.properties()
        else:
            raise reader.unexpected("<EOF>", "';'")


def _distribution(reader, made):
    made.distribution = reader.one_of("HASH", "RANDOM")
    if made.distribution == "HASH":
        made.hash_columns = reader.names()
    if reader.accept("BUCKETS"):
        made.buckets = 0 if reader.accept("AUTO") else reader.integer()


# ---------------------------------------------------------------- checks
def make_table(made, name, database, number, version):
    """A Table from a statement, or the error that StarRocks gives."""
    _check_names(made)
    model = _model(made)
    table = Table(number, name, database.id, model, [], [])
    _keys(made, table)
    _column_rules(made, table)
    for column in made.columns:
        column.uid = table.new_uid()
        for extra in ("null_given", "key_given", "default_null"):
            column.__dict__.pop(extra, None)
    table.columns = made.columns
    _distribute(made, table)
    _sort(made, table)
    _partition(made, table)
    table.comment = made.comment
    _properties(made, table, version)
    return table


def _check_names(made):
    seen = set()
    for column in made.columns:
        if column.name.lower() in seen:
            raise analyzing(f"Duplicate column name '{column.name}'.", 1060)
        seen.add(column.name.lower())
    if sum(c.auto_increment for c in made.columns) > 1:
        raise analyzing("More than one AUTO_INCREMENT column defined in CREATE TABLE Statement.")


def _model(made):
    if made.model:
        return made.model
    if any(c.aggregation for c in made.columns):
        made.keys = [c.name for c in made.columns if not c.aggregation]
        return "AGGREGATE"
    keyed = [c.name for c in made.columns if c.key_given]
    made.keys = keyed or _default_keys(made.columns)
    return "DUPLICATE"


def _default_keys(columns):
    """The first columns, at most 3 and 36 bytes; ends behind a VARCHAR."""
    sizes = {"BOOLEAN": 1, "TINYINT": 1, "SMALLINT": 2, "INT": 4, "BIGINT": 8, "LARGEINT": 16, "DATE": 4, "DATETIME": 8}
    if not columns[0].type.is_key_type:
        raise analyzing(f"Data type of first column cannot be {columns[0].type.name}")
    keys, size = [], 0
    for column in columns[:3]:
        if not column.type.is_key_type:
            break
        size += sizes.get(column.type.name, column.type.length or 16)
        if size > 36 and keys and column.type.name != "VARCHAR":
            break
        keys.append(column.name)
        if column.type.name == "VARCHAR":
            break
    return keys


def _keys(made, table):
    names = [c.name.lower() for c in made.columns]
    for position, key in enumerate(made.keys):
        if key.lower() not in names:
            raise analyzing(f"Key column({key}) doesn't exist.")
        if names[position] != key.lower():
            raise analyzing(KEYS_FIRST)
        column = made.columns[position]
        column.is_key = True
        if column.aggregation:
            raise analyzing(f"Cannot specify aggregate function '{column.aggregation}' for key column '{column.name}'.")
        _key_type(column, table.model)
    if len(set(k.lower() for k in made.keys)) != len(made.keys):
        raise analyzing(f"Duplicate key column: {made.keys[-1]}")
    table.keys = [made.columns[n].name for n in range(len(made.keys))]


def _key_type(column, model):
    kind = column.type
    if model == "PRIMARY":
        if not kind.is_primary_key_type:
            raise analyzing(f"primary key column[{column.name}] type not supported: {kind.shown()}")
        if column.null_given is True:
            raise analyzing(f"primary key column[{column.name}] cannot be nullable")
        column.nullable = False
    elif kind.name in ("FLOAT", "DOUBLE"):
        raise analyzing(f"Invalid data type of key column '{column.name}': '{kind.name}', use decimal instead")
    elif not kind.is_key_type:
        raise analyzing(f"Invalid data type of key column '{column.name}': '{kind.name}'")


def _column_rules(made, table):
    for column in made.columns:
        if column.is_key:
            continue
        if table.model == "AGGREGATE" and not column.aggregation:
            raise analyzing(f"No aggregate function specified for '{column.name}'")
        if table.model != "AGGREGATE" and column.aggregation:
            if table.model == "PRIMARY" or table.model == "DUPLICATE" or column.aggregation != "REPLACE":
                raise analyzing(f"Cannot specify aggregate function '{column.aggregation}' for column '{column.name}' in "
                                f"{KEY_NAMES[table.model]} table")
            column.aggregation = None
        if table.model == "UNIQUE":
            column.aggregation = None


def _distribute(made, table):
    if made.distribution is None:
        if table.model not in ("DUPLICATE", "PRIMARY"):
            raise analyzing(f"Currently not support default distribution in {KEY_NAMES[table.model]}.")
        made.distribution = "RANDOM" if table.model == "DUPLICATE" else "HASH"
        made.hash_columns = [] if table.model == "DUPLICATE" else list(table.keys)
    if made.distribution == "RANDOM" and table.model != "DUPLICATE":
        raise analyzing(f"{MODEL_WORDS[table.model]} must use hash distribution.")
    found = []
    for name in made.hash_columns:
        column = table.column(name)
        if column is None:
            raise analyzing(f"Distribution column({name}) doesn't exist.")
        if table.model != "DUPLICATE" and not column.is_key:
            raise analyzing("Distribution column of the table must be key column" if table.model != "PRIMARY" else
                            f"The distribution column[{name}] must be a primary key column")
        if not column.type.is_key_type:
            raise analyzing(f"{column.type.name} column can not be distribution column")
        found.append(column.name)
    table.distribution, table.hash_columns, table.buckets = made.distribution, found, made.buckets


def _sort(made, table):
    seen = set()
    for name in made.sort_key:
        column = table.column(name)
        if column is None:
            raise analyzing(f"Unknown column '{name}' does not exist in the sort key.")
        if name.lower() in seen:
            raise analyzing(f"Duplicate sort key column {name} is not allowed.")
        seen.add(name.lower())
    if made.sort_key and table.model in ("UNIQUE", "AGGREGATE") and (
            {k.lower() for k in table.keys} != seen):
        raise analyzing(f"The sort columns of {MODEL_WORDS[table.model]} table must be same with key columns")
    table.sort_key = [table.column(n).name for n in made.sort_key]


def _partition(made, table):
    parts = made.partitioning
    if parts is None:
        return
    for name in parts.columns:
        column = table.column(name)
        if column is None:
            raise analyzing(f"Partition column[{name}] does not exist in column list.")
        if table.model != "DUPLICATE" and not column.is_key:
            raise analyzing("The partition column could not be aggregated column" if table.model == "AGGREGATE" else
                            f"The partition column[{name}] must be a key column")
    parts.columns = [table.column(n).name for n in parts.columns]
    columns = [table.column(n) for n in parts.columns]
    try:
        for _, lower, upper in parts.ranges:
            for edge in (lower, upper):
                for column, text in zip(columns, edge or ()):
                    bound(column, text)
    except ValueError as e:
        raise analyzing(f"Invalid range value format: {e}") from None
    table.partitioning = parts


def _properties(made, table, version):
    given = dict(made.properties)
    unknown = {k: v for k, v in given.items() if k not in KNOWN_PROPERTIES and not k.startswith(("dynamic_partition.",
                                                                                                "datacache."))}
    if unknown:
        raise analyzing("Unknown properties: {" + ", ".join(f"{k}={v}" for k, v in unknown.items()) + "}")
    replicas = given.get("replication_num", "3")
    if not replicas.isdigit() or int(replicas) < 1:
        raise analyzing("Replication num should larger than 0.")
    if int(replicas) > BACKENDS:
        raise SqlError("Table replication num should be less than of equal to the number of available BE nodes. You can "
                       "change this default by setting the replication_num table properties. Current alive backend is "
                       "[10004,10005].")
    defaults = {"compression": "LZ4", "replication_num": replicas, "replicated_storage": "true"}
    if version.since(3, 2):
        defaults["fast_schema_evolution"] = "true"
    if table.model == "PRIMARY":
        defaults["enable_persistent_index"] = "true"
    table.properties = {**defaults, **given}
