"""The receipts task."""

from collections.abc import Sequence

from notify import queue
from notify.model.names import Lane
from notify.model.work import Stage
from notify.pipeline import receipts
from notify.queue import celery as app
from workers.parse import summary, uuids


@app.task(name=Stage.RECEIPTS)
def receipts_batch(ids: Sequence[str], lane: str) -> str:
    done = receipts.run(uuids(ids), Lane(lane))
    queue.publish(done.handoff)
    return summary(done)
