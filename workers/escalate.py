"""The escalate task."""

from collections.abc import Sequence

from notify import queue
from notify.model.names import Lane
from notify.model.work import Stage
from notify.pipeline import escalate
from notify.queue import celery as app
from workers.parse import summary, uuids


@app.task(name=Stage.ESCALATE)
def escalate_batch(ids: Sequence[str], lane: str) -> str:
    done = escalate.run(uuids(ids), Lane(lane))
    queue.publish(done.handoff)
    return summary(done)
