"""What a transport needs to know: limits in seconds, bytes and counts."""

from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network


@dataclass(frozen=True, slots=True, kw_only=True)
class TransportSettings:
    """``timeout_s``: a whole HTTP exchange, ``connect_timeout_s`` the part of it until a connection stands.

    ``concurrency``: HTTP calls under way at once in this process. ``smtp_connections``: per server.
    ``smtp_timeout_s`` is for each reply of a server; servers may think long about a message (RFC 5321
    4.5.3.2 asks for minutes). ``allowed_networks``: private networks that message-given URLs may reach.
    """

    connect_timeout_s: float = 5.0
    timeout_s: float = 15.0
    max_answer_bytes: int = 256 * 1024
    concurrency: int = 200
    smtp_connections: int = 8
    smtp_timeout_s: float = 30.0
    allowed_networks: tuple[IPv4Network | IPv6Network, ...] = ()
