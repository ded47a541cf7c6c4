"""Whether a message of a topic may go to a recipient, and on which channels: layers in, a decision out.

Each layer sets only what it says; a stronger one wins field by field. From the weakest: the topic, the
defaults of the tenant's ancestors and of the tenant, the user's choice everywhere and in the tenant, what was
sent along.
"""

from collections.abc import Iterable
from functools import reduce

from notify.model.names import Channel
from notify.model.plan import Final
from notify.model.preference import Choice, Consent, Said, Topic, Wanted
from notify.model.status import Reason, Status

_CLASS_OF = {Channel.BANNER: Channel.INBOX}
"""Channels that people do not choose by themselves."""


def decide(topic: Topic, said: Said) -> Wanted:
    """What the recipient wants. ``REQUIRED`` by the topic or a tenant holds whatever users say of it."""
    default = merged([topic.layer, *said.tenants])
    own = merged([*said.user, *said.sent])
    by_default = default.status or Consent.OPTED_IN
    required = by_default is Consent.REQUIRED
    both = merged([default, own])
    return Wanted(
        topic=topic,
        status=by_default if required or own.status is None else own.status,
        default=by_default,
        channels=both.routing if both.custom else None,
        chosen=own.status is not None and not required,
        until=None if required else own.until,
    )


def merged(layers: Iterable[Choice]) -> Choice:
    """One layer that says what all of them say, the last first. Channels go with their flag."""
    return reduce(_over, layers, Choice())


def _over(below: Choice, above: Choice) -> Choice:
    routing = below if above.custom is None else above
    said = below if above.status is None else above
    return Choice(status=said.status, until=said.until, custom=routing.custom, routing=routing.routing)


def refusal(wanted: Wanted) -> Final | None:
    """How a message ends that the recipient does not want; None: it may go."""
    if wanted.status is not Consent.OPTED_OUT:
        return None
    if wanted.chosen:
        reason, error = Reason.UNSUBSCRIBED, "Notification opted out by user"
    else:
        reason, error = Reason.OPT_IN_REQUIRED, f"The user has not opted in to {wanted.topic.name!r}."
    return Final(status=Status.UNDELIVERABLE, reason=reason, error=error)


def wants(wanted: Wanted | None, channel: Channel) -> bool:
    """Whether the channel may be used; a banner is shown where the inbox is."""
    channels = wanted.channels if wanted else None
    return channels is None or _CLASS_OF.get(channel, channel) in channels


def may_leave(wanted: Wanted) -> bool:
    """Whether its e-mails offer to unsubscribe in their header."""
    return wanted.topic.unsubscribe_header and wanted.default is not Consent.REQUIRED
