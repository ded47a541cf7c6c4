"""Inbound webhooks: events from whoever has the URL, and nothing else from them."""

import asyncio
from collections.abc import Callable
from typing import Any

import httpx
import orjson
import pytest
import requests

from notify.api import throttle
from notify.api.app import create_app
from notify.manage import inbound, keys
from notify.model.names import World
from notify.model.scopes import KeyScope
from notify.store import cache, db, inbound_events
from notify.store.inbound_events import InboundEvent
from tests.integration.conftest import Configure
from tests.integration.harness import Api, Database, Pipeline
from tests.integration.test_request_ids import caught_lines

LARGEST = 6 * 1024 * 1024
Post = Callable[..., requests.Response]


@pytest.fixture
def token(sandbox: Api) -> str:
    return keys.create(World.TEST, "shop", scopes={KeyScope.INBOUND})


@pytest.fixture
def post(base_url: str, token: str) -> Post:
    """A call as a stranger makes it: the URL, and a body of any kind."""

    def called(body: Any, at: str = token, **headers: str) -> requests.Response:
        raw = body if isinstance(body, bytes) else orjson.dumps(body)
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        url = f"{base_url}/inbound/webhook/{at}"
        return requests.post(url, raw, headers={"content-type": "application/json", **named}, timeout=30)

    return called


def kept() -> list[InboundEvent]:
    with db.begin() as tx:
        return [read.event for read in inbound_events.since(tx, None, 100)]


def shapes() -> list[tuple[str, str | None, Any]]:
    return [(one.event, one.user_id, one.properties) for one in kept()]


def test_an_object_is_an_event_with_all_it_holds_as_data(post: Post) -> None:
    body = {"event": "order.shipped", "userId": "ada", "order": {"id": 1}}
    answer = post(body)
    assert (answer.status_code, answer.json()) == (202, {"received": 1})
    assert shapes() == [("order.shipped", "ada", body)]
    assert kept()[0].world is World.TEST


@pytest.mark.parametrize(
    ("body", "shape"),
    [
        ({"a": 1}, ("custom", None, {"a": 1})),
        ({"event": {"type": "x"}, "userId": 7}, ("custom", "7", {"event": {"type": "x"}, "userId": 7})),
        ({"event": "", "userId": "u" * 600}, ("custom", None, {"event": "", "userId": "u" * 600})),
        (b"payload=1&more=2", ("custom", None, {"raw": "payload=1&more=2"})),
        (b"\xff{", ("custom", None, {"raw": "\N{REPLACEMENT CHARACTER}{"})),
        (b"", ("custom", None, {"raw": ""})),
        (b"null", ("custom", None, {"raw": None})),
    ],
    ids=["no event", "foreign shapes", "no names", "a form", "no text", "nothing", "null"],
)
def test_what_is_not_ours_is_taken_as_it_is(post: Post, body: Any, shape: Any) -> None:
    assert post(body, content_type="text/plain").status_code == 202
    assert shapes() == [shape]


def test_a_list_is_an_event_for_each_element(post: Post) -> None:
    assert post([{"event": "a"}, {"event": "b", "userId": "bob"}, "c"]).json() == {"received": 3}
    assert [shape[:2] for shape in shapes()] == [("a", None), ("b", "bob"), ("custom", None)]
    assert post([]).json() == {"received": 0}
    answer = post([1] * (inbound.MAX_EVENTS + 1))
    assert (answer.status_code, answer.json()["type"]) == (400, "invalid_request_error")
    answer = post([{"a": 1}, {"b": "\0"}])
    assert (answer.status_code, "1.b" in answer.json()["message"]) == (400, True)
    assert len(kept()) == 3


def test_a_repeat_under_an_idempotency_key_makes_no_second_event(post: Post) -> None:
    answers = [post([1, 2], idempotency_key=key) for key in ("k", "k", "other")]
    assert [answer.json() for answer in answers] == [{"received": 2}] * 3
    assert len(kept()) == 4


