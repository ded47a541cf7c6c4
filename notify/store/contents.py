"""What a message says and how it may travel: the resolved document, the merged profile, the plan."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import text

from notify.model.document import DOCUMENT, Document
from notify.model.names import Guarantee
from notify.model.plan import PLAN, Plan
from notify.store import bulk, tables
from notify.store.db import Tx


@dataclass(frozen=True, slots=True, kw_only=True)
class Content:
    """``document_json`` is read where one message's failure is its own; see ``document``.

    ``routing``: what the template says about routing, as JSON; None for inline content. ``guarantee`` and
    ``topic_id``: the template's.
    """

    message_id: UUID
    document_json: str | bytes
    profile: dict[str, Any]
    routing: dict[str, Any] | None = None
    guarantee: Guarantee | None = None
    topic_id: str | None = None

    @property
    def document(self) -> Document:
        """The document, read anew at each call."""
        return DOCUMENT.validate_json(self.document_json)


def written(document: Document) -> bytes:
    """``document`` as it is stored."""
    return DOCUMENT.dump_json(document, exclude_none=True)


def insert(tx: Tx, rows: Sequence[Content]) -> None:
    bulk.insert(
        tx,
        tables.message_content,
        [
            {
                "message_id": row.message_id,
                "document": bulk.Raw(row.document_json),
                "profile": row.profile,
                "routing": row.routing,
                "guarantee": row.guarantee,
                "topic_id": row.topic_id,
            }
            for row in rows
        ],
    )


_UPDATE_PROFILES = text(f"""
    UPDATE message_content c SET profile = r.profile
    FROM {bulk.recordset(tables.message_content, ("message_id", "profile"))}
    WHERE c.message_id = r.message_id AND {bulk.within("c.message_id")}
""")


def update_profiles(tx: Tx, rows: Sequence[Content]) -> None:
    """Write the profiles of these contents anew."""
    if rows:
        changed = bulk.dumps([{"message_id": row.message_id, "profile": row.profile} for row in rows])
        tx.execute(_UPDATE_PROFILES, {"rows": changed, **bulk.span([row.message_id for row in rows])})


_LOAD = text("""
    SELECT message_id, document::text AS document, profile, routing, guarantee, topic_id
    FROM message_content
    WHERE message_id = ANY(:ids) AND message_id BETWEEN :low AND :high
""")


def load(tx: Tx, ids: Sequence[UUID]) -> dict[UUID, Content]:
    """The contents of these messages, by message id; one that was never rendered is missing."""
    rows = tx.execute(_LOAD, bulk.span(ids)) if ids else ()
    return {row.message_id: _content(row) for row in rows}


_PLANNED = text(f"""
    SELECT c.message_id, c.document::text AS document, c.profile, c.routing, c.guarantee, c.topic_id,
      p.plan::text AS plan
    FROM message_content c
    JOIN message_plan p ON p.message_id = c.message_id AND {bulk.within("p.message_id")}
    WHERE c.message_id = ANY(:ids) AND c.message_id BETWEEN :low AND :high
""")


def planned(tx: Tx, ids: Sequence[UUID]) -> dict[UUID, tuple[Content, Plan]]:
    """The contents of these messages and their plans, by message id; one that has no plan yet is missing."""
    rows = tx.execute(_PLANNED, bulk.span(ids)) if ids else ()
    return {row.message_id: (_content(row), PLAN.validate_json(row.plan)) for row in rows}


def _content(row: Any) -> Content:
    return Content(
        message_id=row.message_id,
        document_json=row.document,
        profile=row.profile,
        routing=row.routing,
        guarantee=Guarantee(row.guarantee) if row.guarantee else None,
        topic_id=row.topic_id,
    )


def insert_plans(tx: Tx, plans: dict[UUID, Plan]) -> None:
    rows = [{"message_id": id_, "plan": bulk.Raw(PLAN.dump_json(plan))} for id_, plan in plans.items()]
    bulk.insert(tx, tables.message_plan, rows)


_PLANS = text("""
    SELECT message_id, plan::text AS plan FROM message_plan
    WHERE message_id = ANY(:ids) AND message_id BETWEEN :low AND :high
""")


def plans(tx: Tx, ids: Sequence[UUID]) -> dict[UUID, Plan]:
    """The plans of these messages, by message id."""
    rows = tx.execute(_PLANS, bulk.span(ids)) if ids else ()
    return {row.message_id: PLAN.validate_json(row.plan) for row in rows}
