"""Suppression: which addresses of a batch are not to be sent to, and which become so by what was reported."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from notify.model.names import Channel, World
from notify.model.receipt import SuppressionReason
from notify.pipeline.job import Job
from notify.pipeline.reporting import News
from notify.recipients import address
from notify.store import db, messages, suppressions
from notify.store.contents import Content
from notify.store.messages import StoredMessage
from notify.store.suppressions import NewSuppression, Suppression

_WORDS = {
    SuppressionReason.BOUNCED: "bounced",
    SuppressionReason.COMPLAINED: "was complained from",
}


def suppressed(
    tx: db.Tx, found: Mapping[UUID, StoredMessage], content: Mapping[UUID, Content]
) -> dict[UUID, dict[Channel, str]]:
    """By message, the channels that must not be used and why; one query for the batch."""
    addresses = {
        (id_, channel): (found[id_].world, channel, known)
        for id_, one in content.items()
        if id_ in found
        for channel in address.KEYS
        if (known := address.address(one.profile, channel))
    }
    hits = suppressions.among(tx, set(addresses.values()))
    reasons: dict[UUID, dict[Channel, str]] = {}
    for (id_, channel), wanted in addresses.items():
        if wanted in hits:
            reasons.setdefault(id_, {})[channel] = explained(hits[wanted])
    return reasons


def of_deliveries(tx: db.Tx, jobs: Sequence[Job]) -> dict[UUID, str]:
    """By delivery, why nothing may go to its address; one query for the batch."""
    found = {job.message.id: job.message for job in jobs}
    reasons = suppressed(tx, found, {job.message.id: job.content for job in jobs})
    told = ((job.delivery, reasons.get(job.message.id, {})) for job in jobs)
    return {delivery.id: why[delivery.channel] for delivery, why in told if delivery.channel in why}


def explained(hit: Suppression) -> str:
    """For the message's log: what happened, when, and how to find it."""
    when = f"{hit.created_at:%Y-%m-%d}"
    return f"{hit.masked} is suppressed: it {_WORDS[hit.reason]} on {when} (suppression {hit.id})."


def is_address(profile: Mapping[str, Any], channel: Channel, told: str) -> bool:
    """Whether ``told`` is the recipient's own address; where it has none, there is nothing to compare."""
    own = address.address(profile, channel)
    return own is None or address.normal(told) == own


def entries(
    tx: db.Tx, news: Sequence[News], content: Mapping[UUID, Content], now: datetime
) -> list[NewSuppression]:
    """The addresses that bounced, or whose owners complained."""
    told = [one for one in news if one.suppression]
    worlds = messages.load(tx, sorted({one.delivery.message_id for one in told}))
    return list(_entries(told, {id_: row.world for id_, row in worlds.items()}, content, now))


def _entries(
    told: Iterable[News], worlds: Mapping[UUID, World], content: Mapping[UUID, Content], now: datetime
) -> Iterator[NewSuppression]:
    for one in told:
        id_, channel = one.delivery.message_id, one.delivery.channel
        known = address.address(content[id_].profile, channel) if id_ in content else None
        if known and one.suppression and id_ in worlds:
            yield NewSuppression(
                address=(worlds[id_], channel, known),
                masked=address.masked(known),
                reason=one.suppression,
                detail=one.receipt.update.reason,
                message_id=id_,
                created_at=now,
            )
