"""One message's plan: what was asked, its content and the configured providers in, a plan or an end out.

Route makes plans to follow them, a dry run to show them; both words for a log are here.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import partial

from notify import settings
from notify.content.output import serves
from notify.expression import evaluate, scope
from notify.model import wire
from notify.model.names import Channel, Guarantee
from notify.model.plan import Leaf, Plan, Skipped
from notify.model.preference import Wanted
from notify.pipeline.options import options
from notify.pipeline.rendering import limits
from notify.preferences.decide import may_leave, refusal, wants
from notify.recipients.resolve import merge_data
from notify.routing.leaves import leaves_of
from notify.routing.plan import Subject, Timeouts, Unrouted, plan
from notify.store.contents import Content
from notify.store.messages import StoredMessage
from notify.store.providers import Configured


def plan_of(
    stored: StoredMessage,
    content: Content,
    configured: Sequence[Configured],
    now: datetime,
    suppressed: Mapping[Channel, str],
    wanted: Wanted | None = None,
) -> Plan | Unrouted:
    """What may be sent where, or why nothing can.

    Args:
        now: when the message's own timeout begins.
        suppressed: the channels on which the recipient's address gets nothing, and why.
        wanted: what the recipient wants of the message's topic; None: it has none.
    """
    if wanted and (end := refusal(wanted)):
        return Unrouted(status=end.status, reason=end.reason, error=end.error)
    message = stored.message()
    recipient = wire.recipients(message)[0]
    data = merge_data(message.data, recipient.entry.get("data"))
    config = settings.load()
    template = wire.TemplateRouting.model_validate(content.routing) if content.routing else None
    variables = scope({"data": data, "profile": content.profile}, data)
    return plan(
        Subject(
            message=message,
            template_routing=template.routing if template else None,
            template_channels=(template.channels if template else None) or {},
            template_providers=(template.providers if template else None) or {},
            template_guarantee=content.guarantee,
            profile=content.profile,
            suppressed=suppressed,
            wants=partial(wants, wanted),
            may_leave=wanted.topic.id if wanted and may_leave(wanted) else None,
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


def summary(plan_: Plan) -> dict[str, object]:
    """The plan as an operator reads it in the log."""
    leaves = [_leaf(leaf) for leaf in leaves_of(plan_.root)]
    return {"method": plan_.root.method, "leaves": leaves, "skipped": skips(plan_.skipped)}


def _leaf(leaf: Leaf) -> dict[str, object]:
    shown: dict[str, object] = {"channel": leaf.channel, "providers": [c.provider for c in leaf.candidates]}
    once = leaf.guarantee is Guarantee.AT_MOST_ONCE
    return {**shown, "guarantee": leaf.guarantee} if once else shown


def skips(skipped: Sequence[Skipped]) -> list[dict[str, str]]:
    """What was left out, each with its reason."""
    return [{"entry": s.entry, "code": s.code, "detail": s.detail} for s in skipped]
