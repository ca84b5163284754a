#include "starrocks/compressor.h"

#include <lz4frame.h>
#include <zstd.h>

#include <fmt/format.h>

#include "base/error.h"

namespace walrock {

namespace {

// Level 1: the network is the reason to compress, and every core is busy already.
constexpr int kZstdLevel = 1;

std::string lz4_frame(std::string_view bytes) {
  LZ4F_preferences_t preferences = {};
  preferences.frameInfo.contentSize = bytes.size();
  std::string out(LZ4F_compressFrameBound(bytes.size(), &preferences), '\0');
  std::size_t const size =
      LZ4F_compressFrame(out.data(), out.size(), bytes.data(), bytes.size(), &preferences);
  if (LZ4F_isError(size) != 0)
    throw Error(ErrorCode::internal, fmt::format("lz4: {}", LZ4F_getErrorName(size)));
  out.resize(size);
  return out;
}

std::string zstd_frame(std::string_view bytes) {
  std::string out(ZSTD_compressBound(bytes.size()), '\0');
  std::size_t const size =
      ZSTD_compress(out.data(), out.size(), bytes.data(), bytes.size(), kZstdLevel);
  if (ZSTD_isError(size) != 0)
    throw Error(ErrorCode::internal, fmt::format("zstd: {}", ZSTD_getErrorName(size)));
  out.resize(size);
  return out;
}

} // namespace

std::string compressed(std::string_view bytes, Compression compression) {
  switch (compression) {
  case Compression::none: return std::string(bytes);
  case Compression::lz4: return lz4_frame(bytes);
  case Compression::zstd: return zstd_frame(bytes);
  }
  WALROCK_ASSERT(false, "a compression without a function");
}

} // namespace walrock
