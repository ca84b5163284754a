// One line of COPY: a row of the columns asked for, whose texts lie inside the line, or a
// ProtocolViolation.
#include <cstring>
#include <memory>

#include "base/error.h"
#include "input.h"
#include "pgoutput/copy_text.h"

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* bytes, std::size_t size) {
  using namespace walrock;
  Input in(bytes, size);
  std::size_t const columns = in.byte() % 16;
  std::string_view const line = in.rest();
  auto const copy = std::make_unique<char[]>(line.size());
  if (!line.empty())
    std::memcpy(copy.get(), line.data(), line.size());
  CopyRowDecoder decoder(columns);
  try {
    Row const row = decoder.decode({copy.get(), line.size()});
    if (row.size() != columns)
      __builtin_trap();
    for (Value const& cell : row)
      if (cell.is_text() && !cell.text.empty() &&
          (cell.text.data() < copy.get() ||
           cell.text.data() + cell.text.size() > copy.get() + line.size()))
        __builtin_trap();
  } catch (ProtocolViolation const&) {
  }
  return 0;
}
