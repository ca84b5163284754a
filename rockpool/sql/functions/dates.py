"""Dates and times. Texts are read as DATETIME; a DATE stays one only where StarRocks has a rule for DATE."""
import datetime
import re
from zoneinfo import ZoneInfo

from sqlglot import exp

from rockpool.sql import variables
from rockpool.sql.coercion import BIGINT, DATE, DATETIME, INT, SMALLINT, TIME, TINYINT, VARCHAR
from rockpool.sql.functions.registry import define, failure, no_match, special
from rockpool.sql.terms import Term

UNITS = {"years": "year", "quarters": "quarter", "months": "month", "weeks": "week", "days": "day", "hours": "hour",
         "minutes": "minute", "seconds": "second", "milliseconds": "millisecond", "microseconds": "microsecond"}
DAYS = ("year", "quarter", "month", "week", "day")

define("year", "t", SMALLINT, "CAST(year({0}) AS SMALLINT)")
for _name in ("quarter", "month", "day", "hour", "minute", "second"):
    define(_name, "t", TINYINT, f"CAST({_name}({{0}}) AS TINYINT)")
define("dayofmonth", "t", TINYINT, "CAST(day({0}) AS TINYINT)")
define("dayofyear", "t", SMALLINT, "CAST(dayofyear({0}) AS SMALLINT)")
define("dayofweek", "t", INT, "CAST(dayofweek({0}) + 1 AS INTEGER)")
define("dayofweek_iso", "t", INT, "CAST(isodow({0}) AS INTEGER)")
define("weekday", "t", INT, "CAST(isodow({0}) - 1 AS INTEGER)")
define("weekofyear week_iso", "t", INT, "CAST(weekofyear({0}) AS INTEGER)")
define("week", "t|i", INT, lambda t, mode="0": f"sr_week({t}, {mode})")
define("yearweek", "t|i", INT, lambda t, mode="0": f"sr_yearweek({t}, {mode})")
define("dayname", "t", VARCHAR, "dayname({0})")
define("monthname", "t", VARCHAR, "monthname({0})")
define("to_days", "D", INT, "CAST(date_diff('day', DATE '0000-01-01', {0}) AS INTEGER)")
define("from_days", "i", DATE, "TRY(DATE '0000-01-01' + {0})")
define("date to_date", "t", DATE, "CAST({0} AS DATE)")
define("makedate", "i,i", DATE, "CASE WHEN {1} >= 1 AND {0} BETWEEN 0 AND 9999 THEN TRY(make_date({0}, 1, 1) + CAST({1} - 1 AS INTEGER)) END")
define("datediff", "t,t", INT, "CAST(date_diff('day', CAST({1} AS DATE), CAST({0} AS DATE)) AS INTEGER)")
define("timediff", "t,t", TIME, "CAST(date_sub('second', {1}, {0}) AS DOUBLE)")
define("time_to_sec", "v", BIGINT, "CAST(sr_scan_time({0}) AS BIGINT)")
define("sec_to_time", "b", TIME, "CAST({0} AS DOUBLE)")
define("timestamp", "t", DATETIME, "{0}")
define("to_datetime", "b|i", DATETIME, lambda n, s="0": f"TRY(CAST(to_timestamp({n} / power(10, {s})) AT TIME ZONE 'UTC' AS TIMESTAMP))")
define("to_iso8601", "t", VARCHAR, "strftime({0}, '%Y-%m-%dT%H:%M:%S.%f')")
define("str_to_date", "v,v", DATETIME, "sr_str_to_date({0}, {1})")
define("str2date", "v,v", DATE, "CAST(sr_str_to_date({0}, {1}) AS DATE)")
define("convert_tz", "t,v,v", DATETIME, "sr_convert_tz({0}, {1}, {2})")
define("next_day", "t,v", DATE, "sr_next_day({0}, {1})")
define("previous_day", "t,v", DATE, "sr_previous_day({0}, {1})")
define("add_months", "t,i", DATETIME, "TRY({0} + to_months({1}))")
define("jodatime_format", "t,v", VARCHAR, "sr_joda_format({0}, {1})")


