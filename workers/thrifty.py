"""Kombu's Redis transports, with one client for all commands of a channel.

Their own make a client for each command, which is a third of what a publish costs, and as much again at every
task a worker takes.
"""

from typing import Any

from kombu.transport import redis


class _OneClient:
    """For a channel. Clients are thread-safe; what holds connections is the pool behind them."""

    _only: Any = None

    def _create_client(self, asynchronous: bool = False) -> Any:
        if asynchronous:
            return super()._create_client(asynchronous=True)  # type: ignore[misc]
        if self._only is None or self._only.connection_pool is not self.pool:  # type: ignore[attr-defined]
            self._only = super()._create_client()  # type: ignore[misc]
        return self._only


class _Channel(_OneClient, redis.Channel):
    pass


class _SentinelChannel(_OneClient, redis.SentinelChannel):
    pass


class Transport(redis.Transport):
    """What `broker_transport` names for ``redis`` and ``rediss``."""

    Channel = _Channel


class SentinelTransport(redis.SentinelTransport):
    """What it names for ``sentinel``."""

    Channel = _SentinelChannel
