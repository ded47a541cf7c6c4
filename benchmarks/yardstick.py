"""What everything is compared with: an empty chain of three Celery tasks on the same broker."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

import redis

from benchmarks.running import ROOT, process, wait_for

_DONE = "yardstick.done"


@contextmanager
def _workers(broker_url: str, processes: int) -> Iterator["redis.Redis"]:
    """The chain's worker, warm, while the block runs; yields a client of its broker."""
    client = redis.Redis.from_url(broker_url)
    client.delete(_DONE)
    command = [sys.executable, "-m", "celery", "-A", "benchmarks.chain", "worker", "-E", "-c", str(processes)]
    quiet = ["--loglevel", "error", "--without-gossip", "--without-mingle"]
    with process(*command, *quiet, BROKER_URL=broker_url):
        _chain(broker_url, "publish", 50)  # workers up, connections made
        wait_for(lambda: _done(client) >= 50, "the yardstick's start")
        client.delete(_DONE)
        yield client


def _done(client: "redis.Redis") -> int:
    return int(client.get(_DONE) or 0)  # type: ignore[arg-type]  # typed for both of its clients


def _chain(broker_url: str, what: str, count: int) -> bytes:
    command = [sys.executable, "-m", "benchmarks.chain", what, str(count)]
    environment = {**os.environ, "BROKER_URL": broker_url}
    return subprocess.run(command, cwd=ROOT, check=True, capture_output=True, env=environment).stdout


def rate(broker_url: str, processes: int, count: int) -> float:
    """Empty chains per second, from the first publish to the last task."""
    with _workers(broker_url, processes) as client:
        begin = time.perf_counter()
        _chain(broker_url, "publish", count)
        wait_for(lambda: _done(client) >= count, "the yardstick")
        return count / (time.perf_counter() - begin)


def latencies_ms(broker_url: str, processes: int, count: int) -> list[float]:
    """Of chains that run one at a time, from before the publish to the last task's word; sorted."""
    with _workers(broker_url, processes):
        return sorted(json.loads(_chain(broker_url, "time", count)))
