"""Open SMTP connections of one server, to be used again while they are young."""

import asyncio
import time
from contextlib import suppress

import aiosmtplib
from aiosmtplib.errors import SMTPException

_IDLE_S = 30.0
_QUIT_TIMEOUT_S = 1.0


class Pool:
    """Connections to one server: at most ``limit``, the most recently used one first."""

    def __init__(self, limit: int) -> None:
        self._slots = asyncio.Semaphore(limit)
        self._idle: list[tuple[float, aiosmtplib.SMTP]] = []
        self._users = 0

    async def __aenter__(self) -> None:
        await self._slots.acquire()
        self._users += 1

    async def __aexit__(self, *_: object) -> None:
        self._users -= 1
        self._slots.release()

    def is_abandoned(self) -> bool:
        """Whether nobody uses it and no connection is young enough to be used again."""
        return not self._users and not any(map(_is_usable, self._idle))

    def take(self) -> aiosmtplib.SMTP | None:
        """A connection to use again, or None when a new one is needed."""
        while self._idle:
            idle = self._idle.pop()
            if _is_usable(idle):
                return idle[1]
            idle[1].close()
        return None

    def give(self, connection: aiosmtplib.SMTP) -> None:
        """Back for the next mail, unless it was closed."""
        if connection.is_connected:
            self._idle.append((time.monotonic(), connection))

    def drop(self) -> None:
        """Close what is idle without waiting."""
        for _, connection in self._idle:
            connection.close()
        self._idle.clear()

    async def close(self) -> None:
        """Say goodbye to the server on every idle connection."""
        idle, self._idle = self._idle, []
        await asyncio.gather(*(_quit(connection) for _, connection in idle))


async def _quit(connection: aiosmtplib.SMTP) -> None:
    with suppress(SMTPException, OSError):
        await connection.quit(timeout=_QUIT_TIMEOUT_S)
    connection.close()


def _is_usable(idle: tuple[float, aiosmtplib.SMTP]) -> bool:
    since, connection = idle
    return connection.is_connected and time.monotonic() - since < _IDLE_S
