"""What people were sent: finding it, and taking everything out of it that says who they are or what it said.

A message stays, with its status and times, so that counts stay true; its recipient is then ``ERASED``.
"""

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import text

from notify.store import bulk
from notify.store.db import Tx
from notify.store.personal import Person

ERASED = "erased"
_KEPT = ["channel", "integration", "at", "retried_as", "retry_of", "blame"]
"""Of the details of a message's log."""


class Found(NamedTuple):
    """``looked_at``: how many messages were; ``after``: where to look on, None at the end."""

    ids: list[UUID]
    looked_at: int
    after: UUID | None


_OF_USER = text(f"""
    SELECT id, true AS hit FROM message
    WHERE world = :world AND recipient = :user_id AND recipient <> '{ERASED}' AND id > :after
    ORDER BY id LIMIT :size
""")


def of_user(tx: Tx, person: Person, after: UUID, size: int) -> Found:
    """Messages to the user's id, oldest first."""
    return _found(tx, _OF_USER, person, after, size)


def _is_theirs(email: str, number: str) -> str:
    return (
        f"(lower(btrim({email})) = ANY(:addresses)"
        f" OR regexp_replace({number}, '[[:space:]().-]', '', 'g') = ANY(:addresses))"
    )


_TO = "coalesce(m.entry, r.body -> 'to')"
# A message to an address has no user, and no index leads to an address: all are looked at, by id.
_OF_ADDRESSES = text(f"""
    SELECT m.id, coalesce(m.user_id IS NULL AND m.recipient <> '{ERASED}' AND (
      {_is_theirs("c.profile ->> 'email'", "c.profile ->> 'phone_number'")}
      OR {_is_theirs(f"{_TO} ->> 'email'", f"{_TO} ->> 'phone_number'")}
    ), false) AS hit
    FROM (
      SELECT id, request_id, user_id, recipient, entry FROM message
      WHERE world = :world AND id > :after ORDER BY id LIMIT :size
    ) AS m
    LEFT JOIN request r ON r.id = m.request_id AND m.user_id IS NULL
    LEFT JOIN message_content c ON c.message_id = m.id AND m.user_id IS NULL
    ORDER BY m.id
""")


def of_addresses(tx: Tx, person: Person, after: UUID, size: int) -> Found:
    """Messages that named no user but an address of theirs; ``size``: how many are looked at."""
    return _found(tx, _OF_ADDRESSES, person, after, size)


def _found(tx: Tx, query: Any, person: Person, after: UUID, size: int) -> Found:
    rows = tx.execute(query, {**person.parameters(), "after": after, "size": size}).all()
    last = rows[-1].id if len(rows) == size else None
    return Found([row.id for row in rows if row.hit], len(rows), last)


# A request to many is shared: only who is named in it goes.
_REQUESTS = text(f"""
    UPDATE request r SET body = jsonb_set(body, '{{to}}', (
      SELECT coalesce(jsonb_agg(CASE
        WHEN e ->> 'user_id' = :user_id OR {_is_theirs("e ->> 'email'", "e ->> 'phone_number'")}
        THEN '{{"user_id": "{ERASED}"}}' ELSE e END ORDER BY place), '[]')
      FROM jsonb_array_elements(body -> 'to') WITH ORDINALITY AS x(e, place)
    ))
    FROM (SELECT DISTINCT request_id FROM message WHERE id = ANY(:ids) AND id BETWEEN :low AND :high
          AND request_id <> id) AS m
    WHERE r.id = m.request_id AND r.body @> '{{"to": []}}'
""")
_HERE = "message_id = ANY(:ids) AND message_id BETWEEN :low AND :high"
_DETAIL = (
    "(SELECT coalesce(jsonb_object_agg(key, value), '{}') FROM jsonb_each(detail) WHERE key = ANY(:kept))"
)
_STEPS = tuple(
    map(
        text,
        (
            "UPDATE request SET body = '{}' WHERE id = ANY(:ids) AND id BETWEEN :low AND :high",
            f"DELETE FROM message_content WHERE {_HERE}",
            f"DELETE FROM message_plan WHERE {_HERE}",
            f"""UPDATE delivery SET error = NULL, reference = NULL, response = NULL,
                  state = CASE WHEN state = 'active' THEN 'canceled' ELSE state END WHERE {_HERE}""",
            f"UPDATE message_event SET detail = {_DETAIL} WHERE {_HERE} AND detail <> '{{}}'",
            "UPDATE webhook_delivery SET body = NULL WHERE id >= :low AND message_id = ANY(:ids)",
            "UPDATE suppression SET masked = '***', detail = NULL WHERE message_id = ANY(:ids)",
            f"""UPDATE message SET recipient = '{ERASED}', user_id = NULL, error = NULL,
                  entry = CASE WHEN entry IS NULL THEN NULL ELSE CAST('{{}}' AS jsonb) END
                WHERE id = ANY(:ids) AND id BETWEEN :low AND :high""",
        ),
    )
)


def anonymise(tx: Tx, person: Person, ids: Sequence[UUID]) -> None:
    """Take the person out of these messages of theirs, which the transaction has locked."""
    if ids:
        parameters = {**person.parameters(), **bulk.span(ids), "kept": _KEPT}
        for step in (_REQUESTS, *_STEPS):
            tx.execute(step, parameters)


_SHOWN = text("""
    SELECT CAST(jsonb_build_object(
      'message', to_jsonb(m), 'request', CASE WHEN m.entry IS NULL THEN r.body ELSE r.body - 'to' END,
      'content', (SELECT to_jsonb(c) FROM message_content c WHERE c.message_id = m.id),
      'plan', (SELECT plan FROM message_plan p WHERE p.message_id = m.id),
      'deliveries', (
        SELECT jsonb_agg(to_jsonb(d) ORDER BY started_at) FROM delivery d WHERE d.message_id = m.id
      ),
      'log', (SELECT jsonb_agg(to_jsonb(e) ORDER BY seq) FROM message_event e WHERE e.message_id = m.id)
    ) AS text)
    FROM message m LEFT JOIN request r ON r.id = m.request_id
    WHERE m.id = ANY(:ids) AND m.id BETWEEN :low AND :high ORDER BY m.id
""")


def export(tx: Tx, ids: Sequence[UUID]) -> Iterator[str]:
    """Everything that is kept of these messages, as JSON."""
    if ids:
        yield from tx.execute(_SHOWN, bulk.span(ids)).scalars()
