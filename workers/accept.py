"""The ``notify.accept`` task: messages of other Celery apps, checked and stored as by POST /send.

Unlike the stages' tasks it carries content, and until it has run the broker alone holds it.
"""

from typing import Any

from celery import Task
from celery.exceptions import SoftTimeLimitExceeded

from notify import log, queue, settings
from notify.errors import InvalidRequest, NotifyError, Unavailable
from notify.model.names import Mode, World
from notify.pipeline.accept import Receipt, Submission
from notify.pipeline.submission import Sender, accept_each, submission
from notify.queue import celery as app

_log = log.get(__name__)
_MAX_MESSAGES = 1000
_LONGEST_WAIT_S = 60
_FOREVER = 1_000_000


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
        return _accept(_list(message, messages), key, _sender(world, mode), single=messages is None)
    except InvalidRequest as error:
        _refused(error, key)
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


def _accept(asked: list[Any], key: str, sender: Sender, *, single: bool) -> str:
    good: list[tuple[str, Submission]] = []
    for place, message in enumerate(asked):
        own = key if single else f"{key}/{place}"
        try:
            good.append((own, submission(message, sender, own)))
        except InvalidRequest as error:
            _refused(error, own)
    accepted = 0
    size = settings.load().accept_batch_size
    for start in range(0, len(good), size):
        accepted += _store(good[start : start + size])
    return f"{accepted} accepted, {len(asked) - accepted} refused"


def _store(batch: list[tuple[str, Submission]]) -> int:
    results, handoff = accept_each([sent for _, sent in batch])
    queue.publish(handoff)
    for (key, _), result in zip(batch, results, strict=True):
        if isinstance(result, Exception):
            _log.error("accept.failed", key=key, exc_info=result)
    return sum(isinstance(result, Receipt) for result in results)


def _refused(error: NotifyError, key: str) -> None:
    """``error`` names places in the message, never what stands there."""
    _log.warning("accept.refused", type=error.type, message=str(error), key=key)
