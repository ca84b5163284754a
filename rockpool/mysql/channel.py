"""Packets on a connection: a head of three bytes of length and one of sequence, bodies of 16 MB and more in pieces."""
from rockpool.mysql.tls import TlsStream

MAX_PACKET = 0xFFFFFF


class Channel:
    def __init__(self, reader, writer):
        self.reader, self.writer = reader, writer
        self.seq = 0

    async def read(self):
        parts = []
        while True:
            head = await self.reader.readexactly(4)
            size = int.from_bytes(head[:3], "little")
            self.seq = (head[3] + 1) & 0xFF
            parts.append(await self.reader.readexactly(size))
            if size < MAX_PACKET:
                return b"".join(parts) if len(parts) > 1 else parts[0]

    def send(self, *packets):
        out = []
        for packet in packets:
            while True:
                piece, packet = packet[:MAX_PACKET], packet[MAX_PACKET:]
                out.append(len(piece).to_bytes(3, "little") + bytes((self.seq,)))
                out.append(piece)
                self.seq = (self.seq + 1) & 0xFF
                if len(piece) < MAX_PACKET:
                    break
        self.writer.write(b"".join(out))

    async def drain(self):
        await self.writer.drain()

    def close(self):
        self.writer.close()

    async def secure(self, context):
        """Goes on over TLS."""
        stream = TlsStream(context, self.reader, self.writer)
        await stream.handshake()
        self.reader = self.writer = stream

    @property
    def address(self):
        host, port = self.writer.get_extra_info("peername")[:2]
        return f"{host}:{port}"
