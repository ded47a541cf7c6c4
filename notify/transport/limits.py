"""Rate limits of providers, kept to by all workers together: calls that ask in, each one's turn out.

A line per provider configuration (GCRA with a burst of one): calls go ``interval`` apart. A turn within the
next moments is the worker's to wait for; one that comes soon is a time to ask again; for any other the call
stays out of the line (the database keeps it) until it is let in. So the line itself is never long: a limit
that was changed holds within seconds, and nothing is lost with Redis. Single sends go before broadcasts.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from notify.model.names import Lane
from notify.transport.shared import Shared

# KEYS[1]: the line. ARGV: now, interval, ahead, near, closed (microseconds), lane; then per call, 1 if it has
# waited. `next`: the next free turn. `tail.<lane>`: the same after all of it who were told to ask again.
# `queue.<lane>`: until when newcomers stay outside, since others do. The bulk lane stands behind both.
# Answers two numbers per call: 2 go, 1 ask again, 0 wait outside; and in how many microseconds.
_ASK = """
local now, interval = tonumber(ARGV[1]), tonumber(ARGV[2])
local ahead, near, closed = tonumber(ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[5])
local lane = ARGV[6]
local line = redis.call('HMGET', KEYS[1], 'next', 'tail.single', 'tail.bulk', 'queue.single', 'queue.bulk')
local turn = math.max(now, tonumber(line[1]) or 0)
local tail = {single = tonumber(line[2]) or 0, bulk = tonumber(line[3]) or 0}
local queue = {single = tonumber(line[4]) or 0, bulk = tonumber(line[5]) or 0}
local function last(of)
  return lane == 'bulk' and math.max(of.single, of.bulk) or of.single
end
local queued = last(queue) > now
local answer = {}
for i = 7, #ARGV do
  local waited = ARGV[i] == '1'
  local free
  if waited then
    free = lane == 'single' or tail.single <= turn
  else
    free = last(tail) <= turn and not queued
  end
  if free and turn <= now + ahead then
    answer[#answer + 1], answer[#answer + 2] = 2, turn - now
    turn = turn + interval
  else
    local again = math.max(last(tail), turn)
    if again <= now + near and (waited or not queued) then
      answer[#answer + 1], answer[#answer + 2] = 1, again - now
      tail[lane] = again + interval
    else
      answer[#answer + 1], answer[#answer + 2] = 0, again - now
      if again > now + near then queue[lane] = now + closed end
    end
  end
end
redis.call('HSET', KEYS[1], 'next', turn, 'tail.single', tail.single, 'tail.bulk', tail.bulk,
  'queue.single', queue.single, 'queue.bulk', queue.bulk)
redis.call('PEXPIRE', KEYS[1], math.ceil((math.max(turn, now) - now) / 1000) + 60000)
return answer
"""


_GO, _AGAIN = 2, 1
_CLOSED_IN_NEAR = 1.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """``go``: the call may be made at ``at``. Else it asks again then; None: when it has been let in."""

    go: bool
    at: datetime | None


class Limits:
    """The lines of all rate-limited provider configurations.

    ``ahead_s``: how far ahead turns are given. ``near_s``: how far ahead calls are told when to ask again; a
    changed limit holds after that at the latest. Machines' clocks must agree, to well below ``near_s``.
    """

    def __init__(self, shared: Shared, *, ahead_s: float, near_s: float) -> None:
        self._shared = shared
        self._ahead_s = ahead_s
        self._near_s = max(near_s, ahead_s)

    def ask(
        self, provider_id: UUID, interval_s: float, lane: Lane, waited: Sequence[bool], now: datetime
    ) -> list[Turn]:
        """A turn for each call, in their order. ``waited``: whether it has been put off before.

        Nobody is held up while the line cannot be reached: the provider then has to say 429 itself.
        """
        spans = (now.timestamp(), interval_s, self._ahead_s, self._near_s, self._near_s * _CLOSED_IN_NEAR)
        arguments: list[int | str] = [*map(_microseconds, spans), str(lane), *map(int, waited)]
        answer = self._shared.run(_ASK, _key(provider_id, interval_s), arguments)
        if answer is None:
            return [Turn(go=True, at=now)] * len(waited)
        pairs = zip(answer[::2], answer[1::2], strict=True)
        return [_turn(kind, now + timedelta(microseconds=wait)) for kind, wait in pairs]

    def ahead_s(self, intervals_s: Mapping[UUID, float], now: datetime) -> dict[UUID, float]:
        """How far ahead of ``now`` each line's next free turn is, by provider configuration."""
        lines = self._shared.hashes([_key(*of) for of in intervals_s.items()]) or []
        turns = [float(line.get("next", 0)) / 1_000_000 for line in lines]
        return {id_: max(0.0, turn - now.timestamp()) for id_, turn in zip(intervals_s, turns, strict=False)}


def _key(provider_id: UUID, interval_s: float) -> str:
    # A changed limit is a line of its own.
    return f"notify:line:{provider_id.hex}:{_microseconds(interval_s)}"


def _turn(kind: int, at: datetime) -> Turn:
    return Turn(go=kind == _GO, at=at if kind in {_GO, _AGAIN} else None)


def _microseconds(seconds: float) -> int:
    return round(seconds * 1_000_000)
