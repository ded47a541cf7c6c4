"""The canary: a rehearsed message through every stage, channel and lane; whoever is dead does not pass it on.

It is sent in the test world, in the mode of mock keys, so no provider is ever called; and it is archived at
once, so no list shows it.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from notify import queue, settings
from notify.model.names import Lane
from notify.pipeline import canary as pipeline_canary
from notify.store import db, heartbeats


@dataclass(frozen=True, slots=True, kw_only=True)
class Song:
    """How the last finished canary of a lane fared. ``age_s``: how long ago that was decided.

    ``succeeded_s``: how long ago one last came through; None: never. ``late``: by now another should have
    been decided.
    """

    lane: Lane
    ok: bool
    latency_s: float | None
    problem: str | None
    age_s: float
    succeeded_s: float | None
    late: bool

    @property
    def well(self) -> bool:
        return self.ok and not self.late


def last() -> Sequence[Song]:
    """How the last canaries fared, by lane; a lane that never had one is left out.

    Raises:
        Unavailable: the database is away.
    """
    with db.begin() as tx:
        return read(tx)


def read(tx: db.Tx) -> list[Song]:
    """The same inside a transaction."""
    beats = heartbeats.find(tx, pipeline_canary.PREFIX)
    found = []
    for lane in Lane:
        decided = beats.get(f"{pipeline_canary.PREFIX}{lane}")
        succeeded = beats.get(f"{pipeline_canary.PREFIX}{lane}.ok")
        if decided:
            found.append(
                Song(
                    lane=lane,
                    ok=decided.detail.get("problem") is None,
                    latency_s=decided.detail.get("latency_s"),
                    problem=decided.detail.get("problem"),
                    age_s=decided.age_s,
                    succeeded_s=succeeded.age_s if succeeded else None,
                    late=_is_late(decided.age_s),
                )
            )
    return found


def _is_late(age_s: float) -> bool:
    config = settings.load()
    # One may be lost in a deploy; the next is sent once that is decided.
    return bool(config.canary_every_s) and age_s > 3 * config.canary_every_s + config.canary_deadline_s


def send() -> None:
    """Send one canary per lane."""
    queue.publish(pipeline_canary.send())


def look() -> bool:
    """See how those under way fare; whether none is any more."""
    return pipeline_canary.look()
