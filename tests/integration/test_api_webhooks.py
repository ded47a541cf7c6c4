"""``/webhooks``: destinations are added, changed, tried out and removed; what is wrong is refused."""

import base64
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from typer.testing import CliRunner

from notify import ids
from notify.cli import app
from notify.manage.webhook_rules import MAX_URL
from notify.manage.webhooks import MAX_PER_WORLD
from notify.pipeline import hook_lines
from tests.integration.conftest import Configure
from tests.integration.harness import Api, Database, Pipeline
from tests.servers import ProviderLab, Reply

URL = "https://example.com/hook?token=1"


@pytest.fixture
def hook(lab: ProviderLab, configured: Configure) -> str:
    configured(allowed_networks="127.0.0.0/8")
    return f"{lab.base_url('hook')}/open"


def test_a_destination_from_beginning_to_end(sandbox: Api) -> None:
    answer = sandbox.post("/webhooks", {"url": URL, "title": "Ours", "events": ["message:updated"] * 2})
    made = answer.json()
    assert (answer.status_code, made["url"], made["events"]) == (201, URL, ["message:updated"])
    assert len(base64.b64decode(made["secret"].removeprefix("whsec_"))) == 32
    path = f"/webhooks/{made['id']}"
    shown = {name: value for name, value in made.items() if name != "secret"}
    assert sandbox.get(path).json() == shown
    assert sandbox.get("/webhooks").json() == {"paging": {"more": False}, "results": [shown]}
    changed = sandbox.put(path, {"url": "https://example.com/other"}).json()
    assert (changed["url"], changed["title"], changed["events"]) == ("https://example.com/other", "", [])
    assert changed["updated"] >= changed["created"]
    assert sandbox.post(f"{path}/pause").json()["pauseReason"] == "Paused by hand."
    assert sandbox.post(f"{path}/pause", {"reason": "again"}).json()["pauseReason"] == "Paused by hand."
    resumed = sandbox.post(f"{path}/resume").json()
    assert (resumed["status"], "pauseReason" in resumed) == ("active", False)
    assert sandbox.delete(path).status_code == 204
    assert sandbox.get("/webhooks").json()["results"] == []


@pytest.mark.parametrize(
    ("body", "names"),
    [
        ({}, "url"),
        ({"url": 5}, "url"),
        ({"url": "example.com"}, "url"),
        ({"url": "ftp://example.com/"}, "url"),
        ({"url": "file:///etc/passwd"}, "url"),
        ({"url": "https://"}, "url"),
        ({"url": "https://user:word@example.com/"}, "url"),
        ({"url": "https://example.com/a b"}, "url"),
        ({"url": "https://example.com/\r\nx"}, "url"),
        ({"url": "https://example.com:99999/"}, "url"),
        ({"url": "https://[::1"}, "url"),
        ({"url": "https://example.com/" + "a" * MAX_URL}, "url"),
        ({"url": "http://127.0.0.1/"}, "url"),
        ({"url": "http://10.1.2.3:80/"}, "url"),
        ({"url": "http://169.254.169.254/latest"}, "url"),
        ({"url": "http://[::1]/"}, "url"),
        ({"url": "http://[::ffff:10.0.0.1]/"}, "url"),
        ({"url": URL, "events": ["message:update"]}, "events"),
        ({"url": URL, "events": ["webhook:test"]}, "events"),
        ({"url": URL, "events": "message:updated"}, "events"),
        ({"url": URL, "title": "\0"}, "title"),
        ({"url": URL, "title": "x" * 201}, "title"),
        ({"url": URL, "secret": ""}, "secret"),
        ({"url": URL, "secret": "short"}, "secret"),
        ({"url": URL, "secret": "whsec_not base64 at all"}, "secret"),
        ({"url": URL, "secret": "whsec_" + base64.b64encode(b"x" * 23).decode()}, "secret"),
        ({"url": URL, "secret": "ümlauts are not for headers"}, "secret"),
    ],
)
def test_what_is_wrong_is_refused_with_its_name(sandbox: Api, body: dict[str, Any], names: str) -> None:
    answer = sandbox.post("/webhooks", body)
    assert (answer.status_code, answer.json()["type"]) == (400, "invalid_request_error")
    assert answer.json()["message"].startswith(names)
    assert sandbox.get("/webhooks").json()["results"] == []


def test_what_is_not_there(sandbox: Api, api: Api) -> None:
    foreign = api.post("/webhooks", {"url": URL}).json()["id"]
    for id_ in ("x", str(ids.new()), foreign):
        path = f"/webhooks/{id_}"
        answers = [
            sandbox.get(path), sandbox.put(path, {"url": URL}), sandbox.delete(path),
            sandbox.get(f"{path}/deliveries"), sandbox.get(f"{path}/deliveries/{ids.new()}"),
            *(sandbox.post(f"{path}/{act}") for act in ("pause", "resume", "rotate-secret", "test")),
            sandbox.post(f"{path}/replay", {}),
        ]  # fmt: skip
        assert {answer.status_code for answer in answers} == {404}
    assert api.get(f"/webhooks/{foreign}").json()["status"] == "active"


@pytest.mark.parametrize(
    "body",
    [
        {"states": []},
        {"states": ["pending"]},
        {"since": -1},
        {"since": 2**60},
        {"cursor": "x"},
        {"states": None},
    ],
)
def test_a_replay_that_cannot_be_meant(sandbox: Api, body: dict[str, Any]) -> None:
    made = sandbox.post("/webhooks", {"url": URL}).json()
    assert sandbox.post(f"/webhooks/{made['id']}/replay", body).status_code == 400