# ---------------------------------------------------------------- steps
def step(unit, count):
    return {"quarter": f"to_months(3 * ({count}))", "week": f"to_days(7 * ({count}))"}.get(
        unit, f"to_{unit}s({count})")


def shifted_term(value, unit, count, back):
    """value + count units. Of a DATE only from 4.1's rules on stays a DATE; before, everything is a DATETIME."""
    moment = value.to(DATETIME).sql
    sign = "-" if back else "+"
    return Term(f"sr_in_range(TRY({moment} {sign} {step(unit, count)}))", DATETIME, value.constant)


def shifted(compiler, node, interval, back):
    """value + INTERVAL n unit."""
    unit, count = _parts(compiler, interval)
    return shifted_term(compiler.term(node), unit, count, back)


def _parts(compiler, interval):
    unit = interval.args["unit"].name.lower() if interval.args.get("unit") else "day"
    if unit not in UNITS.values():
        raise failure(f"Invalid interval unit {unit}")
    count = interval.this
    term = compiler.term(exp.Literal.number(count.this) if isinstance(count, exp.Literal) and re.fullmatch(r"-?\d+", count.this) else count)
    return unit, term.to(INT).sql if unit not in ("millisecond", "microsecond") else term.to(BIGINT).sql


def whole_units(unit, earlier, later):
    """How many whole units lie between two times."""
    months = {"year": 12, "quarter": 3, "month": 1}.get(unit)
    if months:
        return f"CAST(sr_months({earlier}, {later}) // {months} AS BIGINT)"
    return f"date_sub('{unit}', {earlier}, {later})"


for _word, _unit in UNITS.items():
    for _suffix in ("_add", "_sub"):
        def _step(compiler, nodes, unit=_unit, name=_word + _suffix, back=_suffix == "_sub"):
            if len(nodes) != 2:
                raise no_match(name, [compiler.term(n).kind for n in nodes])
            return shifted_term(compiler.term(nodes[0]), unit, compiler.term(nodes[1]).to(INT).sql, back)
        special(_word + _suffix)(_step)
    define(_word + "_diff", "t,t", BIGINT, lambda later, earlier, unit=_unit: whole_units(unit, earlier, later))


@special("date_add", "adddate", "days_add_")
def _date_add(compiler, nodes):
    return _moved(compiler, nodes, False)


@special("date_sub", "subdate")
def _date_sub(compiler, nodes):
    return _moved(compiler, nodes, True)


def _moved(compiler, nodes, back):
    if len(nodes) != 2:
        raise no_match("date_sub" if back else "date_add", [compiler.term(n).kind for n in nodes])
    if isinstance(nodes[1], exp.Interval):
        return shifted(compiler, nodes[0], nodes[1], back)
    return shifted_term(compiler.term(nodes[0]), "day", compiler.term(nodes[1]).to(INT).sql, back)


def _unit_of(node):
    unit = (node.name if not isinstance(node, exp.Literal) else node.this).lower()
    return unit[:-1] if unit.endswith("s") and unit[:-1] in UNITS.values() else unit


@special("timestampadd")
def _timestampadd(compiler, nodes):
    return shifted_term(compiler.term(nodes[2]), _unit_of(nodes[0]), compiler.term(nodes[1]).to(INT).sql, False)


@special("timestampdiff")
def _timestampdiff(compiler, nodes):
    return _difference(compiler, _unit_of(nodes[0]), nodes[1], nodes[2])


@special("date_diff")
def _date_diff(compiler, nodes):
    return _difference(compiler, _unit_of(nodes[0]), nodes[2], nodes[1])


def _difference(compiler, unit, earlier, later):
    if unit not in UNITS.values():
        raise failure(f"unit of date_diff must be one of {', '.join(UNITS.values())}")
    a, b = (compiler.term(n).to(DATETIME).sql for n in (earlier, later))
    return Term(whole_units(unit, a, b), BIGINT)


