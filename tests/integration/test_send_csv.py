"""``notify send --csv``: a message for each row, over HTTP, resumable, with a report of what was refused."""

import csv
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from notify.cli import app, csv_send
from notify.local import process
from tests.integration.conftest import Configure
from tests.integration.harness import Api, Database, Pipeline
from tests.stack import ROOT

HEADER = "user_id,email,data.name,profile.address.city,locale\n"
Run = Callable[..., Result]


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path / "users.csv"


@pytest.fixture
def run(sandbox: Api, file: Path) -> Run:
    """``notify send --csv FILE --body ...`` with the test world's key."""

    def run(*arguments: str, path: str = str(file), stdin: bytes | None = None) -> Result:
        content = [] if "--template" in arguments else ["--title", "Hi {{name}}", "--body", "{{name}}: {{n}}"]
        known = {"NOTIFY_URL": sandbox.base_url, "NOTIFY_API_KEY": sandbox.key, "COLUMNS": "200"}
        return CliRunner().invoke(app, ["send", "--csv", path, *content, *arguments], env=known, input=stdin)

    return run


def rows(count: int) -> str:
    return HEADER + "".join(f"u{n},u{n}@example.com,Name {n},Berlin,\n" for n in range(count))


def report(file: Path) -> list[list[str]]:
    with file.with_name("users.csv.refused.csv").open(newline="", errors="surrogateescape") as lines:
        return list(csv.reader(lines))


def bodies(database: Database) -> list[dict[str, Any]]:
    return [row["body"] for row in database("SELECT body FROM request ORDER BY id")]


# --- what a row says -----------------------------------------------------------------------------


def test_every_row_is_a_message(
    run: Run, file: Path, database: Database, pipeline: Pipeline, sandbox: Api
) -> None:
    file.write_text(HEADER + 'ada,ada@example.com,"Ada, Countess",London,en-GB\n\n,bob@example.com,,,\n')
    done = run("--data", '{"n": 1, "name": "friend"}', "--channel", "email")
    assert (done.exit_code, done.stdout) == (0, "2 of 2 rows: 2 accepted, 0 refused.\n"), done.output
    common = {
        "content": {"title": "Hi {{name}}", "body": "{{name}}: {{n}}"},
        "routing": {"method": "single", "channels": ["email"]},
    }
    to = {"user_id": "ada", "email": "ada@example.com", "address": {"city": "London"}, "locale": "en-GB"}
    ada = {"to": to, "data": {"n": 1, "name": "Ada, Countess"}, **common}
    bob = {"to": {"email": "bob@example.com"}, "data": {"n": 1, "name": "friend"}, **common}
    found = bodies(database)
    assert ada in found
    assert bob in found
    pipeline.drain()
    assert {one["status"] for one in sandbox.messages()} == {"SENT"}


def test_columns_may_have_other_names(run: Run, file: Path, database: Database) -> None:
    file.write_text('Mail; First name ;Cart;Notes\nada@example.com;Ada;"[{""n"": 1}]";secret\n')
    mapped = ["Mail=email", "First name=data.name", "Cart=data.cart:json", "Notes=-"]
    done = run("--template", "cart", *(word for one in mapped for word in ("--map", one)))
    assert done.exit_code == 0, done.output
    assert bodies(database) == [
        {"template": "cart", "to": {"email": "ada@example.com"}, "data": {"name": "Ada", "cart": [{"n": 1}]}}
    ]


@pytest.mark.parametrize(
    ("text", "arguments"),
    [
        ("\ufeffemail,data.name\nada@example.com,Jürgen\n".encode(), []),
        ("email,data.name\nada@example.com,Jürgen\n".encode("utf-16"), []),
        ("email,data.name\nada@example.com,Jürgen\n".encode("latin-1"), ["--encoding", "latin-1"]),
        ("email\tdata.name\r\nada@example.com\tJürgen".encode(), []),
        ("email~data.name\nada@example.com~Jürgen\n".encode(), ["--delimiter", "~"]),
    ],
    ids=["BOM", "UTF-16", "Latin-1", "tabs", "tildes"],
)
def test_files_come_in_many_ways(
    run: Run, file: Path, database: Database, text: bytes, arguments: list[str]
) -> None:
    file.write_bytes(text)
    assert run(*arguments).exit_code == 0
    (body,) = bodies(database)
    assert (body["to"], body["data"]) == ({"email": "ada@example.com"}, {"name": "Jürgen"})


