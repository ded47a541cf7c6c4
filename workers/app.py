"""The Celery application: ``celery -A workers.app worker -Q render,route``. Binds task names to code."""

import time
from typing import Any

from celery import Task, signals

from notify import faults, log, settings
from notify.errors import Unavailable
from notify.queue import celery as app
from notify.store import cache, db
from workers import clockwork, watching

_log = log.get(__name__)


class StageTask(Task):  # type: ignore[misc]  # celery is untyped
    """What every stage's task has: retries for what is wrong with us, and context on its log lines.

    What is wrong with a provider is retried per delivery; a task is never tried again for it.
    """

    Request = "workers.shown:Request"
    autoretry_for = (Unavailable,)
    max_retries = 3
    retry_backoff = 1
    retry_backoff_max = 10
    retry_jitter = True

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        log.bind(task=self.name, task_id=self.request.id)
        begin = time.monotonic()
        try:
            with watching.watched(self.name, args):
                result = super().__call__(*args, **kwargs)
            _log.info(f"{self.name}.done", result=result, ms=round((time.monotonic() - begin) * 1000))
            return result
        finally:
            log.clear()


@signals.setup_logging.connect
def _logging(**_: Any) -> None:
    config = settings.load()
    log.configure(config.log_level, config.log_format)


@signals.worker_process_init.connect
def _forked(**_: Any) -> None:
    # Sockets of the parent process belong to the parent.
    db.reset()
    db.relax()
    cache.clear()
    faults.arm()
    watching.trace()


app.Task = StageTask
app.user_options["worker"].add(clockwork.OPTION)
app.steps["worker"].add(clockwork.BeatStep)
app.conf.include = [
    "workers.alive",
    "workers.expand",
    "workers.render",
    "workers.route",
    "workers.deliver",
    "workers.escalate",
    "workers.receipts",
    "workers.hooks",
    "workers.beat",
    "workers.accept",
]
