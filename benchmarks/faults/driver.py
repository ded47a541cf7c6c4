"""The client: sends of every kind, each repeated under its idempotency key until its fate is known."""

import asyncio
import random
import time
from array import array
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import aiohttp

from benchmarks.faults.loop import Loop
from benchmarks.faults.marks import Kind, Mark

_CONCURRENCY = 64
_TIMEOUT_S = 40
_GIVE_UP_S = 300
_WAIT_S = 0.2
_ARRAYS, _DELAYED = 6, 10
# Of a hundred sends: the kind, how many, whether by SMS.
_MIX = (
    *[(Kind.PLAIN, False)] * 45,
    *[(Kind.PLAIN, True)] * 12,
    *[(Kind.RETRIED, False)] * 10,
    *[(Kind.OTHER_PROVIDER, True)] * 8,
    *[(Kind.OTHER_CHANNEL, True)] * 7,
    *[(Kind.REFUSED, False)] * 3,
    *[(Kind.ONCE, False)] * 15,
)  # fmt: skip


@dataclass(slots=True)
class Sent:
    """One send that was answered 202. ``plain``: a single message, due at once, that nothing holds up."""

    request_id: str
    count: int
    kind: Kind
    at: float
    plain: bool


@dataclass(slots=True)
class Fates:
    """What became of all sends; ``unanswered``: given up, stored or not."""

    sent: dict[int, Sent] = field(default_factory=dict)
    unanswered: dict[int, int] = field(default_factory=dict)
    answers: Counter[str] = field(default_factory=Counter)
    answer_s: "array[float]" = field(default_factory=lambda: array("f"))

    @property
    def messages(self) -> int:
        return sum(one.count for one in self.sent.copy().values())


class Driver:
    """Six of a hundred sends are arrays, ten are delayed; ``longest_s``: by how long at most.

    ``only``: send just this kind, to one recipient, at once.
    """

    def __init__(
        self,
        loop: Loop,
        urls: Sequence[str],
        key: str,
        seed: int,
        *,
        longest_s: float = 40,
        only: Kind | None = None,
    ) -> None:
        self.fates = Fates()
        self._loop = loop
        self._urls = urls
        self._key = key
        self._seed = seed
        self._longest_ms = round(longest_s * 1000)
        self._only = only
        self.next_number = 0
        self._turn = 0
        self._planned = 0
        self._stopping = False

    def start_at(self, number: int) -> None:
        """The number of the next send: no two of an instance have the same."""
        self.next_number = number

    def forget(self) -> None:
        """Begin a new ledger; numbers go on."""
        self.fates = Fates()

    @property
    def planned(self) -> int:
        """Messages of the sends begun so far."""
        return self._planned

    def send(self, messages: int, per_s: float = 1e9) -> None:
        """Send that many, at that rate, and wait until each send's fate is known."""
        self._loop.run(self._run(messages, per_s), timeout_s=None)

    def begin(self, messages: int, per_s: float) -> "asyncio.Future[None]":
        """``send``, beside whatever else is going on; ``result()`` waits for its end."""
        return self._loop.soon(self._run(messages, per_s))

    def stop(self) -> None:
        """Begin no new sends."""
        self._stopping = True

    def resume(self) -> None:
        """Sends may begin again."""
        self._stopping = False

    async def _run(self, messages: int, per_s: float) -> None:
        limit = asyncio.Semaphore(_CONCURRENCY)
        timeout = aiohttp.ClientTimeout(total=_TIMEOUT_S, sock_connect=5)
        headers = {"authorization": f"Bearer {self._key}"}
        begin, goal = time.monotonic(), self._planned + messages
        first = self._planned
        async with (
            aiohttp.ClientSession(timeout=timeout, headers=headers) as session,
            asyncio.TaskGroup() as group,
        ):
            while self._planned < goal and not self._stopping:
                await limit.acquire()
                await asyncio.sleep(max(0, begin + (self._planned - first) / per_s - time.monotonic()))
                number, self.next_number = self.next_number, self.next_number + 1
                message, kind, count, plain = self._message(number, goal - self._planned)
                self._planned += count
                sending = group.create_task(self._send(session, number, message, kind, count, plain))
                sending.add_done_callback(lambda _: limit.release())

    def _message(self, number: int, most: int) -> tuple[dict[str, Any], Kind, int, bool]:
        chance = random.Random(f"{self._seed}/{number}")
        kind, texting = chance.choice(_MIX)
        if self._only:
            kind, texting = self._only, False
        many = not self._only and chance.randrange(100) < _ARRAYS
        count = min(chance.randint(2, 80), most) if many else 1
        marks = [Mark(number, place, kind) for place in range(count)]
        recipients = [
            {
                "user_id": mark.recipient,
                "phone_number": f"+1555{mark.key % 10**7:07}",
                "data": {"key": str(mark)},
            }
            for mark in marks
        ]
        channels = ["sms", "webhook"] if kind is Kind.OTHER_CHANNEL else ["sms" if texting else "webhook"]
        message: dict[str, Any] = {
            "to": recipients if count > 1 else recipients[0],
            "content": {"title": "Faults", "body": "{{key}}"},
            "routing": {"method": "single", "channels": channels},
        }
        if count == 1:
            message["data"] = recipients[0].pop("data")
        if kind is Kind.ONCE:
            message["guarantee"] = "at_most_once"
        late = not self._only and chance.randrange(100) < _DELAYED
        if late:
            message["delay"] = {"duration": chance.randint(1000, self._longest_ms)}
        return message, kind, count, kind is Kind.PLAIN and count == 1 and not late

    async def _send(
        self,
        session: aiohttp.ClientSession,
        number: int,
        message: dict[str, Any],
        kind: Kind,
        count: int,
        plain: bool,
    ) -> None:
        begin = time.monotonic()
        headers = {"idempotency-key": f"faults-{self._seed}-{number}"}
        while time.monotonic() < begin + _GIVE_UP_S:
            self._turn += 1
            url = f"{self._urls[self._turn % len(self._urls)]}/send"
            wait_s = _WAIT_S
            asked = time.monotonic()
            try:
                async with session.post(url, json={"message": message}, headers=headers) as answer:
                    self.fates.answers[str(answer.status)] += 1
                    self.fates.answer_s.append(time.monotonic() - asked)
                    body = await answer.json()
                    if answer.status == 202:
                        self.fates.sent[number] = Sent(body["requestId"], count, kind, time.time(), plain)
                        return
                    wait_s = min(2.0, float(answer.headers.get("retry-after", wait_s)))
            except (aiohttp.ClientError, TimeoutError, OSError) as error:
                self.fates.answers[_name(error)] += 1
            await asyncio.sleep(wait_s)
        self.fates.unanswered[number] = count


def _name(error: Exception) -> str:
    match error:
        case aiohttp.ClientConnectorError():
            return "refused"
        case TimeoutError():
            return "no answer"
    return "broken"
