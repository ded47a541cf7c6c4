"""Profiles, devices, tenants, audiences, bulk jobs and client tokens, as the official client has them."""

from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

import jwt
import pytest
from courier import (
    AuthenticationError,
    BadRequestError,
    ConflictError,
    Courier,
    NotFoundError,
    PermissionDeniedError,
)

from notify import clock
from tests.clients.conftest import client_of
from tests.integration.harness import Api, Database, Pipeline

CONTENT: Any = {"title": "Hi {{profile.name}}", "body": "{{tenant.plan}} {{tenant.name}}"}


def _send(client: Courier, pipeline: Pipeline, to: Any, **more: Any) -> str:
    sent = client.send.message(message={"to": to, "content": CONTENT, **more})
    pipeline.drain()
    return sent.request_id


def _reached(client: Courier, request_id: str) -> list[str]:
    return sorted(one.recipient for one in client.messages.list(trace_id=request_id).results)


def _said(sandbox: Api, id_: str) -> tuple[str, str]:
    found = sandbox.output(id_, "email")
    return found["subject"], found["text"].strip()


# --- profiles ------------------------------------------------------------------------------------


def test_a_profile(client: Courier) -> None:
    client.profiles.create(
        "a/da", profile={"email": "a@example.com", "address": {"city": "London", "zip": "E1"}}
    )
    client.profiles.create("a/da", profile={"address": {"zip": "N1"}})
    assert client.profiles.retrieve("a/da").preferences is None
    assert client.profiles.retrieve("a/da").profile["address"] == {"city": "London", "zip": "N1"}
    client.profiles.update("a/da", patch=[{"op": "replace", "path": "/email", "value": "b@example.com"}])
    client.profiles.replace("a/da", profile={"name": "Ada"})
    assert client.profiles.retrieve("a/da").profile == {"name": "Ada"}
    with pytest.raises(BadRequestError):
        client.profiles.update("a/da", patch=[{"op": "remove", "path": "/email", "value": ""}])
    client.profiles.delete("a/da")
    with pytest.raises(NotFoundError):
        client.profiles.retrieve("a/da")


# --- devices -------------------------------------------------------------------------------------


def test_a_token(client: Courier) -> None:
    user = client.users.tokens
    user.add_single(
        "t/1", user_id="a/da", provider_key="firebase-fcm", device={"platform": "ios"}, properties={"a": 1}
    )
    found = user.retrieve("t/1", user_id="a/da")
    assert (found.token, found.provider_key, found.status, found.properties) == (
        "t/1",
        "firebase-fcm",
        "active",
        {"a": 1},
    )
    assert found.device is not None
    assert found.device.platform == "ios"
    until = datetime.fromisoformat(str(found.expiry_date))
    assert timedelta(days=59) < until - datetime.now(UTC) < timedelta(days=61)
    user.update("t/1", user_id="a/da", patch=[{"op": "replace", "path": "/expiry_date", "value": False}])
    assert user.retrieve("t/1", user_id="a/da").expiry_date is False
    user.add_multiple("a/da", extra_body={"tokens": [{"token": "t2", "provider_key": "expo"}]})
    user.add_multiple("a/da", extra_body=[{"token": "t3", "provider_key": "apn"}])
    assert {one.token for one in user.list("a/da").tokens} == {"t/1", "t2", "t3"}
    user.add_single("t2", user_id="bob", provider_key="expo")
    assert {one.token for one in user.list("a/da").tokens} == {"t/1", "t3"}
    user.delete("t/1", user_id="a/da")
    for missing in (user.delete, user.retrieve):
        with pytest.raises(NotFoundError):
            missing("t/1", user_id="a/da")


@pytest.mark.parametrize("expiry", [True, "tomorrow", "2026-13-01", "9999-12-31T23:59:59-01:00"])
def test_an_expiry_that_is_none_is_refused(client: Courier, expiry: Any) -> None:
    with pytest.raises(BadRequestError):
        client.users.tokens.add_single("t", user_id="ada", provider_key="expo", expiry_date=expiry)


