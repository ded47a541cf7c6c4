"""``/profiles``: merge, replace, JSON Patch, read and delete, with ids that hold anything."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import quote

import pytest

from tests.integration.harness import Api, Pipeline

SUCCESS = {"status": "SUCCESS"}
ADA = {"email": "ada@example.com", "address": {"city": "London", "zip": "E1"}, "tags": ["a", "b"]}


def _stored(api: Api, user: str = "ada") -> dict[str, Any]:
    answer = api.get(f"/profiles/{user}")
    assert answer.status_code == 200, answer.text
    profile: dict[str, Any] = answer.json()["profile"]
    return profile


@pytest.fixture
def ada(sandbox: Api) -> Api:
    """The API, with ada's profile stored."""
    answer = sandbox.post("/profiles/ada", {"profile": ADA})
    assert (answer.status_code, answer.json()) == (200, SUCCESS)
    return sandbox


def test_a_profile_is_created_and_read(ada: Api) -> None:
    assert _stored(ada) == ADA


def test_a_post_merges_objects_and_replaces_the_rest(ada: Api) -> None:
    changes = {"address": {"zip": "N1"}, "tags": ["c"], "email": None, "name": "Ada"}
    assert ada.post("/profiles/ada", {"profile": changes}).json() == SUCCESS
    assert _stored(ada) == {
        "email": None,
        "address": {"city": "London", "zip": "N1"},
        "tags": ["c"],
        "name": "Ada",
    }


def test_a_put_replaces_all(ada: Api) -> None:
    assert ada.put("/profiles/ada", {"profile": {"name": "Ada"}}).json() == SUCCESS
    assert _stored(ada) == {"name": "Ada"}


def test_a_patch_changes_some(ada: Api) -> None:
    operations = [
        {"op": "test", "path": "/email", "value": "ada@example.com"},
        {"op": "replace", "path": "/address/city", "value": "Paris"},
        {"op": "add", "path": "/tags/-", "value": {"deep": [1]}},
        {"op": "remove", "path": "/tags/0"},
        {"op": "move", "from": "/email", "path": "/mail"},
        {"op": "copy", "from": "/mail", "path": "/old~1mail"},
    ]
    assert ada.patch("/profiles/ada", {"patch": operations}).json() == SUCCESS
    assert _stored(ada) == {
        "address": {"city": "Paris", "zip": "E1"},
        "tags": ["b", {"deep": [1]}],
        "mail": "ada@example.com",
        "old/mail": "ada@example.com",
    }


def test_a_patch_creates_a_profile(sandbox: Api) -> None:
    operations = [{"op": "add", "path": "/name", "value": "Grace"}]
    assert sandbox.patch("/profiles/grace", {"patch": operations}).status_code == 200
    assert _stored(sandbox, "grace") == {"name": "Grace"}


@pytest.mark.parametrize(
    "operation",
    [
        {"op": "test", "path": "/email", "value": "other"},
        {"op": "remove", "path": "/missing"},
        {"op": "replace", "path": "/missing/deep", "value": 1},
        {"op": "invent", "path": "/email"},
        {"op": "add", "path": "email", "value": 1},
        {"op": "add", "path": "/email"},
        {"path": "/email", "value": 1},
        {"op": "add", "path": "/tags/x", "value": 1},
        {"op": "add", "path": "/tags/9", "value": 1},
        {"op": "replace", "path": "", "value": []},
        {"op": 1, "path": 2},
        {},
    ],
)
def test_a_patch_that_fails_changes_nothing(ada: Api, operation: dict[str, Any]) -> None:
    operations = [{"op": "replace", "path": "/address/city", "value": "Paris"}, operation]
    answer = ada.patch("/profiles/ada", {"patch": operations})
    assert (answer.status_code, answer.json()["type"]) == (400, "invalid_request_error"), answer.text
    assert _stored(ada) == ADA


def test_a_failed_test_does_not_tell_what_is_stored(ada: Api) -> None:
    answer = ada.patch("/profiles/ada", {"patch": [{"op": "test", "path": "/email", "value": "guess"}]})
    assert (answer.status_code, "'/email'" in answer.json()["message"]) == (400, True)
    assert "ada@" not in answer.text


def test_an_empty_patch_makes_no_profile(ada: Api) -> None:
    assert ada.patch("/profiles/bob", {"patch": []}).json() == SUCCESS
    assert ada.get("/profiles/bob").status_code == 404


def test_a_patch_has_a_size(ada: Api) -> None:
    operations = [{"op": "test", "path": "/email", "value": "ada@example.com"}] * 1001
    assert ada.patch("/profiles/ada", {"patch": operations}).status_code == 400


