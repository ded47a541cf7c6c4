"""Rules that every endpoint keeps: what is said first, which methods there are, how a list is paged."""

from typing import Any

import pytest
import requests

from notify.api.paging import decode_as, encode
from notify.errors import InvalidRequest
from notify.manage import keys
from notify.model.names import World
from notify.model.scopes import KeyScope
from tests.clients.reference import BUILT
from tests.integration.harness import Api

ROWS = sorted(BUILT)
BROKEN: dict[str, Any] = {"data": b"{", "headers": {"content-type": "application/json"}}


def _outcome(answer: requests.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["type"]


def _app(api: Api, scope: str) -> Api:
    """The API as an app with a client token sees it."""
    issued = api.post("/auth/issue-token", {"scope": scope, "expires_in": "1h"})
    return Api(api.base_url, issued.json()["token"])


# --- what is said first


def test_who_is_calling_is_asked_before_what_is_said(sandbox: Api) -> None:
    for method, path in ROWS:
        url = sandbox.base_url + path.replace("{}", "x")
        answer = requests.request(method, url, timeout=10, **BROKEN)
        assert _outcome(answer) == (401, "authentication_error"), (method, path)


def test_a_key_is_told_what_it_lacks_before_what_is_wrong(sandbox: Api) -> None:
    reader = Api(sandbox.base_url, keys.create(World.TEST, "reads", scopes=frozenset({KeyScope.READ})))
    for method, path in ROWS:
        if method != "GET" and path != "/auth/issue-token":
            answer = reader.call(method, path.replace("{}", "x"), **BROKEN)
            assert _outcome(answer) == (403, "authorization_error"), (method, path)


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("PUT", "/notifications/none"), ("PUT", "/notifications/none/content"),
        ("PUT", "/notifications/none/elements/x"), ("PUT", "/notifications/none/1/checks"),
        ("PUT", "/routing-strategies/none"), ("PATCH", "/providers/none"), ("PUT", "/brands/none"),
        ("PUT", "/preferences/sections/none"), ("POST", "/preferences/sections/none/topics"),
        ("PUT", "/tenants/none/templates/x"), ("PUT", "/tenants/none/default_preferences/items/x"),
        ("POST", "/bulk/none"), ("GET", "/messages/none/history?type=x"),
        ("GET", "/tenants/none/users?cursor=x"),
        ("GET", "/audiences/none/members?cursor=x"), ("GET", "/lists/none/subscriptions?cursor=x"),
    ],
)  # fmt: skip
def test_what_is_not_there_is_said_before_what_is_wrong(sandbox: Api, method: str, path: str) -> None:
    assert _outcome(sandbox.call(method, path, json={"state": 7})) == (404, "not_found")


@pytest.mark.parametrize(
    "path", ["/tenants/new", "/audiences/new", "/lists/new", "/lists/new/subscriptions", "/profiles/new"]
)
def test_what_a_call_would_make_need_not_be_there(sandbox: Api, path: str) -> None:
    answer = sandbox.call("PUT", path, json={"name": 7, "filter": 7})
    assert _outcome(answer) == (400, "invalid_request_error")


def test_an_id_that_cannot_be_is_a_bad_request(sandbox: Api) -> None:
    for path in ("/brands/%00", f"/brands/{'x' * 1025}"):
        assert _outcome(sandbox.put(path, {"name": "Acme"})) == (400, "invalid_request_error")


def test_what_is_wrong_is_said_in_words_of_ours(sandbox: Api) -> None:
    settings = {"host": "h", "from_address": "a@b.c", "password": "x"}
    answer = sandbox.post("/providers", {"provider": "smtp", "settings": settings})
    assert answer.json()["message"] == "settings: username and password go together"


def test_a_client_token_does_not_learn_which_messages_there_are(sandbox: Api) -> None:
    theirs = sandbox.send(to={"user_id": "bob", "email": "bob@example.com"})
    app = _app(sandbox, "user_id:ada read:messages")
    told = {app.get(f"/messages/{id_}/history?type=x").text for id_ in (theirs, "1-none")}
    assert len(told) == 1
    assert app.get(f"/messages/{theirs}/history").status_code == 404


def test_a_client_token_for_one_brand_leaves_the_default_alone(sandbox: Api) -> None:
    for id_ in ("first", "second"):
        sandbox.post("/brands", {"id": id_, "name": id_, "settings": {}})
    app = _app(sandbox, "write:brands:second")
    assert app.put("/brands/second", {"name": "Second"}).status_code == 200
    assert app.put("/brands/second/default", {}).status_code == 403
    assert sandbox.get("/brands/first").json()["default"]


