"""Dry runs and explanations: what a send would do, and why a message went where it went."""

from typing import Any

import pytest

from tests import factories
from tests.integration.harness import Api, Database, Pipeline
from tests.servers import MailLab, ProviderLab, Reply

BOTH = {"email": factories.ADA, "phone_number": factories.PHONE}
TABLES = (
    "request", "message", "message_content", "message_plan", "message_event", "delivery", "work",
    "idempotency",
)  # fmt: skip


def dry(api: Api, **fields: Any) -> dict[str, Any]:
    answer = api.post("/send?dry_run=true", {"message": factories.message(**fields)})
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def explained(api: Api, id_: str) -> dict[str, Any]:
    answer = api.get(f"/messages/{id_}/explain")
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def standings(course: dict[str, Any]) -> list[tuple[str, str, str]]:
    """Channel, provider and standing, in the order of the tree."""

    def walk(node: dict[str, Any]) -> list[tuple[str, str, str]]:
        if "entries" in node:
            return [one for entry in node["entries"] for one in walk(entry)]
        return [(node["channel"], one["provider"], one["standing"]) for one in node["providers"]]

    return walk(course["plan"])


@pytest.fixture
def email(api: Api, lab: ProviderLab) -> str:
    return api.configure("sendgrid", factories.sendgrid(lab))


@pytest.fixture
def sms(api: Api, lab: ProviderLab) -> str:
    return api.configure("twilio", factories.twilio(lab))


@pytest.mark.usefixtures("email", "sms")
def test_a_dry_run_says_what_would_happen_and_does_nothing(
    api: Api, pipeline: Pipeline, lab: ProviderLab, mail: MailLab, database: Database
) -> None:
    api.configure("smtp", factories.smtp(mail))
    answer = api.post(
        "/send?dry_run=true",
        {
            "message": factories.message(
                to=BOTH,
                content={"title": "Hi {{name}}", "body": "Code {{code}}"},
                data={"name": "Ada", "code": 7},
                routing={"method": "single", "channels": ["push", "email", "sms"]},
            )
        },
        idempotency_key="k",
    )
    assert answer.status_code == 200, answer.text
    found = answer.json()
    assert (found["dryRun"], found["mode"]) == (True, "published")
    assert found["recipients"] == {"count": 1, "sample": [BOTH]}
    (course,) = found["messages"]
    assert (course["status"], course["plan"]["method"]) == ("ROUTED", "single")
    assert standings(course) == [
        ("email", "sendgrid", "starts"), ("email", "smtp", "standby"), ("sms", "twilio", "standby"),
    ]  # fmt: skip
    why = [one["why"] for entry in course["plan"]["entries"] for one in entry["providers"]]
    assert why == [
        "The first that can take it.",
        "Takes over if sendgrid fails or is not done in 300 s.",
        "Takes over if email fails.",
    ]
    assert course["skipped"] == [
        {"entry": "push", "code": "NO_PROVIDERS", "why": "No provider is configured for channel push."}
    ]
    said = {one["channel"]: one["content"] for one in course["outputs"]}
    assert (said["email"]["subject"], said["sms"]["body"]) == ("Hi Ada", "Code 7")
    assert {table: database.count(table) for table in TABLES} == dict.fromkeys(TABLES, 0)
    assert pipeline.drain() == 0
    assert not lab.requests
    # No idempotency key was used: the real call is a first one.
    assert api.post("/send", {"message": factories.message()}, idempotency_key="k").status_code == 202


@pytest.mark.usefixtures("email")
def test_a_dry_run_counts_all_recipients_and_looks_at_the_first(api: Api) -> None:
    api.put("/profiles/ada", {"profile": {"email": "ada@example.com", "name": "Ada"}})
    to = [{"user_id": "ada"}, *({"email": f"u{n}@example.com", "data": {"n": n}} for n in range(30))]
    found = dry(api, to=to, content={"title": "{{profile.name}}{{n}}", "body": "b"})
    assert found["recipients"]["count"] == 31
    assert found["recipients"]["sample"] == to[:5]
    titles = [course["outputs"][0]["content"]["subject"] for course in found["messages"]]
    assert titles == ["Ada", "0", "1", "2", "3"]


