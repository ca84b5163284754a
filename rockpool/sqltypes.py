"""StarRocks' types: how they are written, shown, stored and sent."""
from dataclasses import dataclass

import pyarrow as pa

MAX_VARCHAR = 1048576
STRING_LENGTH = 65533
INT_BITS = {"TINYINT": 8, "SMALLINT": 16, "INT": 32, "BIGINT": 64, "LARGEINT": 128}
SHOWN = {"TINYINT": "tinyint(4)", "SMALLINT": "smallint(6)", "INT": "int(11)", "BIGINT": "bigint(20)",
         "LARGEINT": "largeint(40)"}
ALIASES = {"INTEGER": "INT", "BOOL": "BOOLEAN", "BINARY": "VARBINARY", "NUMERIC": "DECIMAL", "DECIMALV3": "DECIMAL",
           "DECIMAL32": "DECIMAL", "DECIMAL64": "DECIMAL", "DECIMAL128": "DECIMAL", "DECIMAL256": "DECIMAL",
           "DECIMALV2": "DECIMAL", "TEXT": "STRING", "JSONB": "JSON", "TIMESTAMP": "DATETIME"}
SCALARS = {"BOOLEAN", "TINYINT", "SMALLINT", "INT", "BIGINT", "LARGEINT", "FLOAT", "DOUBLE", "DECIMAL", "CHAR",
           "VARCHAR", "STRING", "VARBINARY", "DATE", "DATETIME", "TIME", "JSON", "BITMAP", "HLL", "PERCENTILE"}
NESTED = {"ARRAY", "MAP", "STRUCT"}
TEXTS = {"CHAR", "VARCHAR"}
OPAQUE = {"BITMAP", "HLL", "PERCENTILE"}

DUCKDB = {"BOOLEAN": "BOOLEAN", "TINYINT": "TINYINT", "SMALLINT": "SMALLINT", "INT": "INTEGER", "BIGINT": "BIGINT",
          "LARGEINT": "HUGEINT", "FLOAT": "FLOAT", "DOUBLE": "DOUBLE", "CHAR": "VARCHAR", "VARCHAR": "VARCHAR",
          "VARBINARY": "BLOB", "DATE": "DATE", "DATETIME": "TIMESTAMP", "JSON": "VARCHAR", "BITMAP": "VARCHAR",
          "HLL": "VARCHAR", "PERCENTILE": "VARCHAR", "TIME": "DOUBLE"}
ARROW = {"BOOLEAN": pa.bool_(), "TINYINT": pa.int8(), "SMALLINT": pa.int16(), "INT": pa.int32(), "BIGINT": pa.int64(),
         "LARGEINT": pa.string(),  # 2^127 does not fit decimal128(38, 0): carried as digits
         "FLOAT": pa.float32(), "DOUBLE": pa.float64(), "CHAR": pa.string(), "VARCHAR": pa.string(),
         "VARBINARY": pa.binary(), "DATE": pa.date32(), "DATETIME": pa.timestamp("us"), "JSON": pa.string(),
         "BITMAP": pa.string(), "HLL": pa.string(), "PERCENTILE": pa.string(), "TIME": pa.float64()}


