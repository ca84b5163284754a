// The quarantine table of a database, over SQL: made, read and emptied. Its rows come by loads.
// Every function throws as SqlConnection::query does. Lives on the thread of its connection.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "model/quarantine.h"
#include "starrocks/sql_connection.h"

namespace walrock {

// A row as it is there.
struct KeptRow {
  KeyHash key_hash;
  std::uint32_t number = 0;
  std::string target_table;
  std::string source_table;
  std::string key;    // JSON
  std::string column; // empty: not known
  std::string reason;
  std::string values; // JSON
  std::string first_seen;
  std::uint64_t tries = 0;
};

class QuarantineRows {
public:
  // connection must outlive this.
  QuarantineRows(SqlConnection& connection, std::string database)
      : sql_(connection), database_(std::move(database)) {}

  [[nodiscard]] bool exists();
  // Of one target table.
  [[nodiscard]] QuarantinedKeys keys_of(std::string const& target_table);
  // By target table and key; the rows of a key in their order.
  [[nodiscard]] std::vector<KeptRow> rows();

  void remove_table(std::string const& target_table);
  void remove_key(KeyHash const& key);
  // A retry has failed: why.
  void note_try(KeyHash const& key, std::string const& reason);

private:
  [[nodiscard]] std::string name() const;

  SqlConnection& sql_;
  std::string database_;
};

} // namespace walrock
