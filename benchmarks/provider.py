"""A provider that answers at once, or after a fixed while, at the least cost.

``python -m benchmarks.provider PORT [FILE] [--delay-ms 200]``; speaks just enough HTTP/1.1 for the adapters'
calls. ``FILE`` gets the body of each accepted call, a line each, before the answer leaves.
"""

import argparse
import asyncio
import os

import uvloop

_TWILIO = b'{"sid": "SM00000000000000000000000000000000", "status": "queued"}'
_CREATED = b"HTTP/1.1 201 Created\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n%b" % (
    len(_TWILIO),
    _TWILIO,
)


class Provider(asyncio.Protocol):
    def __init__(self, file: int | None, delay_s: float) -> None:
        self._file = file
        self._delay_s = delay_s

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport: asyncio.Transport = transport  # type: ignore[assignment]  # uvloop has its own class
        self._buffer = b""

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        while self._take() is not None:
            if self._delay_s:
                asyncio.get_running_loop().call_later(self._delay_s, self._transport.write, _CREATED)
            else:
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


async def main(port: int, path: str | None, delay_s: float) -> None:
    file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND) if path else None
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Provider(file, delay_s), "127.0.0.1", port, backlog=4096)
    await server.serve_forever()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("port", type=int)
    parser.add_argument("file", nargs="?")
    parser.add_argument("--delay-ms", type=int, default=0)
    given = parser.parse_args()
    uvloop.run(main(given.port, given.file, given.delay_ms / 1000))
