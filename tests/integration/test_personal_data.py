"""A person who asks for it is forgotten everywhere, and may see before what is kept of them."""

import itertools
import json
from typing import Any

import pytest
from typer.testing import CliRunner

from notify.cli import app as command
from notify.manage import keys, personal
from notify.model.names import World
from notify.model.scopes import KeyScope
from notify.store.personal import REGISTRY, STEPS, Fate
from notify.store.tables import METADATA
from tests import factories
from tests.integration.conftest import Configure
from tests.integration.harness import Api, Database, Pipeline
from tests.servers import ProviderLab

USER, EMAIL, PHONE = "marked-ada", "marked.ada@example.com", "+1 555 0142"
SECRETS = (USER, "marked.ada", "5550142", "Marked Lane", "marked-device", "marked-words")


def everything(database: Database) -> dict[str, str]:
    """Every row of every table, as text."""
    return {
        name: str(database(f"SELECT CAST(to_jsonb(t) AS text) AS row FROM {name} AS t"))
        for name in METADATA.tables
    }


def found(database: Database) -> dict[str, list[str]]:
    """Table -> which of the marks are in it."""
    rows = {name: [mark for mark in SECRETS if mark in text] for name, text in everything(database).items()}
    return {name: marks for name, marks in rows.items() if marks}


@pytest.fixture
def life(
    api: Api, pipeline: Pipeline, lab: ProviderLab, database: Database, configured: Configure
) -> list[str]:
    """What becomes of a user of a service, and of somebody else beside; returns ids of Ada's messages."""
    api.configure("sendgrid", factories.sendgrid(lab))
    profile = {"email": EMAIL, "phone_number": PHONE, "address": {"street": "Marked Lane 1"}}
    assert api.put(f"/profiles/{USER}", {"profile": profile}).ok
    api.put("/profiles/bob", {"profile": {"email": "bob@example.com"}})
    token = {"provider_key": "apn", "token": "marked-device"}
    assert api.put(f"/users/{USER}/tokens/marked-device", token).ok
    assert api.put("/tenants/acme", {"name": "Acme"}).ok
    assert api.put(f"/users/{USER}/tenants/acme", {"profile": {"title": "marked-words"}}).ok
    assert api.put(f"/lists/news/subscriptions/{USER}", {}).ok
    headers = {"idempotency-key": "k"}
    api.call("POST", f"/profiles/{USER}", json={"profile": {"city": "Ulm"}}, headers=headers)
    configured(allowed_networks="127.0.0.0/8")
    hook = {"url": f"{lab.base_url('hook')}/open", "title": "ours"}
    assert api.post("/webhooks", hook).ok
    said = {"content": {"title": "Hi", "body": "marked-words"}, "data": {"x": "marked-words"}}
    ids = [
        api.send(to={"user_id": USER}, **said),
        api.send(to={"email": f" {EMAIL.upper()} "}, **said),
        api.send(to={"user_id": USER, "data": {"x": "marked-words"}}, delay={"duration": 3_600_000}, **said),
    ]
    both = [{"user_id": USER, "email": EMAIL, "data": {"y": "marked-words"}}, {"user_id": "bob"}]
    api.send(to=both)
    pipeline.drain()
    database(
        "INSERT INTO suppression (id, world, channel, address_mac, masked, reason, detail, message_id)"
        " SELECT id, world, 'email', '\\x00', 'm***@example.com', 'bounced', 'marked.ada is unknown', id"
        " FROM message WHERE recipient = %s LIMIT 1",
        USER,
    )
    return ids


def test_every_table_says_what_becomes_of_people_in_it() -> None:
    """Who adds a table decides whether people are in it: see `store/personal.py`."""
    assert set(METADATA.tables) == set(REGISTRY)
    personal_columns = {"user_id", "recipient", "profile", "address_mac"}
    for name, table in METADATA.tables.items():
        if personal_columns & set(table.c.keys()):
            assert REGISTRY[name][0] is not Fate.EXEMPT, name
    assert all(why for _, why in REGISTRY.values())
    assert all(REGISTRY[table][0] is not Fate.EXEMPT for table in STEPS)


def test_nothing_of_an_erased_person_is_left_but_counts(
    api: Api, life: list[str], database: Database, pipeline: Pipeline, lab: ProviderLab
) -> None:
    before = found(database)
    exempt = {name for name, (fate, _) in REGISTRY.items() if fate is Fate.EXEMPT}
    assert {"profile", "user_token", "tenant_member", "message", "request", "message_content"} <= set(before)
    assert not exempt & set(before)
    messages, deliveries = database.count("message"), database.count("delivery")

    answer = api.delete(f"/users/{USER}/data")

    assert answer.status_code == 200, answer.text
    assert answer.json()["done"], answer.json()
    assert answer.json()["rows"]["message"] == 4
    assert found(database) == {}
    assert (database.count("message"), database.count("delivery")) == (messages, deliveries)
    sent, addressed, delayed = life
    assert api.message(sent)["status"] == api.message(addressed)["status"] == "SENT"
    assert (api.message(sent)["recipient"], api.message(delayed)["status"]) == ("erased", "CANCELED")
    assert "SENT" in api.happened(sent)
    assert api.get(f"/messages/{sent}/output").status_code == 404
    assert api.get(f"/messages/{sent}/explain").status_code < 500
    assert api.post(f"/messages/{sent}/resend").status_code == 404
    # What is told and reported from now on brings nothing back.
    calls = len(lab.of("sendgrid"))
    pipeline.drain()
    assert len(lab.of("sendgrid")) == calls
    assert found(database) == {}
    assert [one["recipient"] for one in api.messages(recipient="bob")] == ["bob"]
    assert api.get("/profiles/bob").json()["profile"] == {"email": "bob@example.com"}


