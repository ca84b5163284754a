// A table as pgoutput describes it: what its Relation message says, nothing from the catalog.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "model/names.h"

namespace walrock {

// As in pg_class.relreplident.
enum class ReplicaIdentity : char { default_ = 'd', nothing = 'n', full = 'f', index = 'i' };

struct RelationColumn {
  std::string name;
  Oid type_oid = 0;
  std::int32_t typmod = -1;
  bool is_key = false; // part of the replica identity; with identity full every column is
  bool operator==(RelationColumn const&) const = default;
};

struct Relation {
  RelationId id;
  TableName name;
  ReplicaIdentity identity = ReplicaIdentity::default_;
  std::vector<RelationColumn> columns;
  bool operator==(Relation const&) const = default;
};

} // namespace walrock
