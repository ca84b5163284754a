"""The two ways a request fails: an SQL statement, or a load."""


class SqlError(Exception):
    """Ends a statement with an ERR packet. Text first, code second, as StarRocks' clients match them."""

    def __init__(self, text, code=1064, sqlstate=None):
        super().__init__(text)
        self.text = text
        self.code = code
        self.sqlstate = sqlstate or SQLSTATES.get(code, "HY000")


# Of all other codes: HY000.
SQLSTATES = {
    **dict.fromkeys((1044, 1049, 1066, 1102, 1104, 1110, 1113, 1115, 1117, 1130, 1132, 1141, 1142, 1166, 1203, 1211, 1227, 1230, 1231,
                     1232, 1248, 1252, 1253, 1286, 5064, 5078, 5080, 5082, 5202, 5203, 5204, 5206, 5503, 5505), "42000"),
    1045: "28000", 1046: "3D000", 1047: "08S01", 1050: "42S01", 1051: "42S02", 1052: "23000", 1053: "23001", 1054: "42S22",
    1058: "21S01", 1060: "42S21", 1251: "08004", 5024: "53400", 5077: "XX000", 5101: "F0000", 5102: "F0000", 5300: "55P03",
    5301: "55P03", 5302: "25P01", 5303: "25P01", 5304: "25P01", 5305: "25P01", 5306: "25P01", 5307: "25P01", 5400: "XX000",
    5401: "XX000", 5501: "3F000", 5502: "42602", 5509: "42S22", 5603: "02000", 5604: "42601", 5608: "42601", 5609: "22000",
    5610: "22000", 5611: "22000"}


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
