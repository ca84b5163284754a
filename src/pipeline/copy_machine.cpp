#include "pipeline/copy_machine.h"

#include <utility>

namespace walrock {

CopyMachine::CopyMachine(RowEncoder const& encoder, Split const& split, Lsn consistent_lsn,
                         MemoryBudget* budget, Limits limits)
    : limits_(limits), budget_(budget), source_(encoder.plan().relation.name),
      decoder_(encoder.plan().relation.columns.size()), batches_(budget, limits.batch_limits),
      // Rows of a copy have no transaction of their own: they stand just below the first that the
      // stream brings. The index is unique over all splits.
      origin_{Lsn{consistent_lsn.value - 1}, static_cast<std::uint64_t>(split.index) << 32} {
  batches_.use(&encoder);
}

void CopyMachine::keep_unsayable(TargetName const& target, std::size_t limit) {
  quarantine_.emplace(budget_, source_, target, limit);
  batches_.divert_to(&*quarantine_);
}

void CopyMachine::on_line(std::span<char> line) {
  batches_.upsert(decoder_.decode(line), origin_);
  ++origin_.index;
}

std::vector<Batch> CopyMachine::take() {
  std::vector<Batch> out;
  // Keys are unique in a snapshot, so the order of parts does not matter.
  for (Part& part : batches_.take())
    for (Batch& batch : part.batches)
      out.push_back(std::move(batch));
  if (quarantine_)
    if (auto batch = quarantine_->take().batch)
      out.push_back(std::move(*batch));
  return out;
}

} // namespace walrock
