"""The deliver tasks: one per channel, so that each is named, watched and scaled on its own."""

import os
from collections.abc import Callable, Sequence
from functools import lru_cache

from celery import signals

from notify import queue
from notify.model.names import Channel, Lane
from notify.model.work import Place, Stage
from notify.pipeline import deliver
from notify.publisher import Publisher
from notify.queue import celery as app
from workers.parse import uuids


def _task(single: Place) -> Callable[[Sequence[str], str], str]:
    assert single.channel
    channel, singles_queue = single.channel, queue.queue_of(single)

    def deliver_batch(ids: Sequence[str], lane: str) -> str:
        claimed = 0
        # A worker for bulk alone gives way to those of single sends, so it does not take theirs.
        serves_singles = singles_queue in app.amqp.queues.consume_from
        for done in deliver.run(uuids(ids), Lane(lane), channel, singles=serves_singles):
            claimed += done.claimed
            # Calls are under way: what their providers accept meanwhile must not wait for the broker.
            _publisher(os.getpid()).offer(done.handoff)
        return f"{claimed} messages"

    return deliver_batch


@lru_cache(maxsize=1)
def _publisher(_pid: int) -> Publisher:
    """The process's publisher; a forked worker makes its own."""
    return Publisher()


@signals.worker_process_shutdown.connect
@signals.worker_shutdown.connect
def _publish_the_rest(**_: object) -> None:
    if _publisher.cache_info().currsize:
        _publisher(os.getpid()).close()


for _channel in Channel:
    _place = Place(stage=Stage.DELIVER, lane=Lane.SINGLE, channel=_channel)
    app.task(name=queue.task_of(_place))(_task(_place))
