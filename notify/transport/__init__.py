"""The only package that opens sockets to providers: calls in, answers out.

What workers share about providers, rate limits and circuits, is here, too, since it takes a socket.
"""

from notify.transport.breaker import Breaker, BreakerPolicy
from notify.transport.flight import Flight
from notify.transport.limits import Limits
from notify.transport.redis_url import Watched
from notify.transport.settings import TransportSettings
from notify.transport.shared import Shared
from notify.transport.transport import Transport
from notify.transport.turns import Begin

__all__ = [
    "Begin", "Breaker", "BreakerPolicy", "Flight", "Limits", "Shared", "Transport", "TransportSettings",
    "Watched",
]  # fmt: skip
