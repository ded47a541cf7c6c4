"""Providers, as the official client has them: catalogue, secrets, merge patches, a test through one."""

from typing import Any

import pytest
from courier import BadRequestError, ConflictError, Courier, NotFoundError
from typer.testing import CliRunner

from notify.cli import app
from notify.providers.registry import REGISTRY
from tests import factories
from tests.integration.harness import Api, Database, Pipeline
from tests.servers import MailLab, ProviderLab

MASK = "********"
RATE: Any = {"rate": 5, "period": "second"}


def _sendgrid(client: Courier, lab: ProviderLab, **more: Any) -> Any:
    return client.providers.create(provider="sendgrid", settings=factories.sendgrid(lab), **more)


def test_the_catalogue_says_what_each_provider_wants(client: Courier) -> None:
    found = {one.provider: one for one in client.providers.catalog.list().results}
    assert found.keys() == REGISTRY.keys()
    smtp = found["smtp"].settings
    assert (smtp["host"].required, smtp["host"].type, smtp["port"].type) == (True, "string", "number")
    assert (smtp["security"].type, set(smtp["security"].values or ()) >= {"none"}) == ("enum", True)
    assert found["sendgrid"].settings["api_key"].type == "string"
    assert found["sendgrid"].settings["rate_limit"].type == "object"
    assert [one.provider for one in client.providers.catalog.list(keys="twilio,slack").results] == [
        "slack",
        "twilio",
    ]
    assert [one.provider for one in client.providers.catalog.list(name="GRID").results] == ["sendgrid"]
    assert {one.channel for one in client.providers.catalog.list(channel="SMS").results} == {"sms"}


def test_secrets_go_in_and_never_come_out(client: Courier, lab: ProviderLab, database: Database) -> None:
    made = _sendgrid(client, lab, alias="main")
    assert (made.title, made.settings["api_key"]) == ("Default Configuration", MASK)
    shown = client.providers.retrieve(made.id)
    assert shown == made
    replaced = client.providers.update(made.id, provider="sendgrid", settings=shown.settings, title="Mine")
    assert (replaced.title, replaced.alias, replaced.settings["api_key"]) == ("Mine", None, MASK)
    assert factories.SENDER in str(client.providers.list().results[0].settings)
    assert factories.sendgrid(lab)["api_key"] not in str(database("SELECT settings, secrets FROM provider"))


def test_a_merge_patch_changes_what_it_names(client: Courier, lab: ProviderLab, pipeline: Pipeline) -> None:
    made = _sendgrid(client, lab, alias="main", title="Mine")
    limited = client.providers.patch(made.id, settings={"rate_limit": RATE, "api_key": MASK, "nonsense": 1})
    assert (limited.settings["rate_limit"], limited.alias, limited.title) == (RATE, "main", "Mine")
    assert "nonsense" not in limited.settings
    free = client.providers.patch(made.id, settings={"rate_limit": None}, alias=None, title="New")
    assert ("rate_limit" in free.settings, free.alias, free.title) == (False, None, "New")
    sent = client.send.message(
        message={"to": {"email": factories.ADA}, "content": {"title": "a", "body": "b"}}
    ).request_id
    pipeline.drain()
    assert client.messages.retrieve(sent).status == "SENT"

    for wrong, complaint in (
        ({"provider": "smtp"}, "provider"),
        ({"settings": {"api_key": None}}, "settings.api_key"),
        ({"settings": {"rate_limit": {"rate": 0}}}, "rate"),
    ):
        with pytest.raises(BadRequestError, match=complaint):
            client.providers.patch(made.id, **wrong)  # type: ignore[arg-type]
    with pytest.raises(NotFoundError):
        client.providers.patch("unknown", title="x")


def test_what_a_strategy_sends_by_stays(client: Courier, lab: ProviderLab) -> None:
    first, second = _sendgrid(client, lab, alias="main"), _sendgrid(client, lab)
    by_alias: Any = {"method": "single", "channels": ["sms", "sendgrid:main"]}
    strategy = client.routing_strategies.create(name="By alias", routing=by_alias).id
    with pytest.raises(ConflictError, match=strategy) as refused:
        client.providers.delete(first.id)
    assert refused.value.response.headers["x-should-retry"] == "false"
    settings: Any = {"email": {"providers": ["sendgrid"]}}
    email: Any = {"method": "single", "channels": ["email"]}
    client.routing_strategies.replace(strategy, name="Any", routing=email, channels=settings)
    client.providers.delete(first.id)
    with pytest.raises(ConflictError):
        client.providers.delete(second.id)
    client.routing_strategies.archive(strategy)
    client.providers.delete(second.id)
    with pytest.raises(NotFoundError):
        client.providers.delete(second.id)


def _test(*words: str) -> tuple[int, str]:
    done = CliRunner().invoke(app, ["provider", "test", *words, "--world", "test"])
    return done.exit_code, done.output


def test_a_test_goes_through_one_provider(client: Courier, mail: MailLab, lab: ProviderLab) -> None:
    client.providers.create(provider="smtp", settings=factories.smtp(mail), alias="post")
    assert _test("post", "--to", factories.ADA) == (0, "post took it.\n")
    (sent,) = mail.mails
    assert "A test from Notify" in str(sent)
    client.providers.create(provider="twilio", settings=factories.twilio(lab))
    assert _test("twilio", "--to", factories.PHONE)[0] == 0
    assert len(lab.of("twilio")) == 1
    for words in (
        ("twilio", "--to", factories.ADA),
        ("nobody", "--to", "x"),
        ("twilio", "--to", "+1", "--channel", "email"),
    ):
        code, said = _test(*words)
        assert code == 1, said


def test_a_provider_that_refuses_is_quoted(client: Courier, mail: MailLab) -> None:
    client.providers.create(provider="smtp", settings={**factories.smtp(mail), "port": 1})
    code, said = _test("smtp", "--to", factories.ADA)
    assert (code, "smtp:" in said) == (1, True)


def test_the_list_pages_to_the_end(client: Courier, sandbox: Api) -> None:
    made = [client.providers.create(provider="sandbox", settings={}).id for _ in range(101)]
    first = client.providers.list()
    second = client.providers.list(cursor=first.paging.cursor or "")
    assert [one.id for one in (*first.results, *second.results)] == made
    assert (second.paging.more, second.paging.cursor) == (False, None)
