"""Pausing and resuming: everything, a channel, a provider, a tenant, one request; or the intake of sends."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from notify import acting, clock, ids, queue
from notify.errors import InvalidRequest, NotFound
from notify.model.names import Channel, World
from notify.model.pause import WITHOUT_KEY, Pause, PauseKind
from notify.pipeline import pausing
from notify.store import audit, db, pauses, providers

_MAX_KEY = 255


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """A pause and how much work it holds. What is ready is laid aside within moments, the rest when due."""

    pause: Pause
    count: int


def find(world: World) -> Sequence[Held]:
    """The pauses of a world, and those resumed ones that still hold something."""
    with db.begin() as tx:
        found = pauses.find(tx, world)
        counts = pauses.counts(tx, found)
    held = [Held(pause=pause, count=counts.get(pause.id, 0)) for pause in found]
    return [one for one in held if one.count or one.pause.resumed_at is None]


def pause(world: World, kind: PauseKind, key: str | None = None, reason: str | None = None) -> Held:
    """Hold what belongs to ``key`` from the next batch on; what is paused already stays as it is.

    Args:
        key: a channel, a provider (its key, alias or configuration id), a tenant, a request's id.

    Raises:
        InvalidRequest: there is no such thing to pause, or the key is missing or too many.
    """
    with db.begin() as tx:
        resolved, label = _resolved(tx, world, kind, key)
        if already := pauses.get(tx, world, kind, resolved):
            return Held(pause=already, count=pauses.counts(tx, [already]).get(already.id, 0))
        new = Pause(
            id=ids.new(),
            world=world,
            kind=kind,
            key=resolved,
            label=label,
            reason=reason,
            paused_by=acting.who().name,
            paused_at=clock.now(),
        )
        pauses.add(tx, new)
        audit.record(tx, "pause.created", ("pause", new.id), world=world, after=_told(new))
    return Held(pause=new, count=0)


def resume(world: World, id_: UUID) -> Pause:
    """Let everything go on that the pause holds, at once and in order.

    Raises:
        NotFound: there is no such pause in force.
    """
    with db.begin() as tx:
        ended = pauses.resume(tx, world, id_)
        if ended is None:
            raise NotFound("This pause does not exist, or has been resumed.")
        audit.record(tx, "pause.resumed", ("pause", id_), world=world, before=_told(ended))
    queue.publish(pausing.release())
    return ended


def _told(one: Pause) -> dict[str, str | None]:
    return {"kind": one.kind, "key": one.key, "label": one.label, "reason": one.reason}


def _resolved(tx: db.Tx, world: World, kind: PauseKind, key: str | None) -> tuple[str, str]:
    """The key as it is stored, and as people know it."""
    if kind in WITHOUT_KEY:
        if key:
            raise InvalidRequest(f"key: {kind} takes none")
        return "", ""
    if not key or len(key) > _MAX_KEY:
        raise InvalidRequest(f"key: which {kind}? Give 1 to {_MAX_KEY} characters")
    match kind:
        case PauseKind.CHANNEL if key not in set(Channel):
            raise InvalidRequest(f"key: {key!r} is not a channel; there are {', '.join(Channel)}")
        case PauseKind.PROVIDER:
            found = _provider(tx, world, key)
            return str(found.id), found.alias or found.provider
        case PauseKind.REQUEST:
            if (id_ := ids.from_wire(key)) is None:
                raise InvalidRequest(f"key: {key!r} is not the id of a request")
            return str(id_), key
    return key, key


def _provider(tx: db.Tx, world: World, key: str) -> providers.Configured:
    try:
        return providers.named(tx, world, key)
    except LookupError as error:
        raise InvalidRequest(f"key: {error}") from None
