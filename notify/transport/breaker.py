"""Circuit breakers of providers, shared by all workers: may it be called, and what its answers were.

Closed: calls go. Open: it has failed so often of late that calling it is a waste of time. Every ``open_s``
one call is let through as a probe; when it is answered the circuit closes.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import IntEnum
from typing import Any
from uuid import UUID

from notify.transport.shared import Shared

# KEYS[1]: the circuit; ARGV: now, open (milliseconds). Answers the state, and when open in how many
# milliseconds the next probe is due; when closed whether there were failures of late.
_ASK = """
local now, open = tonumber(ARGV[1]), tonumber(ARGV[2])
local circuit = redis.call('HMGET', KEYS[1], 'probe_at', 'failures')
local probe_at = tonumber(circuit[1])
if not probe_at then return {0, tonumber(circuit[2]) or 0} end
if now < probe_at then return {1, probe_at - now} end
redis.call('HSET', KEYS[1], 'probe_at', now + open)
return {2, open}
"""

# KEYS[1]: the circuit; ARGV: now, open, window (milliseconds), threshold, failures, other answers, 1 if one
# of them is the probe's. Answers 0 closed, 1 open, 3 just opened, 4 just closed.
_REPORT = """
local now, open, window = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local threshold, failures, others = tonumber(ARGV[4]), tonumber(ARGV[5]), tonumber(ARGV[6])
local circuit = redis.call('HMGET', KEYS[1], 'probe_at', 'failures', 'others', 'since')
local function rest(verdict)
  redis.call('DEL', KEYS[1])
  redis.call('HSET', KEYS[1], 'probe_at', now + open)
  redis.call('PEXPIRE', KEYS[1], open * 100)
  return verdict
end
if circuit[1] then
  if ARGV[7] == '0' then return 1 end
  if failures > 0 then return rest(1) end
  redis.call('DEL', KEYS[1])
  return 4
end
local since = tonumber(circuit[4])
if since and now - since <= window then
  failures, others = failures + tonumber(circuit[2]), others + tonumber(circuit[3])
else
  since = now
end
if failures >= threshold and failures >= others then return rest(3) end
redis.call('HSET', KEYS[1], 'failures', failures, 'others', others, 'since', since)
redis.call('PEXPIRE', KEYS[1], window)
return 0
"""


class State(IntEnum):
    """``OPENED`` and ``CLOSED_AGAIN`` are told once, to whose report changed the state."""

    CLOSED = 0
    OPEN = 1
    PROBE = 2
    OPENED = 3
    CLOSED_AGAIN = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """``probe_at``: when not closed, the time of the next probe. ``clean``: no failures of late."""

    state: State
    probe_at: datetime
    clean: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class BreakerPolicy:
    """``threshold`` failures within ``window_s``, no fewer than other answers, open it for ``open_s``."""

    threshold: int
    window_s: float
    open_s: float


class Breaker:
    """The circuits of all provider configurations. Where they cannot be reached they count as closed."""

    def __init__(self, shared: Shared, policy: BreakerPolicy) -> None:
        self._shared = shared
        self.policy = policy

    def ask(self, provider_id: UUID, now: datetime) -> Standing:
        """Whether the provider may be called. Asking is what takes the probe, so call it then."""
        answer = self._run(_ASK, provider_id, now, self.policy.open_s) or (State.CLOSED, 0)
        state, number = State(answer[0]), int(answer[1])
        if state is State.CLOSED:
            return Standing(state=state, probe_at=now, clean=number == 0)
        return Standing(state=state, probe_at=now + timedelta(milliseconds=number))

    def report(
        self, provider_id: UUID, now: datetime, *, failures: int, others: int, probed: bool = False
    ) -> State:
        """Count transient failures and other answers. ``probed``: the probe's is among them."""
        policy = self.policy
        spans = policy.open_s, policy.window_s
        counts = policy.threshold, failures, others, int(probed)
        return State(self._run(_REPORT, provider_id, now, *spans, counts=counts) or State.CLOSED)

    def opened(self, provider_ids: Sequence[UUID]) -> set[UUID]:
        """Those that are open: for people to see, it takes no probe."""
        circuits = self._shared.hashes([_key(id_) for id_ in provider_ids]) or []
        return {id_ for id_, circuit in zip(provider_ids, circuits, strict=False) if "probe_at" in circuit}

    def _run(
        self, script: str, provider_id: UUID, now: datetime, *spans: float, counts: tuple[int, ...] = ()
    ) -> Any | None:
        if not self.policy.threshold:
            return None
        times = (round(seconds * 1000) for seconds in (now.timestamp(), *spans))
        return self._shared.run(script, _key(provider_id), [*times, *counts])


def _key(provider_id: UUID) -> str:
    return f"notify:circuit:{provider_id.hex}"
