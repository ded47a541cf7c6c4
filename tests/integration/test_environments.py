"""Worlds and kinds of keys: what a key's sends reach (spec/send.md, "API keys and environments")."""

from collections.abc import Callable

import pytest

from notify.manage import keys
from notify.model.names import Mode, World
from tests import factories
from tests.integration.harness import Api, Database, Pipeline
from tests.servers import ProviderLab, Reply

EMAIL = {"method": "single", "channels": ["email"]}
WithKey = Callable[[Mode, World], Api]


@pytest.fixture
def with_key(base_url: str, pipeline: Pipeline) -> WithKey:
    """The API with a new key."""
    return lambda mode, world=World.PRODUCTION: Api(base_url, keys.create(world, "tests", mode))


@pytest.mark.parametrize("world", World)
@pytest.mark.parametrize(("mode", "letter"), [(Mode.PUBLISHED, "p"), (Mode.DRAFT, "d"), (Mode.MOCK, "m")])
def test_a_key_says_what_it_is(configured: object, world: World, mode: Mode, letter: str) -> None:
    """Prefixes: pk_prod_, dk_prod_, mk_prod_ and the same of test."""
    clear = keys.create(world, "tests", mode)
    assert clear.startswith(f"{letter}k_{'prod' if world is World.PRODUCTION else 'test'}_")
    found = keys.authenticate(clear)
    assert found
    assert (found.world, found.kind) == (world, mode)


def test_a_test_key_reaches_no_provider_of_production(
    api: Api, sandbox: Api, pipeline: Pipeline, lab: ProviderLab
) -> None:
    """pk_test_ keys never reach a real provider unless one is configured in the test world."""
    api.configure("sendgrid", factories.sendgrid(lab))
    api.configure("webhook", factories.hook(lab))
    slack = {"incoming_webhook": {"url": f"{lab.base_url('hook')}/open"}}
    sent = [
        sandbox.send(),
        sandbox.send(to={"webhook": {"url": f"{lab.base_url('hook')}/open"}}),
        sandbox.send(to={"slack": slack}),
        sandbox.send(providers={"sandbox": {"override": {"url": lab.base_url("hook")}}}),
    ]
    pipeline.drain()
    assert [sandbox.message(id_)["status"] for id_ in sent] == ["SENT"] * 4
    assert not lab.requests


def test_a_provider_configured_in_the_test_world_is_used_there(
    sandbox: Api, pipeline: Pipeline, lab: ProviderLab
) -> None:
    sandbox.configure("sendgrid", factories.sendgrid(lab))
    sandbox.send()
    pipeline.drain()
    assert len(lab.of("sendgrid")) == 1


def test_a_draft_key_sends_drafts(api: Api, with_key: WithKey, pipeline: Pipeline, lab: ProviderLab) -> None:
    """dk renders drafts, and delivers them."""
    api.configure("sendgrid", factories.sendgrid(lab))
    draft = with_key(Mode.DRAFT, World.PRODUCTION)
    id_ = api.template(factories.blocks(email=("Published", "p")))
    never = api.template(factories.blocks(email=("Never published", "n")), state="DRAFT")
    changed = {"notification": factories.template(factories.blocks(email=("Draft", "d"))), "state": "DRAFT"}
    assert api.put(f"/notifications/{id_}", changed).status_code == 200
    sent = [
        draft.send(template=id_, routing=EMAIL),
        api.send(template=id_, routing=EMAIL),
        draft.send(template=never, routing=EMAIL),
    ]
    refused = api.send(template=never, routing=EMAIL)
    pipeline.drain()
    subjects = [api.output(one, "email")["subject"] for one in sent]
    assert subjects == ["Draft", "Published", "Never published"]
    assert len(lab.of("sendgrid")) == 3
    assert api.ending(refused) == ("UNROUTABLE", "UNPUBLISHED")


def test_a_draft_key_sends_inline_content_as_it_is(with_key: WithKey, pipeline: Pipeline) -> None:
    draft = with_key(Mode.DRAFT, World.TEST)
    id_ = draft.send()
    pipeline.drain()
    assert draft.output(id_, "email")["subject"] == "Hello"


