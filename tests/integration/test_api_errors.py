"""Errors: whatever is sent, the answer has a ``type`` and a ``message`` that names the place."""

from collections.abc import Iterator
from typing import Any

import pytest
import requests

from notify.errors import NotFound
from notify.manage import keys
from notify.model.names import World
from tests import factories
from tests.integration.harness import Api, Database

TO = {"email": factories.ADA}
CONTENT = {"title": "a", "body": "b"}


def _error(answer: requests.Response) -> tuple[int, str, str]:
    body = answer.json()
    assert sorted(body) == ["message", "type"]
    assert answer.headers["content-type"].startswith("application/json")
    return answer.status_code, body["type"], body["message"]


def _refused(answer: requests.Response, said: str) -> None:
    status, type_, message = _error(answer)
    assert (status, type_) == (400, "invalid_request_error"), message
    assert said in message


# --- the body of a send --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("message", "said"),
    [
        ({"content": CONTENT}, "message.to"),
        ({"to": {}, "content": CONTENT}, "message.to: names no recipient"),
        ({"to": {"locale": "en"}, "content": CONTENT}, "message.to: names no recipient"),
        ({"to": [], "content": CONTENT}, "message.to"),
        ({"to": [{"email": "a@b.c"}, {}], "content": CONTENT}, "message.to[1]: names no recipient"),
        ({"to": [{"user_id": "u"}] * 501, "content": CONTENT}, "message.to"),
        ({"to": "ada", "content": CONTENT}, "message.to"),
        ({"to": {"user_id": 7}, "content": CONTENT}, "message.to.user_id"),
        ({"to": {"user_id": "u" * 513}, "content": CONTENT}, "message.to.user_id"),
        ({"to": {"list_pattern": "**"}, "content": CONTENT}, "message.to.list_pattern: must be 1 to 4 parts"),
        ({"to": {"webhook": {"url": "ftp://x"}}, "content": CONTENT}, "message.to.webhook.url"),
        ({"to": TO}, "message: Give exactly one of 'template' and 'content'"),
        ({"to": TO, "content": CONTENT, "template": "t"}, "message: Give exactly one of"),
        ({"to": TO, "content": {}}, "message.content"),
        ({"to": TO, "content": "hello"}, "message.content"),
        ({"to": TO, "content": {"elements": [{"type": "text"}]}}, "message.content.elements[0]"),
        ({"to": TO, "content": {"elements": [1]}}, "message.content.elements[0]"),
        ({"to": TO, "template": ""}, "message.template"),
        ({"to": TO, "content": CONTENT, "data": []}, "message.data"),
        (
            {"to": TO, "content": CONTENT, "routing": {"method": "some", "channels": ["email"]}},
            "message.routing.method",
        ),
        ({"to": TO, "content": CONTENT, "routing": {"method": "all"}}, "message.routing.channels"),
        (
            {"to": TO, "content": CONTENT, "routing": {"method": "all", "channels": [1]}},
            "message.routing.channels[0]",
        ),
        ({"to": TO, "content": CONTENT, "delay": {"duration": -1}}, "message.delay.duration"),
        ({"to": TO, "content": CONTENT, "delay": {"until": "soon"}}, "message.delay.until"),
        ({"to": TO, "content": CONTENT, "delay": {"duration": 1, "until": "2030-01-01"}}, "message.delay"),
        ({"to": TO, "content": CONTENT, "timeout": {"message": "1h"}}, "message.timeout.message"),
        ({"to": TO, "content": CONTENT, "metadata": {"tags": ["x" * 31]}}, "message.metadata.tags[0]"),
        ({"to": TO, "content": CONTENT, "metadata": {"tags": ["x"] * 10}}, "message.metadata.tags"),
        ({"to": TO, "content": CONTENT, "channels": {"email": 1}}, "message.channels.email"),
        ({"to": TO, "content": CONTENT, "data": {"a": "nul\0"}}, "message.data.a"),
        ({"to": {"user_id": "nul\0"}, "content": CONTENT}, "message.to.user_id"),
        ({"to": TO, "content": {"title": "\0", "body": ""}}, "message.content.title"),
        ({"to": TO, "content": CONTENT, "unknown": {"nul\0": 1}}, "message.unknown"),
        ({"to": TO, "content": CONTENT, "data": {"n": 10**30}}, "message.data.n"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_send_that_makes_no_sense(
    sandbox: Api, database: Database, message: dict[str, Any], said: str
) -> None:
    _refused(sandbox.post("/send", {"message": message}), said)
    assert database.count("request") == 0


def _raw(**fields: bytes) -> bytes:
    """A sound send, but for the given fields."""
    sound = {"to": b'{"email": "ada@example.com"}', "content": b'{"title": "a", "body": "b"}', **fields}
    members = b", ".join(b'"%s": %s' % (name.encode(), value) for name, value in sound.items())
    return b'{"message": {%s}}' % members


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"", "body: Field required"),
        (b"{", "The body is not valid JSON"),
        (b"{'message': 1}", "The body is not valid JSON"),
        (b"\xff\xfe", "body"),
        (_raw(data=b'{"a": "\xff"}'), "body"),
        (b"[]", "body: Input should be an object"),
        (b'"text"', "body: Input should be an object"),
        (b"null", "body: Input should be an object"),
        (b"{}", "message: Field required"),
        (b'{"message": []}', "message"),
        (b'{"message": null}', "message"),
        (_raw(content=b'{"title": "\\ud800", "body": ""}'), "message.content.title: Text may not contain"),
        (_raw(data=b'{"n": NaN}'), "message.data.n: Numbers must be finite"),
        (_raw(data=b'{"n": 1e999}'), "message.data.n: Numbers must be finite"),
        (_raw(data=b'{"a":' * 101 + b"1" + b"}" * 101), "message: Objects and lists may be nested at most"),
        (_raw(data=b'{"a":' * 5000 + b"1" + b"}" * 5000), "body"),
        (_raw(data=b'{"a":' + b"[" * 100_000 + b"]" * 100_000 + b"}"), "body"),
    ],
    ids=lambda value: repr(value)[:60] if isinstance(value, bytes) else "",
)
def test_a_body_that_is_no_send(sandbox: Api, database: Database, body: bytes, said: str) -> None:
    _refused(sandbox.call("POST", "/send", data=body, headers={"content-type": "application/json"}), said)
    assert database.count("request") == 0


