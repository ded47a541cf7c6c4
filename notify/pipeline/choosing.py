"""Which way each message goes: rendered messages in; plans, first deliveries and ends out.

Render asks for what goes on at once, in the transaction that records it, so that it costs neither a task nor
a claim of its own; route asks for what has waited. Everything about choice lives in ``routing.plan`` (fed by
``planning``) and ``routing.advance``; this is what they need to know, and what they say written down.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from notify import ids, log
from notify.model.names import Channel, World
from notify.model.plan import Final, Plan
from notify.model.preference import Wanted
from notify.model.status import EventType, Reason, Status
from notify.pipeline import consent, suppressing
from notify.pipeline.claims import DOUBTFUL
from notify.pipeline.planning import plan_of, skips, summary
from notify.pipeline.progress import Progress
from notify.routing.advance import advance
from notify.routing.plan import Unrouted
from notify.routing.verdict import furthest
from notify.store import contents, db, providers
from notify.store.contents import Content
from notify.store.messages import StoredMessage
from notify.store.providers import Configured

_log = log.get(__name__)
Verdict = Plan | Final
Messages = Mapping[UUID, StoredMessage]
Contents = Mapping[UUID, Content]
"""By message id."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What the store knows about a batch of messages, by message id, and about their worlds."""

    suppressed: Mapping[UUID, Mapping[Channel, str]]
    wanted: Mapping[UUID, Wanted]
    providers: Mapping[World, Sequence[Configured]]


def load(tx: db.Tx, found: Messages, content: Contents, now: datetime) -> Known:
    """Everything but the cached for the whole batch at once."""
    return Known(
        suppressed=suppressing.suppressed(tx, found, content),
        wanted=consent.wanted(tx, found, {id_: one.topic_id for id_, one in content.items()}, now),
        providers={world: providers.configured(tx, world) for world in {one.world for one in found.values()}},
    )


def verdict(message: StoredMessage, content: Contents, known: Known, now: datetime) -> Verdict | None:
    """The plan of a message, or its end; None: not for now, it is left for another try."""
    try:
        return plan_of(
            message,
            content[message.id],
            known.providers[message.world],
            now,
            known.suppressed.get(message.id, {}),
            known.wanted.get(message.id),
        )
    except DOUBTFUL:
        _log.exception("route.failed", message_id=ids.to_wire(message.id))
        return None
    except Exception as error:  # noqa: BLE001  # one message's oddity must not take its neighbours along
        _log.exception("route.failed", message_id=ids.to_wire(message.id))
        text = f"Routing failed unexpectedly ({type(error).__name__})."
        return Final(status=Status.UNROUTABLE, reason=Reason.FAILED, error=text)


def at_once(tx: db.Tx, progress: Progress, found: Messages, content: Contents) -> set[UUID]:
    """Choose for messages that this transaction holds; return those that are left for another try."""
    if not found:
        return set()
    known = load(tx, found, content, progress.now)
    chosen = {id_: verdict(one, content, known, progress.now) for id_, one in found.items()}
    write(tx, progress, found, {id_: one for id_, one in chosen.items() if one})
    return {id_ for id_, one in chosen.items() if not one}


def write(tx: db.Tx, progress: Progress, found: Messages, verdicts: Mapping[UUID, Verdict]) -> None:
    """Keep the plans, and gather in ``progress`` what follows from all verdicts."""
    for id_, one in verdicts.items():
        _note(progress, found[id_], one)
    contents.insert_plans(tx, {id_: one for id_, one in verdicts.items() if isinstance(one, Plan)})


def _note(progress: Progress, message: StoredMessage, verdict: Verdict) -> None:
    if isinstance(verdict, Final):
        skipped = verdict.skipped if isinstance(verdict, Unrouted) else ()
        progress.end(message.id, verdict)
        nearest = {"channel": furthest(skipped).entry} if skipped else {}
        progress.note(
            message.id,
            EventType(verdict.status),
            **nearest,
            reason=verdict.reason,
            error_message=verdict.error,
            skipped=skips(skipped),
        )
        return
    decision = advance(verdict, (), progress.now)
    progress.status(message.id, Status.ROUTED)
    progress.note(message.id, EventType.ROUTED, **summary(verdict))
    progress.start(message, decision.start)
    if decision.final:
        progress.end(message.id, decision.final)
