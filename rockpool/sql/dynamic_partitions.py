"""dynamic_partition.*: the properties, and the partitions that they make ahead. They are made at CREATE and at SET; no clock
makes more of them later."""
import datetime
import re

from rockpool.sql.analysis import refused
from rockpool.sql.partition_clause import UNITS, later, shown_moment, suffix, truncated

PREFIX = "dynamic_partition."
TITLES = ["TableName", "Enable", "TimeUnit", "Start", "End", "Prefix", "Buckets", "ReplicationNum", "StartOf",
          "LastUpdateTime", "LastSchedulerTime", "State", "LastCreatePartitionMsg", "LastDropPartitionMsg", "InScheduler"]
LIMIT = 500


def of(table):
    return {k.removeprefix(PREFIX): v for k, v in table.properties.items() if k.startswith(PREFIX)}


def create(table, world):
    """Checks the properties of a table that has them, and makes the partitions from today on."""
    given = of(table)
    if not given:
        return
    check(table, given)
    given = of(table)
    if given["enable"].lower() == "true":
        _make(table, given)


def check(table, given):
    parts = table.partitioning
    if parts is None or parts.kind != "range" or len(parts.columns) != 1:
        raise refused("Dynamic partition only support single-column range partition")
    if "time_unit" not in given:
        raise refused("Must assign dynamic_partition.time_unit properties")
    if given["time_unit"].upper() not in UNITS:
        raise refused(f"Unsupported time unit {given['time_unit']}. Expect HOUR/DAY/WEEK/MONTH/YEAR.")
    if "end" not in given:
        raise refused("Must assign dynamic_partition.end properties")
    for name, sign in (("start", "-"), ("end", "")):
        text = given.get(name, "-1" if name == "start" else "1")
        if not re.fullmatch(r"-?\d+", text):
            raise refused(f"Invalid dynamic partition {name}: {text}")
        if (int(text) >= 0) is (sign == "-"):
            raise refused("Dynamic partition start must less than 0" if sign else "Dynamic partition end must greater than 0")
    if int(given["end"]) > LIMIT:
        raise refused(f"Too many dynamic partitions: {given['end']}. Limit: {LIMIT}")
    if "prefix" not in given:
        raise refused("Must assign dynamic_partition.prefix properties")
    for name, value in {"enable": "true", "start": "-2147483648", "time_zone": "Asia/Shanghai", "buckets": "0",
                        "history_partition_num": "0"}.items():
        table.properties.setdefault(PREFIX + name, value)
    if not re.fullmatch(r"true|false", table.properties[PREFIX + "enable"], re.I):
        raise refused(f"Invalid dynamic partition enable: {table.properties[PREFIX + 'enable']}. Expected true or false")


def _make(table, given):
    unit = given["time_unit"].upper()
    now = truncated(datetime.datetime.now(), unit)
    if unit == "WEEK":
        now -= datetime.timedelta(days=now.weekday())
    numbers = table.column(table.partitioning.columns[0]).type.is_integer
    for n in range(int(given["end"]) + 1):
        lower, upper = later(now, n, unit), later(now, n + 1, unit)
        name = given["prefix"] + suffix(lower, unit)
        edges = [[suffix(at, "DAY") if numbers else shown_moment(at, unit)] for at in (lower, upper)]
        if name not in table.partitioning.names:
            table.partitioning.ranges.append([name, *edges])


def row(table, moment):
    """The row of SHOW DYNAMIC PARTITION TABLES, or None."""
    given = of(table)
    if not given:
        return None
    return [table.name, given["enable"], given["time_unit"].upper(), given["start"], given["end"], given["prefix"],
            given["buckets"], given.get("replication_num", table.properties["replication_num"]),
            "MONDAY" if given["time_unit"].upper() == "WEEK" else "N/A", None, moment(table.updated), "NORMAL", None, None,
            str(given["enable"].lower() == "true").lower()]
