"""The audit log: every change is in it, with who made it, and no secret is."""

import json
from typing import Any

from courier import Courier

from notify import acting
from notify.manage import keys, send_limits
from notify.model.names import World
from notify.model.send_limit import Period, Scope, SendLimit
from tests import factories
from tests.integration.harness import Api, Database
from tests.servers import MailLab, ProviderLab


def _events(api: Api) -> list[dict[str, Any]]:
    results: list[dict[str, Any]] = api.get("/audit-events").json()["results"]
    return results


def _types(api: Api) -> list[str]:
    return [event["type"] for event in reversed(_events(api))][1:]


def test_changes_are_told_with_who_made_them_and_without_secrets(
    api: Api, database: Database, lab: ProviderLab
) -> None:
    settings = factories.sendgrid(lab)
    id_ = api.configure("sendgrid", settings)
    api.put(f"/providers/{id_}", {"provider": "sendgrid", "title": "Main", "settings": settings})
    rate = {"rate_limit": {"rate": 5, "period": "second"}}
    assert api.put(f"/providers/{id_}/rate-limit", rate).status_code == 200
    api.delete(f"/providers/{id_}")
    assert _types(api) == ["provider.created", "provider.replaced", "provider.limited", "provider.deleted"]
    limited = next(event for event in _events(api) if event["type"] == "provider.limited")
    (key,) = keys.find()
    assert limited["actor"] == {"id": str(key.id), "name": "tests"}
    assert (limited["source"], limited["target"]) == ("api", f"provider/{id_}")
    assert limited["details"]["before"]["settings"].get("rate_limit") is None
    assert limited["details"]["after"]["settings"]["rate_limit"] == {"rate": 5, "period": "second"}
    everything = json.dumps(_events(api)) + str(database("SELECT details::text FROM audit_event"))
    assert settings["api_key"] not in everything
    assert api.key not in everything


def test_a_rate_that_is_changed_keeps_the_secrets(api: Api, pipeline: Any, lab: ProviderLab) -> None:
    id_ = api.configure("sendgrid", factories.sendgrid(lab))
    api.put(f"/providers/{id_}/rate-limit", {"rate_limit": {"rate": 100, "period": "second"}})
    api.send()
    pipeline.drain()
    assert len(lab.of("sendgrid")) == 1
    shown = api.put(f"/providers/{id_}/rate-limit", {"rate_limit": None}).json()
    assert "rate_limit" not in shown["settings"]
    wrong = api.put(f"/providers/{id_}/rate-limit", {"rate_limit": {"rate": 0, "period": "second"}})
    assert wrong.status_code == 400


def test_everything_that_is_changed_is_in_it(api: Api, mail: MailLab) -> None:
    template = api.template(state="DRAFT")
    api.put(f"/notifications/{template}", {"notification": factories.template()})
    api.post(f"/notifications/{template}/publish")
    api.delete(f"/notifications/{template}")
    pause = api.post("/pauses", {"kind": "all"}).json()["id"]
    api.delete(f"/pauses/{pause}")
    with acting.acting(acting.Actor(id="ada", name="ada@desk", source="cli")):
        send_limits.put(World.PRODUCTION, SendLimit(scope=Scope.USER, period=Period.DAY, maximum=3))
        send_limits.remove(World.PRODUCTION, Scope.USER, Period.DAY)
        send_limits.exempt(World.PRODUCTION, "receipts")
    assert _types(api) == [
        "template.created",
        "template.replaced",
        "template.published",
        "template.archived",
        "pause.created",
        "pause.resumed",
        "limit.set",
        "limit.removed",
        "limit.topic_exempted",
    ]
    assert (_events(api)[0]["actor"]["name"], _events(api)[0]["source"]) == ("ada@desk", "cli")


def test_what_does_not_happen_is_not_in_it(api: Api) -> None:
    api.configure("smtp", {"host": "a", "from_address": factories.SENDER}, alias="taken")
    body = {"provider": "smtp", "alias": "taken", "settings": {"host": "b", "from_address": factories.SENDER}}
    assert api.post("/providers", body).status_code == 409
    assert api.delete("/providers/nonsense").status_code == 404
    assert _types(api) == ["provider.created"]


def test_the_official_client_reads_it(api: Api, sandbox: Api) -> None:
    client = Courier(api_key=api.key, base_url=api.base_url)
    api.template()
    listed = client.audit_events.list()
    assert [event.type for event in listed.results] == ["template.created", "key.created"]
    one = client.audit_events.retrieve(listed.results[0].audit_event_id)
    assert one.actor.id
    assert one == listed.results[0]
    assert sandbox.get(f"/audit-events/{one.audit_event_id}").status_code == 404
    assert api.get("/audit-events/nonsense").status_code == 404
