"""Waking up real workers, past whatever a test has put in the place of ``queue.publish``."""

from notify import queue
from notify.model.names import Lane
from notify.model.work import Place, Stage, Wake


def wake_workers(stage: Stage) -> None:
    """One wake-up for the single lane of a stage, through the broker."""
    queue._send(queue.celery, Wake(place=Place(stage=stage, lane=Lane.SINGLE), ids=()))
