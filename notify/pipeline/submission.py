"""A ``message`` as any producer gives it, in; a submission that accept can store, or the refusal, out.

``POST /send`` has FastAPI read its body; every other door comes through here, and refuses as it does.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import orjson
from pydantic import ValidationError

from notify import clock
from notify.content.check import check
from notify.errors import Conflict, InvalidRequest, Unavailable
from notify.model.names import Mode, World
from notify.model.problems import describe_all
from notify.model.storable import find_fault
from notify.model.wire import SendMessage, SendRequest
from notify.model.work import Handoff
from notify.pipeline import accept
from notify.pipeline.accept import Receipt, Submission
from notify.routing import delays
from notify.store.idempotency import MAX_KEY_LENGTH, Key

SEND = "POST /send"
KEPT = timedelta(days=7)
"""How long the idempotency key of a producer holds: longer than a relay or a broker may be away."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sender:
    """What an API key says of a call. ``scope``: where an idempotency key stands for one send."""

    world: World
    mode: Mode = Mode.PUBLISHED
    scope: str = SEND
    max_bytes: int


def submission(message: Any, sender: Sender, idempotency_key: str | None = None) -> Submission:
    """One send, checked.

    Raises:
        InvalidRequest: what ``POST /send`` would answer 400 or 413 to.
    """
    body = _json(message)
    if len(body) > sender.max_bytes:
        raise InvalidRequest(f"message: larger than {sender.max_bytes} bytes")
    valid = _valid(orjson.loads(body))
    return Submission(
        world=sender.world, mode=sender.mode, message=valid, body=body, key=_key(sender, idempotency_key)
    )


def _json(message: Any) -> bytes:
    if (fault := find_fault(message)) is not None:
        raise InvalidRequest(f"{'.'.join(map(str, ('message', *fault.path)))}: {fault.message}")
    try:
        return orjson.dumps(message)
    except TypeError as error:
        raise InvalidRequest(f"message: {error}") from None


def _valid(message: Any) -> SendMessage:
    body = {"message": message}
    try:
        request = SendRequest.model_validate(body)
    except ValidationError as error:
        raise InvalidRequest(describe_all(error.errors(), body)) from None
    if request.message.content is not None:
        check(request.message.content, template=False, at="message.content")
    delays.check(request.message.delay, clock.now())
    return request.message


def _key(sender: Sender, key: str | None) -> tuple[Key, datetime] | None:
    if key is None:
        return None
    if not isinstance(key, str) or not 0 < len(key) <= MAX_KEY_LENGTH or "\0" in key or not _utf8(key):
        raise InvalidRequest(f"idempotency_key: must be text of 1 to {MAX_KEY_LENGTH} characters")
    return Key.of(sender.world, sender.mode, sender.scope, key), clock.now() + KEPT


def _utf8(text: str) -> bool:
    try:
        return bool(text.encode())
    except UnicodeEncodeError:
        return False


def accept_each(batch: Sequence[Submission]) -> tuple[list[Receipt | Exception], Handoff]:
    """``accept.run``, but one that cannot be stored does not fail its neighbours: it gets its own exception.

    Raises:
        Unavailable: the database is away, a world takes no sends, or a call with one of the keys is on.
            What is stored by then is known by its key: repeat the call.
    """
    try:
        receipts, handoff = accept.run(batch)
    except Unavailable:
        raise
    except Exception as error:  # noqa: BLE001  # handed to whose submission it was
        if len(batch) == 1:
            return [error], ()
        parts = [accept_each([one]) for one in batch]
        return [result for results, _ in parts for result in results], tuple(
            wake for _, wakes in parts for wake in wakes
        )
    for receipt in receipts:
        if isinstance(receipt, Conflict | Unavailable):
            raise Unavailable(str(receipt)) from receipt
    return list(receipts), handoff
