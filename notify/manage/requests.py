"""Requests as people handle them: archiving what was sent."""

from notify import clock, ids
from notify.errors import NotFound
from notify.model.names import World
from notify.store import db, messages, requests


def archive(world: World, wire_id: str) -> None:
    """Hide all messages of a request from lists, those that are still to be made of it included.

    Raises:
        NotFound: there is none with this id.
    """
    id_, now = ids.from_wire(wire_id), clock.now()
    with db.begin() as tx:
        if id_ is None or not requests.archive(tx, world, id_, now):
            raise NotFound(f"Request {wire_id!r} does not exist.")
        messages.archive(tx, id_, now)
