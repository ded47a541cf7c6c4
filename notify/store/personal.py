"""Personal data: in which tables people are, and what becomes of it when one of them is erased.

``REGISTRY`` names every table there is, so that nobody adds one and forgets the people in it. What hangs on
messages is in ``personal_messages.py``.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Any
from urllib.parse import quote

import orjson
from sqlalchemy import text

from notify import signing
from notify.model.names import Channel, World
from notify.store import suppressions
from notify.store.db import Tx


class Fate(StrEnum):
    """``erased``: the rows go. ``anonymised``: they stay and are counted, but say nothing of anybody."""

    ERASED = "erased"
    ANONYMISED = "anonymised"
    EXEMPT = "exempt"


_DEFINED = "what operators define; it is about nobody"
REGISTRY: Mapping[str, tuple[Fate, str]] = MappingProxyType(
    {
        # Everything about a user under their id.
        "profile": (Fate.ERASED, "the user's own"),
        "list_subscription": (Fate.ERASED, "the user's own"),
        "tenant_member": (Fate.ERASED, "the user's own"),
        "user_token": (Fate.ERASED, "the user's own"),
        "user_preference": (Fate.ERASED, "the user's own"),
        "preference_log": (Fate.ERASED, "the user's own"),
        "send_count": (Fate.ERASED, "counters of the user; others stay"),
        "inbound_event": (Fate.ERASED, "what the user did elsewhere"),
        "bulk_user": (Fate.ERASED, "the user's row; the job's count stays"),
        # What was sent.
        "message": (Fate.ANONYMISED, "status, times, template, tags and tenant stay"),
        "message_content": (Fate.ERASED, "what it said, and the profile it was made with"),
        "message_plan": (Fate.ERASED, "why it went which way"),
        "delivery": (Fate.ANONYMISED, "references, answers and errors go; channel, provider and times stay"),
        "message_event": (Fate.ANONYMISED, "types, times, channels and providers stay"),
        "request": (Fate.ANONYMISED, "the body of a single send goes; of one to many, the user's entry"),
        "webhook_delivery": (Fate.ANONYMISED, "the body goes"),
        # Where they are named.
        "idempotency": (Fate.ERASED, "answers and paths that name the user"),
        "audit_event": (Fate.ANONYMISED, "that something was done stays; to whom, and its details, go"),
        "suppression": (
            Fate.ANONYMISED,
            "the keyed digest stays, so that an address that bounced is not written to again",
        ),
        # About nobody.
        "receipt": (Fate.EXEMPT, "held for seconds, until it is applied"),
        "work": (Fate.EXEMPT, "ids and times of what is unfinished; that of erased messages is dropped"),
        "webhook_attempt": (Fate.EXEMPT, "times and statuses"),
        "api_key": (Fate.EXEMPT, "of programs"),
        "provider": (Fate.EXEMPT, _DEFINED),
        "template": (Fate.EXEMPT, _DEFINED),
        "template_version": (Fate.EXEMPT, _DEFINED),
        "template_submission": (Fate.EXEMPT, _DEFINED),
        "tenant_template": (Fate.EXEMPT, _DEFINED),
        "tenant_template_version": (Fate.EXEMPT, _DEFINED),
        "brand": (Fate.EXEMPT, _DEFINED),
        "routing_strategy": (Fate.EXEMPT, _DEFINED),
        "translation": (Fate.EXEMPT, _DEFINED),
        "webhook_destination": (Fate.EXEMPT, _DEFINED),
        "send_limit": (Fate.EXEMPT, _DEFINED),
        "send_limit_exempt": (Fate.EXEMPT, _DEFINED),
        "send_limit_notice": (Fate.EXEMPT, "one time per world"),
        "topic_limit": (Fate.EXEMPT, _DEFINED),
        "recipient_list": (Fate.EXEMPT, _DEFINED),
        "audience": (Fate.EXEMPT, _DEFINED),
        "tenant": (Fate.EXEMPT, _DEFINED),
        "tenant_preference": (Fate.EXEMPT, _DEFINED),
        "bulk_job": (Fate.EXEMPT, "what all of its users are sent"),
        "preference_section": (Fate.EXEMPT, _DEFINED),
        "preference_topic": (Fate.EXEMPT, _DEFINED),
        "preference_page": (Fate.EXEMPT, _DEFINED),
        "pause": (Fate.EXEMPT, "of operators"),
        "refusal": (Fate.EXEMPT, "names places in a message, not what stands there"),
        "heartbeat": (Fate.EXEMPT, "of processes"),
        "config_version": (Fate.EXEMPT, "one number"),
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """A user of a world as tables know them. ``addresses``: normalised e-mail addresses and numbers."""

    world: World
    user_id: str
    addresses: frozenset[str] = frozenset()

    @property
    def digest(self) -> str:
        """What the audit log calls them; it does not tell who they are, and is the same each time."""
        return signing.mac("person", f"{self.world}\0{self.user_id}".encode())[: signing.HALF].hex()

    def parameters(self) -> dict[str, Any]:
        """For the statements here and of ``personal_messages``."""
        names = sorted({self.user_id, *self.addresses})
        return {
            "world": self.world,
            "user_id": self.user_id,
            "addresses": sorted(self.addresses),
            "digest": self.digest,
            # As a part of a path, as a text of JSON, and as bulk jobs name them.
            "words": sorted({word for name in names for word in (name, quote(name), quote(name, safe=""))}),
            "quoted": [orjson.dumps(name).decode() for name in names],
            "keys": [
                f"user {self.user_id}",
                *(f"{kind} {one}" for one in sorted(self.addresses) for kind in ("email", "phone_number")),
            ],
            "macs": self._macs(),
        }

    def _macs(self) -> list[bytes]:
        return [
            mac
            for one in sorted(self.addresses)
            for channel in Channel
            for mac in suppressions.macs((self.world, channel, one))
        ]


_ADDRESSES = text("""
    SELECT profile ->> 'email' AS email, profile ->> 'phone_number' AS phone_number FROM (
      SELECT profile FROM profile WHERE world = :world AND user_id = :user_id
      UNION ALL SELECT profile FROM tenant_member WHERE world = :world AND user_id = :user_id
    ) AS known