def test_a_mock_key_does_all_but_the_call(
    api: Api, with_key: WithKey, pipeline: Pipeline, lab: ProviderLab, database: Database
) -> None:
    """A mock key runs everything but the provider call: the message ends SIMULATED."""
    api.configure("sendgrid", factories.sendgrid(lab))
    api.configure("twilio", factories.twilio(lab))
    mock = with_key(Mode.MOCK, World.PRODUCTION)
    to = {"email": factories.ADA, "phone_number": factories.PHONE}
    id_ = mock.send(to=to, routing={"method": "all", "channels": ["email", "sms"]})
    many = mock.send(to=[to, to], guarantee="at_most_once")
    pipeline.drain()
    found = api.message(id_)
    assert (found["status"], [one["status"] for one in found["providers"]]) == (
        "SIMULATED",
        ["SIMULATED"] * 2,
    )
    assert "sent" not in found
    assert mock.output(id_, "email")["subject"] == "Hello"
    assert [one["status"] for one in mock.messages(traceId=many)] == ["SIMULATED"] * 2
    assert mock.get(f"/messages/{id_}/explain").json()["mode"] == "mock"
    assert not lab.requests
    assert database.work() == []


def test_a_mock_key_shows_what_would_fail(
    api: Api, with_key: WithKey, pipeline: Pipeline, lab: ProviderLab
) -> None:
    api.configure("sendgrid", factories.sendgrid(lab))
    mock = with_key(Mode.MOCK, World.PRODUCTION)
    broken = mock.send(channels={"email": {"override": {"cc": "nobody"}}})
    unrouted = mock.send(routing={"method": "single", "channels": ["sms"]})
    pipeline.drain()
    assert mock.ending(broken) == ("UNDELIVERABLE", "FAILED")
    assert mock.ending(unrouted) == ("UNROUTABLE", "NO_PROVIDERS")


def test_a_rehearsal_does_not_stand_in_for_the_real_call(
    api: Api, with_key: WithKey, pipeline: Pipeline, lab: ProviderLab
) -> None:
    """Idempotency keys of mock keys are their own."""
    api.configure("sendgrid", factories.sendgrid(lab))
    mock, body = with_key(Mode.MOCK, World.PRODUCTION), {"message": factories.message()}
    rehearsed = mock.accepted(mock.post("/send", body, idempotency_key="k"))
    assert mock.accepted(mock.post("/send", body, idempotency_key="k")) == rehearsed
    real = api.accepted(api.post("/send", body, idempotency_key="k"))
    pipeline.drain()
    assert real != rehearsed
    assert api.message(real)["status"] == "SENT"
    assert len(lab.requests) == 1


def test_sending_a_rehearsal_again_with_a_real_key_sends_it(
    api: Api, with_key: WithKey, pipeline: Pipeline, lab: ProviderLab
) -> None:
    """The key that resends decides, not the one that sent."""
    api.configure("sendgrid", factories.sendgrid(lab))
    mock = with_key(Mode.MOCK, World.PRODUCTION)
    first = mock.send()
    pipeline.drain()
    again = [client.post(f"/messages/{first}/resend").json()["messageId"] for client in (api, mock)]
    pipeline.drain()
    assert [api.message(id_)["status"] for id_ in again] == ["SENT", "SIMULATED"]
    assert len(lab.requests) == 1


def test_the_worlds_are_separate(api: Api, sandbox: Api, pipeline: Pipeline, lab: ProviderLab) -> None:
    """Profiles, templates, messages, providers and idempotency keys of one world are unknown in the other."""
    api.configure("sendgrid", factories.sendgrid(lab))
    api.put("/profiles/ada", {"profile": {"email": factories.ADA}})
    template = api.template()
    body = {"message": factories.message()}
    ids = [one.accepted(one.post("/send", body, idempotency_key="k")) for one in (api, sandbox)]
    unmapped = sandbox.send(template=template)
    pipeline.drain()
    assert ids[0] != ids[1]
    assert sandbox.message(unmapped)["status"] == "UNMAPPED"
    assert {one["id"] for one in sandbox.messages()} == {ids[1], unmapped}
    for path in (
        f"/messages/{ids[0]}",
        f"/messages/{ids[0]}/explain",
        "/profiles/ada",
        f"/notifications/{template}",
    ):
        assert api.get(path).status_code == 200
        assert sandbox.get(path).status_code == 404
    assert sandbox.get("/providers").json()["results"] == []


def test_mock_calls_are_no_news_about_a_provider(
    api: Api, with_key: WithKey, pipeline: Pipeline, lab: ProviderLab
) -> None:
    """A provider that is down fails no rehearsal."""
    api.configure("sendgrid", factories.sendgrid(lab))
    with lab.always(Reply(status=500)):
        sent = [with_key(Mode.MOCK, World.PRODUCTION).send() for _ in range(3)]
        pipeline.drain()
    assert {api.message(id_)["status"] for id_ in sent} == {"SIMULATED"}
