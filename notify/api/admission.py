"""Admission: when the parts behind cannot keep up, sends get 503 before all falls over, broadcasts first.

No request costs a look: a sample of the database every second, and how the flushes of sends are doing, decide
for all of them.
"""

import asyncio
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Annotated, Any

from fastapi import Depends, Request

from notify import log, settings
from notify.api.coalesce import Coalescer
from notify.errors import Unavailable
from notify.manage import gate, strain
from notify.manage.shedding import Pressure, Refuse, Valve, kind_of
from notify.model import wire
from notify.model.names import World
from notify.store.queues import Strain

_TICK_S = 0.25
_FULL = 4.0
_log = log.get(__name__)


class Admission:
    """Lives on the event loop; ``read`` is called in a thread of its own, since it may hang."""

    def __init__(self, sends: Coalescer[Any, Any], read: Callable[[], Strain] = strain.read) -> None:
        config = settings.load()
        self._sends = sends
        self._read = read
        self._config = config
        self._valve = Valve(config.shed_calm_s)
        self._strain = Strain(oldest_s=0.0, unfinished=0)
        self._asked_at = float("-inf")
        self._took_s = 0.0
        self._asking: asyncio.Future[None] | None = None
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="strain")
        self._watching = asyncio.create_task(self._watch()) if config.shed else None

    def check(self, kind: Refuse) -> None:
        """Let a call of this kind in.

        Raises:
            Unavailable: such calls are refused at present.
        """
        if kind <= self._valve.refuses:
            raise gate.refusal(kind, self._config.shed_calm_s)

    def check_send(self, world: World, message: wire.SendMessage) -> None:
        """Let a send in.

        Raises:
            Unavailable: sends of its kind are refused at present.
        """
        self.check(kind_of(world, message, self._config.bulk_above))

    async def _watch(self) -> None:
        while True:
            now = time.monotonic()
            if self._asking is None and now >= self._asked_at + gate.LOOK_EVERY_S:
                self._asked_at = now
                self._asking = asyncio.ensure_future(self._ask())
            self._see(now)
            await asyncio.sleep(_TICK_S)

    async def _ask(self) -> None:
        try:
            # Unavailable: sends will find that out for themselves; how long it took counts.
            with suppress(Unavailable):
                self._strain = await asyncio.get_running_loop().run_in_executor(self._thread, self._read)
        except Exception:  # noqa: BLE001  # whatever is wrong with the look, sends are not refused for it
            _log.exception("admission.failed")
        finally:
            self._took_s, self._asking = time.monotonic() - self._asked_at, None

    def _see(self, now: float) -> None:
        gate.changed(self._valve, self._pressure(now), now)

    def _pressure(self, now: float) -> Pressure:
        asking_s = now - self._asked_at if self._asking else self._took_s
        slow_s = max(self._sends.delay_s, asking_s)
        return gate.pressure(self._strain, self._config, database_s=slow_s, waiting=_FULL * self._sends.fill)

    async def close(self) -> None:
        """Look no more."""
        if self._watching:
            self._watching.cancel()
        self._thread.shutdown(wait=False)


# A coroutine, since FastAPI runs a plain function in a thread: a tenth of the cost of a send.
async def _of(request: Request) -> Admission:
    admission: Admission = request.app.state.admission
    return admission


Admitting = Annotated[Admission, Depends(_of)]
"""For endpoints that bring work."""
