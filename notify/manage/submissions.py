"""Approval: a draft that waits until all its checks are resolved, and is published then.

Which checks there are is a setting. Without any, a template is published at once.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from notify import clock
from notify.clock import to_ms
from notify.errors import Conflict, InvalidRequest, NotFound
from notify.manage import templates
from notify.manage.templates import Wake
from notify.model.hook import HookEvent, News
from notify.model.names import World
from notify.model.work import Handoff
from notify.pipeline import announcing
from notify.store import audit, db, submissions
from notify.store.submissions import Submission

MAX_CHECKS = 100
Check = dict[str, Any]


def checks(world: World, id_: str, submission_id: str) -> Sequence[Check]:
    """The checks of a submission.

    Raises:
        NotFound: there is no such template or submission.
    """
    with db.begin() as tx:
        templates.stored(tx, world, id_)
        return _get(tx, id_, submission_id).checks


def put_checks(
    world: World, id_: str, submission_id: str, new: Sequence[Mapping[str, Any]], *, wake: Wake
) -> Sequence[Check]:
    """Replace the checks; once all are resolved the draft is published.

    Raises:
        NotFound: there is no such template or submission.
        InvalidRequest: a check is there twice.
        Conflict: the submission is decided already.
    """
    now = clock.now()
    given = [{**one, "updated": to_ms(now)} for one in new]
    if len({one["id"] for one in given}) < len(given):
        raise InvalidRequest("checks: each id may be there once")
    told: Handoff = ()
    with db.begin() as tx:
        template = templates.stored(tx, world, id_, lock=True)
        submission = _open(tx, id_, submission_id)
        resolved = bool(given) and all(one["status"] == "RESOLVED" for one in given)
        kept = _since(submission, given)
        submissions.change(tx, id_, submission_id, kept, now if resolved else None)
        if resolved:
            told = templates.publish_now(tx, world, id_, template.draft, submission_id)
        audit.record(tx, "template.checked", ("template", id_), world=world, after={"checks": list(new)})
    wake(told)
    return kept


def cancel(world: World, id_: str, submission_id: str, *, wake: Wake) -> None:
    """Take a submission back: its checks fail, and the draft may be edited again.

    Raises:
        NotFound: there is no such template or submission.
        Conflict: the submission is decided already.
    """
    now = clock.now()
    with db.begin() as tx:
        templates.stored(tx, world, id_, lock=True)
        submission = _open(tx, id_, submission_id)
        failed = [{**one, "status": "FAILED", "updated": to_ms(now)} for one in submission.checks]
        submissions.change(tx, id_, submission_id, failed, now)
        data = {"id": id_, "submission_id": submission_id, "canceled_at": to_ms(now)}
        news = News(world=world, type=HookEvent.NOTIFICATION_SUBMISSION_CANCELED, at=now, data=data)
        told = announcing.announce(tx, [news])
        audit.record(tx, "template.submission_canceled", ("template", id_), world=world)
    wake(told)


def _since(submission: Submission, given: list[Check]) -> list[Check]:
    """What has not changed keeps its time."""
    before = {one["id"]: one for one in submission.checks}
    return [
        before[one["id"]] if before.get(one["id"], {}).get("status") == one["status"] else one
        for one in given
    ]


def _get(tx: db.Tx, id_: str, submission_id: str) -> Submission:
    found = submissions.get(tx, id_, submission_id)
    if found is None:
        raise NotFound(f"Submission {submission_id!r} does not exist.")
    return found


def _open(tx: db.Tx, id_: str, submission_id: str) -> Submission:
    found = _get(tx, id_, submission_id)
    if found.ended_at is not None:
        raise Conflict("The submission is decided already.")
    return found
