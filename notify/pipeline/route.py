"""route: rendered messages in; a plan for each and its first deliveries out.

Everything about choice lives in ``routing.plan`` and ``routing.advance``; this stage feeds them and writes
down what they say.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from uuid import UUID

from notify import clock, ids, log, settings
from notify.content.output import serves
from notify.expression import evaluate, scope
from notify.model import wire
from notify.model.names import Lane, World
from notify.model.plan import Final, Plan, Skipped
from notify.model.status import WAITING, EventType, Reason, Status
from notify.model.work import Claim, Done, Handoff, Place, Stage
from notify.pipeline.claims import kept, set_aside, take
from notify.pipeline.options import options
from notify.pipeline.progress import Progress
from notify.pipeline.rendering import limits
from notify.recipients.resolve import merge_data
from notify.routing.advance import advance, leaves_of
from notify.routing.plan import Subject, Timeouts, Unrouted, plan
from notify.store import cache, contents, db, messages, providers, work
from notify.store.contents import Content
from notify.store.messages import StoredMessage
from notify.store.providers import Configured

_log = log.get(__name__)
_Verdict = Plan | Final


@dataclass(frozen=True, slots=True, kw_only=True)
class _Known:
    """What a batch of messages needs from the store."""

    messages: Mapping[UUID, StoredMessage]
    contents: Mapping[UUID, Content]
    providers: Mapping[World, Sequence[Configured]]


def run(told: Sequence[UUID], lane: Lane) -> Done:
    """Route the messages that are ready."""
    place = Place(stage=Stage.ROUTE, lane=lane)
    with db.begin(durable=False) as tx:
        claims, more = take(tx, place, told)
        known = _load(tx, claims)
    if not claims:
        return Done()
    now = clock.now()
    with kept(claims):
        verdicts = {c.id: _verdict(c, known, now) for c in claims if c.id in known.messages}
        wakes = _record(claims, known, verdicts, lane, now)
    return Done(claimed=len(claims), handoff=more + wakes)


def _load(tx: db.Tx, claims: Sequence[Claim]) -> _Known:
    if not claims:
        return _Known(messages={}, contents={}, providers={})
    cache.refresh(tx)
    wanted = [claim.message_id for claim in claims]
    worlds = {claim.world for claim in claims}
    return _Known(
        messages=messages.load(tx, wanted),
        contents=contents.load(tx, wanted),
        providers={world: providers.configured(tx, world) for world in worlds},
    )


def _verdict(claim: Claim, known: _Known, now: datetime) -> _Verdict:
    message = known.messages[claim.message_id]
    if error := set_aside(claim):
        return Final(status=Status.UNDELIVERABLE, reason=Reason.FAILED, error=error)
    try:
        return _plan(message, known.contents[message.id], known.providers[message.world], now)
    except Exception as error:  # noqa: BLE001  # one message's oddity must not take its neighbours along
        _log.exception("route.failed", message_id=ids.to_wire(message.id))
        text = f"Routing failed unexpectedly ({type(error).__name__})."
        return Final(status=Status.UNROUTABLE, reason=Reason.FAILED, error=text)


def _plan(
    stored: StoredMessage, content: Content, configured: Sequence[Configured], now: datetime
) -> _Verdict:
    message = wire.SendMessage.model_validate(stored.body)
    recipient = wire.recipients(message)[0]
    data = merge_data(message.data, recipient.entry.get("data"))
    config = settings.load()
    variables = scope({"data": data, "profile": content.profile}, data)
    return plan(
        Subject(
            message=message,
            template_routing=wire.Routing.model_validate(content.routing) if content.routing else None,
            profile=content.profile,
        ),
        options=options(stored.world, configured, content.profile),
        serves=partial(serves, content.document),
        evaluate=lambda condition: evaluate(condition, variables, limits()),
        limits=Timeouts(
            provider_ms=config.provider_timeout_ms,
            channel_ms=config.channel_timeout_ms,
            message_ms=config.message_timeout_ms,
        ),
        now=now,
    )


def _record(
    claims: Sequence[Claim],
    known: _Known,
    verdicts: Mapping[UUID, _Verdict],
    lane: Lane,
    now: datetime,
) -> Handoff:
    with db.begin(durable=False) as tx:
        statuses = messages.lock(tx, list(verdicts))
        held = work.fence(tx, claims)
        progress = Progress(now=now, lane=lane)
        plans = {}
        for id_, verdict in verdicts.items():
            if id_ in held and statuses[id_] in WAITING:
                _apply(progress, known.messages[id_], verdict, now)
                if isinstance(verdict, Plan):
                    plans[id_] = verdict
        contents.insert_plans(tx, plans)
        wakes = progress.write(tx)
        work.finish(tx, held)
    return wakes


def _apply(progress: Progress, message: StoredMessage, verdict: _Verdict, now: datetime) -> None:
    if isinstance(verdict, Final):
        skipped = verdict.skipped if isinstance(verdict, Unrouted) else ()
        progress.end(message.id, verdict)
        progress.note(
            message.id,
            EventType(verdict.status),
            reason=verdict.reason,
            error_message=verdict.error,
            skipped=_skips(skipped),
        )
        return
    decision = advance(verdict, (), now)
    progress.status(message.id, Status.ROUTED)
    progress.note(message.id, EventType.ROUTED, **_summary(verdict))
    progress.start(message, decision.start)
    if decision.final:
        progress.end(message.id, decision.final)


def _summary(plan_: Plan) -> dict[str, object]:
    """The plan as an operator reads it in the log."""
    leaves = [
        {"channel": leaf.channel, "providers": [c.provider for c in leaf.candidates]}
        for leaf in leaves_of(plan_.root)
    ]
    return {"method": plan_.root.method, "leaves": leaves, "skipped": _skips(plan_.skipped)}


def _skips(skipped: Sequence[Skipped]) -> list[dict[str, str]]:
    return [{"entry": s.entry, "code": s.code, "detail": s.detail} for s in skipped]
