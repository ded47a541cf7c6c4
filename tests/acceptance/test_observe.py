"""What operators see: Flower, health, the API's own description; and what logs must never show."""

import json
import re
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import psycopg
import pytest
import requests
from courier import BadRequestError, Courier, NotFoundError

from notify.local.lab import HttpLab, MailLab, Reply
from tests.acceptance.calls import ended, fresh, send, via
from tests.acceptance.conftest import SENDER
from tests.acceptance.running import Running, until

TO = {"email": "ada@example.com"}


# --- Flower --------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/", "/tasks", "/api/tasks", "/api/workers", "/broker", "/metrics"])
@pytest.mark.parametrize("auth", [None, ("notify", "wrong"), ("", "")])
def test_flower_is_closed_without_its_password(
    instance: Running, path: str, auth: tuple[str, str] | None
) -> None:
    url = urlsplit(instance.ready.flower_url)
    assert requests.get(f"http://{url.hostname}:{url.port}{path}", auth=auth).status_code == 401


def test_flower_shows_tasks_by_stage_and_channel_with_their_messages(
    instance: Running, client: Courier
) -> None:
    to = {**TO, "phone_number": "+4930123456"}
    ended(client, send(client, to, routing=via("email", "sms", method="all")))
    flower = instance.ready.flower_url
    assert requests.get(f"{flower}/tasks").ok

    def seen() -> dict[str, dict[str, Any]]:
        tasks = requests.get(f"{flower}/api/tasks", params={"limit": "1000"}).json().values()
        wanted = {"render", "route", "deliver.email", "deliver.sms"}
        done = [task for task in tasks if task["state"] == "SUCCESS" and task["name"] in wanted]
        found = {task["name"]: task for task in done if re.search(r"[1-9]\d* messages", task["result"])}
        return found if wanted <= found.keys() else {}

    for task in until(seen, "the stages are seen in Flower").values():
        assert re.fullmatch(r"\(\d+ told, (single|bulk)\)", task["args"])
        assert task["kwargs"] == "{}"
        assert "example.com" not in json.dumps(task)


# --- metrics -------------------------------------------------------------------------------------


def test_metrics_speak_for_every_process_and_ask_for_the_token(instance: Running, client: Courier) -> None:
    ended(client, send(client, TO, routing=via("email")))
    url = f"{instance.ready.base_url}/metrics"
    assert requests.get(url).status_code == 401
    token = json.loads((instance.data_dir / "instance.json").read_text())["metrics_token"]
    text = requests.get(url, headers={"Authorization": f"Bearer {token}"}).text
    for told in (
        'notify_accepted_total{world="test"}',
        'notify_task_seconds_count{channel="",lane="single",outcome="done",stage="render"}',
        'notify_task_seconds_count{channel="email",lane="single",outcome="done",stage="deliver"}',
        'notify_queue_depth{channel="email",lane="bulk",stage="deliver",state="ready"}',
    ):
        assert told in text
    assert "example.com" not in text


# --- health and the API's description ------------------------------------------------------------


def test_health_asks_for_no_key(instance: Running) -> None:
    url = instance.ready.base_url
    assert requests.get(f"{url}/health/live").json() == {"status": "ok"}
    assert requests.get(f"{url}/health/ready").json() == {"status": "ok", "problems": []}


def test_the_api_describes_itself(instance: Running) -> None:
    url = instance.ready.base_url
    described = requests.get(f"{url}/openapi.json").json()
    paths = described["paths"]
    assert {"/send", "/messages", "/messages/{message_id}", "/messages/{message_id}/history"} <= paths.keys()
    assert {"/messages/{message_id}/output", "/profiles/{user_id}", "/providers"} <= paths.keys()
    assert {"/notifications/{template_id}", "/notifications/{template_id}/publish"} <= paths.keys()
    assert "202" in paths["/send"]["post"]["responses"]
    assert instance.ready.api_keys["production"] not in json.dumps(described)
    page = requests.get(f"{url}/docs")
    assert page.ok
    assert page.headers["content-type"].startswith("text/html")


# --- what is not to be seen ----------------------------------------------------------------------


def test_logs_and_the_broker_hold_no_address_content_or_secret(instance: Running) -> None:
    mark = f"marked{uuid4().hex[:8]}"
    _busy_day(instance, mark)
    secrets = {mark, *instance.ready.api_keys.values(), *_own_secrets(instance)}

    logs = list((instance.data_dir / "logs").iterdir())
    assert {"api.log", "worker-pipeline.log", "worker-email.log", "postgres.log", "valkey.log"} <= {
        log.name for log in logs
    }
    assert any(b"deliver.email" in log.read_bytes() for log in logs)
    queues = [path for path in (instance.data_dir / "valkey").rglob("*") if path.suffix in {".aof", ".rdb"}]
    assert queues
    # Nearly every address of the whole session is one at example.com.
    assert findings([*logs, *queues], {*secrets, "@example.com"}) == []


