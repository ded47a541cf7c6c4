"""The message row of one recipient, made the same way by accept (one recipient) and expand (many)."""

from datetime import datetime
from typing import Any
from uuid import UUID

from notify import ids
from notify.model import wire
from notify.model.names import Lane, World
from notify.store.messages import NewMessage


def new_message(
    *,
    id_: UUID,
    request_id: UUID,
    world: World,
    lane: Lane,
    message: wire.SendMessage,
    recipient: wire.Recipient,
    entry: dict[str, Any] | None,
    now: datetime,
    archived_at: datetime | None = None,
    list_id: str | None = None,
) -> NewMessage:
    """``entry``: the recipient's entry of a fan-out, None when the request has just this one.

    ``now``: when the request was accepted.
    """
    metadata = message.metadata
    return NewMessage(
        id=id_,
        request_id=request_id,
        world=world,
        lane=lane,
        # An ad-hoc address has no user: the message's own id stands in, so that no address gets into logs.
        recipient=recipient.user_id or f"anon_{ids.to_wire(id_)}",
        user_id=recipient.user_id,
        tenant_id=recipient.tenant_id,
        entry=entry,
        event=(metadata.event if metadata else None) or message.template,
        notification=message.template,
        tags=tuple(metadata.tags or ()) if metadata else (),
        trace_id=metadata.trace_id if metadata else None,
        enqueued_at=now,
        archived_at=archived_at,
        list_id=list_id,
    )
