"""A whole instance lives through successes and failures with marked secrets, people and words.

Then all it has said, kept and sent through the broker is searched for them.
"""

import base64
import json
import re
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psycopg
import pytest
import redis
import requests

from notify.local.lab import MailLab
from tests.acceptance.conftest import Outside
from tests.acceptance.running import Http, Running, running, until
from tests.servers.vendors import SENDGRID_KEY, SLACK_TOKEN, TWILIO_SID, TWILIO_TOKEN

ENCRYPTION_KEY = base64.urlsafe_b64encode(b"marked-encryption-key-of-32-byte").decode()
METRICS_TOKEN = "marked-metrics-token"
SECRETS = [
    ENCRYPTION_KEY,
    METRICS_TOKEN,
    SENDGRID_KEY,
    SLACK_TOKEN,
    TWILIO_TOKEN,
    "SG.marked-wrong-key",
    "marked-smtp-password",
    "marked-header-value",
    "marked-bearer-token",
    "whsec_bWFya2VkLXdlYmhvb2stc2VjcmV0LW9mLTMyYg==",
    "bWFya2VkLXdlYmhvb2stc2VjcmV0LW9mLTMyYg",
    "pk_prod_marked-guess",
]
"""Nowhere but encrypted; API keys and client tokens come with the instance."""

PRIVATE = [
    "marked.ada",
    "5550177",
    "marked-words",
    "marked-street",
    "marked-device",
    "marked-code",
    "marked-own-token",
]
"""Of people: in the database and the answers to those who may read it, and nowhere else."""

SETTINGS = {
    "NOTIFY_ENCRYPTION_KEY": ENCRYPTION_KEY,
    "NOTIFY_METRICS_TOKEN": METRICS_TOKEN,
    "NOTIFY_LOG_LEVEL": "debug",
    "NOTIFY_ACCESS_LOG_LEVEL": "info",
    "NOTIFY_TRACES_EXPORTER": "console",
    "NOTIFY_PROVIDER_TIMEOUT_MS": "1500",
    "NOTIFY_CHANNEL_TIMEOUT_MS": "3000",
    "NOTIFY_MESSAGE_TIMEOUT_MS": "8000",
    "NOTIFY_HTTP_TIMEOUT_S": "2",
    "NOTIFY_SHED": "false",
}


@dataclass(slots=True)
class Traffic:
    """Every command that reached the broker."""

    url: str
    lines: list[str] = field(default_factory=list)

    def listen(self, heard: threading.Event) -> None:
        try:
            with redis.Redis.from_url(self.url).monitor() as monitor:
                heard.set()
                for command in monitor.listen():
                    self.lines.append(command["command"])
        except (redis.RedisError, OSError, ValueError):
            return


@dataclass(slots=True)
class Lived:
    """What is left of an instance's life."""

    instance: Running
    http: Http
    secrets: list[str]
    traffic: list[str]
    errors: list[str]


@pytest.fixture(scope="module")
def lived(tmp_path_factory: pytest.TempPathFactory, outside: Outside) -> Iterator[Lived]:
    """An instance that has sent, failed, refused and been asked for everything."""
    with running(tmp_path_factory.mktemp("marked"), **SETTINGS) as instance:
        traffic, heard = Traffic(instance.ready.broker_url), threading.Event()
        threading.Thread(target=traffic.listen, args=(heard,), daemon=True).start()
        assert heard.wait(30)
        http = instance.http("production")
        errors: list[str] = []
        token = _live(http, outside, errors)
        try:
            until(lambda: not _unfinished(http), "every message has ended", 90)
        except AssertionError:
            left = [http("GET", f"/messages/{id_}").json() for id_, _ in _unfinished(http)]
            raise AssertionError(left) from None
        secrets = [*SECRETS, token, *instance.ready.api_keys.values()]
        yield Lived(instance, http, secrets, traffic.lines, errors)


def _unfinished(http: Http) -> list[tuple[str, str]]:
    found = http("GET", "/messages").json()["results"]
    assert found
    return [(one["id"], one["status"]) for one in found if one["status"] in {"ENQUEUED", "ROUTED"}]