def test_what_is_no_token_is_refused(client: Courier, sandbox: Api) -> None:
    with pytest.raises(BadRequestError):
        client.users.tokens.add_multiple("ada")
    many = [{"token": f"t{number}", "provider_key": "expo"} for number in range(101)]
    for given in (many, {"tokens": many}):
        with pytest.raises(BadRequestError):
            client.users.tokens.add_multiple("ada", extra_body=given)
    body = {"provider_key": "expo", "token": "other"}
    assert sandbox.put("/users/ada/tokens/t", body).status_code == 400
    assert sandbox.put("/users/ada/tokens/t", {"provider_key": "pigeon"}).status_code == 400
    client.users.tokens.add_single("t", user_id="ada", provider_key="expo")
    for change in (
        {"path": "/token", "value": "u"},
        {"path": "/provider_key", "value": 1},
        {"path": "/device", "value": 1},
    ):
        patch = {"patch": [{"op": "replace", **change}]}
        assert sandbox.patch("/users/ada/tokens/t", patch).status_code == 400


def test_push_goes_to_the_devices_in_use(client: Courier, pipeline: Pipeline, sandbox: Api) -> None:
    yesterday = (clock.now() - timedelta(days=1)).isoformat()
    add = client.users.tokens.add_single
    add("new", user_id="ada", provider_key="firebase-fcm")
    add("dead", user_id="ada", provider_key="firebase-fcm")
    add("old", user_id="ada", provider_key="firebase-fcm", expiry_date=yesterday)
    add("expo-1", user_id="ada", provider_key="expo")
    client.profiles.create("ada", profile={"firebaseToken": "own", "expo": {"token": "kept"}})
    failed: Any = [
        {"op": "replace", "path": "/status", "value": "failed"},
        {"op": "replace", "path": "/status_reason", "value": "NotRegistered"},
    ]
    client.users.tokens.update("dead", user_id="ada", patch=failed)
    assert client.users.tokens.retrieve("dead", user_id="ada").status_reason == "NotRegistered"
    id_ = _send(client, pipeline, {"user_id": "ada"}, routing={"method": "single", "channels": ["push"]})
    assert sandbox.message(id_)["status"] == "SENT"
    (loaded,) = sandbox.history(id_, "PROFILE_LOADED")
    profile = loaded["merged_profile"]
    assert profile["firebaseToken"] == ["own", "new"]
    assert profile["expo"] == {"token": "kept", "tokens": ["expo-1"]}


def test_a_profile_comes_with_what_the_user_chose(client: Courier, sandbox: Api) -> None:
    topic = _topic(sandbox)
    client.profiles.create("ada", profile={"email": None})
    wish: Any = {"status": "OPTED_OUT", "has_custom_routing": True, "custom_routing": ["sms", "email"]}
    client.users.preferences.update_or_create_topic(topic, user_id="ada", topic=wish)
    found = client.profiles.retrieve("ada")
    assert found.profile == {"email": None}
    assert found.preferences
    assert found.preferences.to_dict() == {
        "categories": {
            topic: {
                "status": "OPTED_OUT",
                "channel_preferences": [{"channel": "email"}, {"channel": "sms"}],
            }
        }
    }


# --- tenants -------------------------------------------------------------------------------------


def _topic(sandbox: Api) -> str:
    section = sandbox.post("/preferences/sections", {"name": "Orders", "has_custom_routing": True})
    path = f"/preferences/sections/{section.json()['id']}/topics"
    return str(sandbox.post(path, {"name": "Offers", "default_status": "OPTED_IN"}).json()["id"])


def _section_of(sandbox: Api, topic_id: str) -> str:
    sections = sandbox.get("/preferences/sections").json()["results"]
    return next(one["id"] for one in sections if topic_id in {topic["id"] for topic in one["topics"]})


