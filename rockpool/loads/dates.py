"""Date texts, as the server scans them.

Dates are days and datetimes are microseconds since 1970, because Python's own dates have no year 0.
"""
import datetime

FAILED = object()  # what every converter returns for a text that is no value of its type
EPOCH = datetime.date(1970, 1, 1).toordinal()
MICROS_PER_DAY = 86_400_000_000


def scan_date(text):
    """The fields of a date text: (year, month, day, hour, minute, second, microsecond) or None.

    Up to seven runs of digits; any punctuation separates, a blank only behind the day; what follows is ignored.
    Without separators the runs are taken by width: YYYYMMDD[HHMMSS], or YYMMDD.
    """
    at, end = len(text) - len(text.lstrip()), len(text)
    if at == end or not "0" <= text[at] <= "9":
        return None
    stop = at
    while stop < end and ("0" <= text[stop] <= "9" or text[stop] == "T"):
        stop += 1
    packed = stop == end or text[stop] == "."
    width = (4 if stop - at in (4, 8) or stop - at >= 14 else 2) if packed else 4
    fields, widths, room = [], [], width
    while at < end and "0" <= text[at] <= "9" and len(fields) < 7:
        start = at
        free = not packed and len(fields) != 6
        if len(fields) == 6:
            room = 6
        while at < end and "0" <= text[at] <= "9" and (free or at - start < room):
            at += 1
        if at - start > 6:
            return None
        fields.append(int(text[start:at]))
        widths.append(at - start)
        room = 2
        if at == end:
            break
        if len(fields) == 3 and text[at] == "T":
            at += 1
        elif len(fields) == 6:
            if text[at] != ".":
                break
            at += 1
        else:
            at = _separator(text, at, len(fields))
            if at < 0:
                return None
    return _complete(fields, widths, width if packed else widths[0])


def _separator(text, at, count):
    """Behind the field number `count`: skips punctuation; blanks only behind the day. -1: not a date."""
    while at < len(text) and (text[at].isspace() or (text[at].isascii() and text[at].isprintable()
                                                     and not text[at].isalnum())):
        if text[at].isspace() and count != 3:
            return -1
        at += 1
    return at


def _complete(fields, widths, year_width):
    if len(fields) < 3:
        return None
    if len(fields) == 7:
        fields[6] *= 10 ** (6 - widths[6])
    if year_width == 2:
        fields[0] += 2000 if fields[0] < 70 else 1900
    fields += [0] * (7 - len(fields))
    return fields


def days_of(year, month, day):
    """Days since 1970, or None when there is no such day in the years 0 to 9999."""
    if not 0 <= year <= 9999:
        return None
    try:
        if year == 0:
            return datetime.date(400, month, day).toordinal() - 146097 - EPOCH
        return datetime.date(year, month, day).toordinal() - EPOCH
    except ValueError:
        return None


def date(text):
    found = scan_date(text)
    if found is None:
        return FAILED
    days = days_of(*found[:3])
    return FAILED if days is None or not _is_time(*found[3:6]) else days


def _is_time(hour, minute, second):
    return hour < 24 and minute < 60 and second < 60


def date_time(text):
    found = scan_date(text)
    if found is None or not _is_time(*found[3:6]):
        return FAILED
    days = days_of(*found[:3])
    if days is None:
        return FAILED
    hour, minute, second, micro = found[3:]
    return days * MICROS_PER_DAY + ((hour * 60 + minute) * 60 + second) * 1_000_000 + micro
