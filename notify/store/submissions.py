"""Drafts that wait for approval: one submission at a time per template, with its checks."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import insert, select, update

from notify.store.db import Tx
from notify.store.tables import template_submission


@dataclass(frozen=True, slots=True, kw_only=True)
class Submission:
    """``checks``: ``{"id", "type", "status", "updated"}``, as the API shows them."""

    template_id: str
    id: str
    checks: list[dict[str, Any]]
    created_at: datetime
    ended_at: datetime | None


def add(tx: Tx, template_id: str, id_: str, checks: Sequence[dict[str, Any]]) -> None:
    values = {"template_id": template_id, "id": id_, "checks": list(checks)}
    tx.execute(insert(template_submission).values(values))


def get(tx: Tx, template_id: str, id_: str) -> Submission | None:
    query = select(template_submission).where(
        template_submission.c.template_id == template_id, template_submission.c.id == id_
    )
    row = tx.execute(query).one_or_none()
    return Submission(**row._mapping) if row else None


def pending(tx: Tx, template_id: str) -> str | None:
    """The submission that is not decided yet; while there is one, the draft is locked."""
    query = select(template_submission.c.id).where(
        template_submission.c.template_id == template_id, template_submission.c.ended_at.is_(None)
    )
    return tx.execute(query).scalar_one_or_none()


def change(
    tx: Tx, template_id: str, id_: str, checks: Sequence[dict[str, Any]], ended_at: datetime | None = None
) -> None:
    """Replace the checks; with ``ended_at`` it is decided."""
    changed = {"checks": list(checks), "ended_at": ended_at}
    tx.execute(
        update(template_submission)
        .where(template_submission.c.template_id == template_id, template_submission.c.id == id_)
        .values(changed)
    )
