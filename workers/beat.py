"""The periodic tasks: bounded passes, any number of which may run at once."""

from notify import queue
from notify.pipeline import canary, dispatch, reconcile, retention
from notify.queue import celery as app
from workers.parse import summary


@app.task(name="dispatch")
def dispatch_pass() -> str:
    done = dispatch.run()
    queue.publish(done.handoff)
    return summary(done)


@app.task(name="reconcile")
def reconcile_pass() -> str:
    done = reconcile.run()
    queue.publish(done.handoff)
    return summary(done)


@app.task(name="canary")
def canary_pass() -> str:
    sent = canary.run()
    queue.publish(sent)
    return f"{len(sent)} canaries"


@app.task(name="retention")
def retention_pass() -> str:
    dropped = retention.run()
    return f"{len(dropped)} tables"
