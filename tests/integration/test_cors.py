"""Web pages call the API with client tokens, from the origins that the settings name."""

import asyncio
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from notify.api.app import create_app
from notify.settings import Settings
from tests.integration.conftest import Configure

PAGE = "https://app.example.com"
ASKS = {"access-control-request-method": "PUT", "access-control-request-headers": "authorization"}
Call = Callable[..., httpx.Response]
Door = Callable[[str], Call]


@pytest.fixture
def door(configured: Configure) -> Door:
    """The API with these settings, as a page at an origin calls it."""

    def opened(origins: str) -> Call:
        configured(cors_origins=origins)
        app = create_app()

        def call(method: str, path: str, origin: str, **headers: str) -> httpx.Response:
            return asyncio.run(_call(app, method, path, {"origin": origin, **headers}))

        return call

    return opened


async def _call(app: Any, method: str, path: str, headers: dict[str, str]) -> httpx.Response:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://api") as client:
        return await client.request(method, path, headers=headers)


def _asked(call: Call, origin: str) -> str | None:
    answer = call("OPTIONS", "/users/ada/tokens/x", origin, **ASKS)
    return answer.headers.get("access-control-allow-origin")


def test_no_page_may_call_unless_told_so(door: Door) -> None:
    assert _asked(door(""), PAGE) is None


def test_a_page_of_a_named_origin_may_call(door: Door) -> None:
    call = door(PAGE)
    assert _asked(call, PAGE) == PAGE
    assert _asked(call, "https://evil.example") is None


def test_a_refusal_can_be_read_by_the_page(door: Door) -> None:
    answer = door("*")("GET", "/brands", PAGE)
    assert answer.status_code == 401
    assert answer.headers["access-control-allow-origin"] == "*"
    assert "retry-after" in answer.headers["access-control-expose-headers"].lower()
    assert "access-control-allow-credentials" not in answer.headers


@pytest.mark.parametrize("origin", ["app.example.com", "https://app.example.com/", "https://*.example.com"])
def test_what_is_no_origin_is_refused_at_the_start(monkeypatch: pytest.MonkeyPatch, origin: str) -> None:
    monkeypatch.setenv("NOTIFY_CORS_ORIGINS", f"{PAGE}, {origin}")
    with pytest.raises(ValueError, match="is no origin"):
        Settings()