# ---------------------------------------------------------------- cutting
@special("date_trunc")
def _date_trunc(compiler, nodes):
    unit, value = compiler.term(nodes[0]), compiler.term(nodes[1])
    if unit.literal is None:
        raise failure("date_trunc requires first parameter must be a string constant")
    name = unit.literal.lower()
    allowed = DAYS if value.kind == DATE else DAYS + ("hour", "minute", "second", "millisecond", "microsecond")
    if name not in allowed:
        raise failure(f"date_trunc function can't support argument other than {'|'.join(reversed(allowed))}")
    if value.kind == DATE:
        return Term(f"CAST(date_trunc('{name}', {value.sql}) AS DATE)", DATE, value.constant)
    return Term(f"date_trunc('{name}', {value.to(DATETIME).sql})", DATETIME, value.constant)


@special("last_day")
def _last_day(compiler, nodes):
    if not 1 <= len(nodes) <= 2:
        raise no_match("last_day", [compiler.term(n).kind for n in nodes])
    unit = (compiler.term(nodes[1]).literal or "").lower() if len(nodes) == 2 else "month"
    if unit not in ("month", "quarter", "year"):
        raise failure("avaiable data_part parameter is year/month/quarter")
    day = compiler.term(nodes[0]).to(DATETIME).sql
    step = {"month": 1, "quarter": 3, "year": 12}[unit]
    return Term(f"CAST(date_trunc('{unit}', {day}) + to_months({step}) - to_days(1) AS DATE)", DATE)


@special("time_slice", "date_slice")
def _time_slice(compiler, nodes):
    if not isinstance(nodes[1], exp.Interval) or not re.fullmatch(r"\d+", nodes[1].this.name):
        raise failure("time_slice requires second parameter must be a constant interval")
    unit = nodes[1].args["unit"].name.lower()
    side = nodes[2].name.lower() if len(nodes) > 2 else "floor"
    value = compiler.term(nodes[0])
    kind = DATE if value.kind == DATE else DATETIME
    made = f"sr_time_slice({value.to(DATETIME).sql}, {nodes[1].this.name}, '{unit}', '{side}')"
    return Term(f"CAST({made} AS DATE)" if kind == DATE else made, kind, value.constant)


# ---------------------------------------------------------------- formats
PLAIN = {"Y": "%Y", "y": "%y", "m": "%m", "d": "%d", "H": "%H", "i": "%M", "s": "%S", "S": "%S", "f": "%f", "j": "%j",
         "p": "%p", "a": "%a", "b": "%b", "M": "%B", "W": "%A", "c": "%-m", "e": "%-d", "k": "%-H", "l": "%-I", "h": "%I",
         "I": "%I", "T": "%H:%M:%S", "r": "%I:%M:%S %p", "w": "%w", "%": "%%"}
JAVA = {"yyyyMMdd": "%Y%m%d", "yyyy-MM-dd": "%Y-%m-%d", "yyyy-MM-dd HH:mm:ss": "%Y-%m-%d %H:%i:%s", "yyyy": "%Y", "yyyy-MM": "%Y-%m"}


def store_format(text):
    """A MySQL date format as strftime reads it; None when it has a letter that strftime lacks."""
    made, at = "", 0
    while at < len(text):
        if text[at] != "%" or at + 1 == len(text):
            made += text[at] if text[at] != "%" else "%%"
            at += 1
            continue
        letter = text[at + 1]
        if letter not in PLAIN:
            return None
        made += PLAIN[letter]
        at += 2
    return made


@special("date_format")
def _date_format(compiler, nodes):
    if len(nodes) != 2:
        raise no_match("date_format", [compiler.term(n).kind for n in nodes])
    return formatted(compiler.term(nodes[0]), compiler.term(nodes[1]))


def formatted(value, form):
    moment = value.to(DATETIME).sql
    if form.literal is not None:
        plain = store_format(JAVA.get(form.literal, form.literal))
        if plain is not None and form.literal and len(form.literal) < 40:
            return Term(f"strftime({moment}, {_quoted(plain)})", VARCHAR, value.constant)
    return Term(f"sr_date_format({moment}, {form.to(VARCHAR).sql})", VARCHAR, value.constant)


def _quoted(text):
    return "'" + text.replace("'", "''") + "'"


# ---------------------------------------------------------------- now
def zone_of(session):
    return str(variables.value_of(session, "time_zone")) if session is not None else "Asia/Shanghai"


