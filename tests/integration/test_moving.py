"""``notify import courier``: a workspace of another API process, on another database, into this one."""

import json
import socket
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import requests
from typer.testing import CliRunner

from notify.cli import app
from notify.local import process
from notify.manage import keys
from notify.model.names import World
from notify.moving import people
from notify.moving.state import State
from tests.integration.harness import Api, forget
from tests.stack import Servers, cloned_database, environment_of, program

MANY = 105


@pytest.fixture(scope="module")
def elsewhere(servers: Servers, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    """Another instance: its own process and database, filled like a workspace."""
    directory = tmp_path_factory.mktemp("elsewhere")
    with closing(socket.socket()) as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    with cloned_database(servers) as url, pytest.MonkeyPatch.context() as patch:
        environment = {**environment_of(servers, url), "NOTIFY_TEMPLATE_CHECKS": "", "NOTIFY_SHED": "false"}
        for name, value in environment.items():
            patch.setenv(name, value)
        forget()
        key = keys.create(World.PRODUCTION, "source")
        forget()
        serve = ("uvicorn", "--factory", "notify.api.app:create_app", "--port", port, "--no-access-log")
        with program(environment, directory / "api.log", *serve):
            api = Api(f"http://127.0.0.1:{port}", key)
            assert process.wait_until(lambda: _answers(api), timeout_s=60)
            _fill(api)
            yield api


def _answers(api: Api) -> bool:
    try:
        return api.get("/health/live").ok
    except requests.ConnectionError:
        return False


def _fill(api: Api) -> None:
    def ok(answer: requests.Response) -> Any:
        assert answer.ok, answer.text
        return answer.json() if answer.content else None

    colors = {"primary": "#111111", "secondary": "#222222"}
    ok(api.post("/brands", {"id": "plain", "name": "Plain", "settings": {"colors": colors}}))
    ok(api.post("/brands", {"id": "acme", "name": "Acme [/b]", "settings": {"colors": colors}}))
    ok(api.put("/brands/acme/default", {}))
    routing = {"method": "single", "channels": ["email", "sms"]}
    strategy = ok(api.post("/routing-strategies", {"name": "Both", "routing": routing}))["id"]
    section = ok(api.post("/preferences/sections", {"name": "Orders", "has_custom_routing": True}))["id"]
    schedules = [{"frequency": "daily", "time": "08:00"}]
    topics = [
        {
            "name": "News",
            "default_status": "OPTED_IN",
            "digest": {"template_id": "x", "schedules": schedules},
        },
        {"name": "Bills", "default_status": "REQUIRED"},
        {"name": "Offers", "default_status": "OPTED_OUT"},
    ]
    news, _bills, offers = (ok(api.post(f"/preferences/sections/{section}/topics", t))["id"] for t in topics)
    named = {
        "brand": {"id": "acme"},
        "routing": {"strategy_id": strategy},
        "subscription": {"topic_id": news},
    }
    template = api.template(name="Shipped", alias="SHIPPED", **named)
    changed = {"notification": {**_notification(api, template), "name": "Shipped, next"}}
    ok(api.put(f"/notifications/{template}", changed))
    api.template(name="Draft only", state="DRAFT")
    ok(api.put("/translations/default/fr", _PO))
    ok(api.put("/tenants/eu", {"name": "Europe"}))
    default = {"items": [{"id": news, "status": "OPTED_OUT"}]}
    ok(api.put("/tenants/acme", {"name": "A", "parent_tenant_id": "eu", "default_preferences": default}))
    ok(api.put("/users/ada/tenants/acme", {"profile": {"title": "Buyer"}}))
    content = {"title": "From Acme", "body": "Hello"}
    ok(api.put("/tenants/acme/templates/welcome", {"template": {"content": content}, "published": True}))
    recipients = [{"recipientId": f"u{n}"} for n in range(MANY)] + [{"recipientId": "b/ob"}]
    ok(api.put("/lists/orders.eu", {"name": "Orders"}))
    ok(api.put("/lists/orders.eu/subscriptions", {"recipients": recipients}))
    muted = {"notifications": {template: {"status": "OPTED_OUT"}}}
    ok(api.put("/lists/orders.eu/subscriptions/ada", {"preferences": muted}))
    rule = {"operator": "EQ", "path": "title", "value": "Engineer"}
    ok(api.put("/audiences/staff", {"name": "Staff", "filter": rule}))
    ok(api.put("/profiles/ada", {"profile": {"email": "ada@example.com", "locale": "fr", "n": 2**40}}))
    ok(api.put("/profiles/b%2Fob", {"profile": {"email": "bob@example.com"}}))
    ok(api.put("/profiles/eve", {"profile": {"title": "Engineer"}}))
    ok(api.put("/profiles/lone", {"profile": {"email": "lone@example.com"}}))
    ok(api.put("/profiles/mel", {"profile": {"email": "mel@example.com"}}))
    ok(api.put("/users/ada/tokens/t1", {"provider_key": "expo", "expiry_date": False}))
    chosen = {"status": "OPTED_OUT", "has_custom_routing": True, "custom_routing": ["email"]}
    ok(api.put(f"/users/ada/preferences/{news}", {"topic": chosen}))
    inside = {"topic": {"status": "OPTED_IN"}}
    ok(api.put(f"/users/ada/preferences/{news}?tenant_id=acme", inside))
    ok(api.put(f"/users/max/preferences/{offers}", inside))
    api.configure("sendgrid", {"api_key": "SG.very-secret", "from_address": "a@example.com"}, title="Main")
    api.send(to={"user_id": "mel"})


def _notification(api: Api, id_: str) -> dict[str, Any]:
    found = api.get(f"/notifications/{id_}").json()
    names = ("name", "tags", "brand", "subscription", "routing", "content")
    return {name: found.get(name) for name in names}


_PO = 'msgid ""\nmsgstr "Content-Type: text/plain; charset=UTF-8\\n"\n\nmsgid "Hello"\nmsgstr "Bonjour"\n'


@pytest.fixture
def move(elsewhere: Api, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """``move("--dry-run")``: exit code, counts by kind, remarks, everything it printed."""
    monkeypatch.chdir(tmp_path)

    def run(*options: str, code: int = 0, source: str = elsewhere.base_url, world: str = "test") -> Any:
        words = ["import", "courier", "--from", source, "--world", world, "--json", *options]
        environment = {"COURIER_API_KEY": elsewhere.key}
        done = CliRunner().invoke(app, words, env=environment)
        assert done.exit_code == code, done.output
        assert elsewhere.key not in done.output
        counts = {row["what"]: row for row in map(json.loads, done.stdout.splitlines())}
        report = tmp_path / f"notify-import-127.0.0.1-{world}.report.jsonl"
        remarks = [json.loads(line) for line in report.read_text().splitlines()] if report.exists() else []
        return counts, remarks, done.output

    return run


_SAME = (
    "/brands/acme", "/lists/orders.eu", "/tenants/acme", "/tenants/eu", "/audiences/staff", "/profiles/ada",
    "/profiles/b%2Fob", "/profiles/eve", "/profiles/mel", "/profiles/lone", "/users/ada/preferences",
    "/users/ada/preferences?tenant_id=acme", "/users/max/preferences", "/users/ada/tokens",
    "/users/ada/tenants", "/translations/default/fr", "/notifications", "/preferences/sections",
    "/routing-strategies", "/tenants/acme/templates", "/lists/orders.eu/subscriptions",
)  # fmt: skip
_TIMES = {"created", "updated", "version", "published", "created_at", "updated_at", "published_at", "creator",
          "updater", "url", "cursor"}  # fmt: skip


def _bare(value: Any) -> Any:
    """Without what is another instance's own: times, who did it, cursors."""
    if isinstance(value, dict):
        return {name: _bare(one) for name, one in value.items() if name not in _TIMES}
    return [_bare(one) for one in value] if isinstance(value, list) else value


def _read(api: Api, path: str) -> Any:
    answer = api.get(path)
    assert answer.ok, (path, answer.text)
    json_ = answer.headers["content-type"].startswith("application/json")
    found = _bare(answer.json()) if json_ else answer.text
    if isinstance(found, dict) and isinstance(rows := found.get("results"), list):
        rows.sort(key=lambda row: row["id"])
    return found


def test_a_workspace_moves_with_its_ids(move: Any, elsewhere: Api, sandbox: Api, tmp_path: Path) -> None:
    file = tmp_path / "users.txt"
    file.write_text("lone\nnobody\n")
    counts, remarks, output = move("--users", str(file))
    for path in _SAME:
        assert _read(sandbox, path) == _read(elsewhere, path), path
    for id_ in (one["id"] for one in elsewhere.get("/notifications").json()["results"]):
        for version in ("published", "draft"):
            path = f"/notifications/{id_}?version={version}"
            before, after = elsewhere.get(path), sandbox.get(path)
            assert (after.status_code, _bare(after.json())) == (before.status_code, _bare(before.json()))
    assert counts["subscriptions"]["carried"] == MANY + 2
    assert counts["profiles"]["carried"] == 5
    assert any(one["kind"] == "providers" and "sendgrid, Main" in one["reason"] for one in remarks)
    assert any(one["outcome"] == "never carried" for one in remarks)
    assert "secret" not in output + json.dumps(remarks)
    who = sandbox.get("/audit-events").json()["results"]
    assert {one["source"] for one in who} >= {"cli"}


def test_a_second_run_writes_only_what_is_new(move: Any, elsewhere: Api, sandbox: Api, api: Api) -> None:
    move()
    changes = len(sandbox.get("/audit-events").json()["results"])
    counts, _, _ = move()
    assert {what for what, one in counts.items() if one["carried"]} == set()
    assert len(sandbox.get("/audit-events").json()["results"]) == changes
    elsewhere.post("/profiles/eve", {"profile": {"new": True}})
    sandbox.put("/profiles/ada", {"profile": {"changed": "here"}})
    counts, _, _ = move()
    assert {what: one["carried"] for what, one in counts.items() if one["carried"]} == {"profiles": 1}
    assert sandbox.get("/profiles/ada").json()["profile"] == {"changed": "here"}
    _both_worlds_find_room(move, elsewhere, api)


def _both_worlds_find_room(move: Any, elsewhere: Api, api: Api) -> None:
    _, remarks, _ = move(world="production")
    found = elsewhere.get("/notifications").json()["results"]
    id_ = next(one["id"] for one in found if one["name"] == "Draft only")
    assert api.get(f"/notifications/{id_}-production?version=draft").json()["alias"] == id_
    assert any(one["id"] == id_ and "production here" in one["reason"] for one in remarks)


def test_it_goes_on_where_it_was_killed(
    move: Any, elsewhere: Api, sandbox: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    done: list[str] = []
    person = people._person

    def dies(mover: Any, user_id: str, one: Any) -> None:
        if len(done) == 2:
            raise KeyboardInterrupt
        person(mover, user_id, one)
        done.append(user_id)

    monkeypatch.setattr(people, "_person", dies)
    _, _, output = move(code=1)
    assert "goes on from there" in output
    first = list(done)
    monkeypatch.setattr(
        people, "_person", lambda m, user_id, one: (done.append(user_id), person(m, user_id, one))
    )
    move()
    assert first
    assert not set(first) & set(done[2:])
    assert sandbox.get("/profiles/mel").ok


def test_a_dry_run_counts_and_writes_nothing(move: Any, sandbox: Api, tmp_path: Path) -> None:
    counts, _, output = move("--dry-run")
    assert counts["tenants"]["would carry"] == 2
    assert f"{MANY + 5} users were found" in output
    assert sandbox.get("/lists").json()["items"] == []
    assert not list(tmp_path.glob("*.sqlite"))


def test_a_wrong_key_or_address_is_said(move: Any, sandbox: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    _, _, output = move("--key", "pk_prod_wrong", code=1)
    assert "401" in output
    assert "must be an http" in move(source="ftp://x", code=2)[2]


def test_another_source_needs_a_state_of_its_own(move: Any, sandbox: Api) -> None:
    with State(Path("notify-import-127.0.0.1-test.sqlite"), "somewhere else"):
        pass
    assert "another move" in move(code=1)[2]
    Path("notify-import-127.0.0.1-test.sqlite").write_text("no database at all, but long enough to be one")
    assert "not the state" in move(code=1)[2]
