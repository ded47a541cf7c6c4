"""The command line: what it sends, what it prints, and how it fails."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from notify.cli import app
from notify.cli.running import masked
from notify.local import instance
from notify.local.instance import Instance
from notify.local.lab import HttpLab, Reply, Request

RECORD = {"id": "1-a", "status": "SENT", "enqueued": 1_700_000_000_000, "recipient": "ada", "event": ""}
PROVIDERS = [{"channel": {"key": "email", "name": "email"}, "provider": "sandbox", "status": "SENT"}]
OUTPUT = {"channel": "email", "content": {"subject": "Hello", "text": "It works.", "title": "", "body": ""}}


def api(request: Request) -> Reply:
    """Just enough of the API."""
    pages: dict[str, Any] = {
        "/send": {"requestId": "1-a"},
        "/messages": {"results": [RECORD], "paging": {"more": False}},
        "/messages/1-a": {**RECORD, "providers": PROVIDERS},
        "/messages/1-a/history": {"results": [{"ts": 1_700_000_000_000, "type": "ENQUEUED"}]},
        "/messages/1-a/output": {"results": [OUTPUT]},
    }
    if request.path not in pages:
        return Reply.json({"type": "not_found", "message": "Message '1-b' does not exist."}, status=404)
    return Reply.json(pages[request.path], status=202 if request.path == "/send" else 200)


@pytest.fixture(autouse=True)
def _clean(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("NOTIFY_URL", "NOTIFY_API_KEY", "NOTIFY_DATA_DIR", "DATABASE_URL", "NOTIFY_DATABASE_URL"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def lab() -> Iterator[HttpLab]:
    with HttpLab(api) as lab:
        yield lab


def run(lab: HttpLab, *arguments: str) -> Result:
    return CliRunner().invoke(app, arguments, env={"NOTIFY_URL": lab.url, "NOTIFY_API_KEY": "pk_test_x"})


def sent(lab: HttpLab) -> Any:
    return lab.requests[0].json()["message"]


def test_send_builds_the_message(lab: HttpLab) -> None:
    arguments = ["--to-email", "ada@example.com", "--to-phone", "+49301", "--title", "T", "--body", "B"]
    more = ["--data", '{"n": 1}', "--channel", "email", "--channel", "sms", "--all", "--idempotency-key", "k"]
    done = run(lab, "send", *arguments, *more)
    assert (done.exit_code, done.stdout) == (0, "1-a\n")
    assert sent(lab) == {
        "to": {"email": "ada@example.com", "phone_number": "+49301"},
        "content": {"title": "T", "body": "B"},
        "data": {"n": 1},
        "routing": {"method": "all", "channels": ["email", "sms"]},
    }
    assert lab.requests[0].headers["idempotency-key"] == "k"
    assert lab.requests[0].headers["authorization"] == "Bearer pk_test_x"


def test_send_takes_any_recipient_as_json_and_a_template(lab: HttpLab) -> None:
    assert run(lab, "send", "--to", '[{"user_id": "a"}]', "--template", "nt_1").exit_code == 0
    assert sent(lab) == {"to": [{"user_id": "a"}], "template": "nt_1"}


def test_send_waits_for_the_end(lab: HttpLab) -> None:
    done = run(lab, "send", "--to-user", "ada", "--body", "B", "--wait")
    assert done.exit_code == 0
    assert "SENT" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--body", "B"], "whom to?"),
        (["--to-user", "a"], "what to say?"),
        (["--to-user", "a", "--to", "{}", "--body", "B"], "not both"),
        (["--to-user", "a", "--template", "t", "--body", "B"], "not both"),
        (["--to", "{", "--body", "B"], "--to is not JSON"),
        (["--to", "1", "--body", "B"], "--to must be a JSON object or array"),
        (["--to-user", "a", "--body", "B", "--data", "[]"], "--data must be a JSON object"),
    ],
)
def test_send_refuses_what_makes_no_sense(lab: HttpLab, arguments: list[str], said: str) -> None:
    done = run(lab, "send", *arguments)
    assert done.exit_code == 2
    assert said in done.stderr
    assert lab.count == 0


def test_messages_message_and_outbox_show_what_happened(lab: HttpLab) -> None:
    assert "1-a" in run(lab, "messages", "--status", "SENT", "--recipient", "ada").stdout
    assert lab.requests[0].query == {"status": "SENT", "recipient": "ada"}
    assert "ENQUEUED" in run(lab, "message", "1-a").stdout
    assert "It works." in run(lab, "outbox").stdout


def test_what_the_api_refuses_is_said_without_a_traceback(lab: HttpLab) -> None:
    done = run(lab, "message", "1-b")
    assert done.exit_code == 1
    assert done.stderr == "notify: 404 Message '1-b' does not exist.\n"


def test_nothing_answers() -> None:
    done = CliRunner().invoke(app, ["messages", "--url", "http://127.0.0.1:1", "--key", "k"])
    assert done.exit_code == 1
    assert "Is it running?" in done.stderr


def test_no_instance_and_no_address() -> None:
    done = CliRunner().invoke(app, ["messages"])
    assert done.exit_code == 2
    assert "notify up" in done.stderr


def test_the_instance_of_the_data_directory_is_used(lab: HttpLab, tmp_path: Path) -> None:
    keys = {"test": "pk_test_kept", "production": "pk_prod_kept"}
    instance.save(tmp_path, Instance(api_port=lab.port, api_keys=keys))
    arguments = ["messages", "--data-dir", str(tmp_path)]
    assert CliRunner().invoke(app, arguments).exit_code == 0
    assert CliRunner().invoke(app, [*arguments, "--world", "production"]).exit_code == 0
    keys_used = [request.headers["authorization"] for request in lab.requests]
    assert keys_used == ["Bearer pk_test_kept", "Bearer pk_prod_kept"]


def test_an_instance_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    (tmp_path / "instance.json").write_text(json.dumps({"api_port": "?"}))
    done = CliRunner().invoke(app, ["messages", "--data-dir", str(tmp_path)])
    assert done.exit_code == 1
    assert "instance.json cannot be read" in done.stderr


def test_passwords_in_urls_are_masked() -> None:
    assert masked("redis://:secret@127.0.0.1:1/0") == "redis://:********@127.0.0.1:1/0"
    assert masked("postgresql://notify:se@cret@db/notify") == "postgresql://notify:********@db/notify"
    assert masked("postgresql://notify@/notify?host=/run") == "postgresql://notify@/notify?host=/run"
