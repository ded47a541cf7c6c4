"""Server-side request forgery: whatever URL a stranger gives, nothing inside is connected to.

Each case of ``data/url_attacks.json`` names its outcome: ``private`` (refused by the guard), ``unsent`` (no
URL that is called), ``unreached`` (an address outside was tried, the one inside never).
"""

import json
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from yarl import URL

from notify.errors import ContentError
from notify.model.call import HttpCall, NoAnswer
from notify.providers.request import check_url
from notify.transport import Transport, TransportSettings, http
from notify.transport.guard import guarded_socket
from tests.servers import ProviderLab

CASES: list[dict[str, Any]] = json.loads((Path(__file__).parent / "data" / "url_attacks.json").read_text())
OUTSIDE = "93.184.215.14"


@pytest.fixture(scope="module")
def lab() -> Iterator[ProviderLab]:
    with ProviderLab() as running:
        yield running


@pytest.fixture
def sockets(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The addresses for which the guard let a socket be made; none is connected to."""
    made: list[str] = []

    def factory(settings: TransportSettings) -> Any:
        guarded = guarded_socket(settings)

        def make(info: Any) -> socket.socket:
            guarded(info).close()
            made.append(info[4][0])
            raise ConnectionRefusedError(111, "refused")

        return make

    monkeypatch.setattr(http, "guarded_socket", factory)
    return made


def resolving(monkeypatch: pytest.MonkeyPatch, answers: list[list[str]]) -> None:
    """Name resolution that gives ``answers`` in turn, the last one for ever."""
    left = list(answers)

    class Resolver(aiohttp.abc.AbstractResolver):
        async def resolve(self, host: str, port: int = 0, family: Any = socket.AF_INET) -> list[Any]:
            found = left.pop(0) if len(left) > 1 else left[0]
            families = [socket.AF_INET6 if ":" in one else socket.AF_INET for one in found]
            return [
                {"hostname": host, "host": one, "port": port, "family": kind, "proto": 6, "flags": 0}
                for one, kind in zip(found, families, strict=True)
            ]

        async def close(self) -> None:
            return

    monkeypatch.setattr("aiohttp.connector.DefaultResolver", lambda *_, **__: Resolver())


def at_lab(url: str, lab: ProviderLab) -> str:
    """The URL with the port of a server that does listen there."""
    try:
        parsed = URL(url)
        return str(parsed.with_port(lab.port)) if parsed.host and parsed.explicit_port is None else url
    except ValueError:
        return url


@pytest.mark.parametrize("case", CASES, ids=[case["name"] for case in CASES])
def test_no_url_leads_inside(
    case: dict[str, Any],
    lab: ProviderLab,
    sockets: list[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    if "resolves" in case:
        resolving(monkeypatch, case["resolves"])
    before = lab.connections
    transport = Transport(TransportSettings(timeout_s=5, connect_timeout_s=2))
    call = HttpCall(method="POST", url=at_lab(case["url"], lab), untrusted=True)
    try:
        answers = [
            answer
            for _ in range(len(case.get("resolves", ".")))
            for group in transport.execute([(1, call)])
            for _, answer in group
        ]
    finally:
        transport.close()

    assert lab.connections == before
    assert set(sockets) <= {OUTSIDE}
    for answer in answers:
        assert isinstance(answer, NoAnswer), answer
        if case["outcome"] == "private":
            assert answer == NoAnswer(error="the URL leads to a private address", forbidden=True)
        if case["outcome"] != "unreached":
            assert not sockets


@pytest.mark.parametrize("case", CASES, ids=[case["name"] for case in CASES])
def test_what_is_no_url_of_the_web_is_refused_where_it_is_read(case: dict[str, Any]) -> None:
    """It may also be refused later: what must not happen is that something else than a URL comes out."""
    try:
        url = check_url(case["url"], "url")
    except ContentError:
        return
    assert url.startswith(("http://", "https://"))
    assert not set("\r\n\t ") & set(url)
