"""The commands operators steer with, against a running API and its database."""

from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from notify.cli import app
from notify.manage import keys
from tests import factories
from tests.integration.harness import Api, Pipeline
from tests.servers import ProviderLab, Reply

Run = Callable[..., str]


@pytest.fixture
def run(api: Api, tmp_path: Path) -> Run:
    """``run("pause", "all")``: what the command prints."""

    def run(*arguments: str, fails: bool = False) -> str:
        environment = {
            "NOTIFY_URL": api.base_url,
            "NOTIFY_API_KEY": api.key,
            "NOTIFY_DATA_DIR": str(tmp_path),
        }
        done: Result = CliRunner().invoke(app, arguments, env=environment)
        assert bool(done.exit_code) is fails, done.output
        return done.output

    return run


def test_pause_look_and_resume(run: Run, api: Api, pipeline: Pipeline, lab: ProviderLab) -> None:
    api.configure("sendgrid", factories.sendgrid(lab), alias="main")
    run("pause", "provider", "sendgrid", "--reason", "its status page is red")
    id_ = api.send()
    pipeline.drain()
    listed = run("pauses")
    assert "provider main" in listed
    assert "its status page is red" in listed
    assert "is not a channel" in run("pause", "channel", "pigeon", fails=True)
    assert "not paused" in run("resume", "channel", "sms", fails=True)
    run("resume", "provider", "main")
    pipeline.drain()
    assert api.message(id_)["status"] == "SENT"
    assert "Nothing is paused" in run("pauses")


def test_drain_and_open_again(run: Run, api: Api) -> None:
    assert "Nothing is under way" in run("drain", "--wait")
    assert "intake" in run("pauses")
    run("drain", "--off")
    assert "Nothing is paused" in run("pauses")


def test_retry(run: Run, api: Api, pipeline: Pipeline, lab: ProviderLab) -> None:
    api.configure("sendgrid", factories.sendgrid(lab))
    with lab.always(Reply(status=401)):
        failed = [api.send() for _ in range(3)]
        pipeline.drain()
    assert "3 would" in run("retry", "--provider", "sendgrid", "--dry-run")
    assert "1 sent again" in run("retry", failed[0])
    assert "2 sent again" in run("retry", "--all")
    assert "which ones" in run("retry", fails=True)


def test_a_rate_is_changed(run: Run, api: Api, lab: ProviderLab) -> None:
    id_ = api.configure("sendgrid", factories.sendgrid(lab))
    run("provider", "rate", "sendgrid", "10/second")
    assert api.get(f"/providers/{id_}").json()["settings"]["rate_limit"] == {"rate": 10, "period": "second"}
    run("provider", "rate", "sendgrid", "none")
    assert "rate_limit" not in api.get(f"/providers/{id_}").json()["settings"]
    assert "10/second" in run("provider", "rate", "sendgrid", "often", fails=True)


def test_keys_and_the_audit_log(run: Run) -> None:
    clear = run("keys", "create", "shop", "--scope", "send", "--expires-in", "90d").strip()
    key = keys.authenticate(clear)
    assert key
    assert key.expires_at
    rotated = run("keys", "rotate", str(key.id), "--overlap", "1h")
    assert "pk_test_" in rotated
    assert "works until" in rotated
    run("keys", "revoke", str(key.id))
    log = run("audit", "--json", "--target", str(key.id))
    assert [line.split('"type": "')[1].split('"')[0] for line in log.splitlines()] == [
        "key.revoked",
        "key.rotated",
        "key.created",
    ]
    assert '"source": "cli"' in log
    assert "30m, 24h or 90d" in run("keys", "create", "x", "--expires-in", "soon", fails=True)


def test_secrets_and_retention(run: Run) -> None:
    assert "Encrypted anew: 0" in run("secrets", "rotate")
    assert len(run("secrets", "signing-key").strip()) == 44
    assert "Nothing is old enough" in run("retention", "--dry-run")
