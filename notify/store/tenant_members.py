"""Who is a member of which tenant, and what they are there."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import delete, select, text

from notify.model.names import World
from notify.store import bulk
from notify.store.db import Tx
from notify.store.tables import tenant_member


@dataclass(frozen=True, slots=True, kw_only=True)
class Membership:
    """``profile``: over the user's own, in this tenant only."""

    tenant_id: str
    user_id: str
    profile: dict[str, Any] | None


_COLUMNS = (tenant_member.c.tenant_id, tenant_member.c.user_id, tenant_member.c.profile)


def of_tenant(tx: Tx, world: World, tenant_id: str, *, after: str | None, limit: int) -> list[Membership]:
    """The tenant's members, by user id."""
    query = select(*_COLUMNS).where(tenant_member.c.world == world, tenant_member.c.tenant_id == tenant_id)
    if after is not None:
        query = query.where(tenant_member.c.user_id > after)
    return [
        Membership(**row._mapping) for row in tx.execute(query.order_by(tenant_member.c.user_id).limit(limit))
    ]


def of_user(tx: Tx, world: World, user_id: str, *, after: str | None, limit: int) -> list[Membership]:
    """The user's tenants, by tenant id."""
    query = select(*_COLUMNS).where(tenant_member.c.world == world, tenant_member.c.user_id == user_id)
    if after is not None:
        query = query.where(tenant_member.c.tenant_id > after)
    return [
        Membership(**row._mapping)
        for row in tx.execute(query.order_by(tenant_member.c.tenant_id).limit(limit))
    ]


_MISSING = text("""
    SELECT r.id FROM unnest(CAST(:ids AS text[])) AS r(id)
    WHERE NOT EXISTS (SELECT FROM tenant t WHERE t.world = :world AND t.id = r.id) ORDER BY r.id LIMIT 1
""")
_HOLD = text("""
    SELECT id FROM tenant WHERE world = :world AND id = ANY(CAST(:ids AS text[])) ORDER BY id FOR KEY SHARE
""")


def missing(tx: Tx, world: World, tenant_ids: Sequence[str]) -> str | None:
    """The first of these tenants that does not exist; None: all do, until this transaction ends."""
    asked = {"world": world, "ids": list(tenant_ids)}
    tx.execute(_HOLD, asked)
    return tx.execute(_MISSING, asked).scalar_one_or_none()


_NAMES = ("world", "tenant_id", "user_id", "profile")
_PUT = text(f"""
    INSERT INTO tenant_member ({", ".join(_NAMES)})
    SELECT {", ".join(_NAMES)} FROM {bulk.recordset(tenant_member, _NAMES)}
    ON CONFLICT (world, tenant_id, user_id) DO UPDATE SET profile = excluded.profile
""")


def put(tx: Tx, world: World, members: Mapping[tuple[str, str], Mapping[str, Any] | None]) -> None:
    """Have these users be members, by (tenant, user); what they are there is replaced."""
    rows = [
        {"world": world, "tenant_id": tenant_id, "user_id": user_id, "profile": profile}
        for (tenant_id, user_id), profile in sorted(members.items())
    ]
    if rows:
        tx.execute(_PUT, {"rows": bulk.dumps(rows)})


def remove(tx: Tx, world: World, user_id: str, tenant_id: str | None = None) -> int:
    """Take the user out of a tenant, or of all; out of how many."""
    query = delete(tenant_member).where(tenant_member.c.world == world, tenant_member.c.user_id == user_id)
    if tenant_id is not None:
        query = query.where(tenant_member.c.tenant_id == tenant_id)
    return tx.execute(query).rowcount