def test_a_tenant(client: Courier, sandbox: Api) -> None:
    offers, news = _topic(sandbox), _topic(sandbox)
    item = {"id": news, "status": "OPTED_OUT", "has_custom_routing": True, "custom_routing": ["email"]}
    defaults: Any = {"items": [item]}
    unknown: Any = {"items": [item, {"id": "gone", "status": "OPTED_OUT"}]}
    with pytest.raises(BadRequestError, match="the topic 'gone'"):
        client.tenants.update("a/cme", name="Acme", default_preferences=unknown)
    made = client.tenants.update(
        "a/cme", name="Acme", properties={"plan": "pro"}, default_preferences=defaults
    )
    assert (made.id, made.name, made.properties) == ("a/cme", "Acme", {"plan": "pro"})
    assert sandbox.delete(f"/preferences/sections/{_section_of(sandbox, news)}/topics/{news}").ok
    # As it was shown: what was archived since is no reason to refuse it.
    client.tenants.update("a/cme", name="Acme", default_preferences=defaults)
    client.tenants.preferences.items.update(offers, tenant_id="a/cme", status="REQUIRED")
    with pytest.raises(NotFoundError, match="topic 'gone'"):
        client.tenants.preferences.items.update("gone", tenant_id="a/cme", status="REQUIRED")
    client.tenants.preferences.items.delete(news, tenant_id="a/cme")
    found = client.tenants.retrieve("a/cme").default_preferences
    assert found is not None
    assert [(one.id, one.status) for one in found.items or []] == [(offers, "REQUIRED")]
    with pytest.raises(NotFoundError):
        client.tenants.preferences.items.delete(news, tenant_id="a/cme")
    with pytest.raises(NotFoundError):
        client.tenants.preferences.items.update(offers, tenant_id="nobody", status="REQUIRED")
    client.tenants.delete("a/cme")
    for missing in (client.tenants.delete, client.tenants.retrieve, client.tenants.list_users):
        with pytest.raises(NotFoundError):
            missing("a/cme")


def test_tenants_form_a_tree(client: Courier) -> None:
    for name, parent in (("a", None), ("b", "a"), ("c", "b"), ("d", "a")):
        client.tenants.update(name, name=name, parent_tenant_id=parent)
    for parent in ("c", "a"):
        with pytest.raises(BadRequestError, match="below itself"):
            client.tenants.update("a", name="a", parent_tenant_id=parent)
    with pytest.raises(BadRequestError):
        client.tenants.update("e", name="e", parent_tenant_id="nobody")
    assert [one.id for one in client.tenants.list(parent_tenant_id="a").items] == ["b", "d"]
    client.tenants.delete("b")
    assert client.tenants.retrieve("c").parent_tenant_id is None


def test_tenants_and_members_are_paged(client: Courier, sandbox: Api) -> None:
    for number in range(5):
        client.tenants.update(f"t{number}", name="T")
    first = client.tenants.list(limit=2)
    assert ([one.id for one in first.items], first.has_more, first.url) == (
        ["t0", "t1"],
        True,
        "/tenants?limit=2",
    )
    assert first.next_url is not None
    assert [one["id"] for one in sandbox.get(first.next_url).json()["items"]] == ["t2", "t3"]
    last = client.tenants.list(limit=100)
    assert (last.has_more, last.cursor, last.next_url) == (False, None, None)
    client.users.tenants.add_multiple("a/da", tenants=[{"tenant_id": f"t{number}"} for number in range(5)])
    mine = client.users.tenants.list("a/da", limit=3)
    rest = client.users.tenants.list("a/da", limit=3, cursor=mine.cursor)
    assert [one.tenant_id for one in [*(mine.items or []), *(rest.items or [])]] == [
        f"t{n}" for n in range(5)
    ]
    assert [one.user_id for one in client.tenants.list_users("t0").items or []] == ["a/da"]
    for limit in (0, 101):
        with pytest.raises(BadRequestError):
            client.tenants.list(limit=limit)
    with pytest.raises(BadRequestError):
        client.users.tenants.list("bob", cursor=mine.cursor)


def test_memberships(client: Courier) -> None:
    for name in ("a", "b"):
        client.tenants.update(name, name=name)
    client.users.tenants.add_multiple("ada", tenants=[{"tenant_id": "a", "profile": {"title": "Boss"}}])
    client.users.tenants.add_single("b", user_id="ada")
    found = client.users.tenants.list("ada").items or []
    assert [(one.tenant_id, one.profile, one.type) for one in found] == [
        ("a", {"title": "Boss"}, "user"),
        ("b", None, "user"),
    ]
    with pytest.raises(NotFoundError):
        client.users.tenants.add_multiple("ada", tenants=[{"tenant_id": "a"}, {"tenant_id": "nobody"}])
    assert (client.users.tenants.list("ada").items or [])[0].profile == {"title": "Boss"}
    client.users.tenants.remove_single("a", user_id="ada")
    with pytest.raises(NotFoundError):
        client.users.tenants.remove_single("a", user_id="ada")
    client.users.tenants.remove_all("ada")
    assert client.users.tenants.list("ada").items == []


