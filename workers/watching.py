"""What a worker tells of itself: run times and spans of its tasks, and its own ``/metrics``."""

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from threading import Thread
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, make_server

from celery import signals
from celery.exceptions import Retry
from prometheus_client.exposition import ThreadingWSGIServer

from notify import log, metrics, settings, tracing
from notify.manage import exposition
from notify.model.names import Lane
from notify.model.work import Stage

_LANES = frozenset(map(str, Lane))
_log = log.get(__name__)


@contextmanager
def watched(task: str, args: Sequence[Any]) -> Iterator[None]:
    """Count and trace one task: how long, how it ended."""
    stage, channel = task.split(".") if task.startswith(f"{Stage.DELIVER}.") else (task, "")
    lane = args[1] if len(args) > 1 and args[1] in _LANES else ""
    begin, outcome = time.monotonic(), "failed"
    try:
        with tracing.batch(f"task {task}", {"notify.stage": stage, "notify.lane": lane}):
            yield
        outcome = "done"
        metrics.TASK_SUCCESS.labels(task).set(time.time())
    except Retry:
        outcome = "again"
        raise
    finally:
        metrics.TASK_SECONDS.labels(stage, channel, lane, outcome).observe(time.monotonic() - begin)


def trace() -> None:
    """Trace in this process, if the settings say so."""
    if (exporter := settings.load().traces_exporter) != "none":
        tracing.start(exporter)


@signals.worker_process_shutdown.connect
def _untrace(**_: Any) -> None:
    tracing.stop()


# --- /metrics


@signals.worker_init.connect
def _share(**_: Any) -> None:
    # Before the pool's processes are made, so that they count where this one looks.
    exposition.share(alone=not settings.load().metrics_port)


@signals.worker_ready.connect
def _serve(**_: Any) -> None:
    config = settings.load()
    if not config.metrics_port:
        return
    server = make_server(
        config.metrics_host, config.metrics_port, _answer, ThreadingWSGIServer, handler_class=_Silent
    )
    Thread(target=server.serve_forever, name="metrics", daemon=True).start()
    _log.info("metrics.served", port=config.metrics_port)


class _Silent(WSGIRequestHandler):
    """Says nothing of each request."""

    timeout = 10

    def log_message(self, *_: Any) -> None:
        pass


def _answer(request: Mapping[str, Any], start: Any) -> list[bytes]:
    if request["PATH_INFO"] != "/metrics" or request["REQUEST_METHOD"] != "GET":
        start("404 Not Found", [])
        return []
    if not exposition.is_allowed(request.get("HTTP_AUTHORIZATION", "")):
        start("401 Unauthorized", [("WWW-Authenticate", "Bearer")])
        return []
    body, content_type = exposition.of_processes(request.get("HTTP_ACCEPT", ""))
    start("200 OK", [("Content-Type", content_type)])
    return [body]