def _live(http: Http, outside: Outside, errors: list[str]) -> str:
    _configure(http, outside)
    profile = {
        "email": "marked.ada@example.com",
        "phone_number": "+15550177",
        "address": {"street": "marked-street"},
    }
    assert http("PUT", "/profiles/ada", json={"profile": profile}).ok
    assert http(
        "PUT", "/users/ada/tokens/marked-device", json={"provider_key": "apn", "token": "marked-device"}
    ).ok
    hook = {"url": outside.vendors.base_url("hook") + "/open", "secret": SECRETS[-3]}
    assert http("POST", "/webhooks", json=hook).ok
    words = {
        "content": {"title": "marked-words", "body": "marked-words {{code}}"},
        "data": {"code": "marked-code"},
    }
    email, sms = "marked.ada@example.com", "+15550177"
    nowhere = {"url": "http://127.0.0.1:1/marked-words?q=marked-code"}
    for to, rest in [
        ({"user_id": "ada"}, {}),
        ({"email": email}, {"routing": {"method": "all", "channels": ["email"]}}),
        ({"phone_number": sms}, {"routing": {"method": "all", "channels": ["sms"]}}),
        ([{"email": email}, {"phone_number": sms}, {"user_id": "ada"}], {}),
        # Nobody listens; a private address; a header that cannot be sent; an address that is none.
        ({"webhook": nowhere}, {}),
        ({"webhook": {"url": "http://10.0.0.1/marked-words"}}, {}),
        ({"webhook": {"url": "http://127.0.0.1:1/", "headers": {"x": "marked-words\r\n"}}}, {}),
        ({"email": "marked.ada@@example.com"}, {}),
        ({"slack": {"access_token": "marked-own-token", "channel": "marked-words"}}, {}),
        (
            {"user_id": "ada"},
            {"data": {"code": [1]}, "content": {"title": "x", "body": "{{ code / 'marked-code' }}"}},
        ),
    ]:
        answer = http.send({"to": to, **words, **rest})
        assert answer.status_code in {202, 400}, answer.text
        errors.append(answer.text)
    _be_refused(http, errors)
    issued = http(
        "POST", "/auth/issue-token", json={"scope": "user_id:ada read:messages", "expires_in": "1h"}
    )
    return str(issued.json()["token"])


def _configure(http: Http, outside: Outside) -> None:
    vendors, mail = outside.vendors, outside.mail
    sender = {"from_address": "hello@example.com"}
    sendgrid = {**sender, "base_url": vendors.base_url("sendgrid")}
    twilio = {"account_sid": TWILIO_SID, "auth_token": TWILIO_TOKEN, "from_number": "+15005550006"}
    for provider, alias, settings in [
        ("sendgrid", "wrong", {**sendgrid, "api_key": "SG.marked-wrong-key"}),
        ("smtp", "closed", {**_server(mail), **sender, "username": "u", "password": "marked-smtp-password"}),
        ("sendgrid", "right", {**sendgrid, "api_key": SENDGRID_KEY}),
        ("twilio", "down", {**twilio, "base_url": outside.down.url}),
        ("twilio", "right", {**twilio, "base_url": vendors.base_url("twilio")}),
        ("slack", None, {"access_token": SLACK_TOKEN, "base_url": vendors.base_url("slack")}),
        (
            "webhook",
            None,
            {
                "headers": {"x-key": "marked-header-value"},
                "authentication": "bearer",
                "token": "marked-bearer-token",
            },
        ),
    ]:
        body = {"provider": provider, "settings": settings, **({"alias": alias} if alias else {})}
        answer = http("POST", "/providers", json=body)
        assert answer.ok, answer.text
        assert not [secret for secret in SECRETS if secret in answer.text]


def _server(mail: MailLab) -> dict[str, Any]:
    return {"host": mail.host, "port": mail.port, "security": "none"}


def _be_refused(http: Http, errors: list[str]) -> None:
    """Every kind of bad call, with secrets in it."""
    guess = Http(http.base_url, "pk_prod_marked-guess")
    calls: list[tuple[Http, str, str, Any]] = [
        (guess, "GET", "/messages", None),
        (
            http,
            "POST",
            "/providers",
            {"provider": "sendgrid", "settings": {"api_key": ["SG.marked-wrong-key"]}},
        ),
        (
            http,
            "POST",
            "/providers",
            {"provider": "sendgrid", "settings": {"api_kez": "SG.marked-wrong-key"}},
        ),
        (
            http,
            "POST",
            "/providers",
            {"provider": "smtp", "settings": {"password": {"x": "marked-smtp-password"}}},
        ),
        (
            http,
            "POST",
            "/providers",
            {"provider": "webhook", "settings": {"headers": {"x": "a\nmarked-header-value"}}},
        ),
        (http, "POST", "/webhooks", {"url": "https://example.com", "secret": ["marked-bearer-token"]}),
        (http, "POST", "/send", {"message": {"to": {"email": ["marked.ada"]}, "content": {"title": 5}}}),
        (http, "POST", "/send", {"message": "marked-words"}),
    ]
    for caller, method, path, body in calls:
        answer = caller(method, path, json=body)
        assert 400 <= answer.status_code < 500, (path, body, answer.text)
        errors.append(answer.text)
    errors.append(http("POST", "/send", data=b'{"message": marked-words').text)


# --- searching


def unfolded(text: str) -> str:
    """``text``, and what is base64 in it in the clear."""
    found = [text]
    for chunk in re.findall(r"[A-Za-z0-9+/_-]{16,}={0,2}", text):
        try:
            found.append(
                base64.b64decode(chunk + "==", altchars=b"-_" if set("-_") & set(chunk) else None).decode()
            )
        except ValueError:
            continue
    return "\n".join(found)


def seen(text: str, marks: list[str]) -> list[str]:
    clear = unfolded(text)
    return [mark for mark in marks if mark in clear or mark.encode().hex() in clear]