def test_there_are_only_so_many(sandbox: Api, api: Api, database: Database) -> None:
    database(
        "INSERT INTO webhook_destination (id, world, url, title, events)"
        " SELECT gen_random_uuid(), 'test', 'https://example.com', '', '{}' FROM generate_series(3, %s)",
        MAX_PER_WORLD,
    )
    with ThreadPoolExecutor(5) as threads:
        answers = list(threads.map(lambda _: sandbox.post("/webhooks", {"url": URL}).status_code, range(5)))
    assert sorted(answers) == [201, 201, 400, 400, 400]
    assert api.post("/webhooks", {"url": URL}).status_code == 201


def test_an_answer_with_a_secret_is_not_kept(sandbox: Api, database: Database) -> None:
    made = sandbox.post("/webhooks", {"url": URL}, idempotency_key="k").json()
    sandbox.post(f"/webhooks/{made['id']}/rotate-secret", idempotency_key="k")
    assert database.count("idempotency") == 0
    sandbox.post(f"/webhooks/{made['id']}/pause", idempotency_key="k")
    assert database.count("idempotency") == 1


def test_changes_are_in_the_audit_log_without_secrets(sandbox: Api, database: Database) -> None:
    made = sandbox.post("/webhooks", {"url": URL}).json()
    new = sandbox.post(f"/webhooks/{made['id']}/rotate-secret").json()["secret"]
    sandbox.delete(f"/webhooks/{made['id']}")
    rows = database("SELECT action, details FROM audit_event WHERE target_kind = 'webhook' ORDER BY id")
    assert [row["action"] for row in rows] == ["webhook.created", "webhook.secret_rotated", "webhook.removed"]
    words = str(rows)
    assert not any(secret in words for secret in (made["secret"], new, "token"))


# --- trying it out -------------------------------------------------------------------------------


def test_a_test_says_what_came_of_it(sandbox: Api, lab: ProviderLab, hook: str) -> None:
    made = sandbox.post("/webhooks", {"url": hook, "events": ["message:updated"]}).json()
    worked = sandbox.post(f"/webhooks/{made['id']}/test").json()
    assert (worked["state"], worked["attempts"][0]["status"]) == ("delivered", 204)
    (request,) = lab.of("hook")
    assert request.json() == worked["body"]
    assert (worked["body"]["type"], worked["body"]["data"]["id"]) == ("webhook:test", worked["id"])
    sandbox.post(f"/webhooks/{made['id']}/pause")
    lab.script(Reply(status=500, body=b"no"))
    failed = sandbox.post(f"/webhooks/{made['id']}/test").json()
    assert (failed["state"], failed["error"]) == ("failed", "HTTP 500: no")
    found = sandbox.get(f"/webhooks/{made['id']}/deliveries").json()["results"]
    assert [one["state"] for one in found] == ["failed", "delivered"]
    assert len(lab.of("hook")) == 2


def test_deliveries_come_in_pages(sandbox: Api, pipeline: Pipeline, lab: ProviderLab, hook: str) -> None:
    made = sandbox.post("/webhooks", {"url": hook}).json()
    path = f"/webhooks/{made['id']}/deliveries"
    sandbox.send(to=[{"user_id": f"u{n}", "email": f"u{n}@example.com"} for n in range(40)])
    pipeline.drain()
    hook_lines.lines().settle(60)
    pipeline.drain()
    first = sandbox.get(path, params={"state": "delivered"}).json()
    cursor = first["paging"]["cursor"]
    second = sandbox.get(path, params={"state": "delivered", "cursor": cursor}).json()
    found = [one["id"] for page in (first, second) for one in page["results"]]
    assert (len(first["results"]), len(found), second["paging"]["more"]) == (100, 120, False)
    assert found == sorted(set(found), reverse=True)
    assert sandbox.get(path, params={"cursor": cursor}).status_code == 400
    assert sandbox.get(path, params={"state": "lost"}).status_code == 400


# --- the command line ----------------------------------------------------------------------------


@pytest.fixture
def run(sandbox: Api) -> Any:
    """``run("list")``: the output of a command."""

    def running(*words: str, code: int = 0) -> str:
        environment = {"NOTIFY_URL": sandbox.base_url, "NOTIFY_API_KEY": sandbox.key, "COLUMNS": "250"}
        done = CliRunner().invoke(app, ["webhooks", *words], env=environment)
        assert done.exit_code == code, done.output
        return done.output

    return running


def test_the_commands(run: Any, sandbox: Api, pipeline: Pipeline, lab: ProviderLab, hook: str) -> None:
    id_, secret = run("add", hook, "--title", "Ours", "--event", "message:updated").split("\n")[:2]
    assert secret.startswith("secret: whsec_")
    assert "Delivered: HTTP 204" in run("test", id_)
    lab.script(Reply(status=404))
    assert "HTTP 404" in run("test", id_, code=1)
    run("pause", id_, "--reason", "for a while")
    sandbox.send()
    pipeline.drain()
    assert "for a while" in run("list")
    assert "paused" in run("replay", id_, code=1)
    run("resume", id_)
    assert run("deliveries", id_, "--state", "held").count("message:updated") == 3
    # The test that failed is among them.
    assert run("replay", id_, "--since", "2020-01-01") == "4 sent again.\n"
    pipeline.drain()
    assert run("deliveries", id_).count("delivered") == 5
    delivery = sandbox.get(f"/webhooks/{id_}/deliveries").json()["results"][0]["id"]
    assert run("replay", id_, "--delivery", delivery) == "1 sent again.\n"
    assert run("rotate", id_).startswith("whsec_")
    run("remove", id_)
    assert "Ours" not in run("list")
    assert "secret" not in run("add", hook, "--unsigned")
