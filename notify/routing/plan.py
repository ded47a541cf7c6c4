"""What may be sent where: a message, its recipient and the configured providers in, a plan out.

Entries that cannot succeed are left out before any attempt, each with its reason (``tree``). When that leaves
nothing, the message ends here with the reference's words for why (``verdict``).
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from notify.model.names import Channel, Guarantee
from notify.model.plan import Method, Plan, ProviderOption
from notify.model.wire import (
    ChannelEntry,
    ChannelSettings,
    ProviderSettings,
    RecipientKind,
    Routing,
    SendMessage,
    recipients,
)
from notify.routing.effective import Levels, Timeouts
from notify.routing.escalation import escalation
from notify.routing.tree import Tree
from notify.routing.verdict import Unrouted, nothing_left, without_providers, without_routing

__all__ = ["Subject", "Timeouts", "Unrouted", "plan"]

_DEFAULT_ORDER = (
    Channel.EMAIL, Channel.SMS, Channel.PUSH, Channel.INBOX, Channel.DIRECT_MESSAGE, Channel.WEBHOOK,
    Channel.BANNER,
)  # fmt: skip
_OWN_ENTRY = {
    RecipientKind.WEBHOOK: "webhook",
    RecipientKind.SLACK: "direct_message",
    RecipientKind.MS_TEAMS: "direct_message",
    RecipientKind.PAGERDUTY: "pagerduty",
}
"""Recipients whose form already says the way, whatever their template's routing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """What is to be routed. ``message.to`` is this one recipient; ``profile`` is merged.

    ``template_channels`` and ``template_providers``: the template's settings, weaker than the message's.
    ``suppressed``: channels on which nothing may go to the recipient's address, and why. ``wants``: whether
    the recipient wants it on a channel. ``may_leave``: the topic they can leave by the header of an e-mail.
    """

    message: SendMessage
    profile: Mapping[str, Any]
    template_routing: Routing | None = None
    default_routing: Routing | None = None
    template_channels: Mapping[str, ChannelSettings] = field(default_factory=dict)
    template_providers: Mapping[str, ProviderSettings] = field(default_factory=dict)
    template_guarantee: Guarantee | None = None
    suppressed: Mapping[Channel, str] = field(default_factory=dict)
    wants: Callable[[Channel], bool] = lambda channel: True
    may_leave: str | None = None


def plan(
    subject: Subject,
    *,
    options: Sequence[ProviderOption],
    serves: Callable[[Channel, str], bool],
    evaluate: Callable[[str], bool],
    limits: Timeouts,
    now: datetime,
) -> Plan | Unrouted:
    """The plan of one message, or the final status when nothing can take it.

    Args:
        options: the configured providers, best first.
        serves: whether the content has anything for a channel and provider key.
        evaluate: a condition's truth; it raises ContentError or ValueError when it cannot be read.
        now: when the message's own timeout begins.
    """
    routing = _effective(subject, options)
    if routing is None or not routing.channels:
        return without_providers() if routing and not options else without_routing()
    levels = Levels(
        message=subject.message,
        template_channels=subject.template_channels,
        template_providers=subject.template_providers,
        template_guarantee=subject.template_guarantee,
        limits=limits,
    )
    tree = Tree(
        options=options,
        serves=serves,
        evaluate=evaluate,
        levels=levels,
        suppressed=subject.suppressed,
        wants=subject.wants,
    )
    root = tree.node(routing)
    if not root.entries:
        return nothing_left(tree.skipped, subject.profile) if tree.skipped else without_routing()
    deadline = now + timedelta(milliseconds=levels.message_ms())
    return Plan(
        root=root,
        skipped=tuple(tree.skipped),
        deadline=deadline,
        escalation=escalation(subject.message.timeout),
        may_leave=subject.may_leave,
    )


def _effective(subject: Subject, options: Sequence[ProviderOption]) -> Routing | None:
    message = subject.message
    if message.routing is not None:
        return message.routing
    if own := _OWN_ENTRY.get(recipients(message)[0].kind):
        return Routing(method=Method.SINGLE, channels=[ChannelEntry(channel=own)])
    if message.content is None:
        return subject.template_routing
    return subject.default_routing or _every_channel(options)


def _every_channel(options: Sequence[ProviderOption]) -> Routing:
    served = {channel for option in options for channel in option.channels}
    entries = [ChannelEntry(channel=channel) for channel in _DEFAULT_ORDER if channel in served]
    return Routing(method=Method.SINGLE, channels=list(entries))