def test_the_search_would_find_them() -> None:
    body = base64.b64encode(json.dumps({"x": "a marked-words b"}).encode()).decode()
    assert seen(f'"LPUSH" "render" "{{\\"body\\": \\"{body}\\"}}"', PRIVATE) == ["marked-words"]


def test_something_has_happened(lived: Lived, outside: Outside) -> None:
    statuses = {one["status"] for one in lived.http("GET", "/messages").json()["results"]}
    assert {"SENT", "UNDELIVERABLE"} <= statuses, statuses
    assert outside.vendors.of("hook")
    assert len(lived.traffic) > 100


def test_nothing_is_in_the_logs(lived: Lived) -> None:
    """Those of every process, of supervisord and of the servers; traces are printed there, too."""
    logs = [path for path in (lived.instance.data_dir).rglob("*.log*") if path.is_file()]
    text = "\n".join(path.read_text(errors="replace") for path in logs)
    assert "traceId" in text or "trace_id" in text
    assert len(logs) > 8
    for path in logs:
        assert seen(path.read_text(errors="replace"), [*lived.secrets, *PRIVATE]) == [], path.name


def test_nothing_is_in_tasks_or_anywhere_in_the_broker(lived: Lived) -> None:
    broker = redis.Redis.from_url(lived.instance.ready.broker_url)
    kept = [str(broker.dump(key)) + str(key) for key in broker.scan_iter(count=1000)]
    tasks = "\n".join([*lived.traffic, *kept])
    assert "render" in tasks
    assert seen(tasks, [*lived.secrets, *PRIVATE]) == []


def test_nothing_is_in_flower_and_strangers_see_none_of_it(lived: Lived) -> None:
    url = lived.instance.ready.flower_url
    stranger = url.replace(f"{urlsplit(url).username}:{urlsplit(url).password}@", "")
    pages = ["/api/tasks", "/api/workers", "/tasks", "/", "/broker"]
    for page in pages:
        assert requests.get(stranger + page, timeout=30).status_code == 401, page
        shown = requests.get(url + page, timeout=30)
        assert seen(shown.text, [*lived.secrets, *PRIVATE]) == [], page
    told = requests.get(url + "/api/tasks", timeout=30).json()
    assert told
    for task in list(told)[:50]:
        one = requests.get(f"{url}/api/task/info/{task}", timeout=30)
        assert seen(one.text, [*lived.secrets, *PRIVATE]) == []


def test_nothing_is_in_the_metrics(lived: Lived) -> None:
    given = {"authorization": f"Bearer {METRICS_TOKEN}"}
    told = requests.get(f"{lived.http.base_url}/metrics", headers=given, timeout=30)
    assert "notify_" in told.text
    assert seen(told.text, [*lived.secrets, *PRIVATE]) == []


def test_no_error_repeats_a_secret(lived: Lived) -> None:
    for error in lived.errors:
        assert seen(error, lived.secrets) == []


def test_no_answer_tells_a_secret(lived: Lived) -> None:
    http = lived.http
    described = requests.get(f"{http.base_url}/openapi.json", timeout=30).json()["paths"]
    plain = [path for path, methods in described.items() if "get" in methods and "{" not in path]
    ids = [one["id"] for one in http("GET", "/messages").json()["results"]]
    parts = ("", "/history", "/output", "/explain")
    of_one = [f"/messages/{id_}{part}" for id_ in ids for part in parts]
    lists = {path: http("GET", path).json() for path in ("/providers", "/webhooks", "/audit-events")}
    of_one += [
        f"{path}/{one.get('id') or one.get('auditEventId')}"
        for path, page in lists.items()
        for one in page["results"]
    ]
    of_one += [f"/webhooks/{one['id']}/deliveries" for one in lists["/webhooks"]["results"]]
    answers = {path: http("GET", path) for path in [*plain, *of_one, "/profiles/ada", "/users/ada/tokens"]}
    assert not [path for path, answer in answers.items() if answer.status_code >= 500]
    for path, answer in answers.items():
        assert seen(answer.text, lived.secrets) == [], path


def test_the_database_holds_no_secret_in_the_clear(lived: Lived) -> None:
    with psycopg.connect(lived.instance.ready.database_url) as connection:
        tables = connection.execute(
            "SELECT format('%I', tablename) FROM pg_tables WHERE schemaname = 'public' ORDER BY 1"
        ).fetchall()
        assert len(tables) > 30
        for (table,) in tables:
            with connection.cursor().copy(f"COPY (SELECT * FROM {table}) TO STDOUT".encode()) as rows:
                text = b"".join(map(bytes, rows)).decode()
            assert seen(text, lived.secrets) == [], table


def test_secrets_on_disk_are_their_owners_alone(lived: Lived) -> None:
    for path in _files(lived.instance.data_dir):
        if path.suffix == ".json" and seen(path.read_text(errors="replace"), lived.secrets):
            assert path.stat().st_mode & 0o077 == 0, path


def _files(directory: Path) -> Iterator[Path]:
    for path in directory.iterdir():
        if path.is_file():
            yield path
