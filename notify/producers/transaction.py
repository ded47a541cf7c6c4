"""``notify.enqueue``: a send in the producer's own transaction; it goes out if and only if that commits."""

import uuid
from datetime import timedelta
from typing import Any

import orjson

from notify import clock, settings
from notify.errors import InvalidRequest
from notify.model.names import Mode, World
from notify.model.work import Handoff, Wake
from notify.pipeline import accept
from notify.pipeline.accept import Receipt, Submission
from notify.pipeline.submission import Sender, submission
from notify.producers import wake
from notify.store import outbox as store
from notify.store import sessions
from notify.store.outbox import OutboxTable
from notify.store.sessions import Target

_SCOPE = "enqueue"
"""Keys of its own: one is locked until the producer's transaction ends; no other door may wait for that."""
_COMMITTED_BY = timedelta(seconds=1)


def enqueue(
    target: Target,
    message: dict[str, Any],
    *,
    idempotency_key: str | None = None,
    world: World | str | None = None,
    mode: Mode | str = Mode.PUBLISHED,
    outbox: OutboxTable | None = None,
) -> str:
    """Send ``message`` if and when the transaction of ``target`` commits; nothing is committed here.

    Args:
        target: a SQLAlchemy ``Session`` or ``Connection``. With an ``AsyncSession``:
            ``await session.run_sync(enqueue, message, ...)``.
        message: the ``message`` object of ``POST /send``.
        idempotency_key: a second send with the same key within 7 days is the first one.
        world: ``production`` or ``test``; default is the setting ``NOTIFY_WORLD``.
        mode: ``published``, ``draft`` or ``mock``, as with API keys.
        outbox: from ``outbox_table()``, when ``target`` leads to a database that is not Notify's own: a relay
            fetches the message from there.

    Returns:
        The request id, which is the message's id if it has one recipient; with an outbox, the row's id.

    Raises:
        InvalidRequest: ``POST /send`` would refuse it, too; nothing was written.
        Conflict: another transaction is at work under this key, and this one cannot see the outcome.
    """
    config = settings.load_producer()
    sender = Sender(
        world=_named(World, "world", world or config.world),
        mode=_named(Mode, "mode", mode),
        scope=_SCOPE,
        max_bytes=config.max_body_bytes,
    )
    sent = submission(message, sender, idempotency_key)
    tx = sessions.connection_of(target)
    return _leave(tx, outbox, sent, idempotency_key) if outbox is not None else _store(target, tx, sent)


def _named(kind: Any, name: str, value: str) -> Any:
    try:
        return kind(value)
    except ValueError:
        raise InvalidRequest(f"{name}: must be one of {', '.join(kind)}") from None


def _store(target: Target, tx: Any, sent: Submission) -> str:
    (receipt,), handoff = accept.store(tx, [sent])
    if not isinstance(receipt, Receipt):
        raise receipt
    if handoff and (waker := wake.waker()):
        sessions.after_commit(
            target, lambda: waker.offer(handoff), just_before=lambda: waker.offer(_later(handoff))
        )
    return str(receipt.body[sent.id_name])


def _later(handoff: Handoff) -> Handoff:
    # A wake-up that comes before the commit finds nothing.
    at = clock.now() + _COMMITTED_BY
    return tuple(Wake(place=one.place, ids=one.ids, at=at) for one in handoff)


def _leave(tx: Any, table: OutboxTable, sent: Submission, idempotency_key: str | None) -> str:
    id_ = uuid.uuid4()
    row = {
        "id": id_,
        "message": orjson.loads(sent.body),
        "world": str(sent.world),
        "mode": str(sent.mode),
        "idempotency_key": idempotency_key,
    }
    store.add(tx, table, row)
    return str(id_)
