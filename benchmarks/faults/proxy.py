"""A TCP proxy in front of a server: passes bytes on until it is told to break, hold or refuse connections."""

import asyncio
import contextlib
import socket
import struct

from benchmarks.faults.loop import Loop

_CHUNK = 64 * 1024
_RESET = struct.pack("ii", 1, 0)


class Proxy:
    """Listens on ``port``; ``target`` is a port of this machine, or the path of a Unix socket."""

    def __init__(self, loop: Loop, target: int | str) -> None:
        self._loop = loop
        self._target = target
        self._open: set[asyncio.StreamWriter] = set()
        self._flowing: asyncio.Event
        self.refusing = False
        self.port = loop.run(self._listen())

    async def _listen(self) -> int:
        self._flowing = asyncio.Event()
        self._flowing.set()
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        return int(self._server.sockets[0].getsockname()[1])

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._open.add(writer)
        behind: asyncio.StreamWriter | None = None
        try:
            if self.refusing:
                return
            answers, behind = await self._connect()
            self._open.add(behind)
            ways = [
                asyncio.create_task(self._pass(reader, behind)),
                asyncio.create_task(self._pass(answers, writer)),
            ]
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
            for way in ways:
                way.cancel()
        except OSError:
            return
        finally:
            for one in (writer, behind):
                if one is not None:
                    self._open.discard(one)
                    one.close()

    async def _connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        if isinstance(self._target, str):
            return await asyncio.open_unix_connection(self._target)
        return await asyncio.open_connection("127.0.0.1", self._target)

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while chunk := await reader.read(_CHUNK):
                await self._flowing.wait()
                writer.write(chunk)
                await writer.drain()

    def reset(self) -> None:
        """Break every connection with RST."""
        self._loop.call(self._reset)

    def _reset(self) -> None:
        for writer in list(self._open):
            found = writer.get_extra_info("socket")
            with contextlib.suppress(OSError, AttributeError):
                found.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
            writer.transport.abort()

    def hold(self) -> None:
        """Pass nothing on: a network that has gone quiet."""
        self._loop.call(self._flowing.clear)

    def release(self) -> None:
        self._loop.call(self._flowing.set)
