// The kept lines, first in a layout:
//
//   ATTNUM:NAME                                               for each column
//   shape FILENODE ATTNUM,TYPE_OID,TYPMOD,CHANGED_XID ...
//
// Earlier versions have left the second away; with it a newline in a name is \n, a backslash \\.
#include "model/source_shape.h"

#include <algorithm>
#include <charconv>

#include "model/line_text.h"

namespace walrock {

namespace {

constexpr std::string_view kHead = "shape ";

template <typename Number> Number take_number(std::string_view& rest) {
  Number out = 0;
  auto const [end, error] = std::from_chars(rest.data(), rest.data() + rest.size(), out);
  rest.remove_prefix(static_cast<std::size_t>(end - rest.data()));
  if (!rest.empty())
    rest.remove_prefix(1); // what is behind it
  return out;
}

bool begins_column(std::string_view line) {
  std::size_t const digits = std::min(line.find_first_not_of("0123456789"), line.size());
  return digits > 0 && digits < line.size() && line[digits] == ':' && line[0] != '0';
}

// Where the line of the shape begins; npos without one.
std::size_t head_of(std::string_view layout) {
  std::size_t at = 0;
  while (begins_column(layout.substr(at)) && layout.find('\n', at) != std::string_view::npos)
    at = layout.find('\n', at) + 1;
  return layout.substr(at).starts_with(kHead) ? at : std::string_view::npos;
}

// Of a layout without that line: where what is behind the columns begins.
std::size_t end_of_columns(std::string_view layout) {
  std::size_t end = layout.size();
  for (std::string const next : {"published ", "0:", "partitions "}) {
    std::size_t const at = layout.find("\n" + next);
    if (layout.starts_with(next))
      return 0;
    end = std::min(end, at == std::string_view::npos ? end : at + 1);
  }
  return end;
}

} // namespace

std::string shape_text(SourceShape const& shape) {
  std::string out;
  std::string line = std::string(kHead) + std::to_string(shape.filenode);
  for (ColumnShape const& column : shape.columns) {
    out += std::to_string(column.attnum) + ":" + to_line(column.name) + "\n";
    line += " " + std::to_string(column.attnum) + "," + std::to_string(column.type_oid) + "," +
            std::to_string(column.typmod) + "," + std::to_string(column.changed_xid);
  }
  return out + line + "\n";
}

SourceShape shape_of(std::string_view layout) {
  SourceShape shape;
  std::size_t const head = head_of(layout);
  bool const is_named_only = head == std::string_view::npos;
  std::string_view names = layout.substr(0, is_named_only ? end_of_columns(layout) : head);
  while (begins_column(names)) {
    ColumnShape column;
    column.attnum = take_number<int>(names);
    std::size_t end = names.find('\n');
    while (end + 1 < names.size() && !begins_column(names.substr(end + 1)))
      end = names.find('\n', end + 1);
    column.name =
        is_named_only ? std::string(names.substr(0, end)) : from_line(names.substr(0, end));
    names.remove_prefix(std::min(names.size(), end + 1));
    shape.columns.push_back(std::move(column));
  }
  if (is_named_only)
    return shape;
  std::string_view line = layout.substr(head + kHead.size());
  line = line.substr(0, line.find('\n'));
  shape.filenode = take_number<Oid>(line);
  while (!line.empty()) {
    int const attnum = take_number<int>(line);
    auto const found = std::find_if(shape.columns.begin(), shape.columns.end(),
                                    [&](ColumnShape const& c) { return c.attnum == attnum; });
    ColumnShape unnamed;
    ColumnShape& column = found == shape.columns.end() ? unnamed : *found;
    column.type_oid = take_number<Oid>(line);
    column.typmod = take_number<std::int32_t>(line);
    column.changed_xid = take_number<std::uint32_t>(line);
  }
  return shape;
}

std::string with_shape(std::string_view layout, SourceShape const& shape) {
  std::size_t const head = head_of(layout);
  std::size_t const end = head == std::string_view::npos
                              ? end_of_columns(layout)
                              : std::min(layout.find('\n', head), layout.size() - 1) + 1;
  return shape_text(shape).append(layout.substr(end));
}

} // namespace walrock
