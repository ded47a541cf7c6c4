"""The private-address guard: by address, by name, and on the way of a redirect."""

import socket
from collections.abc import Iterator
from ipaddress import ip_address, ip_network
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notify.model.call import Answer, HttpAnswer, HttpCall, NoAnswer
from notify.transport import Transport, TransportSettings
from notify.transport.guard import is_public, may_connect
from tests.servers import ProviderLab, Reply

PRIVATE = [
    "0.0.0.0",
    "10.1.2.3",
    "100.64.0.1",
    "100.100.100.200",
    "127.0.0.1",
    "127.8.8.8",
    "169.254.169.254",
    "172.16.0.1",
    "172.31.255.255",
    "192.0.0.192",
    "192.0.2.1",
    "192.168.1.1",
    "192.88.99.1",
    "198.18.0.1",
    "198.51.100.1",
    "203.0.113.1",
    "224.0.0.1",
    "239.1.1.1",
    "240.0.0.1",
    "255.255.255.255",
    "168.63.129.16",
    "::",
    "::1",
    "::ffff:127.0.0.1",
    "::ffff:10.0.0.1",
    "::127.0.0.1",
    "64:ff9b::7f00:1",
    "64:ff9b::a9fe:a9fe",
    "64:ff9b:1::a00:1",
    "2002:7f00:1::",
    "2001::1",
    "2001:db8::1",
    "fc00::1",
    "fd00:ec2::254",
    "fe80::1",
    "fec0::1",
    "ff02::1",
]
PUBLIC = [
    "8.8.8.8",
    "1.1.1.1",
    "172.32.0.1",
    "100.128.0.1",
    "2606:4700::1111",
    "::ffff:8.8.8.8",
    "64:ff9b::808:808",
]


@pytest.mark.parametrize("address", PRIVATE)
def test_private_addresses(address: str) -> None:
    assert not is_public(ip_address(address))
    assert not may_connect((address, 80), ())


@pytest.mark.parametrize("address", PUBLIC)
def test_public_addresses(address: str) -> None:
    assert is_public(ip_address(address))
    assert may_connect((address, 443), ())


@given(st.ip_addresses(v=4))
def test_an_ipv4_address_is_no_more_public_in_ipv6_clothes(address: Any) -> None:
    for dressed in (f"::ffff:{address}", f"64:ff9b::{address}"):
        assert is_public(ip_address(dressed)) == is_public(address)


def test_allowed_networks_are_exceptions() -> None:
    allowed = (ip_network("10.0.0.0/8"), ip_network("fd00::/8"))
    assert may_connect(("10.9.9.9", 80), allowed)
    assert may_connect(("::ffff:10.9.9.9", 80, 0, 0), allowed)
    assert may_connect(("fd00::1", 80, 0, 0), allowed)
    assert not may_connect(("192.168.1.1", 80), allowed)
    assert not may_connect(("fe80::1%eth0", 80, 0, 2), allowed)


# --- on real sockets


@pytest.fixture(scope="module")
def lab() -> Iterator[ProviderLab]:
    with ProviderLab() as running:
        yield running


def call(lab: ProviderLab, host: str, *, untrusted: bool = True, **settings: Any) -> Answer:
    transport = Transport(TransportSettings(timeout_s=3, **settings))
    request = HttpCall(method="POST", url=f"http://{host}:{lab.port}/hook/open", untrusted=untrusted)
    try:
        ((pair,),) = transport.execute([(1, request)])
        return pair[1]
    finally:
        transport.close()


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "localhost", "127.1", "0.0.0.0", "[::1]", "[::ffff:127.0.0.1]"]
)
def test_an_untrusted_url_does_not_reach_this_machine(lab: ProviderLab, host: str) -> None:
    before = lab.connections
    answer = call(lab, host)
    assert isinstance(answer, NoAnswer)
    assert answer.forbidden
    assert lab.connections == before


