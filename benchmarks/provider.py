"""A provider that answers at once, at the least cost.

``python -m benchmarks.provider PORT [FILE]``; speaks just enough HTTP/1.1 for the adapters' calls. ``FILE``
gets the body of each accepted call, a line each, before the answer leaves.
"""

import asyncio
import os
import sys

import uvloop

_TWILIO = b'{"sid": "SM00000000000000000000000000000000", "status": "queued"}'
_CREATED = b"HTTP/1.1 201 Created\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n%b" % (
    len(_TWILIO),
    _TWILIO,
)


class Provider(asyncio.Protocol):
    def __init__(self, file: int | None) -> None:
        self._file = file

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport: asyncio.Transport = transport  # type: ignore[assignment]  # uvloop has its own class
        self._buffer = b""

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        while self._take() is not None:
            self._transport.write(_CREATED)

    def _take(self) -> bytes | None:
        """The next whole request, if it has arrived."""
        head, found, rest = self._buffer.partition(b"\r\n\r\n")
        if not found:
            return None
        length = next(
            (int(line[15:]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")), 0
        )
        if len(rest) < length:
            return None
        self._buffer = rest[length:]
        if self._file is not None:
            os.write(self._file, rest[:length] + b"\n")
        return head


async def main(port: int, path: str | None) -> None:
    file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND) if path else None
    server = await asyncio.get_running_loop().create_server(lambda: Provider(file), "127.0.0.1", port)
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(main(int(sys.argv[1]), next(iter(sys.argv[2:]), None)))
