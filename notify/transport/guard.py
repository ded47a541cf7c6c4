"""The private-address guard: where a URL given in a message may not lead.

In: the address a socket is about to connect to, after name resolution, so that a name which resolves
differently the second time (DNS rebinding) gains nothing. Out: a socket, or ``Forbidden``.
"""

import socket
from collections.abc import Callable, Sequence
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Any

from notify.transport.settings import TransportSettings

Address = IPv4Address | IPv6Address
AddrInfo = tuple[int, int, int, str, tuple[Any, ...]]

_ALSO_CLOSED = tuple(
    map(
        ip_network,
        (
            "192.0.0.0/24",  # IETF assignments; 192.0.0.192 is Oracle's metadata service
            "168.63.129.16/32",  # Azure's host services, on a public-looking address
            "192.88.99.0/24",  # 6to4 relays, deprecated
            "fec0::/10",  # site-local, deprecated
            "2001::/23",  # Teredo and other protocol assignments
        ),
    )
)
_NAT64 = (IPv6Network("64:ff9b::/96"), IPv6Network("64:ff9b:1::/48"))
_IPV4_COMPATIBLE = IPv6Network("::/96")


class Forbidden(OSError):
    """The address is private. One text for all, so that nobody can map a network by the messages."""

    def __init__(self) -> None:
        super().__init__("the URL leads to a private address")


def is_public(address: Address) -> bool:
    """Whether an address, or the IPv4 address inside it, is one of the open internet."""
    inner = _embedded(address)
    if inner is not None:
        return is_public(inner)
    if address.is_multicast or address.is_reserved or address.is_unspecified or not address.is_global:
        return False
    return not any(address in network for network in _ALSO_CLOSED)


def _embedded(address: Address) -> IPv4Address | None:
    if isinstance(address, IPv4Address):
        return None
    if address.ipv4_mapped or address.sixtofour:
        return address.ipv4_mapped or address.sixtofour
    if any(address in network for network in (*_NAT64, _IPV4_COMPATIBLE)):
        return IPv4Address(address.packed[-4:])
    return None


def guarded_socket(settings: TransportSettings) -> Callable[[AddrInfo], socket.socket]:
    """A socket factory for connectors that raises ``Forbidden`` before a private address is connected to."""

    def factory(info: AddrInfo) -> socket.socket:
        family, kind, protocol, _, target = info
        if not may_connect(target, settings.allowed_networks):
            raise Forbidden
        return socket.socket(family, kind, protocol)

    return factory


def may_connect(target: Sequence[Any], allowed: Sequence[Any]) -> bool:
    """Whether ``target``, a socket address, is public or in one of the ``allowed`` networks."""
    address = ip_address(str(target[0]).partition("%")[0])
    if isinstance(address, IPv6Address) and address.ipv4_mapped:
        address = address.ipv4_mapped
    return any(address in network for network in allowed) or is_public(address)
