// How a publication sends one table: which of its rows and columns arrive, and of which operations.
// Values, and the lines that a checkpoint keeps of them; any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "model/names.h"

namespace walrock {

// Of the publication as a whole.
struct PublicationState {
  std::string operations = "iudt"; // that arrive: insert, update, delete, truncate
  // Who altered it last (pg_publication.xmin; 0: not known), and whatever else may be altered but
  // for operations: its owner, its other options. Both are for comparing.
  std::uint32_t altered_xid = 0;
  std::string others;

  bool operator==(PublicationState const&) const = default;
};

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
  PublicationState state = {};

  bool operator==(Published const&) const = default;
};

// Why a target that was filled under `before` is not what arrives under `now`, as a sentence
// without its end; empty when it is. A column that is new since then is none of the publication's.
[[nodiscard]] std::string publication_change(Published const& before, Published const& now);

// "update, delete": the words of operations that `more` has and `less` has not.
[[nodiscard]] std::string operations_lacking(std::string_view less, std::string_view more);

// TableRecord::layout with its lines, behind those of columns and in front of those of partitions.
[[nodiscard]] std::string with_published(std::string_view layout, Published const& published);
// Nothing in a layout that was written before it was kept.
[[nodiscard]] std::optional<Published> published_of(std::string_view layout);

} // namespace walrock
