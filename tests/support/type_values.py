"""Values of every type of PostgreSQL, and the text that StarRocks must show for each.

The expectations are written by hand, not made by the program under test.
"""
import json
import struct
from dataclasses import dataclass
from decimal import Decimal


@dataclass
class Type:
    """A type as a column declares it, and pairs of (SQL of a value, its text in the target)."""
    declared: str
    target: str  # as DESC shows it, upper case
    values: list
    since: int = 12  # major version
    needs: str = ""  # an extension


def same(*texts):
    """Literals that arrive as they are written."""
    return [(literal(text), text) for text in texts]


def literal(text):
    return "E'" + text.replace("\\", "\\\\").replace("'", "''") + "'"


TEXT = "VARCHAR(1048576)"
NASTY = ["", " ", "\\N", "\\\\N", "NULL", "null", "a\tb\nc\rd\\e", "\x01", "a\x02b", "\x01\x02\x03", '"quoted"', "it's",
         "ä€𝄞😀", "zero\u200bwidth\u200d\ufeff", "\x7f", ",;|", "{}", "[1,2]", "x" * 70000]

# What `CREATE TYPE` and the like make before the tables.
DEFINITIONS = """
CREATE TYPE mood AS ENUM ('sad', 'it''s ok', 'happy');
CREATE TYPE pair AS (n int, t text, at date);
CREATE DOMAIN positive AS int CHECK (VALUE > 0);
CREATE DOMAIN small_positive AS positive CHECK (VALUE < 100);
CREATE DOMAIN numbers AS int[];
CREATE DOMAIN more_numbers AS numbers;
CREATE DOMAIN price AS numeric(8,3);
CREATE TYPE float_range AS RANGE (subtype = float8);
CREATE TYPE shell_text;
CREATE FUNCTION shell_text_in(cstring) RETURNS shell_text AS 'textin' LANGUAGE internal IMMUTABLE STRICT;
CREATE FUNCTION shell_text_out(shell_text) RETURNS cstring AS 'textout' LANGUAGE internal IMMUTABLE STRICT;
CREATE TYPE shell_text (INPUT = shell_text_in, OUTPUT = shell_text_out, LIKE = text);
"""

