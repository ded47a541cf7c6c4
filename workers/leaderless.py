"""Queues of RabbitMQ that never get a leader again: found, deleted, and declared anew by the next connection.

RabbitMQ writes down a second or two late which Raft member a new quorum queue has. Killed before, it comes
back with a queue that anybody may declare, but whose consumers and publishers wait for ever, through every
restart (rabbitmq-server #10070, #15725). Only deletion helps, which costs us nothing: tasks are wake-ups.
"""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

from celery import Celery

from notify import log

_ANSWER_S = 5
# RabbitMQ itself waits five seconds for such a queue before it removes it by force.
_DELETION_S = 30

_log = log.get(__name__)


def delete(app: Celery) -> None:
    """Delete those of this worker's queues that let a consumer wait for five seconds."""
    with suppress(*app.connection_for_read().connection_errors):
        for name in app.amqp.queues.consume_from:
            if not _answers(app, name):
                _log.error("queue.replaced", queue=name)
                with _channel(app, _DELETION_S) as channel:
                    channel.queue_delete(name)


def _answers(app: Celery, name: str) -> bool:
    with _channel(app, _ANSWER_S) as channel:
        channel.basic_qos(0, 1, False)
        try:
            channel.basic_consume(name)
        except TimeoutError:
            return False
        return True


@contextmanager
def _channel(app: Celery, patience_s: int) -> Iterator[Any]:
    """A channel on a connection of its own, dropped without a farewell: a stuck one would answer none."""
    connection = app.connection_for_read(transport_options={"read_timeout": patience_s})
    try:
        yield connection.channel()
    finally:
        connection.collect()
