"""Pausing: work that was just claimed in, what of it goes on out. The rest is laid aside until it is resumed.

Nothing of it is lost or used up: no attempt counts, and its timeouts stand still. ``release`` lets it go.
"""

from collections.abc import Sequence
from uuid import UUID

from notify import clock, settings
from notify.errors import Unavailable
from notify.model.names import World
from notify.model.pause import Pause, PauseKind, Subject, asks_for_subject, concerns, holds
from notify.model.status import EventType
from notify.model.work import Claim, Handoff, Stage, Wait
from notify.store import db, events, pauses
from notify.store.events import Event

_CHUNKS = 50
"""Transactions of one pass of ``release``."""
_RETRY_AFTER_S = 30
_NOTHING_KNOWN = Subject()


def going_on(tx: db.Tx, claims: list[Claim]) -> list[Claim]:
    """The claims that are not paused; the others are given back, in this transaction."""
    if not claims or not (in_force := pauses.in_force(tx)):
        return claims
    held = _held(tx, claims, in_force)
    if not held:
        return claims
    pauses.hold(tx, held)
    _note(tx, claims, held)
    return [claim for claim in claims if claim.id not in held]


def _held(tx: db.Tx, claims: Sequence[Claim], in_force: Sequence[Pause]) -> dict[UUID, Pause]:
    asking = [
        claim
        for claim in claims
        if any(asks_for_subject(pause) and concerns(pause, claim) for pause in in_force)
    ]
    subjects = pauses.subjects(tx, asking) if asking else {}
    held = {}
    for claim in claims:
        subject = subjects.get(claim.id, _NOTHING_KNOWN)
        if by := next((pause for pause in in_force if holds(pause, claim, subject)), None):
            held[claim.id] = by
    return held


def _note(tx: db.Tx, claims: Sequence[Claim], held: dict[UUID, Pause]) -> None:
    now = clock.now()
    events.append(
        tx,
        [
            Event(
                message_id=claim.message_id,
                at=now,
                type=EventType.WAITING,
                detail={
                    "wait": Wait.PAUSE,
                    "stage": claim.place.stage,
                    **({"channel": claim.place.channel} if claim.place.channel else {}),
                    "paused": str(held[claim.id]),
                    "reason": held[claim.id].reason,
                },
            )
            for claim in claims
            # A request that is not expanded has no message yet whose log this could be in.
            if claim.id in held and claim.place.stage is not Stage.EXPAND
        ],
    )


def release() -> Handoff:
    """Let go what was held by pauses that were resumed, in short transactions; the wake-ups for it."""
    wakes: dict[object, Handoff] = {}
    for _ in range(_CHUNKS):
        with db.begin(durable=False) as tx:
            released, woken = pauses.release(tx, settings.load().pass_size)
        wakes |= {wake.place: (wake,) for wake in woken}
        if not released:
            break
    return tuple(wake for each in wakes.values() for wake in each)


def refusal(tx: db.Tx, world: World) -> Unavailable | None:
    """Why this world takes no new sends just now; None: it does."""
    if not any(p.kind is PauseKind.INTAKE and p.world is world for p in pauses.in_force(tx)):
        return None
    return Unavailable("New sends are not taken at the moment: the operator has paused them.",
                       retry_after_s=_RETRY_AFTER_S)  # fmt: skip
