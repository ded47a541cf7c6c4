"""``notify provider test``: one message through one provider, now, and what it said."""

from collections.abc import Mapping
from typing import Any

from notify.errors import InvalidRequest, NotFound
from notify.model.names import Channel, World
from notify.pipeline import provider_test
from notify.store import db, providers


def send(world: World, name: str, profile: Mapping[str, Any], channel: Channel | None = None) -> str | None:
    """Send a test through the provider with this key, alias or id; None when it took it, else what is wrong.

    Raises:
        NotFound: there is none with this name, or more than one.
        InvalidRequest: it does not serve the channel, or needs more of its recipient.
    """
    with db.begin() as tx:
        try:
            configured = providers.named(tx, world, name)
        except LookupError as error:
            raise NotFound(str(error)) from None
    served = provider_test.channels(configured)
    if channel is not None and channel not in served:
        raise InvalidRequest(f"{configured.provider} serves {', '.join(served)}, not {channel}")
    return provider_test.send(configured, profile, channel)
