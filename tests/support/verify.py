"""Compares tables of PostgreSQL and StarRocks row by row and prints what differs.

    python -m tests.support.verify --pg DSN --mysql HOST:PORT --map public.users=demo.users ...

Exit code 0: identical; 3: something differs; 2: a side could not be read. Passwords come from the
environment: PGPASSWORD (or the DSN) and WALROCK_VERIFY_PASSWORD.

The source is read in one REPEATABLE READ snapshot. Rows are compared as multisets of whole rows, so
that a doubled row of a table without a key is found too. It shares no code with the program under test.
"""
import argparse
import os
import sys
import tempfile
from collections import Counter
from dataclasses import dataclass, field

import psycopg2
import pymysql
import pymysql.cursors
from pymysql.converters import encoders

from tests.support import canonical

SHOWN = 10  # differing rows printed per table and side

# Columns that walrock itself adds to append-only tables; the source has no such columns.
OWN_COLUMN_PREFIX = "_walrock_"


@dataclass
class Comparison:
    """What the comparison of one table found."""
    source: str
    target: str
    rows: int = 0
    target_rows: int = 0
    problems: list = field(default_factory=list)

    @property
    def identical(self):
        return not self.problems

    def __str__(self):
        if self.identical:
            return f"{self.source} = {self.target}: {self.rows:,} rows, identical"
        return "\n  ".join([f"{self.source} != {self.target}: {self.rows:,} rows here, {self.target_rows:,} there",
                            *self.problems])


@dataclass
class Column:
    name: str
    source_type: str
    target_type: str = ""


class Source:
    """PostgreSQL, in one snapshot."""

    SETTINGS = {"datestyle": "ISO, MDY", "intervalstyle": "iso_8601", "timezone": "UTC", "bytea_output": "hex",
                "extra_float_digits": "3", "search_path": "pg_catalog", "client_encoding": "UTF8"}

    def __init__(self, dsn):
        self._connection = psycopg2.connect(dsn)
        self._connection.set_session(isolation_level="REPEATABLE READ", readonly=True)
        with self._connection.cursor() as cursor:
            for name, value in self.SETTINGS.items():
                cursor.execute(f"SET {name} = %s", (value,))

    def close(self):
        self._connection.close()

    def columns(self, table):
        with self._connection.cursor() as cursor:
            cursor.execute("""
                WITH RECURSIVE base AS (
                    SELECT a.attnum, a.attname, a.atttypid AS type, a.atttypmod AS typmod
                    FROM pg_attribute a
                    WHERE a.attrelid = %s::regclass AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = ''
                  UNION ALL
                    SELECT b.attnum, b.attname, t.typbasetype, t.typtypmod
                    FROM base b JOIN pg_type t ON t.oid = b.type AND t.typtype = 'd')
                SELECT b.attname, format_type(b.type, b.typmod)
                FROM base b JOIN pg_type t ON t.oid = b.type AND t.typtype <> 'd' ORDER BY b.attnum""",
                           (table,))
            return [Column(name, kind) for name, kind in cursor.fetchall()]

    def rows(self, table, columns):
        """Every row as a tuple of canonical text or None."""
        turns = [canonical.of_column(column.source_type, column.target_type)[0] for column in columns]
        wanted = ", ".join(
            quoted(c.name) if not c.source_type.endswith("[]") or canonical.is_text(c.target_type)
            else f"to_jsonb({quoted(c.name)}{'::text[]' if c.source_type.startswith(('timestamp', 'date')) else ''})"
            for c in columns)
        with tempfile.TemporaryFile() as spool, self._connection.cursor() as cursor:
            cursor.copy_expert(f"COPY (SELECT {wanted} FROM {table}) TO STDOUT", spool)
            spool.seek(0)
            for line in spool:
                cells = line[:-1].decode("utf-8").split("\t")
                yield tuple(None if cell == "\\N" else turn(unescape(cell))
                            for cell, turn in zip(cells, turns))


ESCAPES = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v"}


def unescape(cell):
    """Undoes the escapes of COPY's text format."""
    if "\\" not in cell:
        return cell
    first, *rest = cell.split("\\")
    pieces, at = [first], 0
    while at < len(rest):
        piece = rest[at]
        if piece == "":  # two backslashes in a row stand for one
            following = rest[at + 1] if at + 1 < len(rest) else ""
            pieces.append("\\" + following)
            at += 2
        else:
            pieces.append(ESCAPES.get(piece[0], piece[0]) + piece[1:])
            at += 1
    return "".join(pieces)


def quoted(name):
    return '"' + name.replace('"', '""') + '"'