@pytest.fixture
def family(client: Courier) -> Courier:
    """Acme above Acme Europe; ada is in both, bob in the lower one."""
    root: Any = {"email": "all@acme.com", "name": "root", "a": 1}
    client.tenants.update("acme", name="Acme", properties={"plan": "pro"}, user_profile=root)
    client.tenants.update("eu", name="Europe", parent_tenant_id="acme", user_profile={"name": "eu"})
    client.users.tenants.add_single("acme", user_id="ada")
    client.users.tenants.add_single("eu", user_id="ada", profile={"name": "Ada of Europe"})
    client.users.tenants.add_single("eu", user_id="bob")
    return client


def test_a_send_in_a_tenants_context(family: Courier, pipeline: Pipeline, sandbox: Api) -> None:
    family.profiles.create("ada", profile={"name": "Ada"})
    in_root = _send(family, pipeline, {"user_id": "ada", "tenant_id": "acme"})
    assert _said(sandbox, in_root) == ("Hi Ada", "pro Acme")
    below = _send(family, pipeline, {"user_id": "ada"}, context={"tenant_id": "eu"})
    assert _said(sandbox, below) == ("Hi Ada of Europe", "pro Europe")
    given = _send(family, pipeline, {"user_id": "ada", "tenant_id": "eu", "name": "Now"})
    assert _said(sandbox, given)[0] == "Hi Now"
    stranger = _send(family, pipeline, {"user_id": "eve", "tenant_id": "eu"})
    assert _said(sandbox, stranger)[0] == "Hi eu"
    assert {one["id"] for one in sandbox.messages(tenant_id="eu")} == {below, given, stranger}


def test_who_has_one_tenant_is_sent_to_in_it(
    family: Courier, pipeline: Pipeline, sandbox: Api, configured: Any
) -> None:
    several = _send(family, pipeline, {"user_id": "ada", "email": "a@example.com"})
    assert _said(sandbox, several) == ("Hi", "")
    one = _send(family, pipeline, {"user_id": "bob"})
    assert _said(sandbox, one) == ("Hi eu", "pro Europe")
    assert [found["id"] for found in sandbox.messages(tenant_id="eu")] == [one]
    configured(single_tenant_context="false")
    off = _send(family, pipeline, {"user_id": "bob", "email": "a@example.com"})
    assert _said(sandbox, off) == ("Hi", "")


def test_the_members_of_a_tenant(family: Courier, pipeline: Pipeline, sandbox: Api) -> None:
    assert _reached(family, _send(family, pipeline, {"tenant_id": "acme"})) == ["ada"]
    request_id = _send(family, pipeline, {"tenant_id": "acme", "include_children": True})
    assert _reached(family, request_id) == ["ada", "bob"]
    by_user = {one["recipient"]: one["id"] for one in sandbox.messages(traceId=request_id)}
    assert (_said(sandbox, by_user["ada"])[1], _said(sandbox, by_user["bob"])[1]) == (
        "pro Acme",
        "pro Europe",
    )
    assert _reached(family, _send(family, pipeline, {"tenant_id": "nobody"})) == []


# --- audiences -----------------------------------------------------------------------------------


def test_an_audience(client: Courier) -> None:
    rules: Any = [
        {"operator": "EQ", "path": "title", "value": "Engineer"},
        {"operator": "GT", "path": "age", "value": "30"},
    ]
    made = client.audiences.update("a/1", name="Old", filter={"filters": rules}, operator="OR").audience
    assert (made.id, made.name, made.operator, made.description) == ("a/1", "Old", "OR", "")
    client.profiles.create("ada", profile={"title": "Engineer"})
    client.profiles.create("bob", profile={"title": "Boss", "age": 40})
    client.profiles.create("eve", profile={"title": "engineer"})
    (ada, bob) = client.audiences.list_members("a/1").items
    assert (ada.member_id, ada.reason, ada.audience_version) == ("ada", "EQ('title', 'Engineer') => true", 1)
    assert (bob.member_id, bob.reason) == ("bob", "GT('age', '30') => true")
    client.audiences.update("a/1", description="Both", operator="AND")
    found = client.audiences.retrieve("a/1")
    assert (found.description, found.name, found.operator) == ("Both", "Old", "AND")
    client.profiles.create("ada", profile={"age": 31})
    assert [(one.member_id, one.audience_version) for one in client.audiences.list_members("a/1").items] == [
        ("ada", 2)
    ]
    assert [one.id for one in client.audiences.list().items] == ["a/1"]
    client.audiences.delete("a/1")
    for missing in (client.audiences.delete, client.audiences.retrieve, client.audiences.list_members):
        with pytest.raises(NotFoundError):
            missing("a/1")


