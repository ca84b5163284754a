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

// What StarRocks must be told about the bodies of a label; the same for all of them.
struct LoadSpec {
  TargetName target;
  LoadFormat format = LoadFormat::csv;
  std::string columns;         // value of the `columns` header
  bool partial_update = false; // the columns not named keep their values
  // Not told to StarRocks: the columns of the key, which are the first fields of every row. Empty:
  // the table has no key.
  std::vector<std::string> key = {};
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

// One HTTP body: whole rows. JSON bodies are complete arrays.
struct Body {
  std::string bytes; // empty once spooled
  Charge charge;     // for bytes.capacity()
  std::unique_ptr<SpooledBytes> spooled;
  std::uint64_t size = 0; // bytes, wherever they are
};

// All bodies of one label.
struct Batch {
  LoadSpec spec;
  std::vector<Body> bodies;
  std::uint64_t row_count = 0;
  std::uint64_t byte_count = 0;
};

} // namespace walrock
