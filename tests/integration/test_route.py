"""route: which channels and providers a message may take, and the words for why none will do."""

from collections.abc import Callable
from typing import Any

import pytest

from notify.model.work import Stage
from notify.routing.plan import plan
from tests import factories
from tests.integration.harness import Api, Database, Pipeline, row_ids
from tests.servers import MailLab, ProviderLab

BOTH = {"email": factories.ADA, "phone_number": factories.PHONE}


def _single(*channels: Any) -> dict[str, Any]:
    return {"method": "single", "channels": list(channels)}


@pytest.fixture
def email(api: Api, lab: ProviderLab) -> str:
    """The id of a configured SendGrid."""
    return api.configure("sendgrid", factories.sendgrid(lab))


@pytest.fixture
def sms(api: Api, lab: ProviderLab) -> str:
    """The id of a configured Twilio."""
    return api.configure("twilio", factories.twilio(lab))


Ending = Callable[..., tuple[str, str | None, str | None]]


@pytest.fixture
def ending(api: Api, pipeline: Pipeline) -> Ending:
    """Sends, drains, and tells status, reason and error."""

    def send(**fields: Any) -> tuple[str, str | None, str | None]:
        id_ = api.send(**fields)
        pipeline.drain()
        found = api.message(id_)
        return found["status"], found.get("reason"), found.get("error")

    return send


# --- what cannot be routed, in the reference's words ---------------------------------------------


def test_without_any_provider(ending: Ending) -> None:
    assert ending() == ("UNROUTABLE", "NO_PROVIDERS", "No providers added")


def test_a_provider_of_the_other_world_is_none(ending: Ending, sandbox: Api, lab: ProviderLab) -> None:
    sandbox.configure("sendgrid", factories.sendgrid(lab))
    assert ending() == ("UNROUTABLE", "NO_PROVIDERS", "No providers added")


def test_without_a_provider_for_the_channel(email: str, ending: Ending) -> None:
    assert ending(to=BOTH, routing=_single("sms")) == ("UNROUTABLE", "NO_PROVIDERS", "No providers added")


@pytest.mark.usefixtures("sms")
def test_with_other_providers_than_those_listed(ending: Ending) -> None:
    channels = {"email": {"providers": ["mailgun", "ses"]}}
    assert ending(routing=_single("email"), channels=channels) == (
        "UNROUTABLE",
        "PROVIDER_ERROR",
        "None of provider(s) mailgun,ses is configured for channel email.",
    )


@pytest.mark.usefixtures("email")
def test_without_an_inbox(ending: Ending) -> None:
    assert ending(to={"user_id": "ada"}, routing=_single("inbox")) == ("UNROUTABLE", None, None)


@pytest.mark.usefixtures("email", "sms")
def test_without_the_address_the_channel_needs(ending: Ending) -> None:
    assert ending(routing=_single("sms")) == (
        "UNROUTABLE",
        "PROVIDER_ERROR",
        "Information required by the provider was not included.",
    )


@pytest.mark.usefixtures("email")
def test_without_any_address(ending: Ending) -> None:
    status, reason, _ = ending(to={"user_id": "nobody"})
    assert (status, reason) == ("UNROUTABLE", "NO_CHANNELS")


@pytest.mark.usefixtures("email")
def test_without_a_channel(ending: Ending) -> None:
    status, reason, _ = ending(routing=_single())
    assert (status, reason) == ("UNROUTABLE", "NO_CHANNELS")


@pytest.mark.usefixtures("email", "sms")
def test_with_nothing_to_say_on_the_channel(api: Api, ending: Ending) -> None:
    template = api.template(factories.blocks(email=("Hello", "It works.")))
    status, reason, error = ending(to=BOTH, template=template, routing=_single("sms"))
    assert (status, reason) == ("UNROUTABLE", "NO_CHANNELS")
    assert error
    assert "the content has nothing for channel sms" in error


@pytest.mark.usefixtures("email", "sms")
@pytest.mark.parametrize("method", ["single", "all"])
def test_when_conditions_remove_every_channel(ending: Ending, method: str) -> None:
    entries = [
        {"channel": "email", "if": "data.tier === 'gold'"},
        {"channel": "sms", "if": "profile.age > 18"},
    ]
    status, reason, _ = ending(to=BOTH, routing={"method": method, "channels": entries}, data={"tier": "tin"})
    assert (status, reason) == ("FILTERED", "FILTERED")


def test_why_is_in_the_log(api: Api, pipeline: Pipeline, email: str) -> None:
    id_ = api.send(routing=_single("sms", {"channel": "email", "if": "data.never"}, "nonesuch"))
    pipeline.drain()
    (entry,) = api.history(id_, "FILTERED")
    assert {skip["entry"]: skip["code"] for skip in entry["skipped"]} == {
        "sms": "NO_PROVIDERS",
        "email": "FILTERED",
        "nonesuch": "MISSING_CONFIGURATION",
    }


# --- what can ------------------------------------------------------------------------------------


