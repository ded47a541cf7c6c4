"""``notify lists`` and its like, against the API."""

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from notify.cli import app
from tests.integration.harness import Api, Pipeline


@pytest.fixture
def notify(sandbox: Api) -> Any:
    """``notify("lists", "list")``: what it prints."""

    def run(*words: str, text: str | None = None, fails: bool = False) -> str:
        environment = {"NOTIFY_URL": sandbox.base_url, "NOTIFY_API_KEY": sandbox.key, "COLUMNS": "200"}
        done = CliRunner().invoke(app, words, input=text, env=environment)
        assert (done.exit_code != 0) is fails, done.output
        return done.output

    return run


def test_a_list_is_filled_from_a_file_and_sent_to(
    notify: Any, sandbox: Api, pipeline: Pipeline, tmp_path: Path
) -> None:
    file = tmp_path / "users.csv"
    file.write_text("name,user_id\nAda,ada\nBob,b/ob\n,\n", encoding="utf-8-sig")
    for _ in range(2):
        assert "2 users" in notify("lists", "import", "news", str(file))
    assert "1 users" in notify("lists", "import", "news", "-", text="eve\n")
    shown = notify("lists", "show", "news")
    assert [name in shown for name in ("ada", "b/ob", "eve")] == [True] * 3
    assert "news" in notify("lists", "list", "--pattern", "*")
    request_id = sandbox.send(to={"list_id": "news"})
    assert "EXPANDING: 0 messages" in notify("progress", request_id)
    pipeline.drain()
    assert "EXPANDED: 3 messages" in notify("progress", request_id)
    file.write_text("a,b\n1,2\n")
    assert "no column 'user_id'" in notify("lists", "import", "news", str(file), fails=True)


def test_what_is_listed_is_text_for_people_and_json_for_programs(notify: Any, sandbox: Api) -> None:
    sandbox.put("/lists/odd", {"name": "[/b] odd [red]"})
    sandbox.put("/users/ada/tokens/t1", {"provider_key": "expo"})
    assert "[/b] odd [red]" in notify("lists", "list")
    (row,) = map(json.loads, notify("lists", "list", "--json").splitlines())
    assert row == sandbox.get("/lists").json()["items"][0]
    (row,) = map(json.loads, notify("tokens", "list", "ada", "--json").splitlines())
    assert row["token"] == "t1"
    sent = sandbox.send(to={"email": "ada@example.com"})
    (row,) = map(json.loads, notify("messages", "--json").splitlines())
    assert row["id"] == sent
    assert notify("audiences", "list", "--json") == ""


def test_audiences_tenants_and_devices_are_shown(notify: Any, sandbox: Api) -> None:
    sandbox.put("/profiles/ada", {"profile": {"title": "Engineer"}})
    rule = {"operator": "EQ", "path": "title", "value": "Engineer"}
    sandbox.put("/audiences/staff", {"filter": rule})
    sandbox.put("/tenants/acme", {"name": "Acme Inc."})
    sandbox.put("/users/ada/tenants/acme", {})
    sandbox.put("/users/ada/tokens/t1", {"provider_key": "expo"})
    assert "staff" in notify("audiences", "list")
    assert "EQ('title', 'Engineer') => true" in notify("audiences", "show", "staff")
    assert "Acme Inc." in notify("tenants", "list")
    assert "ada" in notify("tenants", "show", "acme")
    assert "active" in notify("tokens", "list", "ada")
