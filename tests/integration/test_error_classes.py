"""The classes of provider answers and the timeouts, end to end: spec/delivery.md, section 4, row by row.

Email goes to SendGrid, then SMTP; the next channel is SMS.
"""

from collections.abc import Callable
from typing import Any

import pytest

from notify.model.call import NoAnswer
from notify.model.names import Channel
from notify.model.work import Stage
from notify.store import cache
from notify.transport.http import HttpClient
from tests import factories
from tests.integration.conftest import Configure
from tests.integration.harness import Api, Database, Pipeline, Time
from tests.servers import MailLab, ProviderLab, Reply

BOTH = {"email": factories.ADA, "phone_number": factories.PHONE}
SINGLE = {"method": "single", "channels": ["email", "sms"]}
DOWN = Reply(status=503)
CUT = b'HTTP/1.1 %b\r\ncontent-type: application/json\r\ncontent-length: 99\r\n\r\n{"err'


@pytest.fixture
def sendgrid(api: Api, lab: ProviderLab) -> str:
    return api.configure("sendgrid", factories.sendgrid(lab))


@pytest.fixture
def smtp(api: Api, mail: MailLab) -> str:
    return api.configure("smtp", factories.smtp(mail))


@pytest.fixture
def chain(api: Api, lab: ProviderLab, sendgrid: str, smtp: str) -> None:
    """Two providers for email, one for SMS."""
    api.configure("twilio", factories.twilio(lab))


def _ways(api: Api, id_: str) -> list[tuple[str, str | None]]:
    return [(attempt["provider"], attempt.get("status")) for attempt in api.message(id_)["providers"]]


def _wait_s(database: Database, time: Time) -> float:
    """How long the only delivery under way waits for its next try."""
    (row,) = database.work()
    return float((row["due_at"] - time.now()).total_seconds())


# --- row 1: 2xx: success -------------------------------------------------------------------------


@pytest.mark.usefixtures("chain")
@pytest.mark.parametrize(
    "reply",
    [
        Reply(status=202),
        Reply(status=200, body=b"{broken"),
        Reply(raw=CUT % b"202 Accepted"),
        Reply(status=202, body=b"x" * 600_000),
    ],
    ids=["202", "broken JSON", "reset in the middle of the body", "an endless body"],
)
def test_success(api: Api, pipeline: Pipeline, lab: ProviderLab, reply: Reply) -> None:
    lab.script(reply)
    id_ = api.send()
    pipeline.drain()
    assert _ways(api, id_) == [("sendgrid", "SENT")]
    assert api.ending(id_) == ("SENT", None)


# --- row 2: 408, 429, 5xx, no answer, network error, unexpected exception: transient ---------------

TRANSIENT = {
    "408": Reply(status=408),
    "429": Reply(status=429),
    "500": Reply(status=500),
    "502": Reply(status=502),
    "503": Reply(status=503),
    "500 with broken JSON": Reply(status=500, body=b"{"),
    "500 with half a body": Reply(raw=CUT % b"500 Oops"),
    "no answer": Reply(delay_s=5),
    "network error: a reset": Reply(raw=b""),
    "network error: no HTTP": Reply(raw=b"220 smtp.example.com ESMTP\r\n"),
}


@pytest.mark.usefixtures("chain")
@pytest.mark.parametrize("reply", TRANSIENT.values(), ids=TRANSIENT.keys())
def test_transient_is_tried_again_with_the_same_provider_then_the_next_then_the_next_channel(
    api: Api,
    pipeline: Pipeline,
    time: Time,
    lab: ProviderLab,
    mail: MailLab,
    configured: Configure,
    reply: Reply,
) -> None:
    configured(http_timeout_s=0.3)
    mail.refuse["data", "*"] = "451 4.3.0 try again later"
    id_ = api.send(to=BOTH, routing=SINGLE, timeout={"provider": 12_000, "channel": 40_000})
    lab.script(reply, reply)
    ways = []
    for _ in range(6):
        pipeline.drain()
        ways.append(_ways(api, id_))
        time.passes(seconds=5.5)
    assert ways[0] == [("sendgrid", None)]
    assert ways[1] == [("sendgrid", "UNDELIVERABLE"), ("smtp", None)]
    assert ways[-1] == [("sendgrid", "UNDELIVERABLE"), ("smtp", "UNDELIVERABLE"), ("twilio", "SENT")]
    assert api.message(id_)["providers"][0]["attempts"] == 2
    assert api.message(id_)["status"] == "SENT"


