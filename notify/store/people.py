"""What is stored of the people a batch is for, in one statement: profiles, devices, tenants."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from sqlalchemy import text

from notify.model.names import World
from notify.model.people import Token
from notify.store import bulk
from notify.store.db import Tx

MAX_TOKENS = 100
"""Devices of one user that are sent to, the newest first."""


class Asked(NamedTuple):
    """A user, and the tenant they are written to in, if that is known."""

    world: World
    user_id: str
    tenant_id: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """``memberships``: tenant -> what the user is there; of the asked one only, else of two at most."""

    profile: Mapping[str, Any] | None
    tokens: Sequence[Token]
    memberships: Mapping[str, Mapping[str, Any] | None]


_LOAD = text(f"""
    SELECT r.world, r.user_id, r.tenant_id, p.profile, t.tokens, m.memberships
    FROM json_to_recordset(CAST(:rows AS json)) AS r(world text, user_id text, tenant_id text)
    LEFT JOIN profile p ON p.world = r.world AND p.user_id = r.user_id
    LEFT JOIN LATERAL (
      SELECT jsonb_agg(jsonb_build_array(provider_key, token)) AS tokens FROM (
        SELECT provider_key, token FROM user_token
        WHERE world = r.world AND user_id = r.user_id AND status IN ('active', 'unknown')
          AND (expires_at IS NULL OR expires_at > now())
        ORDER BY updated_at DESC, token LIMIT {MAX_TOKENS}
      ) AS usable
    ) t ON true
    LEFT JOIN LATERAL (
      SELECT jsonb_object_agg(tenant_id, profile) AS memberships FROM (
        SELECT tenant_id, profile FROM tenant_member
        WHERE world = r.world AND user_id = r.user_id AND (r.tenant_id IS NULL OR tenant_id = r.tenant_id)
        LIMIT 2
      ) AS few
    ) m ON true
""")


def load(tx: Tx, wanted: Collection[Asked]) -> dict[Asked, Person]:
    """All of them; one of whom nothing is stored, too."""
    if not wanted:
        return {}
    rows = tx.execute(_LOAD, {"rows": bulk.dumps([one._asdict() for one in sorted(set(wanted), key=repr)])})
    return {
        Asked(World(row.world), row.user_id, row.tenant_id): Person(
            profile=row.profile,
            tokens=[Token(*one) for one in row.tokens or ()],
            memberships=row.memberships or {},
        )
        for row in rows
    }
