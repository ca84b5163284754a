// The partitions of one table of the source. A row belongs to the partition of its id; what else
// becomes of partitions changes what the table holds, and pgoutput does not send it.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "model/partition_tree.h"
#include "simulation/dice.h"
#include "simulation/rows.h"

namespace walrock::simulation {

// What happened to a partition, and to the rows of the table with it.
struct PartitionEvent {
  std::string what; // empty: nothing
  Rows gone;
  Rows came;
};

class Partitions {
public:
  // Whoever asks for a number of a table or a file gets a new one.
  using NewOid = std::function<Oid()>;
  using NewRow = std::function<Cells(int id)>;

  Partitions(TableName root, Oid root_oid, NewOid const& new_oid);

  [[nodiscard]] bool takes(int id) const { return attached_.contains(slot_of(id)); }
  [[nodiscard]] Oid of(int id) const { return attached_.at(slot_of(id)).entry.oid; }
  void note_row(int id) { attached_.at(slot_of(id)).has_pages = true; }

  // CREATE TABLE ... PARTITION OF, ATTACH, DETACH, DROP, TRUNCATE or a rewrite of one of them, by
  // this transaction.
  PartitionEvent change(Rows const& rows, std::uint32_t xid, Dice& dice, NewOid const& new_oid,
                        NewRow const& new_row);
  // TRUNCATE of the table.
  void truncate(std::uint32_t xid, NewOid const& new_oid);
  // ALTER TABLE of the table.
  void note_alter(std::uint32_t xid);

  // As the catalog has them.
  [[nodiscard]] std::vector<Partition> look() const;
  // Of a partition that is gone it is not known.
  [[nodiscard]] bool is_file_empty(Oid oid) const;

private:
  static constexpr int kSlots = 3;
  static int slot_of(int id) { return id % kSlots; }

  struct Leaf {
    Partition entry;
    bool has_pages = false;     // its file
    std::uint32_t file_xid = 0; // which transaction made the file; that one empties it in place
    Rows rows;                  // while it is detached
  };
  PartitionEvent attach(int slot, Leaf leaf, std::uint32_t xid);
  PartitionEvent come(int slot, int next_id, std::uint32_t xid, Dice& dice, NewOid const& new_oid,
                      NewRow const& new_row);
  PartitionEvent go(int slot, Rows const& rows, std::uint32_t xid, Dice& dice,
                    NewOid const& new_oid);
  Leaf make(Oid oid, std::uint32_t xid) const;
  static void give_new_file(Leaf& leaf, std::uint32_t xid, NewOid const& new_oid);

  TableName root_;
  Oid root_oid_ = 0;
  std::map<int, Leaf> attached_; // by slot
  std::map<int, Leaf> detached_; // one of each slot is kept
};

} // namespace walrock::simulation
