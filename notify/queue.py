"""The Celery instance, the names of queues and tasks, and ``publish``. Task bodies live in ``workers``.

A task carries ids in batches, never content. It is a wake-up: losing one costs time, not a message.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from uuid import UUID

from celery import Celery
from kombu.exceptions import OperationalError

from notify import log
from notify.model.names import Channel, Lane
from notify.model.work import Handoff, Place, Stage, Wake

celery = Celery("notify")
celery.config_from_object("celeryconfig")

MAINTENANCE = "maintenance"
"""The queue of the periodic tasks."""

IDS_PER_TASK = 100

_log = log.get(__name__)


def queue_of(place: Place) -> str:
    """``render``, ``deliver.email``, ``deliver.email.bulk``: the queue in which work of a place waits."""
    return f"{task_of(place)}.bulk" if place.lane is Lane.BULK else task_of(place)


def task_of(place: Place) -> str:
    """``render``, ``deliver.email``: the task's name, as Flower shows it."""
    return f"{place.stage}.{place.channel}" if place.channel else str(place.stage)


def places() -> Iterator[Place]:
    """Every place where work can wait."""
    for lane in Lane:
        for stage in Stage:
            channels: Iterable[Channel | None] = Channel if stage is Stage.DELIVER else (None,)
            yield from (Place(stage=stage, lane=lane, channel=channel) for channel in channels)


def publish(handoff: Handoff) -> bool:
    """Send the wake-ups, as few tasks as they fit in; those due later with an ETA.

    Returns:
        False when the broker could not be reached: the work is stored, and the reconciler wakes it up.
    """
    try:
        for wake in _merged(handoff):
            _send(wake)
    except Exception as error:  # noqa: BLE001  # each broker's driver has errors of its own; the work is stored
        _log.warning("publish.failed", error=type(error.__cause__ or error).__name__, wakes=len(handoff))
        return False
    return True


def _merged(handoff: Handoff) -> Iterator[Wake]:
    waiting: dict[tuple[Place, datetime | None], list[UUID]] = defaultdict(list)
    for wake in handoff:
        if wake.alone:
            yield wake
        else:
            waiting[wake.place, _whole_second(wake.at)].extend(wake.ids)
    for (place, at), ids in waiting.items():
        for start in range(0, max(1, len(ids)), IDS_PER_TASK):
            yield Wake(place=place, ids=tuple(ids[start : start + IDS_PER_TASK]), at=at)


def _whole_second(at: datetime | None) -> datetime | None:
    # Rounded up: a task that comes a moment early would find nothing due.
    return at and (at.replace(microsecond=0) + timedelta(seconds=1))


def _send(wake: Wake) -> None:
    celery.send_task(
        task_of(wake.place),
        args=([id_.hex for id_ in wake.ids], str(wake.place.lane)),
        queue=queue_of(wake.place),
        eta=wake.at,
        argsrepr=f"({len(wake.ids)} told, {wake.place.lane})",
        ignore_result=True,
    )


def reachable() -> bool:
    """Whether the broker answers."""
    try:
        with celery.connection_for_write() as connection:
            connection.ensure_connection(max_retries=1, interval_start=0, timeout=2)
    except (OperationalError, OSError):
        return False
    return True
