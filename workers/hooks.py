"""The hooks task."""

from collections.abc import Sequence
from typing import Any

from celery import signals

from notify import queue, settings
from notify.model.names import Lane
from notify.model.work import Stage
from notify.pipeline import hook_lines, hooks
from notify.queue import celery as app
from workers.parse import summary, uuids

_RECORD_S = 2.0


@app.task(name=Stage.HOOKS)
def hooks_batch(ids: Sequence[str], lane: str) -> str:
    done = hooks.run(uuids(ids), Lane(lane))
    queue.publish(done.handoff)
    return summary(done)


@signals.worker_process_shutdown.connect
def _finish_calls(**_: Any) -> None:
    # What is cut off here would be sent again.
    hook_lines.lines().settle(settings.load().webhook_timeout_s + _RECORD_S)