def test_stdin_is_a_file_too(run: Run, file: Path, database: Database) -> None:
    done = run(path="-", stdin=(rows(3) + "too,few\n").encode())
    assert done.exit_code == csv_send.ROWS_REFUSED
    assert "3 accepted, 1 refused (stdin.csv.refused.csv" in done.stdout
    run(path="-", stdin=(rows(3) + "too,few\n").encode())
    assert database.count("message") == 3


# --- files that cannot be sent -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "arguments", "said"),
    [
        (b"", [], "it is empty"),
        (b"email,email\n", [], "several columns of the same name: email"),
        (b"mail\n", [], "what is column 'mail'?"),
        (b"data.name\n", [], "no column names a recipient"),
        (b"email,a,b\n", ["--map", "a=data.x", "--map", "b=data.x"], "several columns mean data.x"),
        (b"email,data.x,data.x.y\n", [], "several columns mean data.x"),
        (b"email\n", ["--map", "gone=email"], "columns that are not there: gone"),
        (b"email\n", ["--map", "email"], "--map takes COLUMN=MEANING"),
        (b"email,profile.tenant_id\n", [], "'tenant_id' is not part of a profile"),
        (b'email\n"a@example.com\n' + b"x" * 200_000, [], "field larger than"),
        (b'email\na@example.com\n"b"x\n', [], "line 3: "),
        (b"email\n", ["--encoding", "klingon"], "klingon"),
        (b"email\n\xff", ["--encoding", "utf-16"], "it is not utf-16"),
        (b"\xff\xfee\0m\0\xff", [], "what is column"),
        (b"email\n", ["--to-email", "a@example.com"], "the rows say whom to"),
        (b"email\n", ["--wait"], "the rows say whom to"),
        (None, [], "No such file"),
    ],
)
def test_a_file_that_makes_no_sense_is_refused_before_anything_is_sent(
    run: Run, file: Path, database: Database, text: bytes | None, arguments: list[str], said: str
) -> None:
    if text is not None:
        file.write_bytes(text)
    done = run(*arguments)
    assert (done.exit_code, said in done.stderr) == (2, True), done.output
    assert database.count("message") == 0


# --- rows that are refused -----------------------------------------------------------------------


def test_refused_rows_are_reported_and_can_be_mended(run: Run, file: Path, database: Database) -> None:
    wrong = [b"a,b", b"x,a@example.com,\xff,,", b"y,nul\0@example.com,,,", b"=cmd|' /C calc'!A0,,,,,,,,,,,"]
    file.write_bytes(rows(2).encode() + b"\n".join(wrong) + b"\n" + rows(4).encode().split(b"\n", 3)[3])
    done = run()
    assert done.exit_code == csv_send.ROWS_REFUSED
    assert "4 accepted, 4 refused (" in done.stdout
    head, *refused = report(file)
    assert head[:3] == ["notify_row", "notify_reason", "user_id"]
    assert [line[0] for line in refused] == ["3", "4", "5", "6"]
    assert "has 2 cells where the header has 5" in refused[0][1]
    assert "bytes that are no text" in refused[1][1]
    assert "Text may not contain NUL" in refused[2][1]

    mended = file.with_name("mended.csv")
    mended.write_text(",".join(head) + "\n3,why,a,a@example.com,A,,\n")
    assert run(path=str(mended)).exit_code == 0
    assert database.count("message") == 5


