"""Date formats that strftime does not know, and reading dates by a format."""
import datetime
import re

from rockpool.sql.column_function import add

MAX_TEXT = 127  # a longer result is NULL
NAMES = {"M": ["January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December"],
         "W": ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"]}
JODA = {"yyyy": "Y", "yy": "y", "MM": "m", "dd": "d", "HH": "H", "mm": "i", "ss": "s", "hh": "h", "a": "p", "SSSSSS": "f"}


def week_of(day, mode):
    """(year, week) as MySQL's WEEK(day, mode) counts."""
    monday, long_year, first_full = bool(mode & 1), bool(mode & 2), bool(mode & 4) ^ (not mode & 1)
    year = day.year
    first = datetime.date(year, 1, 1)
    weekday = first.weekday() if monday else (first.weekday() + 1) % 7
    number = day.timetuple().tm_yday - 1

    def starts(weekday):
        return -weekday if (not first_full and weekday <= 3) or (first_full and weekday == 0) else 7 - weekday
    begin = starts(weekday)
    if number < begin:
        if not long_year:
            return year, 0
        return week_of(datetime.date(year - 1, 12, 31), mode) if year > 1 else (0, 52)
    week = (number - begin) // 7 + 1
    if long_year and week == 53:
        following = datetime.date(year + 1, 1, 1) if year < 9999 else None
        if following is not None:
            next_weekday = following.weekday() if monday else (following.weekday() + 1) % 7
            begin = starts_of(next_weekday, first_full)
            if begin <= 0 and (following - day).days <= -begin:
                return year + 1, 1
    return year, week


def starts_of(weekday, first_full):
    return -weekday if (not first_full and weekday <= 3) or (first_full and weekday == 0) else 7 - weekday


def week(moment, mode):
    return week_of(moment.date(), mode & 7)[1]


def yearweek(moment, mode):
    year, number = week_of(moment.date(), (mode & 7) | 2)
    return year * 100 + number


def ordinal(n):
    return f"{n}{'th' if 10 <= n % 100 <= 20 else {1: 'st', 2: 'nd', 3: 'rd'}.get(n % 10, 'th')}"


def letter(t, c):
    """What %c stands for."""
    hour12 = t.hour % 12 or 12
    simple = {"Y": f"{t.year:04}", "y": f"{t.year % 100:02}", "m": f"{t.month:02}", "c": str(t.month), "d": f"{t.day:02}",
              "e": str(t.day), "D": ordinal(t.day), "H": f"{t.hour:02}", "k": str(t.hour), "h": f"{hour12:02}", "I": f"{hour12:02}",
              "l": str(hour12), "i": f"{t.minute:02}", "s": f"{t.second:02}", "S": f"{t.second:02}", "f": f"{t.microsecond:06}",
              "j": f"{t.timetuple().tm_yday:03}", "p": "AM" if t.hour < 12 else "PM", "a": NAMES["W"][t.weekday()][:3],
              "W": NAMES["W"][t.weekday()], "b": NAMES["M"][t.month - 1][:3], "M": NAMES["M"][t.month - 1],
              "w": str((t.weekday() + 1) % 7), "T": f"{t.hour:02}:{t.minute:02}:{t.second:02}",
              "r": f"{hour12:02}:{t.minute:02}:{t.second:02} {'AM' if t.hour < 12 else 'PM'}", "%": "%"}
    if c in simple:
        return simple[c]
    weeks = {"U": 0, "u": 1, "V": 2, "v": 3}
    if c in weeks:
        return f"{week_of(t.date(), weeks[c])[1]:02}"
    if c in "Xx":
        return f"{week_of(t.date(), 2 if c == 'X' else 3)[0]:04}"
    return c


def date_format(moment, form):
    if not form:
        return None
    made, at = [], 0
    while at < len(form):
        if form[at] == "%" and at + 1 < len(form):
            made.append(letter(moment, form[at + 1]))
            at += 2
        else:
            made.append(form[at])
            at += 1
    text = "".join(made)
    return text if len(text) <= MAX_TEXT else None


def joda_format(moment, form):
    return re.sub(r"([A-Za-z])\1*", lambda m: letter(moment, JODA[m.group()]) if m.group() in JODA else m.group(), form)


READ = {"Y": (r"(\d{4})", "year"), "y": (r"(\d{2})", "year2"), "m": (r"(\d{1,2})", "month"), "c": (r"(\d{1,2})", "month"),
        "d": (r"(\d{1,2})", "day"), "e": (r"(\d{1,2})", "day"), "H": (r"(\d{1,2})", "hour"), "k": (r"(\d{1,2})", "hour"),
        "h": (r"(\d{1,2})", "hour12"), "I": (r"(\d{1,2})", "hour12"), "l": (r"(\d{1,2})", "hour12"), "i": (r"(\d{1,2})", "minute"),
        "s": (r"(\d{1,2})", "second"), "S": (r"(\d{1,2})", "second"), "f": (r"(\d{1,6})", "micro"), "j": (r"(\d{1,3})", "yearday"),
        "p": (r"([AaPp][Mm])", "half"), "M": (r"([A-Za-z]+)", "month_name"), "b": (r"([A-Za-z]+)", "month_name"),
        "a": (r"([A-Za-z]+)", "skip"), "W": (r"([A-Za-z]+)", "skip"), "w": (r"(\d)", "skip"), "D": (r"(\d{1,2})(?:st|nd|rd|th)", "day")}


def pattern_of(form):
    """(regular expression, field names) of a format; None when a letter is not known."""
    form = form.replace("%T", "%H:%i:%s").replace("%r", "%h:%i:%s %p")
    parts, names, at = [], [], 0
    while at < len(form):
        if form[at] == "%" and at + 1 < len(form):
            if form[at + 1] == "%":
                parts.append("%")
            elif form[at + 1] in READ:
                parts.append(READ[form[at + 1]][0])
                names.append(READ[form[at + 1]][1])
            else:
                return None
            at += 2
        elif form[at].isspace():
            parts.append(r"\s*")
            at += 1
        else:
            parts.append(re.escape(form[at]))
            at += 1
    return r"\s*" + "".join(parts), names


def str_to_date(text, form):
    found = pattern_of(form)
    match = re.match(found[0], text) if found else None
    if match is None:
        return None
    fields = dict(zip(found[1], match.groups()))
    try:
        return _of_fields(fields)
    except (ValueError, KeyError):
        return None


def _of_fields(fields):
    year = int(fields["year"]) if "year" in fields else None
    if year is None:
        two = int(fields["year2"])
        year = two + (2000 if two < 70 else 1900)
    month = int(fields.get("month", 1))
    if "month_name" in fields:
        month = next(n for n, m in enumerate(NAMES["M"], 1) if m.lower().startswith(fields["month_name"].lower()[:3]))
    day = int(fields.get("day", 1))
    hour = int(fields.get("hour", 0))
    if "hour12" in fields:
        hour = int(fields["hour12"]) % 12 + (12 if fields.get("half", "").upper() == "PM" else 0)
    moment = datetime.datetime(year, month, day, hour, int(fields.get("minute", 0)), int(fields.get("second", 0)),
                               int(fields.get("micro", "0").ljust(6, "0")))
    if "yearday" in fields:
        moment = moment.replace(month=1, day=1) + datetime.timedelta(int(fields["yearday"]) - 1)
    return moment


def install(db):
    add(db, "sr_date_format", date_format, ["TIMESTAMP", "VARCHAR"], "VARCHAR")
    add(db, "sr_joda_format", joda_format, ["TIMESTAMP", "VARCHAR"], "VARCHAR")
    add(db, "sr_str_to_date", str_to_date, ["VARCHAR", "VARCHAR"], "TIMESTAMP")
    add(db, "sr_week", week, ["TIMESTAMP", "INTEGER"], "INTEGER")
    add(db, "sr_yearweek", yearweek, ["TIMESTAMP", "INTEGER"], "INTEGER")