def instant(session, zone):
    """The servers' clock, which tests may have moved."""
    seconds = session.world.clock.now() if session is not None else datetime.datetime.now().timestamp()
    return datetime.datetime.fromtimestamp(seconds, zone)


def here(compiler):
    """The session's wall clock, one moment for the whole statement."""
    kept = getattr(compiler.queries, "moment", None)
    if kept is None:
        kept = _clock(compiler.session, zone_of(compiler.session))
        if compiler.queries is not None:
            compiler.queries.moment = kept
    return kept


def _clock(session, name):
    found = re.fullmatch(r"([+-])(\d{1,2}):(\d{2})", name)
    if found:
        offset = datetime.timedelta(hours=int(found.group(2)), minutes=int(found.group(3)))
        zone = datetime.timezone(offset if found.group(1) == "+" else -offset)
    else:
        zone = ZoneInfo({"CST": "Asia/Shanghai"}.get(name, name))
    return instant(session, zone).replace(tzinfo=None)


@special("now", "current_timestamp", "localtime", "localtimestamp", "sysdate")
def _now(compiler, nodes):
    places = int(compiler.term(nodes[0]).literal or 0) if nodes else 0
    moment = here(compiler)
    micros = moment.microsecond // 10 ** (6 - places) * 10 ** (6 - places)
    return Term(f"TIMESTAMP '{moment.replace(microsecond=micros)}'", DATETIME, True)


@special("curdate", "current_date")
def _curdate(compiler, nodes):
    return Term(f"DATE '{here(compiler).date()}'", DATE, True)


@special("curtime", "current_time")
def _curtime(compiler, nodes):
    moment = here(compiler)
    return Term(f"CAST({(moment.hour * 60 + moment.minute) * 60 + moment.second} AS DOUBLE)", TIME, True)


@special("utc_timestamp")
def _utc(compiler, nodes):
    return Term(f"TIMESTAMP '{instant(compiler.session, datetime.timezone.utc).replace(tzinfo=None, microsecond=0)}'", DATETIME, True)


@special("utc_time")
def _utc_time(compiler, nodes):
    moment = instant(compiler.session, datetime.timezone.utc)
    return Term(f"CAST({(moment.hour * 60 + moment.minute) * 60 + moment.second} AS DOUBLE)", TIME, True)


# ---------------------------------------------------------------- seconds since 1970
@special("unix_timestamp")
def _unix_timestamp(compiler, nodes):
    if not nodes:
        return Term(f"CAST({int(instant(compiler.session, datetime.timezone.utc).timestamp())} AS BIGINT)", BIGINT, True)
    value = compiler.term(nodes[0])
    moment = value.to(DATETIME).sql
    if len(nodes) == 2:
        moment = f"sr_str_to_date({value.to(VARCHAR).sql}, {compiler.term(nodes[1]).to(VARCHAR).sql})"
    utc = f"sr_convert_tz({moment}, {_quoted(zone_of(compiler.session))}, 'UTC')"
    return Term(f"CASE WHEN {moment} IS NOT NULL THEN greatest(CAST(floor(epoch({utc})) AS BIGINT), 0) END", BIGINT, value.constant)


@special("from_unixtime", "from_unixtime_ms")
def _from_unixtime(compiler, nodes):
    value = compiler.term(nodes[0])
    seconds = value.to(BIGINT).sql
    zone = _quoted(zone_of(compiler.session))
    if len(nodes) == 3:
        zone = compiler.term(nodes[2]).to(VARCHAR).sql
    moment = (f"CASE WHEN {seconds} BETWEEN 0 AND 253402243199 THEN sr_convert_tz(make_timestamp({seconds} * 1000000), 'UTC', {zone}) END")
    if len(nodes) > 1:
        return formatted(Term(moment, DATETIME), compiler.term(nodes[1]))
    return Term(f"sr_datetime_text({moment})", VARCHAR, value.constant)


@special("hour_from_unixtime")
def _hour_from_unixtime(compiler, nodes):
    seconds = compiler.term(nodes[0]).to(BIGINT).sql
    moment = f"sr_convert_tz(make_timestamp({seconds} * 1000000), 'UTC', {_quoted(zone_of(compiler.session))})"
    return Term(f"CAST(hour({moment}) AS INTEGER)", INT)


