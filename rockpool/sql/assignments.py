"""SET: system and user variables, names, catalogue, roles, passwords and properties."""
import datetime
import re
import zoneinfo

from rockpool.errors import SqlError
from rockpool.mysql import wire
from rockpool.sql import accounts, select, variables
from rockpool.sql.variables import BOOLEANS, GLOBAL_ONLY, NUMBERS, READ_ONLY, Number

TRUTHS = {"true": "true", "on": "true", "1": "true", "false": "false", "off": "false", "0": "false"}
# The bits of sql_mode by name; a number stands for the sum of its bits.
SQL_MODES = {"REAL_AS_FLOAT": 1, "PIPES_AS_CONCAT": 2, "ANSI_QUOTES": 4, "IGNORE_SPACE": 8, "NOT_USED": 16,
             "ONLY_FULL_GROUP_BY": 32, "NO_UNSIGNED_SUBTRACTION": 64, "NO_DIR_IN_CREATE": 128, "POSTGRESQL": 1 << 8,
             "ORACLE": 1 << 9,
             "MSSQL": 1 << 10, "DB2": 1 << 11, "MAXDB": 1 << 12, "NO_KEY_OPTIONS": 1 << 13, "NO_TABLE_OPTIONS": 1 << 14,
             "NO_FIELD_OPTIONS": 1 << 15, "MYSQL323": 1 << 16, "MYSQL40": 1 << 17, "ANSI": 1 << 18,
             "NO_AUTO_VALUE_ON_ZERO": 1 << 19, "NO_BACKSLASH_ESCAPES": 1 << 20, "STRICT_TRANS_TABLES": 1 << 21,
             "STRICT_ALL_TABLES": 1 << 22, "NO_ZERO_IN_DATE": 1 << 23, "NO_ZERO_DATE": 1 << 24,
             "ALLOW_INVALID_DATES": 1 << 25,
             "ERROR_FOR_DIVISION_BY_ZERO": 1 << 26, "TRADITIONAL": 1 << 27, "NO_AUTO_CREATE_USER": 1 << 28,
             "HIGH_NOT_PRECEDENCE": 1 << 29, "NO_ENGINE_SUBSTITUTION": 1 << 30, "PAD_CHAR_TO_FULL_LENGTH": 1 << 31,
             "SORT_NULLS_LAST": 1 << 33, "ERROR_IF_OVERFLOW": 1 << 34, "GROUP_CONCAT_LEGACY": 1 << 35,
             "FORBID_INVALID_DATE": 1 << 36, "FORBID_INVALID_IMPLICIT_CAST": 1 << 37, "DOUBLE_LITERAL": 1 << 38,
             "ALLOW_THROW_EXCEPTION": 1 << 39}


async def run(session, reader):
    reader.expect("SET")
    for words, work in OTHERS:
        if reader.accept(*words):
            found = work(session, reader)
            return await found if hasattr(found, "__await__") else found
    while True:
        await _assignment(session, reader)
        if not reader.accept(","):
            break
    reader.end()


# ---------------------------------------------------------------- SET words without a variable
def _names(session, reader):
    """NAMES charset [COLLATE collation], behind the first word: only kinds of utf8."""
    charset = reader.string()
    if charset.lower() != "default" and not charset.lower().startswith("utf8"):
        raise SqlError(f"Unknown character set: '{charset.lower()}'", session.world.version.code(1115))
    if reader.accept("COLLATE"):
        reader.string()


def _catalog(session, reader):
    session.use_catalog(reader.string())
    reader.end()


def _ignored(session, reader):
    """SET TRANSACTION: there is one way to read."""


OTHERS = [(("PASSWORD",), accounts.set_password), (("CATALOG",), _catalog),
          (("DEFAULT", "ROLE"), accounts.set_default_role), (("ROLE",), accounts.set_role),
          (("PROPERTY",), accounts.set_property), *((words, _ignored) for words in (
              ("TRANSACTION",), ("SESSION", "TRANSACTION"), ("GLOBAL", "TRANSACTION"), ("LOCAL", "TRANSACTION")))]


