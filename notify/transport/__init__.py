"""The only package that opens sockets to providers: calls in, answers out."""

from notify.transport.settings import TransportSettings
from notify.transport.transport import Transport

__all__ = ["Transport", "TransportSettings"]
