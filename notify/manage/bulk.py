"""Bulk jobs: a message is defined, users are gathered, and the run sends it to all of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from pydantic import ValidationError

from notify import ids
from notify.errors import Conflict, InvalidRequest, NotFound
from notify.model import wire
from notify.model.names import Channel, Mode, World
from notify.model.problems import describe_all
from notify.model.storable import find_fault
from notify.model.work import Handoff
from notify.pipeline import accept, branding, pausing
from notify.pipeline.submission import Sender, submission
from notify.recipients.bulk import entry_of, key_of
from notify.store import audit, bulk_jobs, cache, db
from notify.store.bulk_jobs import Job

MAX_USERS = 1000
"""Users of one call."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """A user that was not taken, and why."""

    user: Mapping[str, Any]
    error: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """One of a job's users. ``message_id``: once there is one. ``failed``: there will be none."""

    seq: int
    given: Mapping[str, Any]
    message_id: str | None
    failed: bool = False


def create(world: World, mode: Mode, definition: dict[str, Any], max_bytes: int) -> UUID:
    """Define a job; its users follow.

    Raises:
        InvalidRequest: no message could be made of it, or it names a brand that does not exist.
    """
    id_ = ids.new()
    sent = _submission(world, mode, id_, definition, max_bytes)
    with db.begin() as tx:
        _check_brand(tx, sent)
        bulk_jobs.create(tx, world, id_, definition, mode)
    return id_


def add(world: World, id_: UUID, users: Sequence[dict[str, Any]]) -> tuple[int, list[Refused]]:
    """Add users to a job that has not run; how many were taken, and those that were not.

    Raises:
        NotFound: there is no such job.
        Conflict: it has run.
    """
    if len(users) > MAX_USERS:
        raise InvalidRequest(f"users: at most {MAX_USERS} in one call")
    with db.begin() as tx:
        job = _hold(tx, world, id_)
        if job.request_id is not None:
            raise Conflict("This job has run: it takes no more users.")
        sound, refused = _sorted_out(users)
        new = bulk_jobs.add(tx, id_, sound)
        there = [
            Refused(user=given, error="Duplicate user") for key, given in sound if key and key not in new
        ]
    return len(sound) - len(there), refused + there


def _sorted_out(
    users: Sequence[dict[str, Any]],
) -> tuple[list[tuple[str | None, dict[str, Any]]], list[Refused]]:
    sound: list[tuple[str | None, dict[str, Any]]] = []
    refused, seen = [], set()
    for user in users:
        key = key_of(user)
        if problem := "Duplicate user" if key and key in seen else _problem(user):
            refused.append(Refused(user=user, error=problem))
        else:
            seen.add(key)
            sound.append((key, user))
    return sound, refused


def _problem(user: dict[str, Any]) -> str | None:
    if (fault := find_fault(user)) is not None:
        return f"{'.'.join(map(str, fault.path))}: {fault.message}"
    try:
        message = wire.SendMessage.model_validate(
            {"to": entry_of(user), "content": {"title": "", "body": ""}}
        )
    except ValidationError as error:
        return describe_all(error.errors())
    if wire.is_fanout(message):
        return "to: names a group, not a user"
    return None


def run(world: World, id_: UUID, max_bytes: int) -> Handoff:
    """Send the job to all its users, once; the wake-ups to publish.

    Raises:
        NotFound: there is no such job.
        Conflict: it has run.
        InvalidRequest: its brand does not exist any more.
        Unavailable: the world takes no sends at the moment.
    """
    with db.begin() as tx:
        job = _hold(tx, world, id_)
        if job.request_id is not None:
            raise Conflict("This job has run already.")
        if refusal := pausing.refusal(tx, world):
            raise refusal
        sent = _submission(world, job.mode, id_, job.definition, max_bytes)
        _check_brand(tx, sent)
        (receipt,), handoff = accept.store(tx, [sent])
        assert isinstance(receipt, accept.Receipt)
        request_id = ids.from_wire(receipt.body["requestId"])
        assert request_id
        bulk_jobs.run(tx, id_, request_id)
        after = {"users": job.received, "request": receipt.body["requestId"]}
        audit.record(tx, "bulk.run", ("bulk", id_), world=world, after=after)
    return handoff


def _submission(
    world: World, mode: Mode, id_: UUID, definition: Mapping[str, Any], max_bytes: int
) -> accept.Submission:
    return submission(_message(id_, definition), Sender(world=world, mode=mode, max_bytes=max_bytes))


def _check_brand(tx: db.Tx, sent: accept.Submission) -> None:
    cache.refresh(tx)
    if branding.refusal(tx, sent.world, sent.message):
        raise InvalidRequest(f"message.brand: brand {sent.message.brand_id!r} does not exist")


def _message(id_: UUID, definition: Mapping[str, Any]) -> dict[str, Any]:
    """The send that a definition stands for: what it has besides ``event`` takes the event's place."""
    event, content = definition.get("event"), definition.get("content")
    named = {} if content else {"template": definition.get("template") or event}
    overrides = {key: value for key, value in (definition.get("override") or {}).items() if value}
    channels = {key: {"override": value} for key, value in overrides.items() if key in set(Channel)}
    providers = {key: {"override": value} for key, value in overrides.items() if key not in channels}
    message = {
        "to": {wire.BULK_KEY: str(id_)},
        **named,
        "content": content,
        "brand_id": definition.get("brand"),
        "data": definition.get("data"),
        "metadata": {"event": event} if event else None,
        "channels": channels,
        "providers": providers,
    }
    return {key: value for key, value in message.items() if value}


def get(world: World, id_: UUID) -> Job:
    """One job, and how far it has come.

    Raises:
        NotFound: there is none.
    """
    with db.begin() as tx:
        return _found(bulk_jobs.get(tx, world, id_))


def users(world: World, id_: UUID, *, after: int, limit: int) -> list[Shown]:
    """At most ``limit`` of a job's users, in the order they came.

    Raises:
        NotFound: there is no such job.
    """
    with db.begin() as tx:
        job = _found(bulk_jobs.get(tx, world, id_))
        found = bulk_jobs.users(tx, id_, after=after, size=limit)
    return [_shown(job, one) for one in found]


def _shown(job: Job, user: bulk_jobs.User) -> Shown:
    id_ = _message_id(job, user.seq)
    failed = id_ is None and job.error is not None
    return Shown(seq=user.seq, given=user.given, message_id=id_, failed=failed)


def _message_id(job: Job, seq: int) -> str | None:
    if job.request_id is None or not (seq <= job.after or (job.done and not job.error)):
        return None
    return ids.to_wire(ids.child(job.request_id, f"bulk.{seq}"))


def _hold(tx: db.Tx, world: World, id_: UUID) -> Job:
    return _found(bulk_jobs.hold(tx, world, id_))


def _found(job: Job | None) -> Job:
    if job is None:
        raise NotFound("This bulk job does not exist.")
    return job
