// A table as PostgreSQL's catalog describes it, at the moment it was asked.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "model/lsn.h"
#include "model/partition_tree.h"
#include "model/published.h"
#include "model/relation.h"
#include "model/source_shape.h"

namespace walrock {

// pg_type.typtype, with arrays told apart.
enum class TypeKind { base, array, composite, domain, enum_, range, multirange, pseudo };

struct SourceColumn {
  std::string name;
  int attnum = 0;
  // The type as declared, e.g. "numeric(10,2)", as format_type() prints it.
  std::string declared_type;
  // Domains are resolved down to their base: these four are the base type's.
  Oid type_oid = 0;
  std::int32_t typmod = -1;
  std::string type_name;      // pg_type.typname, e.g. "numeric", "_int4"
  std::string type_namespace; // e.g. "pg_catalog"
  TypeKind type_kind = TypeKind::base;
  // What the wire carries: for a domain column the domain's oid and -1.
  Oid wire_type_oid = 0;
  std::int32_t wire_typmod = -1;
  bool is_not_null = false;
  char generated = '\0'; // pg_attribute.attgenerated: 's' stored, 'v' virtual (18), else not at all
  // The stream brings it, so the copy does: not a generated column that the publication leaves out
  // (every one before 18), nor a column that is not in its column list.
  bool is_sent = true;
  std::optional<std::string> default_expression;
  // pg_attribute.attmissingval: what rows hold that were written before ADD COLUMN ... DEFAULT.
  std::optional<std::string> missing_value;
  std::string comment;
  std::uint32_t changed_xid = 0; // pg_attribute.xmin
};

// A unique index that counts for every row: valid, neither partial nor of expressions. Two rows can
// be equal in it only where one of its columns is NULL.
struct UniqueIndex {
  std::string name;
  std::vector<std::string> columns; // in index order, without those that are only included
  // Two rows may be equal in it within a transaction, or within a statement.
  bool is_deferrable = false;
};

struct SourceTable {
  RelationId id;
  TableName name;
  char relkind = 'r'; // 'r' ordinary, 'p' partitioned
  ReplicaIdentity identity = ReplicaIdentity::default_;
  std::vector<SourceColumn> columns;    // in attnum order, without dropped ones
  std::vector<std::string> primary_key; // in key order; empty without one
  // A key may be there twice within a transaction, so that changes of rows cannot be told apart by
  // it.
  bool has_deferrable_key = false;
  std::vector<UniqueIndex> unique_indexes; // that of the primary key too
  // Of a partitioned one, as a look saw them, where there was one.
  std::vector<Partition> partitions;
  std::vector<Oid> published_by; // Published::by
  std::string row_filter;        // of the publication, as SQL; empty: every row
  PublicationState publication;  // of its publication
  // The replica identity has a generated column that is not sent: from 18 on PostgreSQL refuses
  // updates and deletes once the table is published.
  bool is_identity_unsent = false;
  std::vector<std::string> identity_columns; // of the replica identity; empty for nothing and full
  Oid filenode = 0;                          // pg_class.relfilenode
  std::int64_t page_count = 0;               // 8 kB pages on disk now
  std::int64_t row_estimate = -1;            // pg_class.reltuples, -1 when never analysed
  std::string comment;
  // How the database prints money: see Connection::money_sample().
  std::string money_sample;
  bool is_unencoded = false; // the database is SQL_ASCII: any bytes may be in texts and names

  [[nodiscard]] SourceColumn const* column(std::string_view column_name) const;
  [[nodiscard]] Published published() const;
  [[nodiscard]] SourceShape shape() const;
  // TableRecord::layout.
  [[nodiscard]] std::string layout() const;
};

} // namespace walrock
