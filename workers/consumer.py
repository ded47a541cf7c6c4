"""A worker's consumer: Celery's, without the delayed delivery that it would set up for quorum queues.

That is 28 exchanges and queues in RabbitMQ for tasks with a countdown, of which we publish none there.
"""

from celery.worker import consumer

_NOT_OURS = "celery.worker.consumer.delayed_delivery:DelayedDelivery"


class Consumer(consumer.Consumer):  # type: ignore[misc]  # celery is untyped
    """What `worker_consumer` names."""

    class Blueprint(consumer.Consumer.Blueprint):  # type: ignore[misc]
        default_steps = [step for step in consumer.Consumer.Blueprint.default_steps if step != _NOT_OURS]
