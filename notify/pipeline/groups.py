"""Groups of recipients: a list, pattern, audience, tenant or bulk job in; a stretch of its users out.

Each comes as if the request had named them one by one.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from notify.model import filters, patterns, wire
from notify.model.names import World
from notify.model.wire import Recipient, RecipientKind
from notify.recipients.bulk import entry_of, localized
from notify.store import audiences, bulk_jobs, db, members, profiles
from notify.store.members import Member, Stretch


@dataclass(frozen=True, slots=True)
class Named:
    """One of a group. ``name``: always the same for the same one; a user's, however often they are found."""

    name: str
    recipient: Recipient
    list_id: str | None = None


@dataclass(frozen=True, slots=True)
class Some:
    """``looked``: candidates. ``after``: where the next stretch begins; None: this was the last.

    ``error``: why nobody can be reached.
    """

    named: Sequence[Named] = ()
    looked: int = 0
    after: str | None = None
    error: str | None = None


def some(
    tx: db.Tx, world: World, request_id: UUID, group: Recipient, *, after: str | None, size: int
) -> Some:
    """The next users of a group, out of ``size`` candidates.

    ``request_id``: whose group it is; a bulk job belongs to one request.
    """
    entry = group.entry
    member_of = [one["value"] for one in entry.get("filters") or ()]
    match group.kind:
        case RecipientKind.LIST | RecipientKind.LIST_PATTERN:
            pattern = _pattern(entry, group.kind)
            found = members.of_lists(tx, world, pattern, member_of, after=after, size=size)
        case RecipientKind.AUDIENCE:
            audience = audiences.get(tx, world, entry["audience_id"])
            if audience is None:
                return Some(error=f"Audience {entry['audience_id']!r} does not exist.")
            if audience.filter is None:
                return Some()
            node = filters.parse(audience.filter)
            found = members.of_audience(tx, world, node, member_of, after=after, size=size)
        case RecipientKind.BULK:
            return _of_job(tx, world, request_id, group, after, size)
        case _:
            children = bool(entry.get("include_children"))
            found = members.of_tenant(
                tx, world, entry["tenant_id"], children=children, after=after, size=size
            )
    return Some([*_named(found, group)], found.looked, found.after)


def _pattern(entry: Mapping[str, Any], kind: RecipientKind) -> patterns.Pattern:
    if kind is RecipientKind.LIST:
        return patterns.exactly(entry["list_id"])
    return patterns.parse(entry["list_pattern"])


def _named(found: Stretch, group: Recipient) -> Iterator[Named]:
    """Each once, as found first."""
    shared = {key: group.entry[key] for key in ("data", "context") if group.entry.get(key) is not None}
    seen: set[str] = set()
    for member in found.members:
        if member.user_id not in seen:
            seen.add(member.user_id)
            yield Named(f"user.{member.user_id}", _user(member, group, shared), member.list_id)


def _user(member: Member, group: Recipient, shared: Mapping[str, Any]) -> Recipient:
    tenant_id = member.tenant_id or group.tenant_id
    entry = {"user_id": member.user_id, **shared, **({"tenant_id": tenant_id} if tenant_id else {})}
    return wire.recipient(entry, tenant_id=None)


def _of_job(
    tx: db.Tx, world: World, request_id: UUID, group: Recipient, after: str | None, size: int
) -> Some:
    try:
        job = UUID(group.entry[wire.BULK_KEY])
    except ValueError:
        return Some()
    rows = bulk_jobs.users_of_request(tx, world, job, request_id, after=int(after or 0), size=size)
    entries = _localized(tx, world, job, [entry_of(row.given) for row in rows])
    named = [
        Named(f"bulk.{row.seq}", wire.recipient(entry, tenant_id=group.tenant_id))
        for row, entry in zip(rows, entries, strict=True)
    ]
    return Some(named, len(rows), str(rows[-1].seq) if len(rows) >= size else None)


def _localized(tx: db.Tx, world: World, job: UUID, entries: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Profiles are looked at only if the job says something else by locale."""
    by_locale = bulk_jobs.data_by_locale(tx, job) if entries else {}
    if not by_locale:
        return entries
    users = {id_ for entry in entries if (id_ := entry.get("user_id"))}
    stored = profiles.get_many(tx, [(world, id_) for id_ in users])
    return [localized(entry, stored.get((world, entry.get("user_id", ""))), by_locale) for entry in entries]
