"""BITMAP and HLL. A bitmap is kept as the sorted list of its numbers between commas, an HLL as its distinct values."""
from rockpool.sql import coercion
from rockpool.sql.coercion import BIGINT, BOOLEAN, LARGEINT, VARCHAR, SqlType
from rockpool.sql.functions.registry import define

BITMAP, HLL = SqlType("BITMAP"), SqlType("HLL")
define("to_bitmap", "v", BITMAP, "sr_bitmap_of({0})")
define("bitmap_empty", "", BITMAP, "''")
define("bitmap_hash", "v", BITMAP, "CASE WHEN {0} IS NULL THEN '' ELSE CAST((murmur_hash3_32({0})::BIGINT & 4294967295) AS VARCHAR) END")
define("bitmap_hash64", "v", BITMAP, "CASE WHEN {0} IS NULL THEN '' ELSE CAST((xx_hash3_64({0})::HUGEINT & 18446744073709551615::HUGEINT) AS VARCHAR) END")
define("bitmap_count", "x", BIGINT, "coalesce(sr_bitmap_count({0}), 0)")
define("bitmap_to_string", "x", VARCHAR, "{0}")
define("bitmap_from_string", "v", BITMAP, "sr_bitmap_read({0})")
define("bitmap_to_array", "x", coercion.array(BIGINT), "CASE WHEN {0} = '' THEN [] ELSE string_split({0}, ',') END::BIGINT[]")
define("array_to_bitmap", "x", BITMAP, "sr_bitmap_read(array_to_string({0}, ','))")
define("bitmap_contains", "x,b", BOOLEAN, "list_contains(string_split({0}, ','), CAST({1} AS VARCHAR))")
define("bitmap_max", "x", LARGEINT, "CASE WHEN {0} <> '' THEN string_split({0}, ',')[-1] END::HUGEINT")
define("bitmap_min", "x", LARGEINT, "CASE WHEN {0} <> '' THEN string_split({0}, ',')[1] END::HUGEINT")
for _word in ("and", "or", "xor", "andnot"):
    define("bitmap_" + _word, "x,x", BITMAP, f"sr_bitmap_{_word}({{0}}, {{1}})")
define("bitmap_has_any", "x,x", BOOLEAN, "sr_bitmap_and({0}, {1}) <> ''")
define("bitmap_remove", "x,b", BITMAP, "sr_bitmap_andnot({0}, CAST({1} AS VARCHAR))")
define("hll_hash", "v", HLL, "CASE WHEN {0} IS NULL THEN '' ELSE md5({0}) END")
define("hll_empty", "", HLL, "''")
define("hll_cardinality", "x", BIGINT, "coalesce(sr_bitmap_count({0}), 0)")
define("hll_serialize", "x", VARCHAR, "{0}")
define("percentile_hash", "d", SqlType("PERCENTILE"), "CAST({0} AS VARCHAR)")
define("percentile_empty", "", SqlType("PERCENTILE"), "''")