# ---------------------------------------------------------------- SET name = value
async def _assignment(session, reader):
    if any(reader.accept(*words) for words in (("NAMES",), ("CHARSET",), ("CHARACTER", "SET"), ("CHAR", "SET"))):
        return _names(session, reader)
    scope = "SESSION"
    if reader.token.upper in ("GLOBAL", "SESSION", "LOCAL", "VERBOSE") and reader.ahead().kind in ("word", "quoted"):
        scope = reader.next().upper
    name = reader.next().value
    if not reader.accept("="):
        reader.expect(":=")
    if name.startswith("@") and not name.startswith("@@"):
        session.user_variables[name[1:].lower()] = await _value(session, reader)
        return None
    found = re.fullmatch(r"(?:@@)?(?:(global|session|local)\.)?(\w+)", name, re.I)
    if not found:
        raise reader.unexpected("a variable")
    scope, name = (found.group(1) or scope).upper(), found.group(2).lower()
    variables.value_of(session, name)  # 1193 for an unknown one
    version = session.world.version
    if name in READ_ONLY:
        raise SqlError(f"Variable '{name}' is a read only variable", version.code(1621))
    if name in GLOBAL_ONLY and scope != "GLOBAL":
        raise SqlError(f"Variable '{name}' is a GLOBAL variable and should be set with SET GLOBAL", version.code(1229))
    target = session.world.global_variables if scope == "GLOBAL" else session.variables
    if reader.accept("DEFAULT"):
        target.pop(name, None)
    else:
        target[name] = checked(session, name, await _value(session, reader))
    return None


async def _value(session, reader):
    """The text of a literal, a variable or an expression; None for NULL."""
    token, after = reader.token, reader.ahead()
    if after.upper in (",", ")") or after.kind == "end":
        reader.next()
        if token.upper == "NULL":
            return None
        if token.text.startswith("@@"):
            return variables.value_of(session, token.text[2:].split(".")[-1])
        if token.text.startswith("@"):
            return session.user_variables.get(token.text[1:].lower())
        return Number(token.value) if token.kind == "number" else token.value
    start, depth = token.start, 0
    while reader.token.kind != "end" and not (depth == 0 and reader.sees(",")):
        depth += (reader.token.upper == "(") - (reader.token.upper == ")")
        stop = reader.next().stop
    result = await select.query(session, f"SELECT {reader.text[start:stop]}")
    value = result.rows[0][0] if result.rows else None
    numeric = result.columns[0].code in (wire.TINY, wire.SHORT, wire.LONG, wire.LONGLONG, wire.DOUBLE, wire.NEWDECIMAL)
    return Number(value) if numeric and value is not None else value


def checked(session, name, value):
    """A value as it is kept. 1231: not of the variable's values, 1232: not of its type, 1298: no such zone."""
    version = session.world.version
    if name in BOOLEANS:
        if (found := TRUTHS.get(str(value).lower())) is None:
            raise SqlError(f"Variable '{name}' can't be set to the value of '{value}'", version.code(1231))
        return found
    if name in NUMBERS:
        if value is None or not re.fullmatch(r"[+-]?\d+(\.\d+)?", value):
            raise SqlError(f"Incorrect argument type to variable '{name}'", version.code(1232))
        return str(value)
    if name == "time_zone":
        return _zone(version, str(value))
    if name == "sql_mode":
        return _sql_mode(version, value or "")
    if value is None:
        return "utf8" if name.startswith("character_set") else ""
    return str(value)


def _zone(version, text):
    found = re.fullmatch(r"([+-])(\d{1,2}):(\d{2})", text)
    if found:
        hours, minutes = int(found.group(2)), int(found.group(3))
        if minutes < 60 and datetime.timedelta(hours=hours, minutes=minutes) <= datetime.timedelta(hours=14):
            return f"{found.group(1)}{hours:02d}:{found.group(3)}"
    elif text.upper() == "CST":
        return text
    else:
        try:
            zoneinfo.ZoneInfo(text)
            return text
        except (ValueError, OSError, zoneinfo.ZoneInfoNotFoundError):
            pass
    raise SqlError(f"Unknown or incorrect time zone: '{text}'", version.code(1298))


def _sql_mode(version, text):
    """Names joined by commas, in the order of their bits."""
    if text.isdigit():
        bits = int(text)
    else:
        bits = 0
        for word in filter(None, (w.strip().upper() for w in text.split(","))):
            if word not in SQL_MODES:
                raise SqlError(f"Variable 'sql_mode' can't be set to the value of '{word}'", version.code(1231))
            bits |= SQL_MODES[word]
    return ",".join(n for n, bit in SQL_MODES.items() if bits & bit)
