#include "pipeline/equal_rows.h"

#include <utility>

#include "base/error.h"

namespace walrock {

namespace {

// What the containers take, roughly: a node with its place in the table, and room to grow.
constexpr std::size_t kBytesOfHash = 80;
constexpr std::size_t kBytesOfRow = 36;

} // namespace

EqualRows::EqualRows(MemoryBudget* budget, MemoryBudget* share)
    : share_(share), charge_(budget), of_share_(share) {}

bool EqualRows::take_room(std::size_t bytes, std::size_t limit) {
  if (share_->used() + bytes > limit)
    return false;
  bytes_ += bytes;
  charge_.resize(bytes_);
  of_share_.resize(bytes_);
  return true;
}

void EqualRows::insert(RowHash hash, RowOrigin origin) {
  bool const is_new = !equals_.contains(hash);
  if (!take_room(kBytesOfRow + (is_new ? kBytesOfHash : 0), share_->limit() / 2))
    return;
  Equals& equals = equals_[hash];
  auto const place = static_cast<std::uint32_t>(inserted_.size());
  inserted_.push_back({origin.commit_lsn, origin.index, std::exchange(equals.newest, place)});
}

RowOrigin EqualRows::remove(RowHash hash) {
  auto found = equals_.find(hash);
  if (found == equals_.end()) {
    if (!take_room(kBytesOfHash, share_->limit()))
      throw Error(ErrorCode::copy_needed,
                  "too many rows without a key were deleted or changed in one transaction to find "
                  "each of them in the target");
    found = equals_.try_emplace(hash).first;
  }
  Equals& equals = found->second;
  RowOrigin origin;
  if (equals.newest == kNone) {
    origin.rank = ++equals.ranks;
    return origin;
  }
  Inserted const& row = inserted_[equals.newest];
  origin.commit_lsn = row.commit_lsn;
  origin.index = row.index;
  equals.newest = row.before;
  return origin;
}

void EqualRows::clear() {
  if (bytes_ == 0)
    return;
  inserted_ = {};
  equals_ = {};
  bytes_ = 0;
  charge_.resize(0);
  of_share_.resize(0);
}

} // namespace walrock
