// How the rows of one relation layout become rows of one target table: made by schema/, followed
// by encode/. One plan per version of a Relation. Immutable once made; any thread.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "model/made_column.h"
#include "model/relation.h"
#include "model/target_table.h"
#include "model/value_policy.h"

namespace walrock {

// What happens to PostgreSQL's text on its way into a load body.
enum class Conversion : std::uint8_t {
  text,        // as it is
  boolean,     // t, f -> 1, 0
  number,      // digits as they are; JSON writes them without quotes where that is exact
  timestamptz, // 2026-01-31 12:00:00.5+00 -> the same without the zone, that of the session
  bytea,       // \x0aff -> 0aff; the load's columns list decodes it with unhex
  json,        // JSON text; in a JSON body a string that the load's columns list parses
  array,       // {1,2} -> [1,2]: JSON text, or StarRocks' own form where the target is an ARRAY
};

// What the elements of a Conversion::array are: whether they are written with quotes.
enum class ArrayElement : std::uint8_t { text, number, boolean, json };

struct ColumnPlan {
  int source_index = -1; // position in the Relation; -1: see made
  std::string name;      // of the target column
  std::string type;      // of the target column, as in TargetColumn
  Conversion conversion = Conversion::text;
  ArrayElement element = ArrayElement::text; // only for Conversion::array
  // For values that the column cannot hold: fail, null or clamp.
  ValuePolicy policy = ValuePolicy::fail;
  bool is_cuttable = false; // clamp may cut the text
  bool is_key = false;      // of the target's key
  bool is_nullable = true;  // in the target
  std::string zero;         // the type's zero value, for deletes of tables with NOT NULL columns
  MadeColumn made = MadeColumn::none; // what walrock fills it with
};

struct TablePlan {
  Relation relation; // the layout that the source indexes refer to
  TargetName target;
  TableModel model = TableModel::primary;
  // In the order of the target table, so keys first. Without `__op`; encode adds it for
  // TableModel::primary.
  std::vector<ColumnPlan> columns;
  bool is_utc = true;        // timestamptz is printed in UTC
  bool is_unencoded = false; // the source does not say in what encoding: bytes may not be UTF-8
  int key_count = 0;         // the first key_count columns are the key
};

} // namespace walrock
