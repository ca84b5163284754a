"""The headers of a load, read and checked as the backend does it."""
import re
import zoneinfo
from dataclasses import dataclass, field

from rockpool.errors import LoadError, analysis, internal, invalid

COMPRESSED_CSV = {"gzip": "GZIP", "bzip2": "BZIP2", "lz4": "LZ4_FRAME", "deflate": "DEFLATE", "zstd": "ZSTD"}
COMPRESSIONS = {"NO_COMPRESSION", "LZ4", "LZ4_FRAME", "SNAPPY", "ZLIB", "ZSTD", "GZIP", "DEFLATE", "BZIP2"}
MAX_DELIMITER = 50
ENVELOPE_SINCE = (4, 1)  # documented for newest main only; the newest version modelled stands for it
# headers that a load of a single-table transaction reads; others are ignored without a word
IN_TRANSACTION = {
    "format", "columns", "where", "column_separator", "row_delimiter", "partitions", "temporary_partitions",
    "negative", "strict_mode", "timezone", "load_mem_limit", "jsonpaths", "json_root", "strip_outer_array",
    "ignore_json_size", "partial_update", "partial_update_mode", "merge_condition", "transmission_compression_type",
    "load_dop", "max_filter_ratio", "exec_mem_limit", "compression", "content-encoding", "envelope"}
# what must be the same in every load of a transaction
COMPARED = IN_TRANSACTION - {"max_filter_ratio", "exec_mem_limit"}


@dataclass
class LoadOptions:
    format: str = "csv"
    compression: str | None = None
    columns: str = ""
    where: str = ""
    column_separator: str = "\t"
    row_delimiter: str = "\n"
    skip_header: int = 0
    trim_space: bool = False
    enclose: str = ""
    escape: str = ""
    partitions: list = field(default_factory=list)
    temporary_partitions: bool = False
    negative: bool = False
    strict: bool = False
    max_filter_ratio: float = 0.0
    timezone: str = "Asia/Shanghai"
    timeout: int = 600
    jsonpaths: str = ""
    json_root: str = ""
    strip_outer_array: bool = False
    ignore_json_size: bool = False
    partial_update: bool = False
    partial_update_mode: str = "row"
    merge_condition: str = ""
    envelope: str = ""
    log_rejected: int = 0
    kept: dict = field(default_factory=dict)  # the headers as they came, to compare loads of one transaction


def delimiter(text):
    """A delimiter as the server converts it: literal, or hex after \\x or 0x. A hex byte from 80 on is sign-extended
    into a character that no body holds, so only 00 to 7F are of use."""
    if not text[:2].lower() in ("\\x", "0x"):
        return text
    digits = text[2:]
    if not digits:
        raise analysis(f"Invalid delimiter '{text}: empty hex string")
    if len(digits) % 2:
        raise analysis(f"Invalid delimiter '{text}: hex length must be a even number")
    if not re.fullmatch("[0-9a-fA-F]+", digits):
        raise analysis(f"Invalid delimiter '{text}': invalid hex format")
    return "".join(chr(byte if byte < 0x80 else 0xFF00 | byte) for byte in bytes.fromhex(digits))


def boolean(headers, name, what):
    text = headers.get(name)
    if not text:
        return False
    if text.lower() not in ("true", "false"):
        raise invalid(f"Invalid {what} format. Must be bool type")
    return text.lower() == "true"


def whole_number(headers, name, message, default=0):
    """stoll: blanks, a sign and digits at the beginning of the text; what follows them is ignored. At most 64 bits."""
    text = headers.get(name)
    if not text:
        return default
    found = re.match(r"\s*[+-]?\d+", text)
    if not found or not -2**63 <= int(found.group()) < 2**63:
        raise invalid(message)
    return int(found.group())


def ratio(text):
    """strtod: the number at the beginning of the text, 0 where there is none."""
    found = re.match(r"\s*([+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?|[+-]?(?:inf|nan))", text, re.I)
    return float(found.group(1)) if found else 0.0


def timeout_of(headers, default=600):
    text = headers.get("timeout")
    if not text:
        return default
    if not re.fullmatch(r"\d+", text.strip()) or int(text) > 0x7FFFFFFF:
        raise invalid("Invalid timeout format")
    return int(text)


def _compression(headers, options):
    both = [headers.get(n) for n in ("compression", "content-encoding")]
    if all(both):
        raise invalid("Only one of http header content-encoding and compression can be set")
    given = both[1] or both[0]
    if given:
        name = given.upper()
        if name not in COMPRESSIONS:
            raise analysis(f"Unsupported compression type: {given}")
        options.compression = None if name == "NO_COMPRESSION" else name


def _format(headers, options):
    text = headers.get("format") or "csv"
    kind = text.lower()
    if kind in COMPRESSED_CSV:
        options.format, options.compression = "csv", COMPRESSED_CSV[kind]
    elif kind in ("csv", "json"):
        options.format = kind
    else:
        raise internal(f"unknown data format, format={text}")


def _delimiters(headers, options):
    for name, words in (("column_separator", "column separator"), ("row_delimiter", "row delimiter")):
        text = headers.get(name)
        if text:
            text = delimiter(text)
            if len(text.encode("utf-8", "surrogateescape")) > MAX_DELIMITER:
                raise analysis(f"the {words} is limited to a maximum of {MAX_DELIMITER} bytes")
            setattr(options, name, text)


