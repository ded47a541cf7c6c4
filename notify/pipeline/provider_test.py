"""A test through one provider: a configuration and whom to reach in, what the provider said out.

It is no message: nothing is stored, counted or retried, and no other provider takes over.
"""

from collections.abc import Mapping
from typing import Any

from notify import ids
from notify.content import output
from notify.errors import ContentError, InvalidRequest
from notify.model.call import Accepted, Outgoing, Permanent, Transient
from notify.model.document import Document, Meta, Text
from notify.model.names import Channel
from notify.pipeline import calling
from notify.providers.base import load_settings
from notify.providers.registry import REGISTRY
from notify.store.providers import Configured

_TITLE = "A test from Notify"
_BODY = "If you can read this, the provider works."
_DOCUMENT = Document(elements=(Meta(title=_TITLE), Text(content=_BODY)))


def channels(configured: Configured) -> tuple[Channel, ...]:
    """What the provider serves."""
    provider = REGISTRY.get(configured.provider)
    return tuple(provider.channels) if provider else ()


def send(configured: Configured, profile: Mapping[str, Any], channel: Channel | None = None) -> str | None:
    """Send the test; None when the provider took it, else what is wrong.

    Raises:
        InvalidRequest: the configuration or the profile cannot be sent with; the text says what is lacking.
    """
    provider = REGISTRY.get(configured.provider)
    if provider is None:
        raise InvalidRequest(f"no provider {configured.provider!r} is known")
    settings = load_settings(provider, configured.settings)
    chosen = channel or provider.channels[0]
    if missing := provider.missing(profile, chosen, settings):
        raise InvalidRequest(f"{configured.provider} needs {missing} of its recipient")
    id_ = ids.new()
    context = output.OutputContext(template=None, data={}, profile=profile)
    try:
        built = output.build(_DOCUMENT, channel=chosen, provider=provider.key, context=context)
        outgoing = Outgoing(
            message_id=ids.to_wire(id_), idempotency_key=id_.hex, output=built, profile=profile
        )
        call = provider.request(outgoing, settings)
    except ContentError as error:
        raise InvalidRequest(str(error)) from None
    for group in calling.execute([(id_, call)]):
        for _, answer in group:
            match provider.outcome(answer):
                case Accepted():
                    return None
                case Permanent(reason=reason) | Transient(reason=reason):
                    return reason
    return "there was no answer"