def test_trusted_and_allowed_ones_do(lab: ProviderLab) -> None:
    assert isinstance(call(lab, "127.0.0.1", untrusted=False), HttpAnswer)
    assert isinstance(call(lab, "127.0.0.1", allowed_networks=(ip_network("127.0.0.0/8"),)), HttpAnswer)


def test_a_name_that_leads_to_this_machine(lab: ProviderLab, monkeypatch: pytest.MonkeyPatch) -> None:
    _resolving(monkeypatch, [["127.0.0.1"]])
    before = lab.connections
    answer = call(lab, "hooks.example.com")
    assert answer == NoAnswer(error="the URL leads to a private address", forbidden=True)
    assert lab.connections == before


def test_a_name_that_changes_its_mind(lab: ProviderLab, monkeypatch: pytest.MonkeyPatch) -> None:
    """However often it is asked, the address that is connected to is the one that is checked."""
    asked = _resolving(monkeypatch, [["8.8.8.8"], ["127.0.0.1"]])
    _no_public_connections(monkeypatch)
    transport = Transport(TransportSettings(timeout_s=3, connect_timeout_s=0.3))
    request = HttpCall(method="POST", url=f"http://rebind.example.com:{lab.port}/", untrusted=True)
    before = lab.connections
    answers = [pair[1] for _ in range(2) for group in transport.execute([(1, request)]) for pair in group]
    transport.close()
    assert len(asked) == 2
    assert all(isinstance(answer, NoAnswer) for answer in answers)
    assert lab.connections == before


def test_trust_is_not_shared_through_open_connections(lab: ProviderLab) -> None:
    transport = Transport(TransportSettings(timeout_s=3))
    url = f"http://127.0.0.1:{lab.port}/hook/open"
    (((_, trusted),),) = transport.execute([(1, HttpCall(method="POST", url=url))])
    (((_, untrusted),),) = transport.execute([(1, HttpCall(method="POST", url=url, untrusted=True))])
    transport.close()
    assert isinstance(trusted, HttpAnswer)
    assert isinstance(untrusted, NoAnswer)


def test_a_redirect_inwards_is_not_followed(lab: ProviderLab) -> None:
    lab.script(Reply(status=307, headers={"location": f"http://127.0.0.1:{lab.port}/hook/open"}))
    before = lab.count
    answer = call(lab, "127.0.0.1", allowed_networks=(ip_network("127.0.0.1/32"),))
    assert isinstance(answer, HttpAnswer)
    assert answer.status == 307
    assert lab.count == before + 1


def _resolving(monkeypatch: pytest.MonkeyPatch, results: list[list[str]]) -> list[str]:
    """Name resolution that gives ``results`` in turn, the last one for ever; returns what was asked."""
    from notify.transport import http

    asked: list[str] = []

    class Resolver(http.aiohttp.abc.AbstractResolver):
        async def resolve(self, host: str, port: int = 0, family: Any = socket.AF_INET) -> list[Any]:
            found = results[min(len(asked), len(results) - 1)]
            asked.append(host)
            return [
                {
                    "hostname": host,
                    "host": address,
                    "port": port,
                    "family": socket.AF_INET,
                    "proto": 6,
                    "flags": 0,
                }
                for address in found
            ]

        async def close(self) -> None:
            return

    monkeypatch.setattr("aiohttp.connector.DefaultResolver", lambda *_, **__: Resolver())
    return asked


def _no_public_connections(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tests stay on this machine: a socket for a public address is refused as by a firewall."""
    from notify.transport import http
    from notify.transport.guard import guarded_socket

    def factory(settings: TransportSettings) -> Any:
        guarded = guarded_socket(settings)

        def make(info: Any) -> socket.socket:
            made = guarded(info)
            made.close()
            raise ConnectionRefusedError(111, "refused")

        return make

    monkeypatch.setattr(http, "guarded_socket", factory)