BAD_FILTERS: dict[str, Any] = {
    "two rules without operator": {"filters": [{"operator": "EQ", "path": "a", "value": "1"}] * 2},
    "no rules": {"operator": "AND", "filters": []},
    "an unknown operator": {"operator": "LIKE", "path": "a", "value": "1"},
    "no path": {"operator": "EQ", "value": "1"},
    "an empty part": {"operator": "EQ", "path": "a..b", "value": "1"},
    "no number": {"operator": "GT", "path": "a", "value": "many"},
    "no date": {"operator": "IS_AFTER", "path": "a", "value": "2024-02-30"},
    "neither true nor false": {"operator": "EXISTS", "path": "a", "value": "yes"},
    "a list": {"operator": "EQ", "path": "a", "value": ["1"]},
    "too deep": {"operator": "AND", "filters": [{"operator": "AND", "filters": [{"operator": "AND"}]}]},
}


@pytest.mark.parametrize("bad", BAD_FILTERS.values(), ids=BAD_FILTERS)
def test_a_filter_that_is_none_is_refused(sandbox: Api, bad: Any) -> None:
    answer = sandbox.put("/audiences/x", {"filter": bad})
    assert (answer.status_code, answer.json()["type"]) == (400, "invalid_request_error")
    assert answer.json()["message"].startswith("filter")
    assert sandbox.get("/audiences/x").status_code == 404


RULE = {"operator": "EQ", "path": "a", "value": "1"}


@pytest.mark.parametrize("filter_", [RULE, {"operator": "AND", "filters": [RULE]}, None])
def test_an_operator_that_is_none_is_refused(sandbox: Api, filter_: Any) -> None:
    answer = sandbox.put("/audiences/x", {"filter": filter_, "operator": "XOR"})
    assert (answer.status_code, answer.json()["message"]) == (400, "operator: must be 'AND' or 'OR'")


def test_members_are_paged(client: Courier) -> None:
    client.audiences.update("all", filter={"operator": "EXISTS", "path": "n", "value": "true"})  # type: ignore[typeddict-item]
    for number in range(101):
        client.profiles.create(f"user-{number:03}", profile={"n": number})
    first = client.audiences.list_members("all")
    rest = client.audiences.list_members("all", cursor=first.paging.cursor)
    assert (len(first.items), [one.member_id for one in rest.items]) == (100, ["user-100"])
    assert (rest.paging.more, rest.paging.cursor) == (False, None)


def test_a_send_to_an_audience(client: Courier, pipeline: Pipeline, sandbox: Api, configured: Any) -> None:
    configured(expand_chunk=2)
    for number in range(7):
        client.profiles.create(f"user-{number}", profile={"n": number, "email": f"u{number}@example.com"})
    client.audiences.update("odd", filter={"operator": "INCLUDES", "path": "n", "value": "1"})  # type: ignore[typeddict-item]
    assert _reached(client, _send(client, pipeline, {"audience_id": "odd"})) == []
    client.audiences.update("odd", filter={"operator": "GTE", "path": "n", "value": "3"})  # type: ignore[typeddict-item]
    request_id = _send(client, pipeline, {"audience_id": "odd"})
    assert _reached(client, request_id) == [f"user-{number}" for number in range(3, 7)]
    client.audiences.delete("odd")
    (lost,) = sandbox.messages(traceId=_send(client, pipeline, {"audience_id": "odd"}))
    assert (lost["status"], lost["error"]) == ("UNROUTABLE", "Audience 'odd' does not exist.")
    assert "UNROUTABLE" in sandbox.happened(lost["id"])


# --- bulk ----------------------------------------------------------------------------------------


