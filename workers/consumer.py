"""A worker's consumer: Celery's, without the delayed delivery that it would set up for quorum queues.

That is 28 exchanges and queues in RabbitMQ for tasks with a countdown, of which we publish none there.
A broker that took the connection, but not the consumers, may have a queue that is beyond recovery.
"""

from celery.worker import consumer

from workers import leaderless

_NOT_OURS = "celery.worker.consumer.delayed_delivery:DelayedDelivery"


class Consumer(consumer.Consumer):  # type: ignore[misc]  # celery is untyped
    """What `worker_consumer` names."""

    class Blueprint(consumer.Consumer.Blueprint):  # type: ignore[misc]
        default_steps = [step for step in consumer.Consumer.Blueprint.default_steps if step != _NOT_OURS]

    def on_connection_error_after_connected(self, error: Exception) -> None:
        """Celery's; after an answer that never came, the queues are looked after, too."""
        super().on_connection_error_after_connected(error)
        if isinstance(error, TimeoutError) and self.qos_global is False:
            leaderless.delete(self.app)
