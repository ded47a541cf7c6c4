"""Retrying what failed: each message once, as a new one, and both logs name the other."""

from typing import Any

import pytest

from tests import factories
from tests.integration.harness import Api, Database, Pipeline
from tests.servers import ProviderLab, Reply

REFUSED = Reply(status=401)


@pytest.fixture
def failed(api: Api, pipeline: Pipeline, lab: ProviderLab) -> list[str]:
    """Three messages that their only provider has refused."""
    api.configure("sendgrid", factories.sendgrid(lab))
    with lab.always(REFUSED):
        sent = [api.send() for _ in range(3)]
        pipeline.drain()
    assert {api.message(id_)["status"] for id_ in sent} == {"UNDELIVERABLE"}
    return sent


def _retry(api: Api, **body: Any) -> dict[str, Any]:
    answer = api.post("/retries", body)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def _links(api: Api, id_: str) -> dict[str, Any]:
    (entry,) = (entry for entry in api.history(id_) if entry["type"] == "RETRIED")
    return {name: entry[name] for name in ("retried_as", "retry_of") if name in entry}


def test_a_failed_message_is_sent_again_as_a_new_one(api: Api, pipeline: Pipeline, failed: list[str]) -> None:
    (retried,) = _retry(api, message=failed[0])["results"]
    pipeline.drain()
    new = retried["retriedAs"]
    assert api.message(new)["status"] == "SENT"
    assert api.message(failed[0])["status"] == "UNDELIVERABLE"
    assert _links(api, failed[0]) == {"retried_as": new}
    assert _links(api, new) == {"retry_of": failed[0]}


def test_each_is_retried_once(api: Api, pipeline: Pipeline, failed: list[str]) -> None:
    (retried,) = _retry(api, message=failed[0])["results"]
    again = api.post("/retries", {"message": failed[0]})
    assert (again.status_code, again.json()["type"]) == (409, "conflict")
    assert retried["retriedAs"] in again.json()["message"]
    assert _retry(api)["count"] == 2
    assert _retry(api)["count"] == 0
    pipeline.drain()
    assert len(api.messages(status="SENT")) == 3


def test_a_dry_run_says_how_many_and_sends_nothing(api: Api, failed: list[str], database: Database) -> None:
    before = database.count("message")
    assert _retry(api, dryRun=True, limit=1) == {"count": 3, "results": []}
    assert database.count("message") == before


def test_filters_choose(api: Api, pipeline: Pipeline, failed: list[str], sandbox: Api) -> None:
    unroutable = api.send(
        to={"phone_number": factories.PHONE}, routing={"method": "all", "channels": ["sms"]}
    )
    pipeline.drain()

    def count(**filters: Any) -> int:
        return int(_retry(api, dryRun=True, **filters)["count"])

    assert count() == 4
    assert count(status="UNDELIVERABLE") == 3
    assert count(status="UNROUTABLE", reason=api.message(unroutable)["reason"]) == 1
    assert count(provider="sendgrid") == 3
    assert count(provider="smtp") == 0
    assert count(message=failed[1]) == 1
    assert count(since="2000-01-01T00:00:00Z") == 4
    assert count(until="2000-01-01T00:00:00Z") == 0
    assert count(notification="welcome") == 0
    assert count(setAside=True) == 0
    assert _retry(sandbox, dryRun=True)["count"] == 0


def test_what_killed_its_workers_can_be_retried(sandbox: Api, pipeline: Pipeline, database: Database) -> None:
    id_ = sandbox.send()
    database("UPDATE work SET lost = 3")
    pipeline.drain()
    assert "Set aside" in sandbox.message(id_)["error"]
    (retried,) = _retry(sandbox, setAside=True)["results"]
    pipeline.drain()
    assert (retried["messageId"], sandbox.message(retried["retriedAs"])["status"]) == (id_, "SENT")


def test_only_failures_are_retried(sandbox: Api, pipeline: Pipeline) -> None:
    id_ = sandbox.send()
    pipeline.drain()
    answer = sandbox.post("/retries", {"message": id_})
    assert (answer.status_code, answer.json()["type"]) == (409, "conflict")
    assert sandbox.post("/retries", {"message": "nonsense"}).status_code == 404
    assert sandbox.post("/retries", {"message": "nonsense", "dryRun": True}).status_code == 404
    assert sandbox.post("/retries", {"status": "SENT"}).status_code == 400


def test_a_rehearsed_message_stays_a_rehearsal(api: Api, pipeline: Pipeline, database: Database) -> None:
    id_ = api.send()
    pipeline.drain()
    database("UPDATE request SET mode = 'mock'")
    _retry(api, message=id_)
    assert {row["mode"] for row in database("SELECT mode FROM request")} == {"mock"}
