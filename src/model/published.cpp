// The kept lines, behind the lines of columns (which begin with a digit):
//
//   published OID,OID SENT,SENT UNSENT,UNSENT FILTER
//   operations OPERATIONS XID OTHERS
//
// A list without any is "-". The filter stands last; a newline in it is \n, a backslash \\.
#include "model/published.h"

#include <algorithm>
#include <charconv>

#include "model/line_text.h"
#include "model/partition_tree.h"

namespace walrock {

namespace {

constexpr std::string_view kHead = "published ";
constexpr std::string_view kStateHead = "operations ";

template <typename Number> std::string joined(std::vector<Number> const& numbers) {
  std::string out;
  for (Number const number : numbers)
    out += (out.empty() ? "" : ",") + std::to_string(number);
  return out.empty() ? "-" : out;
}

std::string_view take_word(std::string_view& rest) {
  std::size_t const end = std::min(rest.find(' '), rest.size());
  std::string_view const word = rest.substr(0, end);
  rest.remove_prefix(std::min(end + 1, rest.size()));
  return word;
}

template <typename Number> std::vector<Number> numbers_of(std::string_view word) {
  std::vector<Number> out;
  while (!word.empty() && word != "-") {
    std::size_t const end = std::min(word.find(','), word.size());
    Number number = 0;
    std::from_chars(word.data(), word.data() + end, number);
    out.push_back(number);
    word.remove_prefix(std::min(end + 1, word.size()));
  }
  return out;
}

// Where the lines are in the lines of columns; npos without any. A name of a column may hold a
// newline, so the last one counts.
std::size_t place_of(std::string_view columns) {
  if (columns.starts_with(kHead))
    return 0;
  std::size_t const at = columns.rfind("\n" + std::string(kHead));
  return at == std::string_view::npos ? at : at + 1;
}

std::string_view take_line(std::string_view& rest) {
  std::size_t const end = std::min(rest.find('\n'), rest.size());
  std::string_view const line = rest.substr(0, end);
  rest.remove_prefix(std::min(end + 1, rest.size()));
  return line;
}

PublicationState state_of(std::string_view line) {
  PublicationState out;
  line.remove_prefix(kStateHead.size());
  out.operations = take_word(line);
  std::string_view const xid = take_word(line);
  std::from_chars(xid.data(), xid.data() + xid.size(), out.altered_xid);
  out.others = line;
  return out;
}

// PostgreSQL keeps no trace of what stood there between, but that somebody altered it.
bool was_altered_and_back(PublicationState const& before, PublicationState const& now) {
  return before.altered_xid != 0 && now.altered_xid != 0 && before.altered_xid != now.altered_xid &&
         before.operations == now.operations && before.others == now.others;
}

bool have_common(std::vector<int> const& a, std::vector<int> const& b) {
  return std::any_of(a.begin(), a.end(),
                     [&b](int number) { return std::binary_search(b.begin(), b.end(), number); });
}

std::string words_of(std::string const& filter) {
  return filter.empty() ? "none" : filter;
}

} // namespace

std::string operations_lacking(std::string_view less, std::string_view more) {
  std::string out;
  for (std::string const word : {"insert", "update", "delete", "truncate"})
    if (more.find(word[0]) != std::string_view::npos &&
        less.find(word[0]) == std::string_view::npos)
      out += (out.empty() ? "" : ", ") + word;
  return out;
}

std::string publication_change(Published const& before, Published const& now) {
  if (before.filter != now.filter)
    return "the publication's row filter changed from " + words_of(before.filter) + " to " +
           words_of(now.filter);
  if (have_common(before.unsent, now.sent) || have_common(before.sent, now.unsent))
    return "the publication sends other columns of it";
  if (!std::includes(now.by.begin(), now.by.end(), before.by.begin(), before.by.end()))
    return "it was taken out of the publication and put back, or put in anew";
  if (std::string const again = operations_lacking(before.state.operations, now.state.operations);
      !again.empty())
    return "the publication sends " + again + " again, which did not arrive before";
  if (was_altered_and_back(before.state, now.state))
    return "the publication was altered and is what it was before: for a moment it may have sent "
           "less of it";
  return {};
}

std::string with_published(std::string_view layout, Published const& published) {
  std::string_view columns = columns_part(layout);
  std::string_view const partitions = layout.substr(columns.size());
  std::string_view behind;
  if (std::size_t const at = place_of(columns); at != std::string_view::npos) {
    behind = columns.substr(at);
    columns = columns.substr(0, at);
    (void)take_line(behind);
    if (behind.starts_with(kStateHead))
      (void)take_line(behind);
  }
  std::string out(columns);
  out += std::string(kHead) + joined(published.by) + " " + joined(published.sent) + " " +
         joined(published.unsent) + " " + to_line(published.filter) + "\n";
  PublicationState const& state = published.state;
  out += std::string(kStateHead) + state.operations + " " + std::to_string(state.altered_xid) +
         " " + state.others + "\n";
  return out.append(behind).append(partitions);
}

std::optional<Published> published_of(std::string_view layout) {
  std::string_view const columns = columns_part(layout);
  std::size_t const at = place_of(columns);
  if (at == std::string_view::npos)
    return std::nullopt;
  std::string_view lines = columns.substr(at);
  std::string_view rest = take_line(lines);
  rest.remove_prefix(kHead.size());
  Published out;
  out.by = numbers_of<Oid>(take_word(rest));
  out.sent = numbers_of<int>(take_word(rest));
  out.unsent = numbers_of<int>(take_word(rest));
  out.filter = from_line(rest);
  if (lines.starts_with(kStateHead))
    out.state = state_of(take_line(lines));
  return out;
}

} // namespace walrock