def head(headers):
    """What a backend looks at before it begins the transaction of a plain load: format, size rule, timeout's form.

    Mistakes in all other headers are found behind the begin, so that their answers carry a transaction id."""
    o = LoadOptions()
    _format(headers, o)
    o.ignore_json_size = headers.get("ignore_json_size", "").lower() == "true"
    o.timeout = timeout_of(headers)
    return o


def read(headers, version, transaction=False):
    """LoadOptions from headers with lower-case names."""
    if transaction:
        headers = {k: v for k, v in headers.items() if k in IN_TRANSACTION or k == "timeout"}
    o = head(headers)
    if not 1 <= o.timeout <= 259200:
        raise invalid("Invalid timeout. Timeout should between 1 and 259200 seconds")
    o.columns, o.where = headers.get("columns", ""), headers.get("where", "")
    if version.since(3, 0):
        _csv_options(headers, o)
    _partitions(headers, o)
    o.negative = headers.get("negative") == "true"
    o.strict = boolean(headers, "strict_mode", "strict mode")
    o.max_filter_ratio = ratio(headers.get("max_filter_ratio", "0"))
    if whole_number(headers, "load_mem_limit", "Invalid load mem limit format") < 0:
        raise invalid("load_mem_limit must be equal or greater than 0")
    whole_number(headers, "load_dop", "Invalid load_dop format")
    o.jsonpaths, o.json_root = headers.get("jsonpaths", ""), headers.get("json_root", "")
    o.strip_outer_array = headers.get("strip_outer_array", "").lower() == "true"
    _primary_key_options(headers, o, version, transaction)
    if version.since(3, 2, 7):
        _compression(headers, o)
    if headers.get("exec_mem_limit") and whole_number(headers, "exec_mem_limit", "Invalid exec_mem_limit format") <= 0:
        raise invalid("exec_mem_limit must be greater than 0")
    _planned(headers, o, version)
    o.kept = {k: v for k, v in headers.items() if k in COMPARED}
    return o


def _partitions(headers, o):
    normal, temporary = headers.get("partitions"), headers.get("temporary_partitions")
    if normal and temporary:
        raise invalid("Can not specify both partitions and temporary partitions")
    o.partitions = [p for p in re.split(r"\s*,\s*", (normal or temporary or "").strip()) if p]
    o.temporary_partitions = bool(temporary)


def _primary_key_options(headers, o, version, transaction):
    partial = headers.get("partial_update", "")
    o.partial_update = partial == "true" if transaction else boolean(headers, "partial_update", "partial update flag")
    if version.since(3, 1) and headers.get("partial_update_mode") in ("row", "column", "auto"):
        o.partial_update_mode = headers["partial_update_mode"]
    o.merge_condition = headers.get("merge_condition", "")


def _planned(headers, o, version):
    """What only the planner on the frontend looks at."""
    _delimiters(headers, o)
    o.timezone = zone_name(headers.get("timezone") or o.timezone)
    if headers.get("envelope") and version.since(*ENVELOPE_SINCE):
        _envelope(headers["envelope"], o)


def _envelope(text, o):
    if text.lower() != "debezium":
        raise invalid(f"Invalid envelope: {text}. Only debezium is supported")
    if o.format != "json":
        raise analysis("envelope can only be specified when format is json")
    if o.json_root:
        raise analysis("json_root cannot be specified when envelope is set")
    if o.strip_outer_array:
        raise analysis("strip_outer_array cannot be specified when envelope is set")
    o.envelope = "debezium"


def zone_name(text):
    """A time zone as the server knows it: an offset, CST and PRC for Shanghai, or a region."""
    if text in ("CST", "PRC"):
        return "Asia/Shanghai"
    found = re.fullmatch(r"([+-])(\d{1,2}):(\d{2})", text)
    if found:
        hours, minutes = int(found.group(2)), int(found.group(3))
        if minutes < 60 and (hours <= 12 or found.group(1) == "+" and (hours < 14 or hours == 14 and minutes == 0)):
            return f"{found.group(1)}{hours:02d}:{minutes:02d}"
        raise _unknown_zone(text)
    try:
        zoneinfo.ZoneInfo(text)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        raise _unknown_zone(text) from None
    return text


def _unknown_zone(text):
    return LoadError("ANALYSIS_ERROR", f"Unknown or incorrect time zone: '{text}'")


def _csv_options(headers, o):
    o.skip_header = whole_number(headers, "skip_header", "Invalid csv load skip_header format")
    if o.skip_header < 0:
        raise invalid("skip_header must be equal or greater than 0")
    o.trim_space = boolean(headers, "trim_space", "trim space")
    o.enclose = headers.get("enclose", "")[:1]
    o.escape = headers.get("escape", "")[:1]
    o.log_rejected = whole_number(headers, "log_rejected_record_num", "Invalid log_rejected_record_num format")
    if o.log_rejected < -1:
        raise invalid("log_rejected_record_num must be equal or greater than -1")


def same(one, other):
    if one.kept != other.kept:
        raise internal("load request not equal last.")
