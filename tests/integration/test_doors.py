"""Nobody in: every way into the API asks who comes, or is one of a few that are signed or say nothing."""

import ast
import re
from collections.abc import Iterator
from typing import Any

import pytest
import requests
from starlette.routing import BaseRoute, Mount

from notify import clock
from notify.api import throttle
from notify.api.app import create_app
from notify.errors import TooMany
from notify.manage import keys
from notify.model.names import World
from tests.integration.conftest import Configure
from tests.integration.harness import Api, Time
from tests.stack import ROOT

PUBLIC = {
    "/health/live": "says only that the process is there",
    "/health/ready": "names parts that are away; no counts, addresses or versions",
    "/openapi.json": "what is open source anyway",
    "/docs": "reads /openapi.json",
    "/docs/oauth2-redirect": "a static page of /docs",
    "/redoc": "reads /openapi.json",
    "/receipts/{provider_id}": "the vendor's signature over the request, see `notify/providers/receipts.py`",
    "/inbound/webhook/{token}": "a key of its own kind, which opens nothing else; 404 to who has none",
    "/t/o/{token}": "a token signed by us",
    "/t/c/{token}": "a token signed by us; the target is inside of it",
    "/e/{token}": "a token signed by us",
    "/preferences/page/{token}": "a token signed by us",
    "/preferences/preview/{token}": "a token signed by us",
    "/preferences/unsubscribe/{token}": "a token signed by us",
}
"""Path -> why it needs no key. All others answer 401 to who has none."""

OTHERWISE = {"/metrics": "NOTIFY_METRICS_TOKEN; closed without"}


def routes(found: list[BaseRoute] | None = None) -> Iterator[tuple[str, str]]:
    """Method and path of everything that is served."""
    for route in create_app().routes if found is None else found:
        # What is mounted is an application of its own, which this test would not see into.
        assert not isinstance(route, Mount), route
        inner = getattr(route, "routes", None) or getattr(
            getattr(route, "original_router", None), "routes", None
        )
        if inner:
            yield from routes(inner)
        else:
            for method in getattr(route, "methods", None) or ():
                yield method, route.path  # type: ignore[attr-defined]


def described() -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, operations in create_app().openapi()["paths"].items():
        for method, operation in operations.items():
            yield method.upper(), path, operation


def path_of(template: str) -> str:
    return re.sub(r"\{.*?\}", "x", template)


@pytest.mark.parametrize("credential", [None, "Bearer pk_prod_guess", "Bearer a.b.c", "Basic eA==", "Bearer"])
def test_a_stranger_gets_no_further_than_401(api: Api, configured: Configure, credential: str | None) -> None:
    configured(auth_failures_per_minute=0)
    api.session.headers.pop("Authorization")
    given = {"authorization": credential} if credential else {}
    # Where a path is shared, who is not let in hears nothing of which methods there are.
    seen = set(routes()) | {(method, path) for method, path, _ in described()}
    assert len(seen) > 60
    for method, path in sorted(seen):
        if path not in PUBLIC:
            answer = api.call(method, path_of(path), json={}, headers=given)
            assert answer.status_code == 401, (method, path, answer.text)
            if method != "HEAD":
                assert answer.json()["type"] == "authentication_error", (method, path)


def test_openapi_says_which_are_open(configured: object) -> None:
    for method, path, operation in described():
        assert ("security" in operation) is (path not in PUBLIC), (method, path)
    assert not set(PUBLIC) - {path for _, path in routes()}, "no such route any more"


@pytest.mark.parametrize("path", [path for path in PUBLIC if "token" in path])
def test_open_doors_take_no_token_of_a_stranger(api: Api, path: str) -> None:
    api.session.headers.pop("Authorization")
    for token in ("x", "x.y", "A" * 80, "eyJhbGciOiJub25lIn0.e30."):
        for method in ("GET", "POST"):
            answer = api.call(method, path.replace("{token}", token), json={"event": "OPENED"})
            assert answer.status_code in {400, 404, 405}, (method, path, answer.status_code)


def test_metrics_are_closed(api: Api, configured: Configure) -> None:
    assert api.get("/metrics").status_code == 401
    configured(metrics_token="a-token-of-sixteen")
    assert api.get("/metrics").status_code == 401
    right = requests.get(
        f"{api.base_url}/metrics", headers={"authorization": "Bearer a-token-of-sixteen"}, timeout=30
    )
    assert right.status_code == 200


# --- who guesses is told to wait


@pytest.fixture
def throttled(api: Api, monkeypatch: pytest.MonkeyPatch) -> Api:
    """The API, with five failures a minute; the process's own is put back afterwards."""
    fresh = throttle.Throttle(5)
    monkeypatch.setattr(throttle, "_of", lambda request: fresh)
    return api


def wrong(api: Api, path: str = "/messages", **headers: str) -> requests.Response:
    given = {"authorization": "Bearer pk_prod_guess", **headers}
    return requests.get(f"{api.base_url}{path}", headers=given, timeout=30)