def test_the_others_of_a_request_to_many_keep_theirs(api: Api, life: list[str], database: Database) -> None:
    api.delete(f"/users/{USER}/data")
    (bodies,) = database("SELECT body FROM request WHERE jsonb_typeof(body -> 'to') = 'array'")
    assert bodies["body"]["to"] == [{"user_id": "erased"}, {"user_id": "bob"}]
    (bob,) = api.messages(recipient="bob")
    assert "It works." in api.output(bob["id"], "email")["text"]


def test_it_is_audited_without_saying_who(api: Api, life: list[str], database: Database) -> None:
    target = api.delete(f"/users/{USER}/data").json()["auditTarget"]
    event = next(e for e in api.get("/audit-events").json()["results"] if e["type"] == "person.erased")
    assert event["target"] == target
    assert event["details"]["after"]["rows"]["message"] == 4
    assert USER not in json.dumps(event)
    # The same person is recognised, if they come again.
    assert api.delete(f"/users/{USER}/data").json() == {
        "done": True,
        "rows": {"message": 0},
        "auditTarget": target,
    }


def test_an_erasure_that_dies_is_gone_on_with(
    api: Api, life: list[str], database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    done = personal.personal.erase
    calls = itertools.count()

    def dies(*given: Any) -> int:
        if next(calls) == len(STEPS) - 2:
            raise ConnectionResetError
        return done(*given)

    with monkeypatch.context() as patch:
        patch.setattr(personal.personal, "erase", dies)
        with pytest.raises(ConnectionResetError):
            personal.erase(USER, World.PRODUCTION, wake=id, within_s=30)
    assert "profile" in found(database)
    assert api.delete(f"/users/{USER}/data").json()["done"]
    assert found(database) == {}


def test_a_message_that_is_being_sent_is_left_until_it_is(
    api: Api, database: Database, pipeline: Pipeline, lab: ProviderLab
) -> None:
    api.configure("sendgrid", factories.sendgrid(lab))
    api.send(to={"user_id": USER, "email": EMAIL})
    pipeline.run(next(wake for wake in pipeline.waiting if wake.place.stage == "render"))
    database("UPDATE work SET lease_until = now() + interval '1 hour' WHERE stage = 'deliver'")
    done = personal.erase(USER, World.PRODUCTION, wake=pipeline.publish, within_s=0.2)
    assert (done.done, done.rows["message"]) == (False, 0)
    database("UPDATE work SET lease_until = '-infinity'")
    done = personal.erase(USER, World.PRODUCTION, wake=pipeline.publish, within_s=10)
    assert (done.done, done.rows["message"]) == (True, 1)
    pipeline.drain()
    assert lab.of("sendgrid") == []


def test_only_administrators_erase(base_url: str, api: Api, life: list[str]) -> None:
    other = Api(base_url, keys.create(World.PRODUCTION, "x", scopes={KeyScope.SEND, KeyScope.MANAGE}))
    assert other.delete(f"/users/{USER}/data").status_code == 403
    assert api.get(f"/profiles/{USER}").status_code == 200


def test_another_world_is_another_person(api: Api, sandbox: Api, life: list[str]) -> None:
    sandbox.put(f"/profiles/{USER}", {"profile": {"email": EMAIL}})
    api.delete(f"/users/{USER}/data")
    assert sandbox.get(f"/profiles/{USER}").status_code == 200


def test_a_person_sees_what_is_kept_and_an_operator_erases_it_from_a_shell(
    api: Api, life: list[str], database: Database, tmp_path: Any
) -> None:
    shell = CliRunner()
    told = shell.invoke(command, ["export", USER, "--data-dir", str(tmp_path)])
    assert told.exit_code == 0, told.output
    kept = json.loads(told.stdout)
    assert kept["profile"][0]["profile"]["email"] == EMAIL
    assert [one["token"] for one in kept["user_token"]] == ["marked-device"]
    assert [one["list_id"] for one in kept["list_subscription"]] == ["news"]
    assert len(kept["messages"]) == 4
    assert "marked-words" in json.dumps(kept["messages"][0]["content"])
    assert "bob" not in told.stdout
    gone = shell.invoke(command, ["erase", USER, "--yes", "--data-dir", str(tmp_path)])
    assert gone.exit_code == 0, gone.output
    assert "production: " in gone.stdout
    assert found(database) == {}
    kept = json.loads(shell.invoke(command, ["export", USER, "--data-dir", str(tmp_path)]).stdout)
    assert not any(rows for name, rows in kept.items() if name not in ("user_id", "world", "exported"))
