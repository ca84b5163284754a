// The kept text, behind the lines of columns (which begin with a digit):
//
//   partitions LSN
//   partition OID FILENODE ATTACHED_XID NAMESPACE_LENGTH NAMESPACE.NAME     ordered by OID
//
// A name stands last, so that it may hold anything but a newline, which is shown as a space: it is
// only for messages.
#include "model/partition_tree.h"

#include <algorithm>
#include <charconv>

namespace walrock {

namespace {

constexpr std::string_view kHead = "partitions ";
constexpr std::string_view kLine = "partition ";

std::string_view take_until(std::string_view& rest, char end) {
  std::size_t const at = std::min(rest.find(end), rest.size());
  std::string_view const word = rest.substr(0, at);
  rest.remove_prefix(std::min(at + 1, rest.size()));
  return word;
}

std::uint32_t take_number(std::string_view& rest) {
  std::string_view const word = take_until(rest, ' ');
  std::uint32_t out = 0;
  std::from_chars(word.data(), word.data() + word.size(), out);
  return out;
}

std::string on_one_line(std::string text) {
  std::replace(text.begin(), text.end(), '\n', ' ');
  return text;
}

// Where the lines of partitions begin; the size of the layout without any.
std::size_t head_of(std::string_view layout) {
  if (layout.starts_with(kHead))
    return 0;
  // A name of a column may hold a newline, so the last one counts.
  std::size_t const at = layout.rfind("\n" + std::string(kHead));
  return at == std::string_view::npos ? layout.size() : at + 1;
}

} // namespace

Partition const* PartitionTree::find(Oid oid) const {
  auto const found = std::lower_bound(
      partitions.begin(), partitions.end(), oid,
      [](Partition const& partition, Oid wanted) { return partition.oid < wanted; });
  return found == partitions.end() || found->oid != oid ? nullptr : &*found;
}

// Transaction numbers come round: of two, the nearer one that is behind is the older.
bool PartitionTree::has_ended(std::uint32_t xid) const {
  return static_cast<std::int32_t>(xid - next_xid) < 0 &&
         std::find(xids_in_progress.begin(), xids_in_progress.end(), xid) == xids_in_progress.end();
}

std::string_view columns_part(std::string_view layout) {
  return layout.substr(0, head_of(layout));
}

std::string with_partitions(std::string_view layout, PartitionTree const& tree) {
  std::string out(columns_part(layout));
  out += std::string(kHead) + to_string(tree.lsn) + "\n";
  for (Partition const& partition : tree.partitions) {
    std::string const space = on_one_line(partition.name.namespace_name);
    out += std::string(kLine) + std::to_string(partition.oid) + " " +
           std::to_string(partition.filenode) + " " + std::to_string(partition.attached_xid) + " " +
           std::to_string(space.size()) + " " + space + "." +
           on_one_line(partition.name.table_name) + "\n";
  }
  return out;
}

std::optional<PartitionTree> partitions_of(std::string_view layout) {
  std::string_view rest = layout.substr(head_of(layout));
  if (rest.empty())
    return std::nullopt;
  PartitionTree tree;
  rest.remove_prefix(kHead.size());
  auto const lsn = parse_lsn(take_until(rest, '\n'));
  if (!lsn)
    return std::nullopt;
  tree.lsn = *lsn;
  while (!rest.empty()) {
    std::string_view line = take_until(rest, '\n');
    if (!line.starts_with(kLine))
      return std::nullopt;
    line.remove_prefix(kLine.size());
    Partition partition;
    partition.oid = take_number(line);
    partition.filenode = take_number(line);
    partition.attached_xid = take_number(line);
    std::size_t const length = take_number(line);
    partition.name.namespace_name = line.substr(0, length);
    partition.name.table_name = line.substr(std::min(line.size(), length + 1));
    tree.partitions.push_back(std::move(partition));
  }
  return tree;
}

} // namespace walrock
