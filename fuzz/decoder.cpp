// Frames of pgoutput, decoded one after the other: a message or a ProtocolViolation, whose texts
// lie inside the frame.
#include <cstring>
#include <memory>

#include "base/error.h"
#include "input.h"
#include "pgoutput/decoder.h"

namespace {

using namespace walrock;

void require_inside(std::span<std::byte const> payload, Row row) {
  auto const* const first = reinterpret_cast<char const*>(payload.data());
  for (Value const& cell : row)
    if (cell.is_text() && !cell.text.empty() &&
        (cell.text.data() < first || cell.text.data() + cell.text.size() > first + payload.size()))
      __builtin_trap();
}

void decode(Decoder& decoder, std::span<std::byte const> payload, bool in_block) {
  Message const* message = nullptr;
  try {
    message = &decoder.decode(payload, in_block);
  } catch (ProtocolViolation const&) {
    return;
  }
  if (peek(payload, in_block).type != static_cast<char>(payload[0]))
    __builtin_trap();
  if (auto const* insert = std::get_if<Insert>(message))
    require_inside(payload, insert->new_row);
  if (auto const* update = std::get_if<Update>(message)) {
    require_inside(payload, update->old_row);
    require_inside(payload, update->new_row);
  }
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* bytes, std::size_t size) {
  Input in(bytes, size);
  Decoder decoder;
  while (!in.at_end()) {
    bool const in_block = (in.byte() & 1U) != 0;
    std::string_view const frame = in.frame();
    // A copy of its own size: reading past it is seen.
    auto const copy = std::make_unique<std::byte[]>(frame.size());
    if (!frame.empty())
      std::memcpy(copy.get(), frame.data(), frame.size());
    decode(decoder, {copy.get(), frame.size()}, in_block);
  }
  return 0;
}