def findings(files: list[Path], words: set[str]) -> list[tuple[str, str]]:
    """In which files which words are, with the line."""
    return [
        (file.name, line[:300].decode(errors="replace"))
        for file in files
        for line in file.read_bytes().splitlines()
        if any(word.encode() in line for word in words)
    ]


def _own_secrets(instance: Running) -> set[str]:
    kept = json.loads((instance.data_dir / "instance.json").read_text())
    broker = json.loads((instance.data_dir / "valkey" / "access.json").read_text())
    return {kept["encryption_key"], kept["flower_password"], kept["metrics_token"], broker["password"]}


def _busy_day(instance: Running, mark: str) -> None:
    """Everything that may go wrong, with the mark in every address, text and secret."""
    client = instance.client("production")
    secret, user = f"SG.{mark}", f"user-{mark}"
    with MailLab() as mail, HttpLab(lambda request: Reply(status=500, body=mark.encode())) as broken:
        mail.refuse["rcpt", f"gone.{mark}@example.com"] = f"550 no {mark} here"
        server = {"host": mail.host, "port": mail.port, "security": "none", "from_address": SENDER}
        twilio = {"account_sid": "AC1", "auth_token": secret, "from_number": "+1", "base_url": broken.url}
        made = [
            client.providers.create(provider="smtp", alias=mark, settings=server),
            client.providers.create(provider="twilio", alias=mark, settings=twilio),
        ]
        try:
            _sends(client, mark, user, broken)
        finally:
            for provider in made:
                client.providers.delete(provider.id)
    _refusals(instance, client, mark, secret, user)


def _sends(client: Courier, mark: str, user: str, broken: HttpLab) -> None:
    client.profiles.create(user, profile={"email": f"{mark}@example.com", "phone_number": "+4930123456"})
    content = {"title": f"{mark} {{{{name}}}}", "body": f"Code {mark}"}
    data = {"name": mark}
    email, sms = via(f"smtp:{mark}"), via(f"twilio:{mark}")
    hook = {"url": f"{broken.url}/{mark}", "authentication": {"mode": "bearer", "token": mark}}
    soon = {"timeout": {"message": 800}}
    sent = [
        send(client, {"user_id": user}, content, data=data, routing=email),
        send(client, {"email": f"gone.{mark}@example.com"}, content, data=data, routing=email),
        send(client, {"email": f"no address {mark}"}, content, data=data, routing=email),
        send(client, {"user_id": user}, content, data=data, routing=sms, **soon),
        send(client, {"webhook": hook}, content, data=data, **soon),
        send(client, {"webhook": {"url": f"http://10.0.0.1/{mark}"}}, content),
        send(client, TO, {"title": mark, "body": f"{{{{ 1 / 0 }}}} {mark}"}, data=data),
        send(client, TO, template=mark),
        send(client, TO, content, routing=via({"channel": "email", "if": f"data.x === '{mark}'"})),
    ]
    statuses = [ended(client, id_).status for id_ in sent]
    assert statuses[0] == "SENT"
    assert "SENT" not in statuses[1:]


def _refusals(instance: Running, client: Courier, mark: str, secret: str, user: str) -> None:
    http = instance.http("production")
    assert (
        http.send(
            {"to": {"email": mark}, "content": {"title": f"{{{{ {mark}( }}}}", "body": mark}}
        ).status_code
        == 400
    )
    assert http("POST", "/send", data=f'{{"{mark}'.encode()).status_code == 400
    assert http("GET", f"/messages/{mark}?recipient={mark}").status_code == 404
    wrong_key = {"Authorization": f"Bearer pk_prod_{mark}"}
    assert http("GET", "/messages", headers=wrong_key).status_code == 401
    with pytest.raises(BadRequestError):
        client.providers.create(provider="sendgrid", settings={"api_key": secret, "from_address": mark})
    with pytest.raises(NotFoundError):
        client.profiles.retrieve(f"no-{user}")


def test_secrets_of_providers_and_keys_are_not_in_the_database_in_the_clear(
    instance: Running, client: Courier
) -> None:
    secret = fresh("SG.secret")
    settings = {"api_key": secret, "from_address": SENDER}
    made = client.providers.create(provider="sendgrid", alias=secret[-8:], settings=settings)
    try:
        with psycopg.connect(instance.ready.database_url) as connection:
            rows = connection.execute("SELECT to_jsonb(p)::text FROM provider AS p").fetchall()
            keys = connection.execute("SELECT to_jsonb(k)::text FROM api_key AS k").fetchall()
    finally:
        client.providers.delete(made.id)
    text = str(rows)
    assert made.id in text
    assert secret not in text
    assert secret.encode().hex() not in text
    for key in instance.ready.api_keys.values():
        assert key not in str(keys)
        assert key.encode().hex() not in str(keys)