class Target:
    """StarRocks, or what speaks like it."""

    def __init__(self, address, user="root", password=""):
        host, _, port = address.rpartition(":")
        # Without decoders values come as the text the server sent.
        self._connection = pymysql.connect(host=host, port=int(port), user=user, password=password,
                                           charset="utf8mb4", autocommit=True, conv=dict(encoders))

    def close(self):
        self._connection.close()

    def column_types(self, table):
        with self._connection.cursor() as cursor:
            cursor.execute(f"DESC {table}")
            return {str(row[0]): canonical.text_of_target(row[1]) for row in cursor.fetchall()}

    def rows(self, table, columns):
        turns = [canonical.of_column(column.source_type, column.target_type)[1] for column in columns]
        wanted = ", ".join(f"`{column.name}`" for column in columns)
        with self._connection.cursor(pymysql.cursors.SSCursor) as cursor:
            cursor.execute(f"SELECT {wanted} FROM {table}")
            while batch := cursor.fetchmany(10000):
                for row in batch:
                    yield tuple(None if cell is None else turn(cell) for cell, turn in zip(row, turns))


def compare_table(source, target, source_table, target_table):
    """Compares one table; both sides must hold still for the answer to mean anything."""
    result = Comparison(source_table, target_table)
    columns = source.columns(source_table)
    types = target.column_types(target_table)
    for column in columns:
        column.target_type = types.pop(column.name, "")
        if not column.target_type:
            result.problems.append(f"column {column.name} is missing in the target")
    foreign = [name for name in types if not name.startswith(OWN_COLUMN_PREFIX)]
    if foreign:
        result.problems.append(f"columns only in the target: {', '.join(foreign)}")
    columns = [column for column in columns if column.target_type]
    compare_rows(source, target, result, columns)
    return result


def compare_rows(source, target, result, columns):
    """Counts hashes of rows first, so that a million rows fit; only differing rows are read again."""
    balance = Counter()
    for row in source.rows(result.source, columns):
        balance[hash(row)] += 1
        result.rows += 1
    for row in target.rows(result.target, columns):
        digest = hash(row)
        result.target_rows += 1
        left = balance[digest] - 1
        if left:
            balance[digest] = left
        else:
            del balance[digest]
    if balance:
        describe(source, target, result, columns, balance)


def describe(source, target, result, columns, balance):
    names = [column.name for column in columns]
    sides = (("only in the source", source.rows(result.source, columns), 1),
             ("only in the target", target.rows(result.target, columns), -1))
    for says, rows, sign in sides:
        total = sum(count for count in (sign * n for n in balance.values()) if count > 0)
        if not total:
            continue
        result.problems.append(f"{total:,} rows {says}:")
        left, shown = Counter(balance), 0
        for row in rows:
            digest = hash(row)
            if sign * left[digest] > 0 and shown < SHOWN:
                left[digest] -= sign
                shown += 1
                result.problems.append("  " + ", ".join(f"{n}={short(v)}" for n, v in zip(names, row)))


def short(value, limit=120):
    text = "NULL" if value is None else repr(value)
    return text if len(text) <= limit else f"{text[:limit]}... ({len(text)} characters)"


def compare(dsn, mysql_address, pairs, user="root", password=""):
    """Compares pairs of (source table, target table); returns a Comparison for each."""
    source = Source(dsn)
    try:
        target = Target(mysql_address, user, password)
        try:
            return [compare_one(source, target, *pair) for pair in pairs]
        finally:
            target.close()
    finally:
        source.close()


def compare_one(source, target, source_table, target_table):
    try:
        return compare_table(source, target, source_table, target_table)
    except pymysql.ProgrammingError as problem:
        return Comparison(source_table, target_table, problems=[f"the target cannot be read: {problem}"])


def parse_pair(text):
    source, equals, target = text.partition("=")
    if not equals or "." not in target:
        raise argparse.ArgumentTypeError(f"'{text}' is not like public.users=demo.users")
    return source, target


def main():
    parser = argparse.ArgumentParser(prog="python -m tests.support.verify", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pg", required=True, help="connection string of PostgreSQL")
    parser.add_argument("--mysql", required=True, metavar="HOST:PORT", help="StarRocks, MySQL protocol")
    parser.add_argument("--user", default="root")
    parser.add_argument("--map", required=True, nargs="+", type=parse_pair, metavar="SOURCE=TARGET")
    options = parser.parse_args()
    try:
        found = compare(options.pg, options.mysql, options.map, options.user,
                        os.environ.get("WALROCK_VERIFY_PASSWORD", ""))
    except (psycopg2.Error, pymysql.MySQLError, OSError) as problem:
        print(f"verify: {problem}", file=sys.stderr)
        return 2
    for comparison in found:
        print(comparison)
    return 0 if all(comparison.identical for comparison in found) else 3


if __name__ == "__main__":
    sys.exit(main())
