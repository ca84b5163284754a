#include "simulation/partitions.h"

#include <algorithm>

namespace walrock::simulation {

namespace {
constexpr std::uint32_t kFirstXid = 600; // before any transaction of the run
} // namespace

Partitions::Partitions(TableName root, Oid root_oid, NewOid const& new_oid)
    : root_(std::move(root)), root_oid_(root_oid) {
  for (int slot = 0; slot < kSlots; ++slot)
    attached_[slot] = make(new_oid(), kFirstXid);
}

// As CREATE TABLE ... PARTITION OF does it.
Partitions::Leaf Partitions::make(Oid oid, std::uint32_t xid) const {
  Leaf leaf;
  leaf.entry.oid = leaf.entry.filenode = oid;
  leaf.entry.attached_xid = leaf.entry.changed_xid = leaf.file_xid = xid;
  leaf.entry.parent = root_oid_;
  leaf.entry.name = {root_.namespace_name, root_.table_name + "_" + std::to_string(oid)};
  leaf.entry.is_created_attached = true;
  return leaf;
}

void Partitions::give_new_file(Leaf& leaf, std::uint32_t xid, NewOid const& new_oid) {
  leaf.entry.filenode = new_oid();
  leaf.entry.changed_xid = leaf.file_xid = xid;
}

PartitionEvent Partitions::change(Rows const& rows, std::uint32_t xid, Dice& dice,
                                  NewOid const& new_oid, NewRow const& new_row) {
  int const slot = dice.between(0, kSlots - 1);
  if (attached_.contains(slot))
    return go(slot, rows, xid, dice, new_oid);
  int const next_id = rows.empty() ? 1 : rows.rbegin()->first + 1;
  return come(slot, next_id, xid, dice, new_oid, new_row);
}

PartitionEvent Partitions::come(int slot, int next_id, std::uint32_t xid, Dice& dice,
                                NewOid const& new_oid, NewRow const& new_row) {
  int const way = dice.between(0, 2);
  if (way == 0) {
    attached_[slot] = make(new_oid(), xid);
    return {"CREATE PARTITION " + attached_[slot].entry.name.table_name, {}, {}};
  }
  Leaf leaf = make(new_oid(), xid);
  if (way == 1 && detached_.contains(slot))
    leaf = std::move(detached_.at(slot));
  // What somebody does to it while nobody looks.
  if (dice.chance(0.3) && leaf.file_xid != xid) {
    give_new_file(leaf, xid, new_oid);
    leaf.rows.clear();
    leaf.has_pages = false;
  } else if (dice.chance(0.3) && !leaf.rows.empty()) {
    leaf.rows.erase(leaf.rows.begin());
  }
  for (int i = dice.between(0, 2); i > 0; --i) {
    int id = dice.between(1, next_id + 3);
    id += (slot - id % kSlots + kSlots) % kSlots;
    leaf.rows[id] = new_row(id);
    leaf.has_pages = true;
  }
  return attach(slot, std::move(leaf), xid);
}

PartitionEvent Partitions::attach(int slot, Leaf leaf, std::uint32_t xid) {
  leaf.entry.attached_xid = leaf.entry.changed_xid = xid;
  leaf.entry.is_created_attached = false;
  PartitionEvent out{"ATTACH " + leaf.entry.name.table_name, {}, std::move(leaf.rows)};
  leaf.rows.clear();
  detached_.erase(slot);
  attached_[slot] = std::move(leaf);
  return out;
}

PartitionEvent Partitions::go(int slot, Rows const& rows, std::uint32_t xid, Dice& dice,
                              NewOid const& new_oid) {
  Leaf& leaf = attached_.at(slot);
  PartitionEvent out;
  for (auto const& [id, row] : rows)
    if (slot_of(id) == slot)
      out.gone[id] = row;
  std::string const& name = leaf.entry.name.table_name;
  switch (dice.between(0, 4)) {
  case 0:
    out.what = "DETACH " + name;
    leaf.rows = out.gone;
    leaf.entry.changed_xid = xid;
    detached_[slot] = std::move(leaf);
    attached_.erase(slot);
    return out;
  case 1:
    out.what = "DROP " + name;
    attached_.erase(slot);
    return out;
  case 2:
    // VACUUM FULL, CLUSTER
    give_new_file(leaf, xid, new_oid);
    return {"rewrite of " + name, {}, {}};
  default:
    // In place the catalog does not tell of it: docs/design/partitions.md, what is not seen.
    if (leaf.file_xid == xid)
      return {};
    out.what = "TRUNCATE " + name;
    give_new_file(leaf, xid, new_oid);
    leaf.has_pages = false;
    return out;
  }
}

void Partitions::truncate(std::uint32_t xid, NewOid const& new_oid) {
  for (auto& [slot, leaf] : attached_) {
    if (leaf.file_xid != xid)
      give_new_file(leaf, xid, new_oid);
    leaf.has_pages = false;
  }
}

void Partitions::note_alter(std::uint32_t xid) {
  for (auto& [slot, leaf] : attached_)
    leaf.entry.changed_xid = xid;
}

std::vector<Partition> Partitions::look() const {
  std::vector<Partition> out;
  for (auto const& [slot, leaf] : attached_)
    out.push_back(leaf.entry);
  std::sort(out.begin(), out.end(),
            [](Partition const& a, Partition const& b) { return a.oid < b.oid; });
  return out;
}

bool Partitions::is_file_empty(Oid oid) const {
  for (auto const* const leaves : {&attached_, &detached_})
    for (auto const& [slot, leaf] : *leaves)
      if (leaf.entry.oid == oid)
        return !leaf.has_pages;
  return false;
}

} // namespace walrock::simulation