TYPES = [
    Type("boolean", "BOOLEAN", [("true", "1"), ("false", "0")]),
    Type("smallint", "SMALLINT", same("-32768", "32767", "0")),
    Type("integer", "INT", same("-2147483648", "2147483647")),
    Type("bigint", "BIGINT", same("-9223372036854775808", "9223372036854775807")),
    Type("oid", "BIGINT", same("0", "4294967295")),
    Type("xid", "BIGINT", same("4294967295")),
    Type("cid", "BIGINT", same("4294967295")),
    Type("xid8", "LARGEINT", same("0", "18446744073709551615"), since=13),
    Type("real", "FLOAT", same("1.5", "-0", "3.4028235e+38", "1e-45", "0.1", "16777217", "NaN", "Infinity", "-Infinity")),
    Type("double precision", "DOUBLE",
         same("0.1", "-0", "1.7976931348623157e+308", "5e-324", "123456789.12345678", "NaN", "Infinity", "-Infinity")),
    Type("numeric(10,2)", "DECIMAL(10,2)", same("12.34", "-99999999.99", "0.00")),
    Type("numeric(38,10)", "DECIMAL(38,10)", same("9" * 28 + "." + "9" * 10, "-0.0000000001")),
    Type("numeric(18,0)", "DECIMAL(18,0)", same("9" * 18, "-1")),
    Type("numeric(50,10)", "VARCHAR(53)", same("9" * 40 + "." + "9" * 10, "NaN")),
    Type("numeric(5,-2)", "DECIMAL(7,0)", [("9999949", "9999900"), ("-150", "-200")], since=15),
    Type("numeric(3,5)", "DECIMAL(5,5)", same("0.00999", "-0.00001"), since=15),
    Type("numeric", TEXT, same("1.500", "NaN", "-0.1", "1" * 200 + "." + "3" * 100)),
    Type("numeric", TEXT, same("Infinity", "-Infinity"), since=14),
    Type("price", "DECIMAL(8,3)", same("12345.678")),
    Type("money", "VARCHAR(128)", [("'$12.34'", "$12.34"), ("'-92233720368547758.08'::money", "-$92,233,720,368,547,758.08")]),
    Type("text", TEXT, same(*NASTY) + [("repeat('ä', 500000)", "ä" * 500000)]),
    Type("varchar(5)", "VARCHAR(20)", same("", "abcde", "😀😀😀😀😀", "\\N")),
    Type("varchar", TEXT, same("", "abc")),
    Type("char(5)", "VARCHAR(20)", [("''", "     "), ("'ab'", "ab   "), ("'ä€'", "ä€   ")]),
    Type('"char"', "VARCHAR(4)", same("x", "")),
    Type("name", "VARCHAR(252)", same("n" * 63, "")),
    Type("bytea", "VARBINARY", [("''", ""), ("'\\x00ff0102'", "00ff0102"), ("decode(repeat('5c', 300000), 'hex')", "5c" * 300000),
                                ("decode(repeat('5d', 524288), 'hex')", "5d" * 524288)]),
    Type("bit(8)", "VARCHAR(8)", [("B'10000001'", "10000001")]),
    Type("bit varying(8)", "VARCHAR(8)", [("B''", ""), ("B'101'", "101")]),
    Type("bit varying", TEXT, [("B'101'", "101")]),
    Type("date", "DATE", same("0001-01-01", "9999-12-31", "2024-02-29", "1582-10-10")),
    Type("timestamp", "DATETIME", same("0001-01-01 00:00:00", "9999-12-31 23:59:59.999999", "2024-02-29 12:00:00.5")),
    Type("timestamp(0)", "DATETIME", [("'2024-02-29 12:00:00.7'", "2024-02-29 12:00:01")]),
    Type("timestamptz", "DATETIME", [("'2024-07-01 12:00:00+02'", "2024-07-01 10:00:00"),
                                     ("'0001-01-01 00:00:00+00'", "0001-01-01 00:00:00"),
                                     ("'9999-12-31 23:59:59.999999+00'", "9999-12-31 23:59:59.999999"),
                                     ("'1880-01-01 00:00:00.000001+00'", "1880-01-01 00:00:00.000001")]),
    Type("time", "VARCHAR(15)", same("24:00:00", "00:00:00.000001", "23:59:59.999999")),
    Type("timetz", "VARCHAR(24)", [("'24:00:00+15:59'", "24:00:00+15:59"), ("'12:00:00.5-03:30:15'", "12:00:00.5-03:30:15")]),
    Type("interval", "VARCHAR(64)", [("'1 year 2 mons -3 days 04:05:06.7'", "P1Y2M-3DT4H5M6.7S"), ("'0'", "PT0S"),
                                     ("'-178000000 years'", "P-178000000Y")]),
    Type("interval", "VARCHAR(64)", same("infinity", "-infinity"), since=17),
    Type("json", "JSON", same('{"a": 1,  "b":[null,true,"\\u00e4\\n"]}', "null", '"text"', "[]", "1.5", '["12345678901234567890.5", "1e400"]', "[1e300]")),
    Type("jsonb", "JSON", same('{"a": 1, "b": [null, true]}', "null", '"a\\u0001b"', "{}", "9007199254740993", '{"n": [18446744073709551615, -9223372036854775808, 0.1, 100000000000000000000]}')),
    Type("xml", TEXT, same("<a b=\"c\">x &amp; y</a>", "text only")),
    Type("jsonpath", TEXT, same('$."a"[*]')),
    Type("uuid", "VARCHAR(36)", same("a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11")),
    Type("inet", "VARCHAR(49)", same("10.0.0.1/8", "10.0.0.1", "::1", "2001:db8::1/64")),
    Type("cidr", "VARCHAR(49)", same("10.0.0.0/8", "2001:db8::/64")),
    Type("macaddr", "VARCHAR(17)", same("08:00:2b:01:02:03")),
    Type("macaddr8", "VARCHAR(23)", same("08:00:2b:01:02:03:04:05")),
    Type("tsvector", TEXT, same("'a':1A 'b c':2")),
    Type("tsquery", TEXT, same("'a' & !'b'")),
    Type("point", "VARCHAR(128)", same("(1.5,-2)")),
    Type("lseg", "VARCHAR(128)", same("[(1,2),(3,4)]")),
    Type("path", TEXT, same("((1,2),(3,4))", "[(1,2),(3,4)]")),
    Type("box", "VARCHAR(128)", same("(3,4),(1,2)")),
    Type("polygon", TEXT, same("((0,0),(1,0),(1,1))")),
    Type("line", "VARCHAR(128)", same("{1,2,3}")),
    Type("circle", "VARCHAR(128)", same("<(1,2),3>")),
    Type("int4range", TEXT, same("[1,5)", "empty", "(,)")),
    Type("int8range", TEXT, same("[-9223372036854775808,5)")),
    Type("numrange", TEXT, same("[1.50,2]")),
    Type("tsrange", TEXT, same('["2024-01-01 00:00:00","2024-01-02 00:00:00")')),
    Type("tstzrange", TEXT, [("'[2024-01-01 00:00:00+02,infinity]'", '["2023-12-31 22:00:00+00",infinity]')]),
    Type("daterange", TEXT, same("[2024-01-01,2024-02-01)", "(,infinity)")),
    Type("int4multirange", TEXT, same("{[1,2),[5,7)}", "{}"), since=14),
    Type("datemultirange", TEXT, same("{[2024-01-01,2024-02-01)}"), since=14),
    Type("float_range", TEXT, same("[1.5,2.5)")),
    Type("pg_lsn", "VARCHAR(17)", same("16/B374D848")),
    Type("tid", "VARCHAR(32)", same("(4294967295,65535)")),
    Type("pg_snapshot", TEXT, same("10:20:10,14"), since=13),
    Type("txid_snapshot", TEXT, same("10:20:10,14")),
    Type("regclass", TEXT, [("'pg_catalog.pg_class'", "pg_class")]),
    Type("regtype", TEXT, [("'int4'", "integer")]),
    Type("int2vector", TEXT, same("1 2 3")),
    Type("oidvector", TEXT, same("1 2 3")),
    Type("integer[]", "JSON", [("'{}'", "[]"), ("'{1,NULL,3}'", "[1,null,3]"), ("'{{1,2},{3,NULL}}'", "[[1,2],[3,null]]"),
                               ("'{{{1}},{{2}}}'", "[[[1]],[[2]]]")]),
    Type("bigint[]", "JSON", [("'{9223372036854775807}'", "[9223372036854775807]")]),
    Type("text[]", "JSON", [("ARRAY['a b','NULL',NULL,'','\"q\"\\',E'\\n','😀,{}']",
                             json.dumps(["a b", "NULL", None, "", '"q"\\', "\n", "😀,{}"]))]),
    Type("boolean[]", "JSON", [("'{t,f,NULL}'", "[true,false,null]")]),
    Type("double precision[]", "JSON", [("'{1.5,NaN,-Infinity}'", '[1.5,"NaN","-Infinity"]')]),
    Type("date[]", "JSON", [("'{2024-01-01,infinity,0044-03-15 BC}'", '["2024-01-01","infinity","0044-03-15 BC"]')]),
    Type("timestamptz[]", "JSON", [("'{2024-07-01 12:00:00+02}'", '["2024-07-01 10:00:00+00"]')]),
    Type("jsonb[]", "JSON", [("ARRAY['{\"a\": [1, null]}'::jsonb, NULL, '\"null\"']", '[{"a": [1, null]}, null, "null"]')]),
    Type("bytea[]", "JSON", [("ARRAY['\\x00ff'::bytea]", '["\\\\x00ff"]')]),
    Type("numeric[]", TEXT, same("{1.50,NULL,NaN}", "[2:3]={1,2}")),
    Type("box[]", TEXT, same("{(1,1),(0,0);(2,2),(1,1)}")),
    Type("mood", "VARCHAR(255)", same("sad", "it's ok")),
    Type("mood[]", TEXT, same('{sad,"it\'s ok",NULL}')),
    Type("pair", TEXT, same('(1,"a ""b""\\\\",2024-01-01)', "(,,)")),
    Type("pair[]", TEXT, same('{"(1,a,)",NULL}')),
    Type("small_positive", "INT", same("99")),
    Type("small_positive[]", TEXT, same("{1,NULL}")),
    Type("more_numbers", "JSON", [("'{1,2}'", "[1,2]")]),
    Type("shell_text", TEXT, same("any text", "\\N")),
    Type("hstore", TEXT, same('"a"=>"1", "b"=>NULL'), needs="hstore"),
    Type("citext", TEXT, same("MiXed"), needs="citext"),
    Type("ltree", TEXT, same("Top.Science"), needs="ltree"),
    Type("lquery", TEXT, same("Top.*"), needs="ltree"),
    Type("cube", TEXT, same("(1, 2, 3)"), needs="cube"),
    Type("seg", TEXT, same("1.5 .. 2.5"), needs="seg"),
    Type("isbn13", TEXT, same("978-0-393-04002-9"), needs="isn"),
    Type("query_int", TEXT, same("1 & 2"), needs="intarray"),
    Type("lo", "BIGINT", same("123"), needs="lo"),
    Type("vector(3)", TEXT, same("[1,2,3]"), needs="vector"),
]


def types_of(major, extensions):
    """Those that a server of this version, with these extensions at hand, has."""
    return [kind for kind in TYPES if kind.since <= major and (not kind.needs or kind.needs in extensions)]


def canonical(target, text):
    """One spelling of what a column of this type shows, so that a text can be compared."""
    if text is None:
        return None
    if target == "FLOAT":
        return struct.pack("f", float(text)) if float(text) == float(text) else "NaN"
    if target == "DOUBLE":
        return struct.pack("d", float(text)) if float(text) == float(text) else "NaN"
    if target == "JSON":
        return json.dumps(json.loads(text, parse_float=Decimal), sort_keys=True, default=lambda number: float(number))
    if target == "VARBINARY":
        return text.hex() if isinstance(text, bytes) else text
    if isinstance(text, bytes):
        text = text.decode("utf-8")
    if target == "DATETIME" and "." in text:
        return text.rstrip("0").rstrip(".")
    return {"true": "1", "false": "0"}.get(text, text) if target == "BOOLEAN" else text
