"""Compressed bodies, decompressed piece by piece."""
import bz2
import zlib

import lz4.frame
import zstandard

from rockpool.errors import internal


class Decompressor:
    """feed() gives the bytes that a compressed chunk yields; several frames one after the other are one body."""

    def __init__(self, name):
        if name not in MAKERS:
            raise internal(f"Unknown compression type: {name}")
        self.make = MAKERS[name]
        self.name = name
        self.stream = None

    def feed(self, chunk):
        pieces = []
        try:
            while chunk:
                if self.stream is None:
                    self.stream = self.make()
                pieces.append(self.stream.decompress(chunk))
                chunk = b""
                if getattr(self.stream, "eof", False):
                    chunk = self.stream.unused_data or b""
                    self.stream = None
        except (OSError, RuntimeError, EOFError, zlib.error, zstandard.ZstdError) as e:
            raise internal(f"decompress failed: {self.name}: {e}") from None
        return b"".join(pieces) if len(pieces) != 1 else pieces[0]

    def finish(self):
        if self.stream is not None:
            raise internal(f"decompress failed: {self.name}: the compressed body ends too early")


MAKERS = {"GZIP": lambda: zlib.decompressobj(31), "ZLIB": lambda: zlib.decompressobj(15),
          "DEFLATE": lambda: zlib.decompressobj(15), "BZIP2": bz2.BZ2Decompressor,
          "ZSTD": lambda: zstandard.ZstdDecompressor().decompressobj(),
          "LZ4_FRAME": lz4.frame.LZ4FrameDecompressor, "LZ4": lz4.frame.LZ4FrameDecompressor}