def test_six_megabytes_are_taken_and_no_more(post: Post) -> None:
    """More than other calls may bring, said by length or found on the way."""
    assert post(b"x" * LARGEST).status_code == 202
    answer = post(b"x" * (LARGEST + 1))
    assert (answer.status_code, answer.json()["type"]) == (413, "invalid_request_error")
    assert len(kept()) == 1


def test_a_body_of_unknown_length_is_bounded_too(base_url: str, token: str) -> None:
    pieces = (b"x" * 1024 * 1024 for _ in range(7))
    assert requests.post(f"{base_url}/inbound/webhook/{token}", pieces, timeout=30).status_code == 413
    assert kept() == []


def test_only_its_own_kind_of_key_opens_it_and_that_opens_nothing_else(
    post: Post, sandbox: Api, base_url: str, token: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cache, "MAX_AGE_S", 0)
    for wrong in ("pk_test_guess", sandbox.key, f"{token}x"):
        answer = post({}, at=wrong)
        assert (answer.status_code, answer.json()["type"]) == (404, "not_found")
    elsewhere = Api(base_url, token)
    assert elsewhere.get("/messages").status_code == 403
    assert elsewhere.post("/inbound/courier", {}).status_code == 403
    (key,) = (key for key in keys.find() if key.name == "shop")
    assert sandbox.delete(f"/api-keys/{key.id}").status_code == 204
    assert post({}).status_code == 404
    assert kept() == []


def test_a_sender_may_make_one_and_none_with_other_scopes(sandbox: Api, base_url: str, post: Post) -> None:
    sender = Api(base_url, keys.create(World.TEST, "s", scopes={KeyScope.KEYS, KeyScope.SEND}))
    made = sender.post("/api-keys", {"name": "github", "scopes": ["inbound"]})
    assert (made.status_code, made.json()["scopes"]) == (201, ["inbound"])
    assert post({"a": 1}, at=made.json()["key"]).status_code == 202
    reader = Api(base_url, keys.create(World.TEST, "r", scopes={KeyScope.KEYS, KeyScope.READ}))
    assert reader.post("/api-keys", {"name": "github", "scopes": ["inbound"]}).status_code == 403
    both = sandbox.post("/api-keys", {"name": "both", "scopes": ["inbound", "send"]})
    assert (both.status_code, "inbound" in both.json()["message"]) == (400, True)


def test_who_guesses_tokens_waits_and_who_has_one_does_not(
    post: Post, monkeypatch: pytest.MonkeyPatch
) -> None:
    fresh = throttle.Throttle(3)
    monkeypatch.setattr(throttle, "_of", lambda request: fresh)
    assert post({}).status_code == 202
    answers = [post({}, at=f"guess-{number}") for number in range(4)]
    assert [answer.status_code for answer in answers] == [404] * 3 + [429]
    assert [answer.headers["ratelimit-remaining"] for answer in answers] == ["2", "1", "0", "0"]
    assert post({}).status_code == 202


def test_the_token_is_in_no_log_line(configured: Configure, pipeline: Pipeline) -> None:
    configured(access_log_level="info")
    transport = httpx.ASGITransport(app=create_app())
    token = keys.create(World.TEST, "shop", scopes={KeyScope.INBOUND})

    async def ask() -> list[int]:
        async with httpx.AsyncClient(transport=transport, base_url="http://notify") as client:
            urls = [f"/inbound/webhook/{one}" for one in (token, "pk_test_guess")]
            return [(await client.post(url, json={})).status_code for url in urls]

    with caught_lines() as lines:
        assert asyncio.run(ask()) == [202, 404]
    said = [line for line in lines if line["event"] == "api.request"]
    assert [line["route"] for line in said] == ["/inbound/webhook/{token}"] * 2
    ours = str([line for line in lines if "request_id" in line and not str(line["event"]).startswith("HTTP")])
    assert token not in ours
    assert "guess" not in ours


def test_the_token_is_stored_nowhere(post: Post, token: str, database: Database) -> None:
    assert post({"a": 1}, idempotency_key="k").status_code == 202
    tables = database("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
    stored = "".join(str(database(f"SELECT * FROM {row['tablename']}")) for row in tables)
    assert token[:14] in stored
    assert token not in stored
