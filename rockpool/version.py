"""What differs between the versions of StarRocks that rockpool models."""
import re

NEWEST = "4.1.2"
OLDEST = (2, 5)
COMMIT = "79ee91d"  # StarRocks prints <x.y.z>-<7 digits of a commit>

# What a client sees on the MySQL port, by the version that brought it.
LEVELS = {
    "roles": (3, 0),  # privileges on kinds of objects, roles that are activated
    "positions": (3, 0),  # "Getting syntax error at line …" in place of "Syntax error in line …"
    "prepared statements": (3, 2),
    "privilege codes": (3, 2),  # denials carry 1252
    "queries only": (3, 3),  # what may be prepared: nothing but queries, else 1295
    "mysql 8": (3, 4),  # server version 8.0.33 in place of 5.1.0
    "codes": (3, 4),  # errors with codes of their own in place of 1064
    "tls": (3, 4),
    "sql transactions": (3, 5),
    "updates in transactions": (4, 0),  # UPDATE and DELETE, several INSERTs into one table
}


class Version:
    """A version number and the behaviour that belongs to it."""

    def __init__(self, text=NEWEST):
        found = re.fullmatch(r"(\d+)\.(\d+)(?:\.(\d+))?", text)
        if not found:
            raise ValueError(f"version {text!r} is not of the form X.Y.Z, for instance {NEWEST}")
        self.number = tuple(int(n or 0) for n in found.groups())
        if self.number[:2] < OLDEST:
            raise ValueError(f"version {text} is older than 2.5, the oldest that rockpool models")
        self.text = ".".join(map(str, self.number))

    def since(self, *number):
        return self.number >= number

    def has(self, level):
        """Whether this version has what LEVELS names."""
        return self.number >= LEVELS[level]

    @property
    def current_version(self):
        return f"{self.text}-{COMMIT}"

    @property
    def mysql_version(self):
        return "8.0.33" if self.has("mysql 8") else "5.1.0"

    def code(self, new, old=None):
        """Error codes: before 3.4 practically every error was 1064."""
        if self.has("codes"):
            return new
        return old or 1064

    @property
    def denied_code(self):
        """Of a missing privilege: the one error that had a code before the others."""
        return self.code(5203, 1252 if self.has("privilege codes") else 1064)
