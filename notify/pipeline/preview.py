"""A dry run: a valid send in; for whom it is, what it says and where it would go out. Stores nothing.

The same functions as in render and route decide, over what is configured at this moment.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from notify import clock, ids
from notify.errors import ContentError
from notify.model import wire
from notify.model.names import Channel, Lane, Mode, World
from notify.model.output import Rendered
from notify.model.plan import Final, Leaf, Plan, Skipped
from notify.model.preference import Wanted
from notify.model.status import Reason, Status
from notify.pipeline import branding, consent, counting, material, people, rendering, suppressing
from notify.pipeline.creation import new_message
from notify.pipeline.material import Material
from notify.pipeline.planning import plan_of
from notify.pipeline.saying import said
from notify.recipients.resolve import Addressee
from notify.routing.leaves import leaves_of
from notify.routing.plan import Unrouted
from notify.store import cache, db, providers
from notify.store.contents import Content
from notify.store.deliveries import Delivery
from notify.store.messages import StoredMessage
from notify.store.providers import Configured

SAMPLE = 5
"""Recipients that are looked at one by one; the others are counted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What a channel says, or why it cannot."""

    channel: Channel
    provider: str
    content: Rendered | None = None
    error: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview:
    """One recipient. ``final``: the status it would end with before any attempt. ``due_at``: when it goes."""

    recipient: str
    to: Mapping[str, Any]
    final: Final | None = None
    due_at: datetime | None = None
    plan: Plan | None = None
    skipped: Sequence[Skipped] = ()
    outputs: Sequence[Said] = ()
    warnings: Sequence[str] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class DryRun:
    """``count``: of all recipients; ``sample``: the first of them."""

    at: datetime
    count: int
    sample: Sequence[Preview]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Known:
    people: Mapping[UUID, Addressee]
    material: Mapping[UUID, Material]
    configured: Sequence[Configured]


def run(world: World, mode: Mode, message: wire.SendMessage, body: Mapping[str, Any]) -> DryRun:
    """``body``: the ``message`` object as it was sent.

    Raises:
        InvalidRequest: it names a brand that does not exist.
        Unavailable: the database is away.
    """
    with db.begin() as tx:
        now, request_id = clock.now(), ids.new()
        cache.refresh(tx)
        if refusal := branding.refusal(tx, world, message):
            raise refusal
        found = counting.count(tx, world, request_id, message, sample=SAMPLE)
        sample = [
            _stored(ids.child(request_id, f"to.{index}"), world, mode, message, body, one, now)
            for index, one in enumerate(found.sample)
        ]
        known = _load(tx, world, sample)
    rendered = [_render(one, known, now) for one in sample]
    contents = {one.message.id: one.content for one in rendered if one.content}
    with db.begin() as tx:
        by_id = {one.message.id: one.message for one in rendered}
        suppressed = suppressing.suppressed(tx, by_id, contents)
        wanted = consent.wanted(tx, by_id, {id_: one.topic_id for id_, one in contents.items()}, now)
    previews = [
        _preview(one, known, suppressed.get(one.message.id, {}), wanted.get(one.message.id), now)
        for one in rendered
    ]
    return DryRun(at=now, count=found.count, sample=previews)


def _stored(
    id_: UUID,
    world: World,
    mode: Mode,
    message: wire.SendMessage,
    body: Mapping[str, Any],
    recipient: wire.Recipient,
    now: datetime,
) -> StoredMessage:
    """The message as it would be stored."""
    new = new_message(
        id_=id_,
        request_id=id_,
        world=world,
        lane=Lane.SINGLE,
        message=message,
        recipient=recipient,
        entry=recipient.entry,
        now=now,
    )
    return StoredMessage(
        id=id_,
        request_id=id_,
        world=world,
        recipient=new.recipient,
        user_id=new.user_id,
        tenant_id=new.tenant_id,
        status=Status.ENQUEUED,
        body={**body, "to": recipient.entry},
        enqueued_at=now,
        mode=mode,
    )


def _load(tx: db.Tx, world: World, sample: Sequence[StoredMessage]) -> _Known:
    addressees = people.load(tx, sample)
    return _Known(
        people=addressees,
        material=material.load(tx, sample, addressees),
        configured=providers.configured(tx, world),
    )


def _render(stored: StoredMessage, known: _Known, now: datetime) -> rendering.Rendered:
    try:
        addressee = known.people[stored.id]
        return rendering.render(
            rendering.addressed(stored, addressee), addressee, known.material[stored.id], now
        )
    except ContentError as error:
        final = Final(status=Status.UNDELIVERABLE, reason=Reason.FAILED, error=str(error))
        return rendering.ended(stored, final, now)


def _preview(
    rendered: rendering.Rendered,
    known: _Known,
    suppressed: Mapping[Channel, str],
    wanted: Wanted | None,
    now: datetime,
) -> Preview:
    stored, content = rendered.message, rendered.content
    to = stored.body["to"]
    if content is None:
        return Preview(recipient=_named(to), to=to, final=rendered.final)
    verdict = plan_of(stored, content, known.configured, now, suppressed, wanted)
    found = Preview(
        recipient=_named(to),
        to=to,
        due_at=rendered.due_at,
        skipped=verdict.skipped,
        warnings=content.document.warnings,
    )
    if isinstance(verdict, Unrouted):
        return replace(found, final=verdict)
    return replace(found, plan=verdict, outputs=outputs_of(stored, content, verdict))


def _named(to: Mapping[str, Any]) -> str:
    """A recipient without a user has no name before it has a message: its address stands in."""
    return next((str(to[key]) for key in ("user_id", "email", "phone_number") if to.get(key)), "anonymous")


def outputs_of(stored: StoredMessage, content: Content, plan: Plan) -> list[Said]:
    """What each channel of the plan says, by the first provider that would be asked."""
    first = {leaf.channel: leaf for leaf in reversed([*leaves_of(plan.root)])}
    return [_said(stored, content, leaf) for leaf in reversed(first.values())]


def _said(stored: StoredMessage, content: Content, leaf: Leaf) -> Said:
    candidate = leaf.candidates[0]
    delivery = Delivery(
        message_id=stored.id,
        id=ids.child(stored.id, f"{leaf.key}/0"),
        leaf=leaf.key,
        candidate=0,
        channel=leaf.channel,
        provider=candidate.provider,
        provider_id=UUID(candidate.id),
        started_at=stored.enqueued_at,
    )
    try:
        shown = said(stored, content, delivery)
    except ContentError as error:
        return Said(channel=leaf.channel, provider=candidate.provider, error=str(error))
    return Said(channel=leaf.channel, provider=candidate.provider, content=shown)