@pytest.mark.parametrize("to", ["/tags/-", "/address/{}"])
def test_copies_cannot_grow_without_end(ada: Api, to: str) -> None:
    """Forty copies of twice as much each would be a million megabytes, or nested deeper than can be read."""
    source = to.rpartition("/")[0]
    copies = [{"op": "copy", "from": source, "path": to.format(number)} for number in range(40)]
    answer = ada.patch("/profiles/ada", {"patch": copies})
    assert (answer.status_code, answer.json()["type"]) == (400, "invalid_request_error")
    assert _stored(ada) == ADA
    assert ada.patch("/profiles/ada", {"patch": copies[:2]}).status_code == 200


def test_what_a_patch_leads_to_is_no_deeper_than_what_is_given(ada: Api) -> None:
    deeper = [{"op": "add", "path": "/deep" + "/deep" * number, "value": {}} for number in range(900)]
    copy = {"op": "copy", "from": "/deep", "path": "/again"}
    for operations in (deeper, [*deeper, copy]):
        assert ada.patch("/profiles/ada", {"patch": operations}).status_code == 400
    assert _stored(ada) == ADA


def test_a_profile_is_deleted_and_deleting_it_again_is_fine(ada: Api) -> None:
    for _ in range(2):
        answer = ada.delete("/profiles/ada")
        assert (answer.status_code, answer.content) == (204, b"")
    answer = ada.get("/profiles/ada")
    assert (answer.status_code, answer.json()["type"]) == (404, "not_found")


@pytest.mark.parametrize(
    "user", ["a/b", "a b", "ü", "a%2Fb", "..", ".", "a?b#c", "a+b", "auth0|1", "{x}", "a;b=c"]
)
def test_an_id_may_hold_anything(sandbox: Api, pipeline: Pipeline, user: str) -> None:
    path = f"/profiles/{quote(user, safe='').replace('.', '%2E')}"
    assert sandbox.put(path, {"profile": {"email": f"{len(user)}@example.com"}}).json() == SUCCESS
    assert sandbox.get(path).json() == {"profile": {"email": f"{len(user)}@example.com"}}
    id_ = sandbox.send(to={"user_id": user})
    pipeline.drain()
    assert sandbox.message(id_)["recipient"] == user
    assert [message["id"] for message in sandbox.messages(recipient=user)] == [id_]


def test_an_id_with_a_slash_is_one_user(sandbox: Api) -> None:
    sandbox.put("/profiles/a%2Fb", {"profile": {"name": "one"}})
    assert sandbox.get("/profiles/a/b").status_code == 404
    assert sandbox.get("/profiles/a").status_code == 404


def test_the_worlds_have_profiles_of_their_own(ada: Api, api: Api) -> None:
    assert api.get("/profiles/ada").status_code == 404
    api.put("/profiles/ada", {"profile": {"name": "other"}})
    assert _stored(ada) == ADA


@pytest.mark.parametrize("call", ["post", "put"])
@pytest.mark.parametrize(
    "body",
    [{}, {"profile": []}, {"profile": None}, {"profile": {"a": "\0"}}, {"profile": {"a\0": 1}}, [], None, 1],
)
def test_a_body_that_is_no_profile_is_refused(ada: Api, call: str, body: Any) -> None:
    answer = getattr(ada, call)("/profiles/ada", body)
    assert (answer.status_code, answer.json()["type"]) == (400, "invalid_request_error"), answer.text
    assert _stored(ada) == ADA


def test_changes_at_the_same_time_all_count(sandbox: Api) -> None:
    def change(number: int) -> int:
        return (
            Api(sandbox.base_url, sandbox.key)
            .post("/profiles/ada", {"profile": {f"key-{number}": number}})
            .status_code
        )

    with ThreadPoolExecutor(8) as threads:
        assert set(threads.map(change, range(24))) == {200}
    assert _stored(sandbox) == {f"key-{number}": number for number in range(24)}


def test_a_post_under_a_key_counts_once(ada: Api) -> None:
    answers = [
        ada.post("/profiles/ada", {"profile": {"name": name}}, idempotency_key="k")
        for name in ("first", "second")
    ]
    assert [(answer.status_code, answer.json()) for answer in answers] == [(200, SUCCESS)] * 2
    assert _stored(ada)["name"] == "first"


def test_a_post_that_was_refused_leaves_its_key_free(ada: Api) -> None:
    assert ada.post("/profiles/ada", {"profile": 1}, idempotency_key="k").status_code == 400
    assert ada.post("/profiles/ada", {"profile": {"name": "Ada"}}, idempotency_key="k").status_code == 200
    assert _stored(ada)["name"] == "Ada"
