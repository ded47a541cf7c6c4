"""API keys: scopes, expiry, rotation, and that each route says what it asks for."""

import re
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest

from notify import clock, errors
from notify.api import scopes
from notify.api.app import create_app
from notify.manage import keys
from notify.model.names import Mode, World
from notify.model.scopes import EVERYTHING, KeyScope
from notify.store import cache
from tests import factories
from tests.integration.harness import Api, Database, Pipeline, Time

WithScopes = Callable[..., Api]


@pytest.fixture
def with_scopes(base_url: str, pipeline: Pipeline) -> WithScopes:
    return lambda *given: Api(base_url, keys.create(World.TEST, "tests", scopes=frozenset(given)))


@pytest.fixture
def _uncached(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cache, "MAX_AGE_S", 0)


def _id(name: str) -> Any:
    return next(key.id for key in keys.find() if key.name == name and key.revoked_at is None)


def _error(answer: Any) -> tuple[int, str]:
    return answer.status_code, answer.json()["type"]


# --- scopes --------------------------------------------------------------------------------------


def test_a_key_does_what_its_scopes_say_and_nothing_else(with_scopes: WithScopes) -> None:
    forbidden = (403, "authorization_error")
    sender, reader = with_scopes(KeyScope.SEND), with_scopes(KeyScope.READ)
    manager, operator = with_scopes(KeyScope.MANAGE), with_scopes(KeyScope.ADMIN)
    id_ = sender.send()
    assert reader.message(id_)["status"] == "ENQUEUED"
    assert sender.put("/profiles/ada", {"profile": {"email": factories.ADA}}).status_code == 200
    manager.configure("smtp", {"host": "localhost", "from_address": factories.SENDER})
    assert operator.get("/audit-events").status_code == 200
    for other in (reader, manager, operator):
        assert _error(other.post("/send", {"message": factories.message()})) == forbidden
    for other in (sender, manager, operator):
        assert _error(other.get(f"/messages/{id_}")) == forbidden
    for other in (sender, reader, operator):
        assert _error(other.post("/providers", {"provider": "smtp"})) == forbidden
    for other in (sender, reader, manager):
        assert _error(other.post("/pauses", {"kind": "all"})) == forbidden
    assert "'send'" in reader.post("/send", {"message": factories.message()}).json()["message"]


def test_a_forbidden_call_with_an_idempotency_key_is_forbidden_too(with_scopes: WithScopes) -> None:
    answer = with_scopes(KeyScope.READ).post("/providers", {"provider": "smtp"}, idempotency_key="k")
    assert _error(answer) == (403, "authorization_error")


def test_a_key_may_do_everything_unless_told_otherwise(sandbox: Api) -> None:
    assert {key.scopes for key in keys.find()} == {EVERYTHING}


def _operations() -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, operations in create_app().openapi()["paths"].items():
        for method, operation in operations.items():
            yield method.upper(), path, operation


def test_openapi_names_the_scope_of_every_operation_and_a_key_without_it_is_refused(
    with_scopes: WithScopes,
) -> None:
    described = [
        (method, path, operation["security"])
        for method, path, operation in _operations()
        # What needs no key has no security; which that may be is tested elsewhere.
        if "security" in operation
    ]
    assert len(described) > 30
    apis = {scope: with_scopes(*(EVERYTHING - {scope})) for scope in EVERYTHING}
    for method, path, security in described:
        scope = scopes.required(method, path)
        assert [names for scheme in security for names in scheme.values()] == [[scope]], (method, path)
        answer = apis[scope].call(method, re.sub(r"\{.*?\}", "x", path), json={})
        assert _error(answer) == (403, "authorization_error"), (method, path)


@pytest.mark.usefixtures("configured")
def test_what_reads_only_reads_and_what_steers_is_for_operators() -> None:
    rules = {(method, path): scopes.required(method, path) for method, path, _ in _operations()}
    assert rules["POST", "/send"] is KeyScope.SEND
    assert rules["GET", "/providers"] is KeyScope.READ
    assert rules["POST", "/providers"] is KeyScope.MANAGE
    assert {rules[call] for call in rules if call[1].startswith("/pauses")} == {KeyScope.ADMIN}
    assert rules["DELETE", "/users/{user_id}/data"] is KeyScope.ADMIN
    # A client token may do no more than the key that issues it.
    issuing = "/auth/issue-token"
    changes = {scope for (method, path), scope in rules.items() if method != "GET" and path != issuing}
    assert KeyScope.READ not in changes


# --- expiry, use, rotation -----------------------------------------------------------------------


def test_a_key_expires(base_url: str, pipeline: Pipeline, time: Time) -> None:
    api = Api(base_url, keys.create(World.TEST, "short", expires_at=clock.now() + timedelta(seconds=60)))
    assert api.get("/messages").status_code == 200
    time.passes(seconds=61)
    assert _error(api.get("/messages")) == (401, "authentication_error")


@pytest.mark.usefixtures("_uncached")
def test_the_use_of_a_key_is_written_down_once_a_minute(sandbox: Api, database: Database) -> None:
    seen = "SELECT last_used_at FROM api_key"
    assert database.one(seen) is None
    sandbox.get("/messages")
    first = database.one(seen)
    assert first is not None
    sandbox.get("/messages")
    assert database.one(seen) == first
    database("UPDATE api_key SET last_used_at = now() - interval '2 minutes'")
    sandbox.get("/messages")
    assert database.one(seen) > first


@pytest.mark.usefixtures("_uncached")
def test_a_rotated_key_works_until_the_overlap_is_over(
    base_url: str, pipeline: Pipeline, time: Time, database: Database
) -> None:
    old = keys.create(World.PRODUCTION, "shop", Mode.DRAFT, frozenset({KeyScope.READ}))
    new = keys.rotate(_id("shop"), timedelta(hours=1))
    assert new.clear.startswith("dk_prod_")
    rotated = next(key for key in keys.find() if key.id == new.id)
    assert (rotated.name, rotated.scopes, rotated.expires_at) == ("shop", {KeyScope.READ}, None)
    before, after = Api(base_url, old), Api(base_url, new.clear)
    assert {before.get("/messages").status_code, after.get("/messages").status_code} == {200}
    database("UPDATE api_key SET expires_at = now() WHERE expires_at IS NOT NULL")
    assert (before.get("/messages").status_code, after.get("/messages").status_code) == (401, 200)


def test_a_key_that_expires_is_replaced_by_one_that_lives_as_long(configured: object) -> None:
    keys.create(World.TEST, "quarterly", expires_at=clock.now() + timedelta(days=90))
    old = next(key for key in keys.find())
    new = keys.rotate(old.id, timedelta(days=365))
    assert new.until == old.expires_at
    created = next(key for key in keys.find() if key.id == new.id)
    assert created.expires_at
    assert abs(created.expires_at - clock.now() - timedelta(days=90)) < timedelta(minutes=1)


def test_what_is_no_key_in_force_cannot_be_rotated_or_revoked(configured: object) -> None:
    keys.create(World.TEST, "gone")
    gone = _id("gone")
    keys.revoke(gone)
    for change in (keys.revoke, keys.rotate):
        with pytest.raises(errors.NotFound):
            change(gone)


@pytest.mark.parametrize(
    "wrong", [{"scopes": frozenset()}, {"expires_at": clock.now() - timedelta(seconds=1)}]
)
def test_a_key_that_could_do_nothing_is_not_made(configured: object, wrong: dict[str, Any]) -> None:
    with pytest.raises(errors.InvalidRequest):
        keys.create(World.TEST, "useless", **wrong)
