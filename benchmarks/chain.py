"""The yardstick: an empty chain of three Celery tasks, one message each; what many teams start from.

``celery -A benchmarks.chain worker -c 2 --prefetch-multiplier 4``
"""

import json
import os
import sys
import time
from functools import lru_cache

import redis
from celery import Celery, chain

app = Celery("yardstick", broker=os.environ["BROKER_URL"])
app.conf.update(
    task_ignore_result=True,
    task_default_queue="yardstick",
    worker_prefetch_multiplier=4,  # Celery's default, the kinder one to tiny tasks
    worker_send_task_events=True,  # as ours: Flower watches both
)
DONE, TOLD = "yardstick.done", "yardstick.told"
_PAUSE_S = 0.02


@app.task(name="yardstick.first")
def first() -> None:
    pass


@app.task(name="yardstick.second")
def second() -> None:
    pass


@app.task(name="yardstick.third")
def third() -> None:
    _redis().incr(DONE)


@app.task(name="yardstick.told")
def told() -> None:
    _redis().lpush(TOLD, 1)


@lru_cache(maxsize=1)
def _redis() -> redis.Redis:
    return redis.Redis.from_url(os.environ["BROKER_URL"])


def publish(count: int) -> None:
    """Publish so many chains."""
    for _ in range(count):
        chain(first.si(), second.si(), third.si()).apply_async()


def time_each(count: int) -> list[float]:
    """Milliseconds of chains that run one at a time, from before the publish to the last task's word."""
    took = []
    for _ in range(count):
        begin = time.perf_counter()
        chain(first.si(), second.si(), told.si()).apply_async()
        _redis().blpop([TOLD])
        took.append((time.perf_counter() - begin) * 1000)
        time.sleep(_PAUSE_S)
    return took


if __name__ == "__main__":
    what, number = sys.argv[1], int(sys.argv[2])
    if what == "time":
        time_each(20)  # warm
        print(json.dumps(time_each(number)))
    else:
        publish(number)