# --- methods and paths


def test_a_wrong_method_is_told_all_that_there_are(sandbox: Api) -> None:
    for path, methods in (("/brands", "GET, POST"), ("/users/a/tokens/b", "GET, PUT, PATCH, DELETE")):
        answer = sandbox.call("OPTIONS", path)
        assert (answer.status_code, answer.headers["allow"]) == (405, methods)


def test_an_empty_id_does_not_mean_all(sandbox: Api) -> None:
    sandbox.put("/tenants/acme", {"name": "Acme"})
    sandbox.put("/users/ada/tenants/acme", {})
    sandbox.put("/lists/news/subscriptions/ada", {})
    assert sandbox.delete("/users/ada/tenants/").status_code == 404
    assert sandbox.put("/lists/news/subscriptions/", {"recipients": []}).status_code == 404
    assert len(sandbox.get("/users/ada/tenants").json()["items"]) == 1
    assert len(sandbox.get("/lists/news/subscriptions").json()["items"]) == 1


# --- paging


def test_the_last_page_has_no_cursor(sandbox: Api) -> None:
    sandbox.put("/tenants/x", {"name": "X"})
    sandbox.put("/lists/x/subscriptions/ada", {})
    sandbox.put("/audiences/x", {"name": "X"})
    job = sandbox.post("/bulk", {"message": {"event": "e"}}).json()["jobId"]
    paths = {
        path.replace("{}", job if path.startswith("/bulk") else "x")
        for method, path in ROWS
        if method == "GET"
    }
    paged = [answer for path in sorted(paths) if "more" in (answer := sandbox.get(path)).text]
    assert len(paged) > 15
    assert [one.url for one in paged if "cursor" in one.text or "next_url" in one.text] == []


@pytest.fixture
def full(sandbox: Api) -> Api:
    """A world with more lists than a page holds, and as many changes in its audit log."""
    for number in range(101):
        sandbox.put(f"/lists/l.{number}", {"name": "L"})
    return sandbox


def _cursor(api: Api, path: str) -> str:
    cursor: str = api.get(path).json()["paging"]["cursor"]
    return cursor


def test_a_cursor_of_another_list_is_refused(full: Api) -> None:
    cursor = _cursor(full, "/audit-events")
    assert full.get("/audit-events", params={"cursor": cursor}).status_code == 200
    for path in ("/providers", "/refusals", "/api-keys", "/suppressions", "/webhooks", "/lists"):
        answer = full.get(path, params={"cursor": cursor})
        assert _outcome(answer) == (400, "invalid_request_error"), path


@pytest.mark.parametrize("path", ["/lists", "/lists?pattern=l.*", "/audit-events"])
def test_a_damaged_cursor_is_refused(full: Api, path: str) -> None:
    cursor = _cursor(full, path)
    swapped = cursor[:-2] + ("A" if cursor[-2] != "A" else "B") + cursor[-1]
    for damaged in (cursor[:-1], cursor[:-4], cursor[1:], swapped, cursor + "!!", cursor + "AAAA"):
        answer = full.get(path, params={"cursor": damaged})
        assert _outcome(answer) == (400, "invalid_request_error"), damaged


def test_a_cursor_that_somebody_made_up_is_refused() -> None:
    for last_id in ("no uuid", "\0"):
        with pytest.raises(InvalidRequest, match="cursor"):
            decode_as(int, encode(last_id, "list"), "list")


@pytest.mark.parametrize(
    ("method", "path", "body", "where"),
    [
        ("POST", "/auth/issue-token", {"scope": "user_id:ada", "expires_in": None}, "expires_in: "),
        ("PUT", "/users/ada/tokens", {"tokens": [{"token": 7}]}, "tokens[0]."),
        ("POST", "/send", {"message": {"to": {"user_id": 7}, "content": {"body": "x"}}}, "message.to"),
    ],
)
def test_what_is_wrong_is_named_by_its_place_in_the_body(
    sandbox: Api, method: str, path: str, body: dict[str, Any], where: str
) -> None:
    """And not by the names of our types, which nobody knows but we."""
    answer = sandbox.call(method, path, json=body)
    assert answer.status_code == 400
    problems = answer.json()["message"].split("; ")
    assert any(problem.startswith(where) for problem in problems)
    for problem in problems:
        place, _, _ = problem.partition(": ")
        assert not any(word in place for word in ("constrained", "Body", "list[", "model", "-"))