@dataclass(frozen=True)
class SqlType:
    """One type. length: bytes of CHAR, VARCHAR, VARBINARY; parts: element types; names: fields of a STRUCT."""
    name: str
    length: int | None = None
    precision: int | None = None
    scale: int | None = None
    parts: tuple = ()
    names: tuple = ()

    # ------------------------------------------------------------ how it is written
    def shown(self):
        """As SHOW CREATE TABLE prints it."""
        if self.name == "DECIMAL":
            return f"decimal({self.precision}, {self.scale})"
        if self.name in TEXTS:
            return f"{self.name.lower()}({self.length})"
        if self.name == "VARBINARY":
            return "varbinary" if self.length is None else f"varbinary({self.length})"
        if self.name == "STRUCT":
            return "struct<" + ", ".join(f"{n} {p.shown()}" for n, p in zip(self.names, self.parts)) + ">"
        if self.parts:
            return f"{self.name.lower()}<{','.join(p.shown() for p in self.parts)}>"
        return SHOWN.get(self.name, self.name.lower())

    def described(self):
        """As DESC prints it: no display widths, but inside STRUCT."""
        if self.name == "DECIMAL":
            return f"decimal({self.precision},{self.scale})"
        if self.name == "STRUCT":
            return self.shown()
        if self.parts:
            return f"{self.name.lower()}<{','.join(p.described() for p in self.parts)}>"
        if self.name in SHOWN:
            return self.name.lower()
        return self.shown()

    def catalogued(self):
        """(DATA_TYPE, COLUMN_TYPE) of information_schema.columns, with its disguises."""
        special = {"BOOLEAN": ("tinyint", "tinyint(1)"), "LARGEINT": ("bigint unsigned", "bigint(20) unsigned")}
        if self.name in special:
            return special[self.name]
        if self.name == "DECIMAL":
            return "decimal", f"decimal({self.precision},{self.scale})"
        return self.name.lower(), self.shown()

    def primitive(self):
        """The primitive name that error texts and _schema use."""
        if self.name == "DECIMAL":
            p = self.precision
            return "DECIMAL32" if p <= 9 else "DECIMAL64" if p <= 18 else "DECIMAL128" if p <= 38 else "DECIMAL256"
        return self.name

    # ------------------------------------------------------------ how it is stored
    def duckdb(self):
        if self.name == "DECIMAL":
            return f"DECIMAL({self.precision},{self.scale})" if self.precision <= 38 else "VARCHAR"
        if self.name == "ARRAY":
            return self.parts[0].duckdb() + "[]"
        if self.name == "MAP":
            return f"MAP({self.parts[0].duckdb()},{self.parts[1].duckdb()})"
        if self.name == "STRUCT":
            return "STRUCT(" + ",".join(f'"{n}" {p.duckdb()}' for n, p in zip(self.names, self.parts)) + ")"
        return DUCKDB[self.name]

    def arrow(self):
        """The type of a column on its way into the store."""
        if self.name == "DECIMAL":
            return pa.decimal128(self.precision, self.scale) if self.precision <= 38 else pa.string()
        if self.name == "ARRAY":
            return pa.list_(self.parts[0].arrow())
        if self.name == "MAP":
            return pa.map_(self.parts[0].arrow(), self.parts[1].arrow())
        if self.name == "STRUCT":
            return pa.struct([(n, p.arrow()) for n, p in zip(self.names, self.parts)])
        return ARROW[self.name]

    # ------------------------------------------------------------ what it may do
    @property
    def is_integer(self):
        return self.name in INT_BITS

    @property
    def is_text(self):
        return self.name in TEXTS

    @property
    def is_primary_key_type(self):
        return self.name in INT_BITS or self.name in ("BOOLEAN", "VARCHAR", "DATE", "DATETIME")

    @property
    def is_key_type(self):
        return self.is_primary_key_type or self.name in ("DECIMAL", "CHAR")

    # ------------------------------------------------------------ kept as JSON
    def packed(self):
        return [self.name, self.length, self.precision, self.scale, [p.packed() for p in self.parts], list(self.names)]

    @staticmethod
    def unpacked(kept):
        name, length, precision, scale, parts, names = kept
        return SqlType(name, length, precision, scale, tuple(SqlType.unpacked(p) for p in parts), tuple(names))


def scalar(name, *arguments):
    """A type from its written name and its bracketed numbers; ValueError says what is wrong."""
    name = name.upper()
    written = name
    name = ALIASES.get(name, name)
    if name not in SCALARS:
        raise ValueError(f"unknown type {written}")
    if name == "STRING":
        return SqlType("VARCHAR", STRING_LENGTH)
    if name == "DECIMAL":
        return _decimal(written, arguments)
    if name == "CHAR":
        length = arguments[0] if arguments else 1
        if not 1 <= length <= 255:
            raise ValueError("Char size must be <= 255")
        return SqlType(name, length)
    if name == "VARCHAR":
        length = arguments[0] if arguments else 1
        if not 1 <= length <= MAX_VARCHAR:
            raise ValueError(f"Varchar size must be <= {MAX_VARCHAR}: {length}")
        return SqlType(name, length)
    if name == "VARBINARY":
        return SqlType(name, arguments[0] if arguments else None)
    return SqlType(name)


def _decimal(written, arguments):
    default = {"DECIMAL32": 9, "DECIMAL64": 18, "DECIMAL128": 38, "DECIMAL256": 76, "DECIMALV2": 27}
    precision = arguments[0] if arguments else default.get(written, 10)
    scale = arguments[1] if len(arguments) > 1 else 9 if written == "DECIMALV2" and not arguments else 0
    if not 1 <= precision <= 76:
        raise ValueError("DECIMAL's precision should range from 1 to 38" if precision < 1 else
                         "DECIMAL's precision should range from 1 to 76")
    if scale > precision:
        raise ValueError("DECIMAL's scale should range from 0 to its precision")
    return SqlType("DECIMAL", precision=precision, scale=scale)


BIGINT = SqlType("BIGINT")
TINYINT = SqlType("TINYINT")
VARCHAR = SqlType("VARCHAR", MAX_VARCHAR)
DATETIME = SqlType("DATETIME")
