"""The ``notify.accept`` task: messages of other Celery apps, checked and stored as by POST /send.

Unlike the stages' tasks it carries content, and until it has run the broker alone holds it.
"""

from typing import Any

from celery import Task
from celery.exceptions import SoftTimeLimitExceeded

from notify import log, queue, settings
from notify.errors import InvalidRequest, Unavailable
from notify.manage import refusals, shedding
from notify.manage.gate import Gate
from notify.model.names import Mode, World
from notify.pipeline.accept import Submission
from notify.pipeline.submission import Sender, accept_each, submission
from notify.queue import celery as app

_log = log.get(__name__)
_MAX_MESSAGES = 1000
_LONGEST_WAIT_S = 60
_FOREVER = 1_000_000
_Refused = list[tuple[int | None, Exception]]
"""What was refused: its place in the task, and why."""

gate = Gate()


@app.task(
    name="notify.accept",
    bind=True,
    # A pool process that dies, or runs out of time, must not take the only copy along; one that dies of its
    # message does so a limited number of times.
    retry_on_worker_lost=True,
    max_retries=20,
    default_retry_delay=5,
    acks_on_timeout=False,
)
def accept_messages(
    self: Task,
    message: Any = None,
    messages: Any = None,
    idempotency_key: str | None = None,
    world: str | None = None,
    mode: str = Mode.PUBLISHED,
) -> str:
    """Accept ``message``, or each of ``messages``.

    Args:
        idempotency_key: default is the task's id. Of ``messages``, each has this with its place: ``key/0``.
        world: default is the setting ``NOTIFY_WORLD``.
        mode: ``published``, ``draft`` or ``mock``, as with API keys.
    """
    key = self.request.id if idempotency_key is None else idempotency_key
    try:
        sender = _sender(world, mode)
        refused, accepted = _accept(_list(message, messages), key, sender, single=messages is None)
        _tell(self.request.id, sender.world, key, refused)
        return f"{accepted} accepted, {len(refused)} refused"
    except InvalidRequest as error:
        _tell(self.request.id, _world(world), key, [(None, error)])
        return "refused"
    except (Unavailable, SoftTimeLimitExceeded) as error:
        wait_s = min(_LONGEST_WAIT_S, 2 ** min(self.request.retries, 6))
        raise self.retry(exc=error, countdown=wait_s, max_retries=_FOREVER, queue=queue.ACCEPT) from None


def _list(message: Any, messages: Any) -> list[Any]:
    if (message is None) == (messages is None):
        raise InvalidRequest("Give exactly one of 'message' and 'messages'")
    if messages is None:
        return [message]
    if not isinstance(messages, list) or not 0 < len(messages) <= _MAX_MESSAGES:
        raise InvalidRequest(f"messages: must be a list of 1 to {_MAX_MESSAGES}")
    return messages


def _sender(world: Any, mode: Any) -> Sender:
    config = settings.load()
    if not config.accept_tasks:
        raise InvalidRequest("Celery apps may not hand over messages here: NOTIFY_ACCEPT_TASKS is off")
    try:
        named = World(world or config.world), Mode(mode)
    except ValueError as error:
        raise InvalidRequest(f"world or mode: {error}") from None
    return Sender(world=named[0], mode=named[1], max_bytes=config.max_body_bytes)


def _world(named: Any) -> World | None:
    return next((world for world in World if world == (named or settings.load().world)), None)


def _accept(asked: list[Any], key: str, sender: Sender, *, single: bool) -> tuple[_Refused, int]:
    """What was refused, and how many were accepted."""
    places: list[int | None] = [None] if single else list(range(len(asked)))
    checked = [
        (place, _checked(message, sender, key if place is None else f"{key}/{place}"))
        for place, message in zip(places, asked, strict=True)
    ]
    good = [(place, one) for place, one in checked if isinstance(one, Submission)]
    _let_in(sender, [one for _, one in good])
    refused: _Refused = [(place, one) for place, one in checked if isinstance(one, InvalidRequest)]
    size = settings.load().accept_batch_size
    for start in range(0, len(good), size):
        refused += _store(good[start : start + size])
    return refused, len(asked) - len(refused)


def _checked(message: Any, sender: Sender, key: str) -> Submission | InvalidRequest:
    try:
        return submission(message, sender, key)
    except InvalidRequest as error:
        return error


def _let_in(sender: Sender, sends: list[Submission]) -> None:
    """While too much is under way the whole task waits: its messages are not lost, unlike an API's."""
    above = settings.load().bulk_above
    if sends:
        gate.check(min(shedding.kind_of(sender.world, one.message, above) for one in sends))


def _store(batch: list[tuple[int | None, Submission]]) -> _Refused:
    results, handoff = accept_each([sent for _, sent in batch])
    queue.publish(handoff)
    return [
        (place, result)
        for (place, _), result in zip(batch, results, strict=True)
        if isinstance(result, Exception)
    ]


def _tell(task_id: str, world: World | None, key: str, refused: _Refused) -> None:
    """Errors that are ours to refuse with name places in a message, never what stands there."""
    for place, error in refused:
        own = key if place is None else f"{key}/{place}"
        if isinstance(error, InvalidRequest):
            _log.warning("accept.refused", type=error.type, message=str(error), key=own)
        else:
            _log.error("accept.failed", key=own, exc_info=error)
    refusals.record(task_id, world, refused)