@pytest.mark.usefixtures("email", "sms")
def test_conditions_choose_the_channel(api: Api, pipeline: Pipeline, lab: ProviderLab) -> None:
    entries = [{"channel": "sms", "if": "data.urgent"}, "email"]
    for urgent in (True, False):
        api.send(to=BOTH, routing=_single(*entries), data={"urgent": urgent})
    pipeline.drain()
    assert (len(lab.of("twilio")), len(lab.of("sendgrid"))) == (1, 1)


@pytest.mark.usefixtures("email", "sms")
def test_without_a_routing_one_channel_is_enough(api: Api, pipeline: Pipeline, lab: ProviderLab) -> None:
    id_ = api.send(to=BOTH)
    pipeline.drain()
    (attempt,) = api.message(id_)["providers"]
    assert attempt["provider"] == "sendgrid"
    assert len(lab.requests) == 1


@pytest.mark.usefixtures("email")
def test_the_first_configured_provider_is_the_first_choice(
    api: Api, pipeline: Pipeline, lab: ProviderLab, mail: MailLab
) -> None:
    api.configure("smtp", factories.smtp(mail))
    api.send()
    api.send(channels={"email": {"providers": ["smtp", "sendgrid"]}})
    api.send(routing=_single("smtp"))
    pipeline.drain()
    assert (len(lab.requests), len(mail.mails)) == (1, 2)


def test_an_alias_names_one_of_several_configurations(
    api: Api, pipeline: Pipeline, lab: ProviderLab, mail: MailLab
) -> None:
    settings = {**factories.smtp(mail), "from_address": "offers@example.com"}
    api.configure("smtp", factories.smtp(mail), alias="news")
    api.configure("smtp", settings, alias="offers")
    api.send(channels={"email": {"providers": ["smtp:offers"]}})
    pipeline.drain()
    assert [sent.sender for sent in mail.mails] == ["offers@example.com"]


def test_the_plan_is_in_the_log(api: Api, pipeline: Pipeline, email: str, sms: str) -> None:
    id_ = api.send(to=BOTH, routing={"method": "all", "channels": ["email", "sms", "push"]})
    pipeline.step(Stage.RENDER)
    pipeline.step(Stage.ROUTE)
    assert api.message(id_)["status"] == "ROUTED"
    (entry,) = (entry for entry in api.history(id_) if entry["type"] == "ROUTED")
    assert entry["method"] == "all"
    assert [(leaf["channel"], leaf["providers"]) for leaf in entry["leaves"]] == [
        ("email", ["sendgrid"]),
        ("sms", ["twilio"]),
    ]
    assert [skip["entry"] for skip in entry["skipped"]] == ["push"]


def test_the_test_world_pretends_and_production_does_not(api: Api, sandbox: Api, pipeline: Pipeline) -> None:
    ids = api.send(), sandbox.send()
    pipeline.drain()
    assert api.ending(ids[0]) == ("UNROUTABLE", "NO_PROVIDERS")
    (attempt,) = sandbox.message(ids[1])["providers"]
    assert (attempt["provider"], attempt["status"]) == ("sandbox", "SENT")


def test_in_the_test_world_a_configured_provider_replaces_the_sandbox(
    sandbox: Api, pipeline: Pipeline, lab: ProviderLab
) -> None:
    sandbox.configure("sendgrid", factories.sendgrid(lab))
    id_ = sandbox.send(to=BOTH, routing={"method": "all", "channels": ["email", "sms"]})
    pipeline.drain()
    assert sorted(a["provider"] for a in sandbox.message(id_)["providers"]) == ["sandbox", "sendgrid"]
    assert len(lab.requests) == 1


# --- faults of ours ------------------------------------------------------------------------------


@pytest.mark.usefixtures("email")
def test_a_fault_of_ours_fails_its_message_alone(
    api: Api, pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    odd, even = api.send(data={"odd": 1}), api.send()

    def broken(subject: Any, **rest: Any) -> Any:
        if subject.message.data:
            raise RuntimeError("a bug")
        return plan(subject, **rest)

    monkeypatch.setattr("notify.pipeline.planning.plan", broken)
    pipeline.drain()
    assert api.ending(odd) == ("UNROUTABLE", "FAILED")
    assert "RuntimeError" in api.message(odd)["error"]
    assert api.message(even)["status"] == "SENT"


@pytest.mark.usefixtures("email")
def test_a_canceled_message_is_not_routed(
    api: Api, pipeline: Pipeline, database: Database, lab: ProviderLab
) -> None:
    id_ = api.send()
    pipeline.step(Stage.RENDER)
    database("UPDATE message SET status = 'CANCELED' WHERE id = ANY(%s)", row_ids(id_))
    pipeline.drain()
    assert (database.work(), len(lab.requests)) == ([], 0)
    assert api.message(id_)["status"] == "CANCELED"


def test_a_plan_is_made_once(api: Api, pipeline: Pipeline, database: Database, email: str) -> None:
    id_ = api.send()
    rendered = [wake for wake in pipeline.waiting if wake.place.stage is Stage.RENDER]
    assert [pipeline.run(rendered[0]) for _ in range(2)] == [1, 0]
    pipeline.drain()
    assert (database.count("delivery"), api.message(id_)["status"]) == (1, "SENT")
