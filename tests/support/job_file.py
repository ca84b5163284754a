"""Writes job files for tests, as nested dicts rendered to YAML."""
import json

from tests.support.pg_server import REPLICATOR, REPLICATOR_PASSWORD


def to_yaml(value, depth=0):
    """Block mappings; lists and scalars in JSON's spelling, which YAML reads as the same."""
    lines = []
    for key, inner in value.items():
        name = key if key.replace("-", "").replace(".", "").replace("_", "").isalnum() else json.dumps(key)
        if isinstance(inner, dict) and inner:
            lines.append(f"{'  ' * depth}{name}:\n{to_yaml(inner, depth + 1)}")
        else:
            lines.append(f"{'  ' * depth}{name}: {json.dumps(inner)}\n")
    return "".join(lines)


def merge(base, changes):
    """A new dict: `changes` over `base`, dicts merged at every depth; None removes a key."""
    merged = dict(base)
    for key, value in changes.items():
        if value is None:
            merged.pop(key, None)
        elif isinstance(value, dict) and isinstance(merged.get(key), dict):
            merged[key] = merge(merged[key], value)
        else:
            merged[key] = value
    return merged


def job(name, pg, rockpool, database, tables, target_database, checkpoint, changes=None):
    """A job like the seed's, for servers of a test. `changes` are merged over it."""
    base = {
        "job": {"id": name, "name": f"test {name}"},
        "source": {
            "type": "postgres-cdc",
            "postgres-cdc": {
                "hostname": "127.0.0.1", "port": pg.port,
                "username": REPLICATOR, "password": REPLICATOR_PASSWORD,
                "database-name": database, "schema-name": "public", "table-name": tables,
                "slot.name": f"{name}_slot", "plugin.name": "pgoutput", "scan.startup.mode": "initial",
            },
        },
        "sink": {
            "type": "starrocks",
            "starrocks": {
                "fe-nodes": rockpool.fe_address, "mysql-port": rockpool.mysql_port,
                "username": "root", "password": "", "database": target_database,
                "label.prefix": name, "sink.semantic": "exactly-once",
            },
        },
        "schema-sync": {"enable": True, "auto-create-table": True},
        "walrock": {"http": "127.0.0.1:0", "checkpoint": str(checkpoint)},
    }
    return merge(base, changes or {})


def write_job(path, content):
    path.write_text(to_yaml(content), encoding="utf-8")
    return path
