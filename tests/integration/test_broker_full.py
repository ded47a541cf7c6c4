"""A full Redis or Valkey refuses workers' own bookkeeping; they wait until it has room again."""

import os
import signal
from collections.abc import Iterator

import pytest
import redis

from notify import queue
from notify.local import process
from tests.integration.conftest import Configure
from tests.stack import Servers, StartWorker, Worker

TIMEOUT_S = 60
MANY = 30


@pytest.fixture
def broker(servers: Servers) -> Iterator[redis.Redis]:
    client = redis.Redis.from_url(servers.broker_url)
    yield client
    client.config_set("maxmemory", "0")
    client.close()


def _reconciled(worker: Worker) -> int:
    return worker.log.read_text().count("reconcile.done")


def _publish(times: int) -> None:
    for _ in range(times):
        queue.celery.send_task("reconcile", queue=queue.MAINTENANCE)


def test_a_worker_outlives_a_full_broker(
    configured: Configure, broker: redis.Redis, start_worker: StartWorker
) -> None:
    worker = start_worker(queue.MAINTENANCE, concurrency=1, NOTIFY_LOG_LEVEL="info")
    _publish(1)
    assert process.wait_until(lambda: _reconciled(worker) == 1, TIMEOUT_S), worker.log.read_text()
    # It finds tasks to fetch, and cannot note down that it has.
    os.kill(worker.pid, signal.SIGSTOP)
    _publish(MANY)
    broker.config_set("maxmemory", "1mb")
    os.kill(worker.pid, signal.SIGCONT)
    refused = process.wait_until(lambda: "used memory > 'maxmemory'" in worker.log.read_text(), TIMEOUT_S)
    assert refused, worker.log.read_text()
    broker.config_set("maxmemory", "0")
    before = _reconciled(worker)
    _publish(1)
    assert process.wait_until(lambda: _reconciled(worker) > before, TIMEOUT_S), worker.log.read_text()
    assert worker.popen.poll() is None
