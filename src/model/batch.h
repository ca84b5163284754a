// Encoded rows of one table on their way into a load. Only a batch owns bytes, and only a batch
// crosses a thread; passing is moving.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/memory_budget.h"
#include "model/names.h"

namespace walrock {

enum class LoadFormat : std::uint8_t { csv, json };
enum class Compression : std::uint8_t { none, lz4, zstd };

// CSV in a load transaction has no quoting: a field ends at the first separator byte.
inline constexpr char kColumnSeparator = '\x01';
inline constexpr char kRowDelimiter = '\x02';

// A field of a row, by the column of the target that it becomes.
struct LoadField {
  std::string column;
  std::string type; // as in TargetColumn
  bool operator==(LoadField const&) const = default;
};

// What StarRocks must be told about the bodies of a label; the same for all of them.
struct LoadSpec {
  TargetName target;
  LoadFormat format = LoadFormat::csv;
  std::string columns;         // value of the `columns` header
  bool partial_update = false; // the columns not named keep their values
  // Not told to StarRocks: the columns of the key, which are the first fields of every row. Empty:
  // the table has no key.
  std::vector<std::string> key = {};
  // Not told either: what each field of a row is a value of, in their order.
  std::vector<LoadField> fields = {};
  bool operator==(LoadSpec const&) const = default;
};

// Bytes that were moved out of memory into a local file; a cache, never the only copy of anything
// that was acknowledged.
class SpooledBytes {
public:
  virtual ~SpooledBytes() = default;
  // Reads them back; throws Error spool_failed. Any thread.
  [[nodiscard]] virtual std::string read() const = 0;
};

// An empty field whose value only the target has: PostgreSQL did not send it, because it did not
// change, and it stands under another key by now. It is read back before the label is loaded (see
// docs/design/reading-back.md).
struct FieldReference {
  std::size_t at = 0;    // offset of the field in the body
  std::size_t field = 0; // its place in the row
  std::vector<std::string>
      key; // whose row had it before this label: its fields, as they are loaded
};

// One HTTP body: whole rows. JSON bodies are complete arrays.
struct Body {
  std::string bytes; // empty once spooled
  Charge charge;     // for bytes.capacity()
  std::unique_ptr<SpooledBytes> spooled;
  std::uint64_t size = 0;                 // bytes, wherever they are
  std::vector<FieldReference> references; // in the order of their fields; always in memory
  bool has_ranked_rows = false;           // whose place only the target knows: model/ranked_rows.h

  // Something in it is read from the target before it is loaded.
  [[nodiscard]] bool reads_back() const { return !references.empty() || has_ranked_rows; }
};

// All bodies of one label.
struct Batch {
  LoadSpec spec;
  std::vector<Body> bodies;
  std::uint64_t row_count = 0;
  std::uint64_t byte_count = 0;

  [[nodiscard]] bool reads_back() const {
    for (Body const& body : bodies)
      if (body.reads_back())
        return true;
    return false;
  }
};

} // namespace walrock
