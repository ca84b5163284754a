"""Properties of tables: what CREATE TABLE takes, what ALTER TABLE … SET may change, what SHOW CREATE TABLE prints."""
import re

from rockpool.sql.analysis import analyzing, refused

COMPRESSIONS = {"LZ4": "LZ4", "LZ4_FRAME": "LZ4", "ZSTD": "ZSTD", "ZLIB": "ZLIB", "SNAPPY": "SNAPPY", "GZIP": "GZIP",
                "DEFLATE": "DEFLATE", "NO_COMPRESSION": "NO_COMPRESSION"}
BOOLEANS = {"enable_persistent_index", "replicated_storage", "fast_schema_evolution", "in_memory", "enable_load_profile",
            "light_schema_change", "file_bundling", "cloud_native_fast_schema_evolution_v2", "datacache.enable",
            "enable_async_write_back", "datacache.partition_duration"}
KNOWN = BOOLEANS | {
    "replication_num", "storage_medium", "storage_cooldown_time", "storage_cooldown_ttl", "bloom_filter_columns",
    "bloom_filter_fpp", "colocate_with", "persistent_index_type", "compression", "write_quorum", "partition_live_number",
    "bucket_size", "storage_volume", "mutable_bucket_num", "unique_constraints", "foreign_key_constraints", "partition_ttl",
    "partition_ttl_number", "partition_retention_condition", "base_compaction_forbidden_time_ranges", "labels.location",
    "primary_index_cache_expire_sec", "storage_format", "storage_type", "short_key", "version_info", "tablet_type",
    "flat_json.enable", "flat_json.null.factor", "flat_json.sparsity.factor", "flat_json.column.max", "binlog_enable",
    "binlog_ttl_second", "binlog_max_size", "time_drift_constraint", "default.replication_num", "default.storage_medium",
    "dynamic_partition.enable", "dynamic_partition.time_unit", "dynamic_partition.start", "dynamic_partition.end",
    "dynamic_partition.prefix", "dynamic_partition.buckets", "dynamic_partition.history_partition_num",
    "dynamic_partition.start_day_of_week", "dynamic_partition.start_day_of_month", "dynamic_partition.time_zone",
    "dynamic_partition.replication_num", "load_initial_open_partition_number"}
NOT_SHOWN = {"storage_format", "storage_type", "in_memory", "short_key", "version_info", "tablet_type", "light_schema_change",
             "bloom_filter_fpp", "default.replication_num", "default.storage_medium", "labels.location"}
SETTABLE = KNOWN - {"fast_schema_evolution", "compression", "storage_format", "short_key", "version_info", "tablet_type",
                    "cloud_native_fast_schema_evolution_v2", "light_schema_change", "persistent_index_type",
                    "storage_volume"}
QUORUMS = ("MAJORITY", "ONE", "ALL")
NO_BLOOM = {"TINYINT", "FLOAT", "DOUBLE", "BOOLEAN", "JSON", "HLL", "BITMAP", "PERCENTILE", "ARRAY", "MAP", "STRUCT",
            "VARBINARY"}
OLD_ORDER = ["replication_num", "bloom_filter_columns", "colocate_with", "bucket_size", "in_memory", "storage_format",
             "enable_persistent_index", "replicated_storage", "fast_schema_evolution", "compression"]


def as_map(properties):
    return "{" + ", ".join(f"{k}={v}" for k, v in properties.items()) + "}"


# ---------------------------------------------------------------- CREATE
def table_properties(given, table, world):
    """All properties of a new table from those that were written."""
    version = world.version
    given = dict(given)
    unknown = {k: v for k, v in given.items() if k not in KNOWN}
    if unknown:
        raise refused(f"Unknown properties: {as_map(unknown)}")
    _check_values(given, table)
    packing = compression(given.get("compression", "LZ4"))
    replicas = given.get("replication_num") or world.frontend_config.get("default_replication_num", "3")
    check_replicas(replicas, world)
    found = {"compression": "LZ4", "replication_num": replicas, "replicated_storage": "true"}
    if version.since(3, 2):
        found["fast_schema_evolution"] = "true"
    if table.model == "PRIMARY":
        found["enable_persistent_index"] = "true" if version.since(3, 1) else "false"
    if table.distribution == "RANDOM" and version.since(3, 1):
        found["bucket_size"] = "4294967296" if version.since(3, 2) else "1073741824"
    found.update(given)
    if table.model != "PRIMARY":
        found.pop("enable_persistent_index", None)
    found["compression"] = packing
    return found


def compression(text):
    match = re.fullmatch(r"zstd\((\d+)\)", text, re.I)
    if match and 1 <= int(match.group(1)) <= 22:
        return text.upper()
    if text.upper() not in COMPRESSIONS:
        raise refused(f"unknown compression type: {text}")
    return COMPRESSIONS[text.upper()]


def check_replicas(text, world):
    if not re.fullmatch(r"-?\d+", text):
        raise refused(f'For input string: "{text}"')
    if int(text) <= 0:
        raise refused("Replication num should larger than 0. (suggested 3)")
    alive = [str(b.id) for b in world.backends if b.number not in world.dead_backends]
    if int(text) > len(alive):
        raise refused("Table replication num should be less than of equal to the number of available BE nodes. You can "
                      "change this default by setting the replication_num table properties. Current alive backend is "
                      f"[{','.join(alive)}].")