def test_a_bulk_job(client: Courier, pipeline: Pipeline, sandbox: Api, configured: Any) -> None:
    configured(expand_chunk=2)
    client.profiles.create("ada", profile={"email": "ada@example.com", "name": "Ada"})
    content: Any = {"title": "{{profile.name}} {{a}} {{b}}", "body": "."}
    job = client.bulk.create_job(
        message={"event": "hello", "content": content, "data": {"a": 1, "b": 2}}
    ).job_id
    users: Any = [
        {"to": {"user_id": "ada"}, "data": {"b": 3}},
        {"profile": {"email": "bob@example.com", "name": "Bob"}},
        {"recipient": "nobody"},
    ]
    client.bulk.add_users(job, users=users)
    answer = sandbox.post(
        f"/bulk/{job}", {"users": [{"recipient": "ada"}, {"to": {"list_id": "x"}}, {"recipient": "eve"}]}
    )
    errors = [one["error"] for one in answer.json()["errors"]]
    assert (answer.json()["total"], sorted(errors)) == (
        1,
        ["Duplicate user", "to: names a group, not a user"],
    )
    found = client.bulk.retrieve_job(job).job
    assert (found.status, found.received, found.enqueued, found.definition.event) == (
        "CREATED",
        4,
        0,
        "hello",
    )
    assert {one.status for one in client.bulk.list_users(job).items} == {"PENDING"}
    client.bulk.run_job(job)
    assert client.bulk.retrieve_job(job).job.status == "PROCESSING"
    pipeline.drain()
    found = client.bulk.retrieve_job(job).job
    assert (found.status, found.received, found.enqueued, found.failures) == ("COMPLETED", 4, 4, 0)
    items = client.bulk.list_users(job).items
    assert [one.status for one in items] == ["ENQUEUED"] * 4
    ids = [str(one.message_id) for one in items]
    assert [sandbox.message(id_)["status"] for id_ in ids] == ["SENT"] * 4
    assert [_said(sandbox, id_)[0] for id_ in ids[:2]] == ["Ada 1 3", "Bob 1 2"]
    assert sandbox.message(ids[0])["event"] == "hello"
    for late in (lambda: client.bulk.run_job(job), lambda: client.bulk.add_users(job, users=users)):
        with pytest.raises(ConflictError) as error:
            late()
        assert error.value.response.headers["x-should-retry"] == "false"


def test_a_bulk_job_that_is_given_up_says_whom_it_did_not_reach(
    client: Courier, pipeline: Pipeline, sandbox: Api, database: Database
) -> None:
    content: Any = {"title": "Hi", "body": "."}
    job = client.bulk.create_job(message={"event": "hello", "content": content}).job_id
    client.bulk.add_users(job, users=[{"recipient": "ada"}, {"recipient": "bob"}])
    client.bulk.run_job(job)
    database("UPDATE work SET lost = 3")
    pipeline.drain()
    found = client.bulk.retrieve_job(job).job
    assert (found.status, found.received, found.enqueued, found.failures) == ("ERROR", 2, 0, 2)
    users = client.bulk.list_users(job).items
    assert [(one.status, one.message_id) for one in users] == [("ERROR", None)] * 2


def test_bulk_jobs_that_are_refused(client: Courier, sandbox: Api) -> None:
    with pytest.raises(BadRequestError, match="The 'event' parameter is required"):
        client.bulk.create_job(message={"data": {}})  # type: ignore[typeddict-item]
    job = client.bulk.create_job(message={"event": "hello"}).job_id
    with pytest.raises(BadRequestError, match="1000"):
        client.bulk.add_users(job, users=[{"recipient": str(number)} for number in range(1001)])
    for call in (client.bulk.retrieve_job, client.bulk.list_users, client.bulk.run_job):
        with pytest.raises(NotFoundError):
            call("nobody")
    other = {"message": {"to": {"bulk_job_id": job}, "content": CONTENT}}
    assert sandbox.post("/send", other).status_code == 202


# --- client tokens -------------------------------------------------------------------------------


def test_a_client_token_opens_what_its_scopes_name(client: Courier, pipeline: Pipeline, sandbox: Api) -> None:
    scope = "user_id:a/da write:user-tokens read:user-tokens read:messages"
    app = client_of(sandbox, client.auth.issue_token(scope=scope, expires_in="2 hours").token)
    app.users.tokens.add_single("t", user_id="a/da", provider_key="expo")
    assert [one.token for one in app.users.tokens.list("a/da").tokens] == ["t"]
    mine = _send(client, pipeline, {"user_id": "a/da"})
    other = _send(client, pipeline, {"user_id": "bob"})
    assert [one.id for one in app.messages.list().results] == [mine]
    assert app.messages.retrieve(mine).recipient == "a/da"
    with pytest.raises(NotFoundError):
        app.messages.retrieve(other)
    refused: list[Any] = [
        lambda: app.users.tokens.list("bob"),
        lambda: app.messages.list(recipient="bob"),
        lambda: app.messages.cancel(mine),
        lambda: app.profiles.retrieve("a/da"),
        lambda: app.send.message(message={"to": {"user_id": "a/da"}, "content": CONTENT}),
        lambda: app.auth.issue_token(scope="user_id:bob read:messages", expires_in="1d"),
        lambda: app.lists.list(),
        lambda: app.audit_events.list(),
    ]
    for call in refused:
        with pytest.raises(PermissionDeniedError):
            call()


