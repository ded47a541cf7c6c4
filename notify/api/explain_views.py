"""Dry runs and explanations as JSON: the same shape for what would happen and for what did."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from pydantic import BaseModel, Field

from notify import ids
from notify.clock import to_ms
from notify.manage.explain import Explanation
from notify.manage.messages import as_dict
from notify.model.plan import Plan, Skipped
from notify.model.status import FINAL, Reason, Status
from notify.pipeline.preview import DryRun, Preview, Said
from notify.routing import reasons
from notify.store.events import Event


class ProviderStanding(BaseModel):
    """``why`` is for people. ``timeout``: milliseconds."""

    provider: str
    id: str = Field(description="The configuration.")
    standing: reasons.Role
    why: str
    timeout: int


class ChannelStanding(BaseModel):
    channel: str
    timeout: int = Field(description="Milliseconds.")
    guarantee: str
    providers: list[ProviderStanding]


class PlanNode(BaseModel):
    method: str
    entries: list["PlanNode | ChannelStanding"]


class SkippedEntry(BaseModel):
    """A channel or provider, as the routing names it, that was considered and left out."""

    entry: str
    code: str
    why: str


class SaidOn(BaseModel):
    """What a channel says, without overrides; or why it cannot."""

    channel: str
    provider: str
    content: dict[str, Any] | None = None
    error: str | None = None


class Course(BaseModel):
    """Where one message goes, and why."""

    recipient: str
    status: Status
    reason: Reason | None = None
    error: str | None = None
    sendAt: int | None = Field(default=None, description="Epoch milliseconds, when it is delayed.")
    plan: PlanNode | None = None
    skipped: list[SkippedEntry]
    outputs: list[SaidOn]
    warnings: list[str] | None = None


class Recipients(BaseModel):
    count: int
    sample: list[dict[str, Any]] = Field(description="The first of them, each as the send names it.")


class DryRunAnswer(BaseModel):
    """What a send would do at this moment. ``messages``: one for each recipient of the sample."""

    dryRun: bool = True
    mode: str
    recipients: Recipients
    messages: list[Course]


class ExplainAnswer(Course):
    """``log``: what decided, oldest first; ``/history`` has everything."""

    id: str
    requestId: str
    mode: str
    log: list[dict[str, Any]]


def dry_run(found: DryRun, mode: str) -> DryRunAnswer:
    return DryRunAnswer(
        mode=mode,
        recipients=Recipients(count=found.count, sample=[dict(one.to) for one in found.sample]),
        messages=[_preview(one, found.at) for one in found.sample],
    )


def _preview(one: Preview, now: datetime) -> Course:
    delayed = one.due_at is not None and one.due_at > now
    status = one.final.status if one.final else Status.DELAYED if delayed else Status.ROUTED
    return Course(
        recipient=one.recipient,
        status=status,
        reason=one.final.reason if one.final else None,
        error=one.final.error if one.final else None,
        sendAt=to_ms(one.due_at) if delayed else None,
        plan=_plan(one.plan, reasons.standings(one.plan, (), now, over=False)) if one.plan else None,
        skipped=_skipped(one.skipped),
        outputs=_outputs(one.outputs),
        warnings=list(one.warnings) or None,
    )


def explanation(found: Explanation) -> ExplainAnswer:
    over = found.row.status in FINAL
    plan = found.plan
    return ExplainAnswer(
        id=ids.to_wire(found.row.id),
        requestId=ids.to_wire(found.row.request_id),
        mode=found.message.mode,
        recipient=found.row.recipient,
        status=found.row.status,
        reason=found.row.reason,
        error=found.row.error,
        plan=_plan(plan, reasons.standings(plan, found.attempts, found.at, over=over)) if plan else None,
        skipped=_skipped(found.skipped),
        outputs=_outputs(found.outputs),
        log=[_event(event) for event in found.log],
    )


def _plan(plan: Plan, standing: Mapping[reasons.Key, reasons.Standing]) -> PlanNode:
    return PlanNode.model_validate(reasons.shown(plan, standing))


def _skipped(skipped: Sequence[Skipped]) -> list[SkippedEntry]:
    return [SkippedEntry(entry=one.entry, code=one.code, why=one.detail) for one in skipped]


def _outputs(outputs: Sequence[Said]) -> list[SaidOn]:
    return [
        SaidOn(
            channel=one.channel,
            provider=one.provider,
            content=as_dict(one.content) if one.content else None,
            error=one.error,
        )
        for one in outputs
    ]


def _event(event: Event) -> dict[str, Any]:
    return {"ts": to_ms(event.at), "type": event.type, **event.detail}
