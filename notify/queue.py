"""The Celery instance, the names of queues and tasks, and ``publish``. Task bodies live in ``workers``.

A task carries ids in batches, never content. It is a wake-up: losing one costs time, not a message.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from celery import Celery
from celery.exceptions import SoftTimeLimitExceeded
from kombu.entity import Exchange, Queue
from kombu.exceptions import OperationalError

from notify import clock, faults, log, metrics
from notify.model.names import Channel, Lane
from notify.model.work import Handoff, Place, Stage, Wake
from notify.settings import ProducerSettings

# Not the current app: a producer's process may have one of its own.
celery = Celery("notify", set_as_current=False)
celery.config_from_object("celeryconfig")

MAINTENANCE = "maintenance"
"""The queue of the periodic tasks."""

ACCEPT = "accept"
"""The queue in which other Celery apps hand over messages."""

TimeIsUp: type[Exception] = SoftTimeLimitExceeded
"""Strikes wherever a task is when it has run for ``task_time_limit_s``."""

IDS_PER_TASK = 100
_CONFIRM_TIMEOUT_S = 5

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


def names() -> list[str]:
    """Every queue."""
    return [*map(queue_of, places()), MAINTENANCE, ACCEPT]


def client(config: ProducerSettings) -> Celery:
    """An app that only publishes, for a process that is no part of Notify and may have an app of its own.

    It reads no configuration: that process may well have a ``celeryconfig`` of its own, too.
    """
    app = Celery("notify.client", set_as_current=False)
    app.conf.update(
        broker_write_url=config.broker_url,
        broker_connection_timeout=2,
        broker_transport_options=_transport_options(config),
        task_publish_retry_policy={"max_retries": 1, "interval_start": 0},
        # The workers declare them, with whatever their broker needs.
        task_queues=[_undeclared(name) for name in names()],
        task_create_missing_queues=False,
    )
    return app


def _transport_options(config: ProducerSettings) -> dict[str, Any]:
    scheme = str(config.broker_url).partition("://")[0]
    if scheme.startswith("amqp"):
        return {"confirm_publish": True, "write_timeout": 5, "read_timeout": 5}
    timeouts = {"socket_timeout": 5, "socket_connect_timeout": 2, "socket_keepalive": True}
    if scheme != "sentinel":
        return timeouts
    password = config.sentinel_password and config.sentinel_password.get_secret_value()
    sentinels = {"password": password, "socket_timeout": 2}
    return {**timeouts, "master_name": config.sentinel_master, "sentinel_kwargs": sentinels}


def _undeclared(name: str) -> Queue:
    return Queue(name, Exchange(""), routing_key=name, no_declare=True)  # type: ignore[no-untyped-call]


def publish(handoff: Handoff, through: Celery | None = None) -> bool:
    """Send the wake-ups, as few tasks as they fit in; those due later with an ETA. Default: our own app.

    Returns:
        False when the broker could not be reached: the work is stored, and the reconciler wakes it up.
    """
    try:
        faults.hit("publish.before")
        for wake in _merged(handoff):
            _send(through or celery, wake)
        faults.hit("publish.after")
    except Exception as error:  # noqa: BLE001  # each broker's driver has errors of its own; the work is stored
        name = type(error.__cause__ or error).__name__
        metrics.PUBLISH_FAILURES.labels(name).inc()
        _log.warning("publish.failed", error=name, wakes=len(handoff))
        return False
    return True


def _merged(handoff: Handoff) -> Iterator[Wake]:
    waiting: dict[tuple[Place, datetime | None], list[UUID]] = defaultdict(list)
    for wake in handoff:
        waiting[wake.place, _whole_second(wake.at)].extend(wake.ids)
    for (place, at), ids in waiting.items():
        for start in range(0, max(1, len(ids)), IDS_PER_TASK):
            yield Wake(place=place, ids=tuple(ids[start : start + IDS_PER_TASK]), at=at)


def _whole_second(at: datetime | None) -> datetime | None:
    if at is None or at <= clock.now():
        return None
    # Rounded up: a task that comes a moment early would find nothing due.
    return at.replace(microsecond=0) + timedelta(seconds=1)


def _send(app: Celery, wake: Wake) -> None:
    app.send_task(
        task_of(wake.place),
        args=([id_.hex for id_ in wake.ids], str(wake.place.lane)),
        queue=queue_of(wake.place),
        eta=wake.at,
        argsrepr=f"({len(wake.ids)} told, {wake.place.lane})",
        ignore_result=True,
        confirm_timeout=_CONFIRM_TIMEOUT_S,
    )
    metrics.WAKE_UPS.labels(wake.place.stage, wake.place.channel or "", wake.place.lane).inc()


def served(timeout_s: float) -> dict[str, list[str]]:
    """The queues that each worker serves, by its name; of those that answer in time."""
    try:
        found = celery.control.inspect(timeout=timeout_s).active_queues() or {}
    except (OperationalError, OSError):
        return {}
    return {name: [str(each["name"]) for each in queues] for name, queues in found.items()}


def reachable() -> bool:
    """Whether the broker answers."""
    try:
        with celery.connection_for_write() as connection:
            connection.ensure_connection(max_retries=1, interval_start=0, timeout=2)
    except (OperationalError, OSError):
        return False
    return True
