"""TLS on the MySQL port, and what it needs: a certificate and its key.

The client sends its SSLRequest and begins the handshake at once, so bytes of the handshake may already be in the
reader's buffer when the packet has been read. The handshake therefore runs over memory buffers between the two
streams, not over the transport.
"""
import os
import shutil
import ssl
import subprocess

from rockpool.errors import SqlError

PIECE = 65536


class TlsStream:
    """Reader and writer in one, over the streams of a connection. Used by the event loop's thread."""

    def __init__(self, context, reader, writer):
        self.reader, self.writer = reader, writer
        self.incoming, self.outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = context.wrap_bio(self.incoming, self.outgoing, server_side=True)
        self.plain = bytearray()

    async def handshake(self):
        await self._until(self.tls.do_handshake)

    async def _until(self, step):
        """Repeats a step until it needs no more bytes of the client."""
        while True:
            try:
                found = step()
                self._flush()
                return found
            except ssl.SSLWantReadError:
                self._flush()
                await self.writer.drain()
                piece = await self.reader.read(PIECE)
                if not piece:
                    raise ConnectionError("the client went away") from None
                self.incoming.write(piece)
            except ssl.SSLError:
                self._flush()  # the alert that tells the client why
                raise

    def _flush(self):
        if self.outgoing.pending:
            self.writer.write(self.outgoing.read())

    async def readexactly(self, n):
        while len(self.plain) < n:
            piece = await self._until(lambda: self.tls.read(PIECE))
            if not piece:
                raise ConnectionError("the client went away")
            self.plain += piece
        taken = bytes(self.plain[:n])
        del self.plain[:n]
        return taken

    def write(self, raw):
        view = memoryview(raw)
        while view:
            view = view[self.tls.write(view):]
        self._flush()

    async def drain(self):
        await self.writer.drain()

    def close(self):
        self.writer.close()

    def get_extra_info(self, name):
        return self.tls.cipher() if name == "cipher" else self.writer.get_extra_info(name)


def context(certificate, key):
    """The server's side of TLS 1.2 and newer."""
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    made.minimum_version = ssl.TLSVersion.TLSv1_2
    made.load_cert_chain(certificate, key)
    return made


def self_made(folder):
    """(certificate file, key file) for localhost, made by the openssl command once per data folder."""
    certificate, key = os.path.join(folder, "tls.crt"), os.path.join(folder, "tls.key")
    if not os.path.exists(certificate):
        if shutil.which("openssl") is None:
            raise FileNotFoundError("--tls makes a certificate with the openssl command, which is not installed; give "
                                    "one of your own with --tls-cert and --tls-key")
        subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "825", "-subj", "/CN=localhost",
                        "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1", "-keyout", key, "-out", certificate + ".new"],
                       check=True, capture_output=True)
        os.replace(certificate + ".new", certificate)
    return certificate, key


def failed(version):
    return SqlError("Failed to change to SSL connection", version.code(5400))


def required(version):
    return SqlError("Connections using insecure transport are prohibited", version.code(5205))


# ---------------------------------------------------------------- the command line's share
def add_options(parser):
    parser.add_argument("--tls", action="store_true", help="TLS on the MySQL port (3.4 and newer) with a certificate of "
                        "its own, made once into the folder as tls.crt")
    parser.add_argument("--tls-cert", metavar="FILE", help="TLS with this certificate chain (PEM)")
    parser.add_argument("--tls-key", metavar="FILE", help="and this key (PEM)")
    parser.add_argument("--require-tls", action="store_true", help="refuse MySQL logins without TLS "
                        "(ssl_force_secure_transport)")
    parser.add_argument("--fe-https", type=int, metavar="PORT", help="serve the frontend's HTTP over TLS too, on this port "
                        "(0: a free one; enable_https)")


def of_options(args):
    """The server's context, or None without TLS. Raises ValueError, OSError or ssl.SSLError."""
    wanted = args.tls or args.tls_cert or args.tls_key or args.require_tls or args.fe_https is not None
    if not wanted:
        return None
    if bool(args.tls_cert) != bool(args.tls_key):
        raise ValueError("--tls-cert and --tls-key belong together")
    if not args.version.has("tls"):
        raise ValueError(f"StarRocks {args.version.text} has no TLS; 3.4 and newer have")
    return context(*((args.tls_cert, args.tls_key) if args.tls_cert else self_made(args.data)))