@pytest.mark.usefixtures("sendgrid")
def test_transient_unexpected_exception(
    api: Api, pipeline: Pipeline, time: Time, lab: ProviderLab, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:

        async def fail(self: Any, call: Any) -> NoAnswer:
            raise RuntimeError("a bug of ours")

        patch.setattr(HttpClient, "execute", fail)
        id_ = api.send()
        pipeline.drain()
    assert api.message(id_)["status"] == "ROUTED"
    time.passes(seconds=5.5)
    pipeline.drain()
    assert api.message(id_)["status"] == "SENT"


def test_transient_accepted_but_the_answer_lost(
    api: Api, pipeline: Pipeline, time: Time, lab: ProviderLab, configured: Configure
) -> None:
    configured(allowed_networks="127.0.0.0/8")
    lab.script(Reply(raw=b""))
    id_ = api.send(to={"webhook": {"url": f"{lab.url}/hook/open"}})
    pipeline.drain()
    time.passes(seconds=5.5)
    pipeline.drain()
    first, second = lab.of("hook")
    assert first.headers["idempotency-key"] == second.headers["idempotency-key"]
    assert (api.message(id_)["status"], first.body) == ("DELIVERED", second.body)


RETRY_AFTER = {
    "seconds": {"retry-after": "37"},
    "a date": {"retry-after": "Tue, 01 Jan 2030 00:00:37 GMT", "date": "Tue, 01 Jan 2030 00:00:00 GMT"},
}


@pytest.mark.usefixtures("chain")
@pytest.mark.parametrize("headers", RETRY_AFTER.values(), ids=RETRY_AFTER.keys())
def test_transient_429_stays_with_the_provider_and_honours_retry_after(
    api: Api, pipeline: Pipeline, database: Database, time: Time, lab: ProviderLab, headers: dict[str, str]
) -> None:
    lab.script(Reply(status=429, headers=headers))
    id_ = api.send()
    pipeline.drain()
    assert 36 < _wait_s(database, time) <= 37
    time.passes(seconds=37)
    pipeline.drain()
    assert _ways(api, id_) == [("sendgrid", "SENT")]


@pytest.mark.usefixtures("chain")
def test_a_retry_after_beyond_the_providers_timeout_is_not_waited_for(
    api: Api, pipeline: Pipeline, lab: ProviderLab
) -> None:
    lab.script(Reply(status=429, headers={"retry-after": "301"}))
    id_ = api.send()
    pipeline.drain()
    assert _ways(api, id_) == [("sendgrid", "UNDELIVERABLE"), ("smtp", "SENT")]


# --- row 3: 401, 403, bad settings, suspended account, billing: permanent, provider ----------------


def _answering(status: int) -> Callable[[ProviderLab, Database, str], None]:
    return lambda lab, database, id_: lab.script(Reply(status=status))


def _break_settings(lab: ProviderLab, database: Database, id_: str) -> None:
    database("UPDATE provider SET settings = '{\"from_address\": 5}' WHERE id = %s", id_)
    database("UPDATE config_version SET version = version + 1")
    cache.clear()


@pytest.mark.usefixtures("chain")
@pytest.mark.parametrize(
    "trouble",
    [_answering(401), _answering(403), _break_settings, _answering(402)],
    ids=["401", "403 or a suspended account", "bad settings", "billing"],
)
def test_permanent_provider_hands_over_at_once(
    api: Api,
    pipeline: Pipeline,
    database: Database,
    lab: ProviderLab,
    sendgrid: str,
    trouble: Callable[[ProviderLab, Database, str], None],
) -> None:
    trouble(lab, database, sendgrid)
    id_ = api.send(to=BOTH, routing=SINGLE)
    pipeline.drain()
    assert _ways(api, id_) == [("sendgrid", "UNDELIVERABLE"), ("smtp", "SENT")]
    assert api.history(id_, "UNDELIVERABLE")[0]["integration"]["provider"] == "sendgrid"


# --- row 4: 400, 404, 422 about the address: permanent, recipient ----------------------------------

BAD_ADDRESS = Reply.json({"errors": [{"message": "no such address", "field": "personalizations.0.to"}]}, 400)


@pytest.mark.usefixtures("chain")
@pytest.mark.parametrize("reply", [BAD_ADDRESS, Reply(status=422)], ids=["400", "422"])
def test_permanent_recipient_goes_to_the_next_channel_and_to_no_other_provider(
    api: Api, pipeline: Pipeline, lab: ProviderLab, mail: MailLab, reply: Reply
) -> None:
    lab.script(reply)
    id_ = api.send(to=BOTH, routing=SINGLE)
    pipeline.drain()
    assert _ways(api, id_) == [("sendgrid", "UNDELIVERABLE"), ("twilio", "SENT")]
    assert len(mail.mails) == 0


@pytest.mark.usefixtures("chain")
def test_permanent_recipient_404(api: Api, pipeline: Pipeline, lab: ProviderLab) -> None:
    api.configure("webhook", factories.hook(lab))
    lab.script(Reply(status=404))
    id_ = api.send(to=BOTH, routing={"method": "single", "channels": ["webhook", "sms"]})
    pipeline.drain()
    assert _ways(api, id_) == [("webhook", "UNDELIVERABLE"), ("twilio", "SENT")]


@pytest.mark.usefixtures("smtp")
def test_permanent_recipient_refused_by_a_mail_server(api: Api, pipeline: Pipeline, mail: MailLab) -> None:
    mail.refuse["rcpt", factories.ADA] = "550 5.1.1 no such user"
    id_ = api.send()
    pipeline.drain()
    assert api.ending(id_) == ("UNDELIVERABLE", "FAILED")
    assert "no such user" in api.message(id_)["error"]


# --- row 5: our own rendering error: permanent, content --------------------------------------------


@pytest.mark.usefixtures("chain")
def test_permanent_content_fails_its_channel_and_the_others_go_on(
    api: Api, pipeline: Pipeline, lab: ProviderLab, mail: MailLab
) -> None:
    wrong = {"sendgrid": {"override": {"config": {"base_url": "http://evil.example.com"}}}}
    id_ = api.send(to=BOTH, routing={**SINGLE, "method": "all"}, providers=wrong)
    pipeline.drain()
    assert sorted(_ways(api, id_)) == [("sendgrid", "UNDELIVERABLE"), ("twilio", "SENT")]
    assert (len(lab.of("sendgrid")), len(mail.mails)) == (0, 0)
    assert api.message(id_)["status"] == "SENT"


# --- timeouts: a specific value beats the map of the message, which beats the default --------------


def _given_up_after(api: Api, pipeline: Pipeline, time: Time, id_: str, provider: str) -> int:
    """After how many seconds a provider that is down is given up; looked at every second."""
    for second in range(130):
        # What came up with real time too early for the database's clock was not taken: its wake-up is gone.
        pipeline.step(Stage.DELIVER, Channel.EMAIL)
        pipeline.drain()
        if (provider, "UNDELIVERABLE") in _ways(api, id_):
            return second
        time.passes(seconds=1)
    raise AssertionError(f"{provider} is never given up")


PROVIDER_TIMEOUTS: dict[str, tuple[dict[str, Any], int]] = {
    "for all providers": ({"timeout": {"provider": 20_000}}, 15),
    "by provider": ({"timeout": {"provider": {"sendgrid": 20_000, "smtp": 1}}}, 15),
    "the provider's own beats the message's": (
        {"timeout": {"provider": 100_000}, "providers": {"sendgrid": {"timeouts": 20_000}}},
        15,
    ),
    "the channel's own beats the message's": (
        {"timeout": {"provider": 100_000}, "channels": {"email": {"timeouts": {"provider": 20_000}}}},
        15,
    ),
    "the default": ({}, 75),
}


@pytest.mark.usefixtures("chain")
@pytest.mark.parametrize(("fields", "seconds"), PROVIDER_TIMEOUTS.values(), ids=PROVIDER_TIMEOUTS.keys())
def test_provider_timeout(
    api: Api,
    pipeline: Pipeline,
    time: Time,
    lab: ProviderLab,
    configured: Configure,
    fields: dict[str, Any],
    seconds: int,
) -> None:
    # By the schedule it is tried at 0, 5, 15, 35 and 75 seconds: the last try in time decides.
    configured(provider_timeout_ms=80_000)
    id_ = api.send(**fields)
    with lab.always(DOWN):
        assert abs(_given_up_after(api, pipeline, time, id_, "sendgrid") - seconds) <= 1
    assert _ways(api, id_)[-1] == ("smtp", "SENT")


CHANNEL_TIMEOUTS: dict[str, tuple[dict[str, Any], int]] = {
    "for all channels": ({"timeout": {"channel": 20_000}}, 15),
    "by channel": ({"timeout": {"channel": {"email": 20_000, "sms": 1}}}, 15),
    "the channel's own beats the message's": (
        {"timeout": {"channel": 100_000}, "channels": {"email": {"timeouts": {"channel": 20_000}}}},
        15,
    ),
    "the default": ({}, 35),
}


@pytest.mark.usefixtures("sendgrid")
@pytest.mark.parametrize(("fields", "seconds"), CHANNEL_TIMEOUTS.values(), ids=CHANNEL_TIMEOUTS.keys())
def test_channel_timeout(
    api: Api,
    pipeline: Pipeline,
    time: Time,
    lab: ProviderLab,
    configured: Configure,
    fields: dict[str, Any],
    seconds: int,
) -> None:
    configured(channel_timeout_ms=40_000)
    api.configure("twilio", factories.twilio(lab))
    lab.script(*[DOWN] * {15: 3, 35: 4}[seconds])
    id_ = api.send(to=BOTH, routing=SINGLE, **fields)
    assert abs(_given_up_after(api, pipeline, time, id_, "sendgrid") - seconds) <= 1
    assert _ways(api, id_) == [("sendgrid", "UNDELIVERABLE"), ("twilio", "SENT")]


@pytest.mark.usefixtures("sendgrid")
@pytest.mark.parametrize(
    ("fields", "seconds"),
    [({"timeout": {"message": 20_000}}, 15), ({"timeout": 20_000}, 15), ({}, 35)],
    ids=["the message's", "a bare number", "the default"],
)
def test_message_timeout(
    api: Api,
    pipeline: Pipeline,
    time: Time,
    lab: ProviderLab,
    configured: Configure,
    fields: dict[str, Any],
    seconds: int,
) -> None:
    """The last candidate has nowhere to go, so it keeps trying whatever its own timeout says."""
    configured(message_timeout_ms=40_000, provider_timeout_ms=1, channel_timeout_ms=1)
    id_ = api.send(**fields)
    with lab.always(DOWN):
        assert abs(_given_up_after(api, pipeline, time, id_, "sendgrid") - seconds) <= 1
    assert api.ending(id_) == ("UNDELIVERABLE", "PROVIDER_ERROR")
