// How a publication sends one table: which of its rows and columns arrive. Values, and the line
// that a checkpoint keeps of them; any thread.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "model/names.h"

namespace walrock {

struct Published {
  // What of the publication names the table: rows of pg_publication_rel (of the table, or of a
  // partitioned one above it) and of pg_publication_namespace; the publication itself when it has
  // all tables. Ordered. A new row filter, a new column list, and a table that was taken out and
  // put back, have a new one. Empty: not published.
  std::vector<Oid> by;
  // The columns that are there: attnums of those that arrive, and of those that do not. Ordered.
  std::vector<int> sent;
  std::vector<int> unsent;
  std::string filter; // as SQL; empty: every row

  bool operator==(Published const&) const = default;
};

// Why a target that was filled under `before` is not what arrives under `now`, as a sentence
// without its end; empty when it is. A column that is new since then is none of the publication's.
[[nodiscard]] std::string publication_change(Published const& before, Published const& now);

// TableRecord::layout with this line, behind those of columns and in front of those of partitions.
[[nodiscard]] std::string with_published(std::string_view layout, Published const& published);
// Nothing in a layout that was written before it was kept.
[[nodiscard]] std::optional<Published> published_of(std::string_view layout);

} // namespace walrock
