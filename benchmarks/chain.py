"""The yardstick: an empty chain of three Celery tasks, one message each; what many teams start from.

``celery -A benchmarks.chain worker -c 2 --prefetch-multiplier 4``
"""

import os

from celery import Celery, chain

app = Celery("yardstick", broker=os.environ["BROKER_URL"])
app.conf.update(
    task_ignore_result=True,
    task_default_queue="yardstick",
    worker_prefetch_multiplier=4,  # Celery's default, the kinder one to tiny tasks
    worker_send_task_events=True,  # as ours: Flower watches both
)
DONE = "yardstick.done"


@app.task(name="yardstick.first")
def first() -> None:
    pass


@app.task(name="yardstick.second")
def second() -> None:
    pass


@app.task(name="yardstick.third")
def third() -> None:
    _redis().incr(DONE)


def _redis():  # type: ignore[no-untyped-def]
    global _client
    if _client is None:
        import redis

        _client = redis.Redis.from_url(os.environ["BROKER_URL"])
    return _client


_client = None


def start() -> None:
    """Publish one chain."""
    chain(first.si(), second.si(), third.si()).apply_async()
