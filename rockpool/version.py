"""What differs between the versions of StarRocks that rockpool models."""
import re

NEWEST = "4.1.2"
OLDEST = (2, 5)
COMMIT = "79ee91d"  # StarRocks prints <x.y.z>-<7 digits of a commit>


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

    @property
    def current_version(self):
        return f"{self.text}-{COMMIT}"

    @property
    def mysql_version(self):
        return "8.0.33" if self.since(3, 4) else "5.1.0"

    def code(self, new, old=None):
        """Error codes: before 3.4 practically every error was 1064."""
        if self.since(3, 4):
            return new
        return old or 1064
