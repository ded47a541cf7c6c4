"""The audit log as people read it."""

from collections.abc import Sequence
from uuid import UUID

from notify.errors import NotFound
from notify.model.names import World
from notify.store import audit, db
from notify.store.audit import AuditEvent


def find(
    world: World | None, *, before: UUID | None = None, limit: int, target: str | None = None
) -> Sequence[AuditEvent]:
    """At most ``limit`` changes, newest first: of a world and of what concerns both; None: all there are."""
    with db.begin() as tx:
        return audit.find(tx, world, before=before, limit=limit, target=target)


def get(world: World, id_: UUID) -> AuditEvent:
    """One change.

    Raises:
        NotFound: there is none with this id in this world.
    """
    with db.begin() as tx:
        found = audit.get(tx, world, id_)
    if found is None:
        raise NotFound("This audit event does not exist.")
    return found
