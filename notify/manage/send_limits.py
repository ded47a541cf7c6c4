"""Send limits as people set them; they hold from the next batch on, and count from when they were set."""

from notify.errors import InvalidRequest
from notify.model.names import World
from notify.model.send_limit import Guardrails, Period, Scope, SendLimit
from notify.store import cache, db, send_limits


def find(world: World) -> Guardrails:
    """What is in force."""
    with db.begin() as tx:
        cache.refresh(tx)
        return send_limits.of_world(tx, world)


def put(world: World, limit: SendLimit) -> None:
    """Set the limit of a scope and period.

    Raises:
        InvalidRequest: it is negative; 0 lets nothing through.
    """
    if limit.maximum < 0:
        raise InvalidRequest("A limit is a number of messages, 0 or more.")
    with db.begin() as tx:
        send_limits.put(tx, world, limit)


def remove(world: World, scope: Scope, period: Period) -> bool:
    """Lift a limit; whether there was one."""
    with db.begin() as tx:
        return send_limits.remove(tx, world, scope, period)


def exempt(world: World, topic_id: str, *, exempted: bool = True) -> bool:
    """Exempt a topic from every limit, or no longer; whether that changed anything.

    Its messages still count.
    """
    with db.begin() as tx:
        return send_limits.exempt(tx, world, topic_id, exempted=exempted)