def _check_values(given, table):
    if "bloom_filter_columns" in given:
        given["bloom_filter_columns"] = bloom_columns(given["bloom_filter_columns"], table)
    if "bloom_filter_fpp" in given:
        _check_fpp(given["bloom_filter_fpp"])
    if given.get("write_quorum", "MAJORITY").upper() not in QUORUMS:
        raise refused(f"unknown write quorum: {given['write_quorum']}")
    if given.get("storage_format", "default").lower() not in ("v1", "v2", "default"):
        raise refused(f"unknown storage format: {given['storage_format']}")
    if given.get("storage_medium", "HDD").upper() not in ("HDD", "SSD"):
        raise refused(f"Invalid storage medium: {given['storage_medium']}")
    if given.get("storage_type", "column").lower() not in ("column", "column_with_row"):
        raise refused(f"Invalid storage type: {given['storage_type']}")
    for name in ("bucket_size", "mutable_bucket_num", "partition_live_number", "partition_ttl_number"):
        if name in given and not re.fullmatch(r"-?\d+", given[name]):
            raise refused(f"Invalid {name} format: {given[name]}" if name != "bucket_size" else
                          f"Bucket size: For input string: \"{given[name]}\"")
    if re.fullmatch(r"-\d+", given.get("bucket_size", "0")):
        raise refused("Illegal bucket size: " + given["bucket_size"])
    if "unique_constraints" in given:
        _check_unique(given["unique_constraints"], table)


def _check_unique(text, table):
    for part in text.split(";"):
        columns = [c.strip().split(".")[-1].strip("` ") for c in part.split(",") if c.strip()]
        if any(table.column(c) is None for c in columns):
            raise refused(f"some columns of:[{', '.join(columns)}] do not exist in table:{table.name}")


def bloom_columns(text, table):
    found = []
    for name in [n.strip() for n in text.split(",") if n.strip()]:
        column = table.column(name)
        if column is None:
            raise refused(f"Invalid bloom filter column '{name}': not exists")
        if column.type.name in NO_BLOOM:
            raise refused(f"Invalid bloom filter column '{name}': unsupported type {column.type.described().upper()}")
        if table.model in ("UNIQUE", "AGGREGATE") and not column.is_key:
            raise refused("Bloom filter index only used in columns of DUP_KEYS/PRIMARY table or key columns of "
                          f"UNIQUE_KEYS/AGG_KEYS table. invalid column: {name}")
        if name.lower() in [f.lower() for f in found]:
            raise refused(f"Duplicate bloom filter column '{name}'")
        found.append(column.name)
    return ", ".join(found)


def _check_fpp(text):
    try:
        value = float(text)
    except ValueError:
        raise refused("Bloom filter fpp is not Double") from None
    if not 0.0001 <= value <= 0.05:
        raise refused("Bloom filter fpp should in [1.0E-4, 0.05]")


# ---------------------------------------------------------------- ALTER TABLE … SET
def change_properties(given, table, world):
    """Checks and sets properties; True when the rows must be rewritten (bloom filters), which is a job."""
    if not given:
        raise analyzing("Properties is not set")
    prefixes = {k.split(".")[0] for k in given}
    if len(given) != 1 and not (prefixes == {"dynamic_partition"} or all(k.startswith("binlog") for k in given)
                                or all(k.startswith("bloom_filter") for k in given)):
        raise analyzing("Can only set one table property at a time")
    if any(k not in SETTABLE for k in given):
        raise analyzing(f"Unknown properties: {as_map(given)}")
    name, value = next(iter(given.items()))
    if name == "storage_type":
        raise analyzing("Can't change storage type")
    if name in BOOLEANS and value.lower() not in ("true", "false"):
        raise analyzing(f"Property {name} must be bool type(false/true)")
    if name == "write_quorum" and value.upper() not in QUORUMS:
        raise analyzing("Property write_quorum not valid")
    if name in ("replication_num", "default.replication_num"):
        check_replicas(value, world)
        if name == "replication_num" and table.partitioning is not None:
            raise refused(f"This is a range/list partitioned table, you should specify partitions with MODIFY PARTITION "
                          f"clause. If you want to set default replication number, please use 'default.replication_num' "
                          f"instead of 'replication_num' to escape misleading.")
        given = {"replication_num": value}
    _check_values(given, table)
    if name.startswith("bloom_filter"):
        old = table.properties.get("bloom_filter_columns", "")
        if given.get("bloom_filter_columns", old) == old and "bloom_filter_fpp" not in given:
            raise refused("Bloom filter index has no change")
    found = {k.removeprefix("default."): v for k, v in given.items() if k != "in_memory"}
    table.properties.update(found)
    if found.get("bloom_filter_columns") == "":
        del table.properties["bloom_filter_columns"]
    return name.startswith("bloom_filter")


# ---------------------------------------------------------------- shown
def shown_properties(table, version):
    """[(name, value)] in the order of SHOW CREATE TABLE."""
    known = {k: v for k, v in table.properties.items() if k not in NOT_SHOWN}
    if known.get("write_quorum", "").upper() == "MAJORITY":
        del known["write_quorum"]
    if version.since(3, 3):
        return sorted(known.items())
    known["in_memory"] = table.properties.get("in_memory", "false")
    known.setdefault("enable_persistent_index", "false")
    if not version.since(3):
        known["storage_format"] = "DEFAULT"
    first = [k for k in OLD_ORDER if k in known]
    at = first.index("in_memory")
    others = sorted(set(known) - set(first))
    return [(k, known[k]) for k in first[:at] + others + first[at:]]
