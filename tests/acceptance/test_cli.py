"""The command line against a real instance, and the lines that ``notify up`` offers for pasting."""

import json
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from courier import AuthenticationError, Courier

from tests.acceptance.calls import attempts, block, ended, fresh, via
from tests.acceptance.conftest import Outside
from tests.acceptance.running import Running, clean_environment, until

TIMEOUT_S = 120


@dataclass(frozen=True, slots=True)
class Shell:
    """A directory to stand in, far from the source, and the environment of a user."""

    directory: Path
    data_dir: Path

    def __call__(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """``notify ARGUMENTS`` for the instance; its lines are not wrapped for a terminal."""
        where = {} if environment else {"NOTIFY_DATA_DIR": str(self.data_dir)}
        return self.run([sys.executable, "-m", "notify.cli", *arguments], **where, **environment)

    def run(self, command: list[str], **environment: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            command,
            cwd=self.directory,
            env={**clean_environment(), "COLUMNS": "300", **environment},
            capture_output=True,
            text=True,
            timeout=TIMEOUT_S,
        )


@pytest.fixture
def notify(instance: Running, tmp_path: Path) -> Shell:
    """The ``notify`` command."""
    return Shell(tmp_path, instance.data_dir)


def good(done: subprocess.CompletedProcess[str]) -> str:
    assert done.returncode == 0, done.stderr + done.stdout
    assert "Traceback" not in done.stderr
    return done.stdout


def test_send_wait_and_look(notify: Shell, client: Courier) -> None:
    word = fresh("word")
    to = ["--to-email", f"{word}@example.com", "--to-phone", "+4930123456"]
    what = ["--title", "Hello {{name}}", "--body", f"This is {word}.", "--data", '{"name": "Ada"}']
    lines = good(notify("send", *to, *what, "--channel", "sms", "--channel", "email", "--wait")).splitlines()
    id_ = lines[0]
    assert [line.strip() for line in lines[1:]] == ["SENT"]
    assert attempts(ended(client, id_))[0]["channel"]["name"] == "sms"

    assert id_ in good(notify("messages", "--status", "SENT", "--limit", "1000"))
    assert id_ not in good(notify("messages", "--status", "UNMAPPED"))
    story = good(notify("message", id_))
    for kind in ("ENQUEUED", "PROFILE_LOADED", "ROUTED", "RENDERED", "SENT"):
        assert kind in story
    assert f"This is {word}." in good(notify("outbox"))


def test_send_a_template_to_several_once(notify: Shell, client: Courier) -> None:
    alias, key = fresh("alias"), fresh("key")
    default = block("default", [{"type": "text", "content": "Your code is {{code}}"}])
    content = {"version": "2022-01-01", "elements": [default]}
    empty: Any = {"brand": None, "routing": None, "subscription": None, "tags": []}
    template: Any = {"name": "Code", "alias": alias, "content": content, **empty}
    client.notifications.create(notification=template, state="PUBLISHED")

    to = json.dumps([{"user_id": fresh("user"), "email": "a@example.com"}, {"phone_number": "+4930123456"}])
    arguments = ["send", "--to", to, "--template", alias, "--channel", "email", "--channel", "sms", "--all"]
    first = good(notify(*arguments, "--idempotency-key", key, "--wait")).split()
    again = good(notify(*arguments, "--idempotency-key", key)).split()
    assert first == [*again, "SENT", "SENT"]
    assert len(client.messages.list(trace_id=first[0]).results) == 2


def test_a_failure_is_said_and_shown_in_the_exit_code(notify: Shell, production: Courier) -> None:
    lost = notify("send", "--to-user", "nobody", "--body", "x", "--world", "production", "--wait")
    assert lost.returncode == 1
    assert "UNROUTABLE (NO_CHANNELS)" in lost.stdout
    assert "no address" in lost.stdout

    refused = notify("send", "--to", "{}", "--body", "x")
    assert (refused.returncode, refused.stdout) == (1, "")
    assert refused.stderr.startswith("notify: 400 message.to: ")

    unknown = notify("message", "1-x")
    assert (unknown.returncode, unknown.stderr) == (1, "notify: 404 Message '1-x' does not exist.\n")


def test_messages_of_a_provider_that_fails_are_told_step_by_step(
    notify: Shell, production: Courier, outside: Outside
) -> None:
    message: Any = {
        "to": {"phone_number": "+15005550120"},
        "content": {"title": "Code", "body": "1"},
        "routing": via("sms"),
        "channels": {
            "sms": {"providers": ["twilio:primary", "twilio:backup"], "timeouts": {"provider": 500}}
        },
    }
    id_ = production.send.message(message=message).request_id
    ended(production, id_)
    story = good(notify("message", id_, "--world", "production"))
    assert re.search(r"UNDELIVERABLE +sms twilio +.*503", story)
    assert re.search(r"SENT +sms twilio", story)


def test_the_address_and_the_key_may_be_given_instead(notify: Shell, instance: Running) -> None:
    ready = instance.ready
    given = {"NOTIFY_URL": ready.base_url, "NOTIFY_API_KEY": ready.api_keys["test"]}
    id_ = good(notify("send", "--to-email", "ada@example.com", "--body", "x", **given)).strip()
    assert id_ in good(notify("message", id_, **given))
    wrong = notify("messages", **{**given, "NOTIFY_API_KEY": "pk_test_wrong"})
    assert (wrong.returncode, wrong.stderr) == (1, "notify: 401 This API key is not known.\n")


def test_keys_are_made_listed_and_revoked(notify: Shell, instance: Running) -> None:
    name = fresh("shop")
    key = good(notify("keys", "create", name, "--world", "production")).strip()
    assert key.startswith("pk_prod_")
    with Courier(api_key=key, base_url=instance.ready.base_url) as client:
        client.messages.list()

        listed = good(notify("keys", "list"))
        assert key not in listed
        (line,) = [line for line in listed.splitlines() if name in line]
        id_ = UUID(line.split()[0])
        assert line.split()[1:4] == ["production", "published", key[:14]]

        good(notify("keys", "revoke", str(id_)))
        until(lambda: refused(client), "the key is refused")
    assert notify("keys", "revoke", str(id_)).returncode == 1


def refused(client: Courier) -> bool:
    try:
        client.messages.list()
    except AuthenticationError:
        return True
    return False


# --- what `notify up` prints ---------------------------------------------------------------------


def pasted(instance: Running, pattern: str) -> str:
    found = re.search(pattern, instance.said, re.MULTILINE | re.DOTALL)
    assert found, instance.said
    return found[0]


@pytest.mark.skipif(shutil.which("curl") is None, reason="there is no curl")
def test_the_curl_line_works_when_pasted(instance: Running, notify: Shell, client: Courier) -> None:
    answer = json.loads(good(notify.run(["bash", "-c", pasted(instance, r"^curl .*?'$")])))
    assert ended(client, answer["requestId"]).status == "SENT"
    assert "It works." in good(notify("outbox"))


def test_the_python_snippet_and_the_look_at_the_outbox_work_when_pasted(
    instance: Running, notify: Shell, client: Courier
) -> None:
    snippet = pasted(instance, r"^from courier import .*?^print\([^\n]*$")
    id_ = good(notify.run([sys.executable, "-c", snippet])).strip()
    assert ended(client, id_).status == "SENT"
    # It is printed for the directory in which `notify up` was called, which is ours.
    here = Shell(Path.cwd(), instance.data_dir)
    outbox = good(here.run(["bash", "-c", pasted(instance, r"^[^\n]*notify outbox [^\n]*$")]))
    assert "It works from Python, too." in outbox
