"""Suppressed addresses: look at them, lift them. They come about by bounces and complaints alone."""

from collections.abc import Sequence
from uuid import UUID

from notify import ids, log
from notify.errors import NotFound
from notify.model.names import Channel, World
from notify.recipients.address import normal
from notify.store import audit, db, suppressions
from notify.store.suppressions import Suppression

_log = log.get(__name__)


def find(
    world: World, *, channel: Channel | None, address: str | None, before: UUID | None, limit: int
) -> Sequence[Suppression]:
    """At most ``limit``, newest first. ``address``: only what concerns it, however it is written."""
    with db.begin() as tx:
        return suppressions.find(
            tx,
            world,
            channel=channel,
            address=normal(address) if address else None,
            before=before,
            limit=limit,
        )


def lift(world: World, id_: UUID) -> None:
    """Send to the address again.

    Raises:
        NotFound: there is no such suppression.
    """
    with db.begin() as tx:
        lifted = suppressions.lift(tx, world, id_)
        if lifted:
            before = {"channel": lifted.channel, "address": lifted.masked, "reason": lifted.reason}
            audit.record(tx, "suppression.lifted", ("suppression", id_), world=world, before=before)
    if lifted is None:
        raise NotFound("This suppression does not exist.")
    _log.info("suppression.lifted", suppression_id=str(id_), message_id=ids.to_wire(lifted.message_id))
