"""The two ways a request fails: an SQL statement, or a load."""


class SqlError(Exception):
    """Ends a statement with an ERR packet. Text first, code second, as StarRocks' clients match them."""

    def __init__(self, text, code=1064, sqlstate=None):
        super().__init__(text)
        self.text = text
        self.code = code
        self.sqlstate = sqlstate or SQLSTATES.get(code, "HY000")


SQLSTATES = {1045: "28000", 1046: "3D000", 1049: "42000", 1050: "42S01", 1051: "42S02", 1054: "42S22", 1058: "21S01",
             1060: "42S21", 5501: "3F000", 5502: "42602", 5509: "42703", 5203: "42000", 1253: "42000", 1252: "42000",
             5610: "22000", 5603: "02000", 5604: "21S01"}


class LoadError(Exception):
    """Ends a load. status is the name a transaction answer carries; a plain load says `Fail` in its place."""

    def __init__(self, status, message, **more):
        super().__init__(message)
        self.status = status
        self.message = message
        self.more = more  # further keys of the answer, for instance ExistingJobStatus


def analysis(message):
    return LoadError("ANALYSIS_ERROR", message)


def internal(message):
    return LoadError("INTERNAL_ERROR", message)


def invalid(message):
    return LoadError("INVALID_ARGUMENT", message)
