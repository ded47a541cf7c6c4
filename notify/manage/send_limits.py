"""Send limits as people set them; they hold from the next batch on, and count from when they were set."""

from notify.errors import InvalidRequest
from notify.model.names import World
from notify.model.send_limit import Guardrails, Period, Scope, SendLimit
from notify.store import audit, cache, db, send_limits

MAX = 2**53
"""Larger numbers do not survive every JSON parser."""


def find(world: World) -> Guardrails:
    """What is in force."""
    with db.begin() as tx:
        cache.refresh(tx)
        return send_limits.of_world(tx, world)


def put(world: World, limit: SendLimit) -> None:
    """Set the limit of a scope and period.

    Raises:
        InvalidRequest: it is negative (0 lets nothing through), or of a topic and not per user and topic.
    """
    if not 0 <= limit.maximum <= MAX:
        raise InvalidRequest(f"A limit is a number of messages from 0 to {MAX}.")
    _check(limit.scope, limit.topic_id)
    with db.begin() as tx:
        send_limits.put(tx, world, limit)
        target = _target(limit.scope, limit.period, limit.topic_id)
        audit.record(tx, "limit.set", target, world=world, after={"maximum": limit.maximum})


def remove(world: World, scope: Scope, period: Period, topic_id: str | None = None) -> bool:
    """Lift a limit; whether there was one.

    Raises:
        InvalidRequest: it would be of a topic and not per user and topic.
    """
    _check(scope, topic_id)
    with db.begin() as tx:
        removed = send_limits.remove(tx, world, scope, period, topic_id)
        if removed:
            audit.record(tx, "limit.removed", _target(scope, period, topic_id), world=world)
    return removed


def _check(scope: Scope, topic_id: str | None) -> None:
    if topic_id and scope is not Scope.USER_TOPIC:
        raise InvalidRequest(f"Only the scope {Scope.USER_TOPIC} has limits of single topics.")


def exempt(world: World, topic_id: str, *, exempted: bool = True) -> bool:
    """Exempt a topic from every limit, or no longer; whether that changed anything.

    Its messages still count.
    """
    with db.begin() as tx:
        changed = send_limits.exempt(tx, world, topic_id, exempted=exempted)
        if changed:
            action = "limit.topic_exempted" if exempted else "limit.topic_counted"
            audit.record(tx, action, ("topic", topic_id), world=world)
    return changed


def _target(scope: Scope, period: Period, topic_id: str | None) -> tuple[str, str]:
    return "limit", "/".join([scope, *([topic_id] if topic_id else []), period])
