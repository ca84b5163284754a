"""The shapes of Flight SQL's metadata answers, and the server's properties, which are the only ones that are streamed."""
import pyarrow as pa

TEXT, NUMBER = pa.string(), pa.int32()


def _schema(*fields):
    """A name ending in ! is never NULL."""
    return pa.schema([pa.field(name.rstrip("!"), kind, not name.endswith("!")) for name, kind in fields])


UNION = pa.dense_union([
    pa.field("string_value", TEXT), pa.field("bool_value", pa.bool_()), pa.field("bigint_value", pa.int64()),
    pa.field("int32_bitmask", NUMBER), pa.field("string_list", pa.list_(TEXT)),
    pa.field("int32_to_int32_list_map", pa.map_(NUMBER, pa.list_(NUMBER)))])
PROPERTIES = _schema(("info_name!", pa.uint32()), ("value!", UNION))
KEYS = _schema(("pk_catalog_name", TEXT), ("pk_db_schema_name", TEXT), ("pk_table_name!", TEXT), ("pk_column_name!", TEXT),
               ("fk_catalog_name", TEXT), ("fk_db_schema_name", TEXT), ("fk_table_name!", TEXT), ("fk_column_name!", TEXT),
               ("key_sequence!", NUMBER), ("fk_key_name", TEXT), ("pk_key_name", TEXT), ("update_rule!", pa.uint8()),
               ("delete_rule!", pa.uint8()))
TABLES = [("catalog_name", TEXT), ("db_schema_name", TEXT), ("table_name!", TEXT), ("table_type!", TEXT)]
SCHEMAS = {
    "CommandGetSqlInfo": PROPERTIES,
    "CommandGetCatalogs": _schema(("catalog_name!", TEXT)),
    "CommandGetDbSchemas": _schema(("catalog_name", TEXT), ("db_schema_name!", TEXT)),
    "CommandGetTables": _schema(*TABLES),
    "CommandGetTableTypes": _schema(("table_type!", TEXT)),
    "CommandGetPrimaryKeys": _schema(("catalog_name", TEXT), ("db_schema_name", TEXT), ("table_name!", TEXT),
                                     ("column_name!", TEXT), ("key_sequence!", NUMBER), ("key_name", TEXT)),
    "CommandGetExportedKeys": KEYS, "CommandGetImportedKeys": KEYS, "CommandGetCrossReference": KEYS,
    "CommandGetXdbcTypeInfo": _schema(
        ("type_name!", TEXT), ("data_type!", NUMBER), ("column_size", NUMBER), ("literal_prefix", TEXT),
        ("literal_suffix", TEXT), ("create_params", pa.list_(pa.field("item", TEXT, False))), ("nullable!", NUMBER),
        ("case_sensitive!", pa.bool_()), ("searchable!", NUMBER), ("unsigned_attribute", pa.bool_()),
        ("fixed_prec_scale!", pa.bool_()), ("auto_increment", pa.bool_()), ("local_type_name", TEXT),
        ("minimum_scale", NUMBER), ("maximum_scale", NUMBER), ("sql_data_type!", NUMBER), ("datetime_subcode", NUMBER),
        ("num_prec_radix", NUMBER), ("interval_precision", NUMBER))}
STREAMS = {"CommandGetXdbcTypeInfo": "getStreamTypeInfo", "CommandGetDbSchemas": "getStreamSchemas"}
# SqlInfo: number -> (member of the union, value)
KNOWN = {0: (0, "StarRocks"), 1: (0, "1.0.0"), 2: (0, "18.0.0"), 3: (1, False), 500: (1, True), 501: (1, False),
         502: (1, False), 503: (2, 1), 504: (0, "`"), 505: (2, 1)}


def of(name, fields):
    """The schema that GetFlightInfo announces for a metadata command."""
    if name not in SCHEMAS:
        raise NotImplementedError(f"{name or 'this command'} unimplemented")
    if name == "CommandGetTables" and fields.get(5, [0])[0]:
        return _schema(*TABLES, ("table_schema!", pa.binary()))
    return SCHEMAS[name]


def stream_name(name):
    return STREAMS.get(name, "getStream" + name.removeprefix("CommandGet"))


def server_properties(asked):
    """The properties asked for that are known; all of them when none is named."""
    found = [n for n in asked if n in KNOWN] if asked else list(KNOWN)
    members = [[] for _ in range(6)]
    kinds, offsets = [], []
    for number in found:
        kind, value = KNOWN[number]
        kinds.append(kind)
        offsets.append(len(members[kind]))
        members[kind].append(value)
    children = [pa.array(values, UNION.field(n).type) for n, values in enumerate(members)]
    union = pa.UnionArray.from_dense(pa.array(kinds, pa.int8()), pa.array(offsets, NUMBER), children,
                                     [UNION.field(n).name for n in range(6)])
    return pa.Table.from_arrays([pa.array(found, pa.uint32()), union], schema=PROPERTIES)