def test_a_dry_run_sends_nothing_and_says_what_would_be_refused(
    run: Run, file: Path, database: Database
) -> None:
    file.write_text(rows(3) + "only,two\n")
    done = run("--dry-run")
    assert done.exit_code == csv_send.ROWS_REFUSED
    assert "3 would be accepted, 1 refused (" in done.stdout
    assert file.with_name("users.csv.would-refuse.csv").exists()
    assert database.count("message") == 0
    assert "3 accepted, 1 refused" in run().stdout
    assert database.count("message") == 3


# --- again ---------------------------------------------------------------------------------------


def test_what_was_sent_is_not_sent_again(run: Run, file: Path, database: Database) -> None:
    file.write_text(rows(20))
    assert run().exit_code == 0
    assert "All 20 rows have been sent already" in run().stdout
    file.with_name("users.csv.progress.json").unlink()
    assert "20 accepted" in run().stdout  # the API knows
    assert database.count("message") == 20
    assert "20 accepted" in run("--idempotency-key", "second time").stdout
    assert database.count("message") == 40


def test_refused_rows_get_another_try(run: Run, file: Path, database: Database) -> None:
    file.write_text("email,data.cart\na@example.com,[1]\nb@example.com,[\n")
    assert run("--map", "data.cart=data.cart:json").exit_code == csv_send.ROWS_REFUSED
    done = run()  # as text, both are fine
    assert (done.exit_code, "2 accepted, 0 refused" in done.stdout) == (0, True)
    assert database.count("message") == 2
    assert not file.with_name("users.csv.refused.csv").exists()


def test_a_file_that_has_changed_since_is_not_sent_blindly(run: Run, file: Path, database: Database) -> None:
    file.write_text(rows(3))
    run()
    file.write_text(rows(4))
    done = run()
    assert (done.exit_code, "it has changed since 3 of its rows were sent" in done.stderr) == (2, True)
    assert database.count("message") == 3
    assert run("--idempotency-key", "new").exit_code == 0


def test_another_world_is_another_sending(run: Run, file: Path, api: Api, database: Database) -> None:
    file.write_text(rows(3))
    assert run().exit_code == 0
    assert run("--key", api.key).exit_code == 0
    assert database.count("message") == 6


def test_a_key_that_is_not_taken_stops_it(run: Run, file: Path, database: Database) -> None:
    file.write_text(rows(3))
    done = run("--key", "pk_test_wrong")
    assert done.exit_code == 1
    assert "401 This API key is not known." in done.stderr
    assert "0 of 3 rows" in done.stderr


def test_without_the_api_it_stops_and_goes_on_later(
    run: Run, file: Path, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(csv_send, "_PATIENCE_S", 0.5)
    file.write_text(rows(30))
    with database.away():
        done = run()
    assert (done.exit_code, "goes on from there" in done.stderr) == (1, True), done.output
    assert run().exit_code == 0
    assert database.count("message") == 30


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT])
def test_killed_at_any_moment_it_goes_on_from_there(
    sandbox: Api, file: Path, database: Database, number: signal.Signals, configured: Configure
) -> None:
    total = 700
    file.write_text(rows(total - 2).replace("\n", "\nonly,two\n", 1) + "only,two\n")
    command = [sys.executable, "-m", "notify.cli", "send", "--csv", str(file), "--body", "x"]
    known = {"NOTIFY_URL": sandbox.base_url, "NOTIFY_API_KEY": sandbox.key, "PYTHONPATH": str(ROOT)}

    def start() -> subprocess.Popen[str]:
        return subprocess.Popen(
            command, env={**os.environ, **known}, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )

    first = start()
    assert process.wait_until(lambda: database.count("message") > 100, 60)
    first.send_signal(number)
    first.communicate(timeout=60)
    assert database.count("message") < total
    second = start()
    said, errors = second.communicate(timeout=100)
    assert second.returncode == csv_send.ROWS_REFUSED, errors
    assert f"{total} of {total} rows: {total - 2} accepted, 2 refused" in said
    assert database.count("message") == total - 2
    assert [line[0] for line in report(file)] == ["notify_row", "1", str(total)]
