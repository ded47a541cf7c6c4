"""The users behind a list, a pattern, an audience or a tenant: a stretch of them at a time, in order.

A stretch is a number of candidates, whether they are kept or not, so that its cost is bounded however few
are; the next one begins after the last candidate.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import orjson
from sqlalchemy import text

from notify.model.filters import Filter
from notify.model.names import World
from notify.model.patterns import Pattern
from notify.store.audience_filters import Condition
from notify.store.db import Tx

_LAST = "\U0010ffff"


@dataclass(frozen=True, slots=True)
class Member:
    """``list_id``, ``tenant_id``: through which they were found."""

    user_id: str
    list_id: str | None = None
    tenant_id: str | None = None


@dataclass(frozen=True, slots=True)
class Stretch:
    """``looked``: candidates. ``after``: where the next one begins; None: there is none."""

    members: Sequence[Member]
    looked: int
    after: str | None


def _stretch(rows: Sequence[Any], size: int, members: Sequence[Member], *place: str) -> Stretch:
    last = [getattr(rows[-1], name) for name in place] if rows else []
    return Stretch(members, len(rows), orjson.dumps(last).decode() if len(rows) >= size else None)


def _after(cursor: str | None, *begin: Any) -> list[Any]:
    return list(orjson.loads(cursor)) if cursor else list(begin)


# Members of all the tenants that are asked for.
_MEMBER_OF = """
    NOT EXISTS (
      SELECT FROM unnest(CAST(:member_of AS text[])) AS f(tenant_id)
      WHERE NOT EXISTS (
        SELECT FROM tenant_member m
        WHERE m.world = :world AND m.user_id = {user} AND m.tenant_id = f.tenant_id
      )
    )
"""

_OF_LISTS = text(f"""
    SELECT l.id AS list_id, s.user_id, {_MEMBER_OF.format(user="s.user_id")} AS keep
    FROM (
      SELECT id FROM recipient_list
      WHERE world = :world AND id >= :low AND id < :high AND id ~ :regex AND deleted_at IS NULL
    ) AS l
    CROSS JOIN LATERAL (
      SELECT user_id FROM list_subscription
      WHERE world = :world AND list_id = l.id
        AND user_id > CASE WHEN l.id = :list_id THEN :user_id ELSE '' END
      ORDER BY user_id LIMIT :size
    ) AS s
    ORDER BY l.id, s.user_id LIMIT :size
""")


def of_lists(
    tx: Tx, world: World, pattern: Pattern, member_of: Sequence[str], *, after: str | None, size: int
) -> Stretch:
    """The subscribers of the lists that match, list by list; who is in several comes several times."""
    list_id, user_id = _after(after, "", "")
    place = {"list_id": list_id, "user_id": user_id, "low": max(pattern.prefix, list_id, key=str.encode)}
    asked = {"regex": pattern.regex, "high": pattern.prefix + _LAST, "member_of": list(member_of)}
    rows = tx.execute(_OF_LISTS, {"world": world, "size": size, **place, **asked}).all()
    found = [Member(row.user_id, list_id=row.list_id) for row in rows if row.keep]
    return _stretch(rows, size, found, "list_id", "user_id")


def of_audience(
    tx: Tx, world: World, node: Filter, member_of: Sequence[str], *, after: str | None, size: int
) -> Stretch:
    """The users with a stored profile that matches."""
    condition = Condition(node)
    (user_id,) = _after(after, "")
    query = text(f"""
        SELECT p.user_id, {condition.sql} AND {_MEMBER_OF.format(user="p.user_id")} AS keep
        FROM (
          SELECT world, user_id, profile FROM profile WHERE world = :world AND user_id > :user_id
          ORDER BY user_id LIMIT :size
        ) AS p
        ORDER BY p.user_id
    """)  # of our own words; what the filter says are parameters
    asked = {"world": world, "user_id": user_id, "size": size, "member_of": list(member_of)}
    rows = tx.execute(query, {**asked, **condition.parameters}).all()
    return _stretch(rows, size, [Member(row.user_id) for row in rows if row.keep], "user_id")


_OF_TENANT = text("""
    WITH RECURSIVE below AS (
      SELECT id, 0 AS depth FROM tenant WHERE world = :world AND id = :tenant_id
      UNION ALL
      SELECT t.id, depth + 1 FROM below JOIN tenant t ON t.world = :world AND t.parent_id = below.id
      WHERE :children AND depth < 32
    )
    SELECT b.rank, b.id AS tenant_id, m.user_id
    FROM (SELECT id, least(depth, 1) AS rank FROM below) AS b
    CROSS JOIN LATERAL (
      SELECT user_id FROM tenant_member
      WHERE world = :world AND tenant_id = b.id AND user_id > CASE WHEN b.id = :at THEN :user_id ELSE '' END
      ORDER BY user_id LIMIT :size
    ) AS m
    WHERE (b.rank, b.id) >= (:rank, :at)
    ORDER BY b.rank, b.id, m.user_id LIMIT :size
""")


def of_tenant(
    tx: Tx, world: World, tenant_id: str, *, children: bool, after: str | None, size: int
) -> Stretch:
    """The tenant's members; then, with ``children``, those of the tenants below it, who may come again."""
    rank, at, user_id = _after(after, 0, "", "")
    asked = {"world": world, "tenant_id": tenant_id, "children": children, "size": size}
    rows = tx.execute(_OF_TENANT, {**asked, "rank": rank, "at": at, "user_id": user_id}).all()
    found = [Member(row.user_id, tenant_id=row.tenant_id) for row in rows]
    return _stretch(rows, size, found, "rank", "tenant_id", "user_id")