@pytest.mark.parametrize("content_type", ["application/json", "application/json; charset=utf-8", ""])
def test_a_body_is_json_unless_it_is_called_something_else(sandbox: Api, content_type: str) -> None:
    sandbox.accepted(sandbox.call("POST", "/send", data=_raw(), headers={"content-type": content_type}))


# --- sizes ---------------------------------------------------------------------------------------


def _five_megabytes() -> Iterator[bytes]:
    yield from (b"x" * 100_000 for _ in range(50))


@pytest.mark.parametrize("body", [b"x" * 5_000_000, _five_megabytes()], ids=["length", "chunked"])
@pytest.mark.parametrize("path", ["/send", "/profiles/ada"])
def test_a_body_of_five_megabytes_is_too_large(sandbox: Api, path: str, body: Any) -> None:
    data = body if isinstance(body, bytes) else _five_megabytes()
    status, type_, message = _error(sandbox.call("POST", path, data=data))
    assert (status, type_) == (413, "invalid_request_error")
    assert "larger than" in message
    sandbox.send()


def test_a_large_send_within_the_limit_is_accepted(sandbox: Api) -> None:
    sandbox.send(data={f"key-{number}": "x" * 10_000 for number in range(300)})


# --- who is calling ------------------------------------------------------------------------------


def _as(api: Api, authorization: str | None) -> requests.Response:
    headers = {} if authorization is None else {"authorization": authorization}
    return requests.get(f"{api.base_url}/messages", headers=headers, timeout=10)


@pytest.mark.parametrize(
    "authorization",
    [
        None, "", "Bearer", "Bearer ", "Bearer pk_test_unknown", "Bearer pk_prod_unknown", "Token x", "Basic",
        "Basic !!!", "Basic cGs=", "Basic \xe9", "Bearer \xe9",
    ],
)  # fmt: skip
def test_without_a_known_key_nothing_is_answered(api: Api, authorization: str | None) -> None:
    status, type_, _ = _error(_as(api, authorization))
    assert (status, type_) == (401, "authentication_error")