def test_who_guesses_waits_and_who_is_at_work_does_not(throttled: Api, base_url: str) -> None:
    assert throttled.get("/messages").status_code == 200
    answers = [wrong(throttled) for _ in range(7)]
    assert [answer.status_code for answer in answers] == [401] * 5 + [429] * 2
    left = [4, 3, 2, 1, 0, 0, 0]
    assert [int(answer.headers["ratelimit-remaining"]) for answer in answers] == left
    assert {answer.headers["ratelimit-limit"] for answer in answers} == {"5"}
    told = wrong(throttled, "/metrics")
    assert (told.status_code, told.json()["type"]) == (429, "rate_limit_exceeded")
    assert 1 <= int(told.headers["retry-after"]) <= 12
    assert told.headers["ratelimit-reset"] == told.headers["retry-after"]
    assert "ratelimit-limit" not in throttled.get("/messages").headers
    assert throttled.get("/messages").status_code == 200
    unseen = Api(base_url, keys.create(World.TEST, "unseen"))
    assert unseen.get("/messages").status_code == 429


def test_another_address_is_another_bucket_only_behind_a_known_proxy(throttled: Api) -> None:
    for number in range(5):
        wrong(throttled, **{"x-forwarded-for": f"203.0.113.{number}"})
    assert wrong(throttled, **{"x-forwarded-for": "203.0.113.99"}).status_code == 429


def test_a_bucket_empties_and_their_number_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [1000.0]
    monkeypatch.setattr(throttle.time, "monotonic", lambda: now[0])
    failures = throttle.Throttle(6)
    for _ in range(6):
        failures.check("a", "key")
        failures.failed("a")
    with pytest.raises(TooMany) as told:
        failures.check("a", "key")
    assert told.value.retry_after_s == 10
    failures.check("b", "key")
    now[0] += 10.1
    failures.check("a", "key")
    for number in range(throttle.MAX_ADDRESSES + 10):
        failures.failed(str(number))
        failures.succeeded(str(number))
    assert len(failures._empty_at) == throttle.MAX_ADDRESSES
    assert len(failures._known) == throttle.MAX_KNOWN


@pytest.mark.parametrize(
    ("host", "bucket"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("2001:db8:1:2:3::4", "2001:db8:1:2::"),
        ("fe80::1%eth0", "fe80::"),
        ("unix", "unix"),
    ],
)
def test_a_customers_whole_network_is_one_address(host: str, bucket: str) -> None:
    class Asked:
        client = type("Client", (), {"host": host})

    assert throttle._address_of(Asked()) == bucket  # type: ignore[arg-type]


async def _seen(trusted: list[str], header: str) -> str:
    from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

    seen: list[str] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        seen.append(scope["client"][0])

    scope = {
        "type": "http",
        "client": ("10.0.0.9", 1),
        "scheme": "http",
        "headers": [(b"x-forwarded-for", header.encode())],
    }
    await ProxyHeadersMiddleware(app, trusted_hosts=trusted)(scope, None, None)  # type: ignore[arg-type]
    return seen[0]


@pytest.mark.parametrize(
    ("trusted", "header", "client"),
    [
        ([], "198.51.100.7", "10.0.0.9"),
        (["10.0.0.0/8"], "198.51.100.7", "198.51.100.7"),
        # What the client itself has written stands further left.
        (["10.0.0.0/8"], "1.2.3.4, 198.51.100.7", "198.51.100.7"),
        (["192.168.0.0/16"], "198.51.100.7", "10.0.0.9"),
    ],
)
def test_only_named_proxies_say_who_calls(trusted: list[str], header: str, client: str) -> None:
    import asyncio

    assert asyncio.run(_seen(trusted, header)) == client


def test_an_expired_key_is_one_failure(throttled: Api, base_url: str, time: Time) -> None:
    from datetime import timedelta

    short = Api(base_url, keys.create(World.TEST, "short", expires_at=clock.now() + timedelta(seconds=60)))
    time.passes(seconds=61)
    assert [short.get("/messages").status_code for _ in range(6)] == [401] * 5 + [429]


# --- secrets are compared in constant time

_SECRET = re.compile(r"(secret|token|signature|mac|digest|password)s?$", re.IGNORECASE)
_COMPARED_OPENLY = {
    # A device's token is the name of a device, and in the path of its own endpoint.
    ("notify/store/tokens.py", "token"),
    ("notify/manage/tokens.py", "token"),
    # Whether a CSV file is still the same.
    ("notify/cli/csv_progress.py", "digest"),
    # Whether an item is the same as at the last import.
    ("notify/moving/state.py", "digest"),
    # A token of the condition language.
    ("notify/expression/conditions.py", "token"),
}


def _equalities() -> Iterator[tuple[str, str, int]]:
    for file in sorted((ROOT / "notify").rglob("*.py")):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Compare) and any(isinstance(op, ast.Eq | ast.NotEq) for op in node.ops):
                for side in (node.left, *node.comparators):
                    name = getattr(side, "attr", None) or getattr(side, "id", "")
                    if _SECRET.search(name):
                        yield str(file.relative_to(ROOT)), name, node.lineno


def test_no_secret_is_compared_character_by_character() -> None:
    open_ = [(file, name, line) for file, name, line in _equalities() if (file, name) not in _COMPARED_OPENLY]
    assert open_ == [], "use hmac.compare_digest, or say here why not"
