"""The event loop of a transport, in a thread of its own: calls in, answers into a queue."""

import asyncio
import os
import threading
from collections.abc import Mapping, Sequence
from queue import SimpleQueue
from typing import Any, TypeVar

import uvloop

from notify import log
from notify.model.call import Answer, Call, HttpCall, KeepCall, NoAnswer, SmtpCall, Watched
from notify.transport.http import HttpClient
from notify.transport.keep import keep
from notify.transport.settings import TransportSettings
from notify.transport.smtp import SmtpClient

K = TypeVar("K")
_log = log.get(__name__)
_CLOSE_TIMEOUT_S = 5.0


class Engine:
    """The loop, its thread and the clients that live on it. Belongs to the process that made it."""

    def __init__(self, settings: TransportSettings) -> None:
        self._pid = os.getpid()
        self._loop = uvloop.new_event_loop()
        self._ready: SimpleQueue[None] = SimpleQueue()
        self._thread = threading.Thread(
            target=self._run, args=(settings,), name="notify-transport", daemon=True
        )
        self._thread.start()
        self._ready.get()

    def is_mine(self) -> bool:
        return self._pid == os.getpid() and self._thread.is_alive()

    def _run(self, settings: TransportSettings) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_until_complete(self._open(settings))
        self._loop.run_forever()

    async def _open(self, settings: TransportSettings) -> None:
        self._http = HttpClient(settings)
        self._smtp = SmtpClient(settings)
        self._ready.put(None)

    def start(
        self,
        calls: Sequence[tuple[K, Call]],
        after_s: Mapping[K, float],
        arrived: "SimpleQueue[tuple[K, Answer]]",
        tasks: set[Any],
    ) -> None:
        """``tasks``: where the calls are kept that are under way."""

        def begin() -> None:
            for key, call in calls:
                task = self._loop.create_task(self._answer(key, call, after_s.get(key, 0), arrived))
                tasks.add(task)
                task.add_done_callback(tasks.discard)

        self._loop.call_soon_threadsafe(begin)

    async def _answer(
        self, key: K, call: Call, after_s: float, arrived: "SimpleQueue[tuple[K, Answer]]"
    ) -> None:
        try:
            if after_s > 0:
                await asyncio.sleep(after_s)
            answer = await self._execute(call)
        except asyncio.CancelledError:
            answer = NoAnswer(error="the call was cancelled", maybe_sent=True)
        except Exception as error:  # noqa: BLE001  # one bad call must not leave the others unanswered
            _log.exception("transport.unexpected", call=type(call).__name__)
            answer = NoAnswer(error=f"unexpected {type(error).__name__}", maybe_sent=True)
        arrived.put((key, answer))

    async def _execute(self, call: Call) -> Answer:
        match call:
            case HttpCall():
                return await self._http.execute(call)
            case SmtpCall():
                return await self._smtp.execute(call)
            case KeepCall():
                return keep(call)
            case Watched():
                return await self._watched(call)

    async def _watched(self, call: Watched) -> Answer:
        answer = None
        try:
            answer = await self._execute(call.begins(call.call))
            return answer
        finally:
            call.ends(answer)

    def cancel(self, tasks: set[Any]) -> None:
        self._loop.call_soon_threadsafe(lambda: [task.cancel() for task in tuple(tasks)])

    def close(self) -> None:
        done = asyncio.run_coroutine_threadsafe(self._shut(), self._loop)
        done.result(_CLOSE_TIMEOUT_S)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(_CLOSE_TIMEOUT_S)
        self._loop.close()

    async def _shut(self) -> None:
        await asyncio.sleep(0)  # a task cancelled before its first step could not leave an answer
        for task in asyncio.all_tasks() - {asyncio.current_task()}:
            task.cancel()
        await asyncio.sleep(0)
        await self._http.close()
        await self._smtp.close()