""")


def addresses(tx: Tx, world: World, user_id: str) -> set[str]:
    """The addresses that are stored of a user, as they were given."""
    rows = tx.execute(_ADDRESSES, {"world": world, "user_id": user_id})
    return {value for row in rows for value in row if value}


_OWN = (
    "list_subscription", "tenant_member", "user_token", "user_preference", "preference_log", "inbound_event",
    "profile",
)  # fmt: skip
_IS_OWN = "world = :world AND user_id = :user_id"
_COUNTED = "world = :world AND scope IN ('user', 'user_topic') AND CAST(subject AS jsonb) ->> 0 = :user_id"
_IN_JOB = (
    "key = ANY(:keys) AND EXISTS (SELECT FROM bulk_job j WHERE j.id = bulk_user.job_id AND j.world = :world)"
)
_NAMED = "EXISTS (SELECT FROM unnest(CAST(:quoted AS text[])) AS q WHERE position(q IN CAST({} AS text)) > 0)"
_ANSWERED = f"""world = :world AND (
  string_to_array(scope, '/') && CAST(:words AS text[]) OR {_NAMED.format("body")}
)"""
_ACTED = (
    "actor LIKE 'client token of %' AND string_to_array(substr(actor, 17), ', ') && CAST(:words AS text[])"
)
_TARGET = "target_kind = 'user' AND target_id = :user_id"
_AUDITED = f"(world = :world OR world IS NULL) AND ({_TARGET} OR {_ACTED} OR {_NAMED.format('details')})"
_SUPPRESSED = "world = :world AND address_mac = ANY(CAST(:macs AS bytea[]))"


def _delete(table: str, where: str) -> str:
    return (
        f"DELETE FROM {table} WHERE ctid IN (SELECT ctid FROM {table} WHERE {where} LIMIT :size FOR UPDATE)"
    )


def _update(table: str, changes: str, where: str) -> str:
    chosen = f"SELECT id FROM {table} WHERE {where} LIMIT :size FOR UPDATE"
    return f"UPDATE {table} SET {changes} WHERE id IN ({chosen})"


# The profile comes last: it tells the addresses that a run which is done again has to know.
_STEPS = {
    "idempotency": _delete("idempotency", _ANSWERED),
    "webhook_delivery": _update(
        "webhook_delivery",
        "body = NULL",
        f"world = :world AND message_id IS NOT NULL AND {_NAMED.format('body')}",
    ),
    "audit_event": _update(
        "audit_event",
        f"""target_id = CASE WHEN {_TARGET} THEN :digest ELSE target_id END,
        actor = CASE WHEN {_ACTED} THEN 'client token' ELSE actor END,
        details = CASE WHEN {_NAMED.format("details")} THEN '{{}}' ELSE details END""",
        _AUDITED,
    ),
    "suppression": _update(
        "suppression", "masked = '***', detail = NULL", f"{_SUPPRESSED} AND masked <> '***'"
    ),
    "send_count": _delete("send_count", _COUNTED),
    "bulk_user": _delete("bulk_user", _IN_JOB),
    **{table: _delete(table, _IS_OWN) for table in _OWN},
}
STEPS = tuple(_STEPS)
"""The tables that ``erase`` works on, in their order; messages come before."""


def erase(tx: Tx, person: Person, table: str, size: int) -> int:
    """Erase or anonymise at most ``size`` rows of a table; how many. Fewer than ``size``: none is left."""
    return tx.execute(text(_STEPS[table]), {**person.parameters(), "size": size}).rowcount


_SHOWN = {
    **dict.fromkeys(_OWN, _IS_OWN),
    "send_count": _COUNTED,
    "bulk_user": _IN_JOB,
    "suppression": _SUPPRESSED,
    "audit_event": _AUDITED,
}
_HIDDEN = "- 'address_mac'"


def export(tx: Tx, person: Person) -> Iterator[tuple[str, list[str]]]:
    """Table by table, the rows that are kept of a person, as JSON; what they were sent is not among them."""
    for table, where in _SHOWN.items():
        query = text(
            f"SELECT CAST(to_jsonb(t) {_HIDDEN} AS text) FROM {table} AS t WHERE {_aliased(where, table)}"
        )
        yield table, list(tx.execute(query, person.parameters()).scalars())


def _aliased(where: str, table: str) -> str:
    return where.replace(f"{table}.", "t.")
