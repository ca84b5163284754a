"""The headers of a load, read and checked as the backend does it."""
import re
from dataclasses import dataclass, field

from rockpool.errors import analysis, internal, invalid

COMPRESSED_CSV = {"gzip": "GZIP", "bzip2": "BZIP2", "lz4": "LZ4_FRAME", "deflate": "DEFLATE", "zstd": "ZSTD"}
COMPRESSIONS = {"NO_COMPRESSION", "LZ4", "LZ4_FRAME", "SNAPPY", "ZLIB", "ZSTD", "GZIP", "DEFLATE", "BZIP2"}
MAX_DELIMITER = 50
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
    log_rejected: int = 0
    kept: dict = field(default_factory=dict)  # the headers as they came, to compare loads of one transaction


def delimiter(text):
    """A delimiter as the server converts it: literal, or hex after \\x or 0x."""
    if not text[:2].lower() in ("\\x", "0x"):
        return text
    digits = text[2:]
    if not digits:
        raise analysis(f"Invalid delimiter '{text}: empty hex string")
    if len(digits) % 2:
        raise analysis(f"Invalid delimiter '{text}: hex length must be a even number")
    if not re.fullmatch("[0-9a-fA-F]+", digits):
        raise analysis(f"Invalid delimiter '{text}': invalid hex format")
    return bytes.fromhex(digits).decode("latin-1")  # only 00 to 7F are of use, as in the server


def boolean(headers, name, what):
    text = headers.get(name)
    if text is None:
        return False
    if text.lower() not in ("true", "false"):
        raise invalid(f"Invalid {what} format. Must be bool type")
    return text.lower() == "true"


def whole_number(headers, name, message, default=0):
    text = headers.get(name)
    if text is None:
        return default
    if not re.fullmatch(r"[+-]?\d+", text.strip()):
        raise invalid(message)
    return int(text)


def ratio(text):
    """strtod: the number at the beginning of the text, 0 where there is none."""
    found = re.match(r"\s*([+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)", text)
    return float(found.group(1)) if found else 0.0


def timeout_of(headers, default=600):
    text = headers.get("timeout")
    if text is None:
        return default
    if not re.fullmatch(r"\d+", text.strip()):
        raise invalid("Invalid timeout format")
    return int(text)


def _compression(headers, options):
    both = [headers.get(n) for n in ("compression", "content-encoding")]
    if all(both):
        raise invalid("Only one of http header content-encoding and compression can be set")
    name = both[0] or both[1]
    if name:
        name = name.upper()
        if name not in COMPRESSIONS:
            raise invalid(f"unsupported compression type: {name}")
        options.compression = None if name == "NO_COMPRESSION" else name


def _format(headers, options):
    text = headers.get("format", "csv")
    kind = text.lower()
    if kind in COMPRESSED_CSV:
        options.format, options.compression = "csv", COMPRESSED_CSV[kind]
    elif kind in ("csv", "json"):
        options.format = kind
    else:
        raise invalid(f"unknown data format, format={text}")


def _delimiters(headers, options):
    for name, words in (("column_separator", "column separator"), ("row_delimiter", "row delimiter")):
        text = headers.get(name)
        if text:
            if len(text.encode("utf-8", "surrogateescape")) > MAX_DELIMITER:
                raise invalid(f"the {words} is limited to a maximum of {MAX_DELIMITER} bytes")
            setattr(options, name, delimiter(text))


def read(headers, version, transaction=False):
    """LoadOptions from headers with lower-case names."""
    if transaction:
        headers = {k: v for k, v in headers.items() if k in IN_TRANSACTION or k == "timeout"}
    o = LoadOptions()
    _format(headers, o)
    if version.since(3, 2, 7):
        _compression(headers, o)
    o.timeout = timeout_of(headers)
    if not 1 <= o.timeout <= 259200:
        raise invalid("Invalid timeout. Timeout should between 1 and 259200 seconds")
    _delimiters(headers, o)
    o.columns, o.where = headers.get("columns", ""), headers.get("where", "")
    _csv_options(headers, o)
    if headers.get("partitions") and headers.get("temporary_partitions"):
        raise invalid("Can not specify both partitions and temporary partitions")
    o.partitions = [p.strip() for p in headers.get("partitions", "").split(",") if p.strip()]
    o.negative = headers.get("negative") == "true"
    o.strict = boolean(headers, "strict_mode", "strict mode")
    o.max_filter_ratio = ratio(headers.get("max_filter_ratio", "0"))
    o.timezone = headers.get("timezone", o.timezone)
    if whole_number(headers, "load_mem_limit", "Invalid load mem limit format") < 0:
        raise invalid("load_mem_limit must be equal or greater than 0")
    o.jsonpaths, o.json_root = headers.get("jsonpaths", ""), headers.get("json_root", "")
    o.strip_outer_array = headers.get("strip_outer_array", "").lower() == "true"
    o.ignore_json_size = headers.get("ignore_json_size", "").lower() == "true"
    partial = headers.get("partial_update", "")
    o.partial_update = partial == "true" if transaction else boolean(headers, "partial_update", "partial update flag")
    mode = headers.get("partial_update_mode", "row").lower()
    o.partial_update_mode = mode if mode in ("row", "column", "auto") else "row"
    o.merge_condition = headers.get("merge_condition", "")
    o.kept = {k: v for k, v in headers.items() if k in COMPARED}
    return o


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