@pytest.mark.parametrize(
    ("fields", "status", "reason"),
    [
        ({"template": "nobody-knows"}, "UNMAPPED", None),
        ({"routing": {"method": "single", "channels": ["sms"]}}, "UNROUTABLE", "NO_PROVIDERS"),
        ({"channels": {"email": {"if": "false"}}}, "FILTERED", "FILTERED"),
        (
            {"content": {"title": "a", "body": "{{ 1 / data.zero }}"}, "data": {"zero": 0}},
            "UNDELIVERABLE",
            "FAILED",
        ),
        ({"delay": {"duration": 60_000}}, "DELAYED", None),
    ],
)
@pytest.mark.usefixtures("email")
def test_a_dry_run_tells_what_would_go_wrong(
    api: Api, pipeline: Pipeline, fields: dict[str, Any], status: str, reason: str | None
) -> None:
    """The same words as the message itself would end with."""
    (course,) = dry(api, **fields)["messages"]
    id_ = api.send(**fields)
    pipeline.drain()
    real = api.message(id_)
    assert (
        (course["status"], course.get("reason")) == (real["status"], real.get("reason")) == (status, reason)
    )
    assert course.get("error") == real.get("error")
    assert ("sendAt" in course) == (status == "DELAYED")


def test_a_bad_request_is_refused_in_a_dry_run_as_well(api: Api) -> None:
    assert api.post("/send?dry_run=true", {"message": {"to": {"email": "a@b.c"}}}).status_code == 400


@pytest.mark.usefixtures("email", "sms")
def test_a_past_message_is_explained(api: Api, pipeline: Pipeline, lab: ProviderLab, mail: MailLab) -> None:
    api.configure("smtp", factories.smtp(mail))
    lab.script(Reply(status=401))
    id_ = api.send(to=BOTH, routing={"method": "single", "channels": ["push", "email", "sms"]})
    pipeline.drain()
    found = explained(api, id_)
    assert (found["id"], found["status"], found["mode"]) == (id_, "SENT", "published")
    assert standings(found) == [
        ("email", "sendgrid", "failed"), ("email", "smtp", "sent"), ("sms", "twilio", "unused"),
    ]  # fmt: skip
    failed = found["plan"]["entries"][0]["providers"][0]["why"]
    assert "HTTP 401" in failed
    assert "next provider" in failed
    assert [skip["code"] for skip in found["skipped"]] == ["NO_PROVIDERS"]
    assert {"ROUTED", "UNDELIVERABLE", "SENT"} <= {entry["type"] for entry in found["log"]}
    assert found["outputs"][0]["content"]["subject"] == "Hello"


def test_a_message_that_nothing_could_take_is_explained(api: Api, pipeline: Pipeline) -> None:
    id_ = api.send(routing={"method": "all", "channels": ["email", "twilio"]})
    pipeline.drain()
    found = explained(api, id_)
    assert "plan" not in found
    assert [(skip["entry"], skip["code"]) for skip in found["skipped"]] == [
        ("email", "NO_PROVIDERS"), ("twilio", "MISSING_CONFIGURATION"),
    ]  # fmt: skip


@pytest.mark.usefixtures("email")
def test_a_message_under_way_is_explained(api: Api, pipeline: Pipeline, lab: ProviderLab) -> None:
    id_ = api.send()
    assert "plan" not in explained(api, id_)
    lab.script(Reply(status=503))
    pipeline.drain()
    assert standings(explained(api, id_)) == [("email", "sendgrid", "active")]


def test_there_is_nothing_to_explain(api: Api, sandbox: Api, pipeline: Pipeline) -> None:
    assert api.get("/messages/1-00000000-000000000000000000000000/explain").status_code == 404
    assert api.get(f"/messages/{sandbox.send()}/explain").status_code == 404
