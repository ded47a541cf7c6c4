"""Checks of our own processes: a worker for every queue, a beat that beats, a canary that sings."""

from collections.abc import Iterator

from notify import queue, settings
from notify.errors import Unavailable
from notify.manage import canary
from notify.manage.findings import Finding, fail, ok, warn
from notify.store import db, heartbeats

_HOUR_S = 3600.0


def workers(timeout_s: float) -> Iterator[Finding]:
    """Whether each queue has somebody who serves it."""
    served = queue.served(timeout_s)
    missing = sorted(set(queue.names()) - {name for names in served.values() for name in names})
    if not served:
        yield fail("workers", "none answers", "start the workers of the Procfile")
    elif missing:
        text = f"{len(served)} answer, but nobody serves {', '.join(missing)}"
        yield fail("workers", text, "start a worker with `-Q` and these queues, see the Procfile")
    else:
        yield ok("workers", f"{len(served)} serve every queue")


def beat() -> Iterator[Finding]:
    """Whether the periodic passes run: beat and a worker for ``maintenance`` are both needed."""
    config = settings.load()
    try:
        with db.begin() as tx:
            beats = heartbeats.find(tx)
    except Unavailable:
        return
    allowed = {
        heartbeats.DISPATCH: 3 * config.dispatch_every_s + 10,
        heartbeats.RETENTION: 3 * _HOUR_S,
    }
    fix = "start beat, and a worker for the queue `maintenance`"
    for name, most in allowed.items():
        found = beats.get(name)
        if found is None:
            # A new instance has not come to the first hour yet.
            if name == heartbeats.DISPATCH:
                yield fail("beat", f"{name} has never run", fix)
        elif found.age_s > most:
            yield fail("beat", f"{name} has not run for {found.age_s:.0f} s", fix)
        else:
            yield ok("beat", f"{name} ran {found.age_s:.0f} s ago")


def last_canary() -> Iterator[Finding]:
    """How the last canary of each lane fared, where it is enabled."""
    every_s = settings.load().canary_every_s
    if not every_s:
        return
    try:
        found = canary.last()
    except Unavailable:
        return
    for one in found:
        subject = f"canary {one.lane}"
        if one.late:
            text = f"the last one was decided {one.age_s:.0f} s ago, and is sent every {every_s:g} s"
            yield warn(subject, text, "see that beat runs, and a worker for the queue `maintenance`")
        if one.ok:
            yield ok(subject, f"came through in {one.latency_s or 0:.1f} s, {one.age_s:.0f} s ago")
        else:
            fix = "see `notify status` and the workers it names"
            yield fail(subject, one.problem or "has not come through", fix)
    if not found:
        yield warn("canary", "has not been sent yet", "wait for beat, or run `notify canary`")