def test_a_key_may_come_as_basic_user_name(api: Api) -> None:
    answer = requests.get(f"{api.base_url}/messages", auth=(api.key, ""), timeout=10)
    assert answer.status_code == 200


def test_only_the_digest_of_a_key_is_stored(api: Api, database: Database) -> None:
    stored = database.one("SELECT string_agg(api_key::text, '') FROM api_key")
    assert api.key not in stored
    assert api.key.removeprefix("pk_prod_") not in stored


def test_a_revoked_key_is_not_known(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("notify.store.cache.MAX_AGE_S", 0)
    extra = keys.create(World.TEST, "extra")
    assert _as(api, f"Bearer {extra}").status_code == 200
    (stored,) = (key for key in keys.find() if key.name == "extra")
    keys.revoke(stored.id)
    assert _as(api, f"Bearer {extra}").status_code == 401
    with pytest.raises(NotFound):
        keys.revoke(stored.id)


def test_a_caller_without_a_key_is_told_nothing_else(api: Api) -> None:
    answer = requests.post(f"{api.base_url}/send", json={}, timeout=10)
    assert _error(answer)[:2] == (401, "authentication_error")


# --- everything else -----------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/", "/nonsense", "/messages/a/b/c", "/profiles/", "/%00", "/..%2f"])
def test_an_unknown_path(api: Api, path: str) -> None:
    assert _error(api.get(path))[:2] == (404, "not_found")


@pytest.mark.parametrize(
    ("method", "path"), [("GET", "/send"), ("POST", "/messages"), ("PATCH", "/providers")]
)
def test_a_method_a_path_does_not_have(api: Api, method: str, path: str) -> None:
    answer = api.call(method, path)
    assert _error(answer)[:2] == (405, "invalid_request_error")
    assert answer.headers["allow"]


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/messages"), ("GET", "/profiles/ada"), ("PUT", "/profiles/ada"), ("GET", "/providers"),
        ("GET", "/notifications"), ("POST", "/profiles/ada"),
    ],
)  # fmt: skip
def test_without_its_database_everything_is_unavailable(
    api: Api, database: Database, method: str, path: str
) -> None:
    assert api.get("/messages").status_code == 200
    with database.away():
        answer = api.call(method, path, json={"profile": {}}, headers={"idempotency-key": "k"})
    assert _error(answer)[:2] == (503, "service_unavailable")
    assert int(answer.headers["retry-after"]) > 0
    assert api.get("/messages").status_code == 200


def test_a_fault_of_ours_tells_no_secrets(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("a bug with a secret")

    monkeypatch.setattr("notify.manage.profiles.get", broken)
    answer = api.get("/profiles/ada")
    assert _error(answer)[:2] == (500, "internal_error")
    assert "secret" not in answer.text
    monkeypatch.undo()


# --- health --------------------------------------------------------------------------------------


def test_health_needs_no_key(api: Api) -> None:
    for path in ("/health/live", "/health/ready"):
        answer = requests.get(f"{api.base_url}{path}", timeout=10)
        assert (answer.status_code, answer.json()["status"]) == (200, "ok")


def test_ready_names_what_is_missing(api: Api, database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("notify.queue.reachable", lambda: False)
    with database.away():
        answer = api.get("/health/ready")
    assert (answer.status_code, answer.json()["status"]) == (503, "unavailable")
    assert [problem.split()[1] for problem in answer.json()["problems"]] == ["database", "broker"]
    assert api.get("/health/live").status_code == 200


def test_a_schema_older_than_the_code_is_not_ready(api: Api, database: Database) -> None:
    database("UPDATE alembic_version SET version_num = '0001'")
    answer = api.get("/health/ready")
    assert (answer.status_code, "migrate" in answer.text) == (503, True)


def test_a_newer_schema_is_served_while_a_deployment_is_under_way(api: Api, database: Database) -> None:
    database("UPDATE alembic_version SET version_num = '9999'")
    assert api.get("/health/ready").status_code == 200
