"""A table that is being changed takes no other change."""
from rockpool.errors import SqlError

STATES = {"SCHEMA_CHANGE": ("A schema change operation", "COLUMN"), "ROLLUP": ("A rollup operation", "ROLLUP"),
          "OPTIMIZE": ("An optimize operation", "OPTIMIZE")}


def check_state(table):
    if table.state in STATES:
        what, kind = STATES[table.state]
        raise SqlError(f'{what} is in progress on the table "{table.name}". Please wait until the current operation '
                       f'completes. To check the status of the operation, use "SHOW ALTER TABLE {kind} FROM <db> WHERE '
                       f"TableName='{table.name}'\".")