def test_a_client_token_needs_the_scope_and_a_user(client: Courier, sandbox: Api) -> None:
    reader = client_of(
        sandbox, client.auth.issue_token(scope="user_id:ada read:user-tokens", expires_in="1d").token
    )
    assert reader.users.tokens.list("ada").tokens == []
    with pytest.raises(PermissionDeniedError):
        reader.users.tokens.add_single("t", user_id="ada", provider_key="expo")
    nobody = client_of(
        sandbox, client.auth.issue_token(scope="read:user-tokens read:messages", expires_in="1d").token
    )
    for call in (lambda: nobody.users.tokens.list("ada"), lambda: nobody.messages.list()):
        with pytest.raises(PermissionDeniedError):
            call()


def test_a_client_token_ends(client: Courier, sandbox: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    token = client.auth.issue_token(scope="user_id:ada read:user-tokens", expires_in="5s").token
    with monkeypatch.context() as patch:
        earlier = clock.now() - timedelta(hours=1)
        patch.setattr(clock, "now", lambda: earlier)
        old = client.auth.issue_token(scope="user_id:ada read:user-tokens", expires_in="1m").token
    assert client_of(sandbox, token).users.tokens.list("ada").tokens == []
    for bad in (old, f"{token}x", "a.b.c", token.rsplit(".", 1)[0] + "."):
        with pytest.raises(AuthenticationError):
            client_of(sandbox, bad).users.tokens.list("ada")


@pytest.mark.parametrize("span", ["", "soon", "-1d", "0s", "2y", "1 fortnight"])
def test_a_span_that_is_none_is_refused(client: Courier, span: str) -> None:
    with pytest.raises(BadRequestError, match="expires_in"):
        client.auth.issue_token(scope="read:messages", expires_in=span)


@pytest.mark.parametrize("scope", ["", "all", "user_id:", "tenant:x"])
def test_a_scope_that_is_none_is_refused(client: Courier, scope: str) -> None:
    with pytest.raises(BadRequestError, match="scope"):
        client.auth.issue_token(scope=scope, expires_in="1d")


def test_a_millisecond_is_no_minute(client: Courier) -> None:
    token = client.auth.issue_token(scope="read:messages", expires_in="5000 ms").token
    claims = jwt.decode(token, options={"verify_signature": False})
    assert claims["exp"] - claims["iat"] == 5


@pytest.mark.parametrize("span", ["2 hours", "1d", "3 days", "10h", "2.5 hrs", "1m", "5s", "1y", "90"])
def test_spans(client: Courier, span: str) -> None:
    assert client.auth.issue_token(scope="read:messages", expires_in=span).token.count(".") == 2


def test_ids_are_bounded(sandbox: Api) -> None:
    long = quote("ü" * 600, safe="")
    for path in (f"/lists/{long}/subscriptions/{long}", f"/tenants/{long}"):
        assert sandbox.put(path, {"name": "x"}).status_code == 400


def test_what_cannot_be_stored_is_refused(sandbox: Api) -> None:
    preferences = {"categories": {"a\0": {"status": "OPTED_IN"}}}
    body = {"recipients": [{"recipientId": "ada", "preferences": preferences}]}
    assert sandbox.put("/lists/x/subscriptions", body).status_code == 400
    assert sandbox.put("/tenants/x", {"name": "x", "properties": {"a": "\0"}}).status_code == 400
    assert sandbox.put("/users/ada/tokens/t", {"provider_key": "expo", "properties": "\0"}).status_code == 400
    assert (
        sandbox.put("/audiences/x", {"filter": {"operator": "EQ", "path": "a\0", "value": "1"}}).status_code
        == 400
    )
