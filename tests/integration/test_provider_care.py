"""Rate limits and circuit breakers around deliveries: who is called, who waits, who takes over."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from notify.local import process
from notify.model.names import Channel, Lane
from notify.model.work import Stage
from notify.pipeline import shared, waiting
from tests import factories
from tests.integration.conftest import Configure
from tests.integration.harness import Api, Database, Pipeline, Time
from tests.servers import MailLab, ProviderLab, Reply

DOWN = Reply(status=500)
BUSY = Reply(status=429)
FALLBACK = {"email": factories.ADA, "phone_number": factories.PHONE}


def _limited(lab: ProviderLab, rate: float, period: str, **fields: Any) -> dict[str, Any]:
    return {**factories.sendgrid(lab), "rate_limit": {"rate": rate, "period": period}, **fields}


def _waits(database: Database) -> list[str | None]:
    return sorted(row["waits_for"] for row in database("SELECT waits_for FROM work"))


def _ways(api: Api, id_: str) -> list[tuple[str, str | None, int]]:
    attempts = api.message(id_)["providers"]
    return [(attempt["provider"], attempt.get("status"), attempt["attempts"]) for attempt in attempts]


def _pass(pipeline: Pipeline, time: Time, seconds: float) -> None:
    """Time passes, and then everything that is due by it is done."""
    time.passes(seconds=seconds)
    pipeline.dispatch()
    # What came up with real time too early for the database's clock was not taken: its wake-up is gone.
    pipeline.step(Stage.DELIVER, Channel.EMAIL)
    pipeline.step(Stage.DELIVER, Channel.EMAIL, Lane.BULK)
    pipeline.drain()


@pytest.fixture
def quick(configured: Configure) -> None:
    """Nothing waits in the worker; three failures open a circuit."""
    configured(limit_ahead_s=0, breaker_threshold=3)


# --- rate limits ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "limit",
    [
        {"rate": 1001, "period": "second"},
        {"rate": 0.08, "period": "hour"},
        {"rate": -1, "period": "minute"},
        {"rate": 1, "period": "day"},
        "often",
    ],
)
def test_a_rate_limit_out_of_bounds_is_refused(api: Api, lab: ProviderLab, limit: Any) -> None:
    settings = {**factories.sendgrid(lab), "rate_limit": limit}
    answer = api.post("/providers", {"provider": "sendgrid", "settings": settings})
    assert (answer.status_code, answer.json()["type"]) == (400, "InvalidRateLimit")
    id_ = api.configure("sendgrid", factories.sendgrid(lab))
    answer = api.put(f"/providers/{id_}", {"provider": "sendgrid", "settings": settings})
    assert (answer.status_code, answer.json()["type"]) == (400, "InvalidRateLimit")


@pytest.mark.usefixtures("quick")
def test_what_exceeds_a_limit_waits_its_turn_and_is_never_dropped(
    api: Api, pipeline: Pipeline, database: Database, time: Time, lab: ProviderLab
) -> None:
    api.configure("sendgrid", _limited(lab, 30, "minute"))
    sent = [api.send() for _ in range(10)]
    pipeline.drain()
    assert (len(lab.requests), _waits(database)) == (1, ["turn"] * 9)
    for done in range(2, 11):
        _pass(pipeline, time, 2)
        assert len(lab.requests) == done
    assert {api.message(id_)["status"] for id_ in sent} == {"SENT"}
    assert {_ways(api, id_)[0] for id_ in sent} == {("sendgrid", "SENT", 1)}
    assert database.work() == []


@pytest.mark.usefixtures("quick")
def test_a_wait_is_told_once(
    api: Api, pipeline: Pipeline, database: Database, time: Time, lab: ProviderLab
) -> None:
    api.configure("sendgrid", _limited(lab, 1, "minute"))
    first, second = api.send(), api.send()
    pipeline.drain()
    for _ in range(5):
        _pass(pipeline, time, 5)
    told = database("SELECT detail ->> 'wait' AS wait FROM message_event WHERE type = 'WAITING'")
    assert [row["wait"] for row in told] == ["turn"]
    assert sorted(api.message(id_)["status"] for id_ in (first, second)) == ["ROUTED", "SENT"]


@pytest.mark.usefixtures("quick")
def test_a_changed_limit_holds_within_a_minute(
    api: Api, pipeline: Pipeline, time: Time, lab: ProviderLab
) -> None:
    id_ = api.configure("sendgrid", _limited(lab, 1, "hour"))
    for _ in range(4):
        api.send()
    pipeline.drain()
    api.put(f"/providers/{id_}", {"provider": "sendgrid", "settings": _limited(lab, 10, "second")})
    for _ in range(12):
        _pass(pipeline, time, 5)
    assert len(lab.requests) == 4


@pytest.mark.usefixtures("quick")
def test_a_limit_holds_back_neither_other_providers_nor_their_batch(
    api: Api, pipeline: Pipeline, database: Database, lab: ProviderLab, mail: MailLab
) -> None:
    api.configure("sendgrid", _limited(lab, 1, "hour"))
    api.configure("smtp", factories.smtp(mail))
    for provider in ("sendgrid", "sendgrid", "smtp", "smtp"):
        api.send(routing={"method": "single", "channels": [provider]})
    for stage in (Stage.RENDER, Stage.ROUTE):
        pipeline.step(stage)
    assert pipeline.step(Stage.DELIVER, Channel.EMAIL) == 4
    assert (len(lab.requests), len(mail.mails), _waits(database)) == (1, 2, ["turn"])


def test_a_short_wait_is_the_workers_own(
    api: Api, pipeline: Pipeline, database: Database, lab: ProviderLab
) -> None:
    api.configure("sendgrid", _limited(lab, 200, "second"))
    for _ in range(10):
        api.send()
    pipeline.drain()
    assert (len(lab.requests), database.work()) == (10, [])


@pytest.mark.usefixtures("quick")
def test_single_sends_are_let_in_before_a_broadcast(
    api: Api, pipeline: Pipeline, configured: Configure, time: Time, lab: ProviderLab
) -> None:
    configured(bulk_above=2)
    api.configure("sendgrid", _limited(lab, 1, "second"))
    api.send(to=[{"email": f"user-{number}@example.com"} for number in range(40)])
    pipeline.drain()
    id_ = api.send()
    pipeline.drain()
    for _ in range(3):
        _pass(pipeline, time, 1)
    assert api.message(id_)["status"] == "SENT"
    assert len(lab.requests) <= 4


@pytest.mark.usefixtures("quick")
def test_waiting_for_its_turn_is_not_held_against_a_provider(
    api: Api, pipeline: Pipeline, time: Time, lab: ProviderLab, mail: MailLab
) -> None:
    api.configure("sendgrid", _limited(lab, 1, "minute"))
    api.configure("smtp", factories.smtp(mail))
    first = api.send()
    pipeline.drain()
    second = api.send(timeout={"provider": 20_000})
    lab.script(DOWN)
    pipeline.drain()
    for _ in range(13):
        _pass(pipeline, time, 5)
    assert api.message(first)["status"] == "SENT"
    # Called once after a minute in the line, and not given up: its own 20 seconds have only begun.
    assert _ways(api, second) == [("sendgrid", None, 1)]
    assert len(mail.mails) == 0


@pytest.mark.usefixtures("quick")
def test_a_message_does_not_wait_beyond_its_own_timeout(
    api: Api, pipeline: Pipeline, time: Time, lab: ProviderLab
) -> None:
    api.configure("sendgrid", _limited(lab, 1, "hour"))
    api.send()
    pipeline.drain()
    id_ = api.send(timeout={"message": 30_000})
    pipeline.drain()
    _pass(pipeline, time, 31)
    assert api.ending(id_) == ("UNDELIVERABLE", "PROVIDER_ERROR")
    assert "before its turn came" in api.message(id_)["error"]


# --- the circuit ---------------------------------------------------------------------------------


@pytest.fixture
def pair(api: Api, lab: ProviderLab, mail: MailLab, quick: None) -> tuple[str, str]:
    """A first provider over HTTP, and a second one over SMTP."""
    return (
        api.configure("sendgrid", factories.sendgrid(lab)),
        api.configure("smtp", factories.smtp(mail)),
    )


def _open(api: Api, pipeline: Pipeline, lab: ProviderLab) -> list[str]:
    """Messages whose failures have opened the circuit of the first provider."""
    with lab.always(DOWN):
        sent = [api.send() for _ in range(3)]
        pipeline.drain()
    lab.requests.clear()
    return sent


@pytest.mark.usefixtures("pair")
def test_a_circuit_that_opens_sends_all_that_wait_to_the_next_provider(
    api: Api, pipeline: Pipeline, lab: ProviderLab, mail: MailLab
) -> None:
    with lab.always(DOWN):
        early = [api.send(), api.send()]
        pipeline.drain()
        assert [api.message(id_)["status"] for id_ in early] == ["ROUTED"] * 2
        late = api.send()
        pipeline.drain()
    assert {api.message(id_)["status"] for id_ in (*early, late)} == {"SENT"}
    assert [_ways(api, id_) for id_ in early] == [[("sendgrid", "UNDELIVERABLE", 1), ("smtp", "SENT", 1)]] * 2
    assert api.message(early[0])["providers"][0]["error"] == waiting.CIRCUIT_OPEN
    assert len(mail.mails) == 3


@pytest.mark.usefixtures("pair")
def test_new_work_goes_straight_to_the_next_provider(
    api: Api, pipeline: Pipeline, lab: ProviderLab, mail: MailLab
) -> None:
    _open(api, pipeline, lab)
    id_ = api.send()
    pipeline.drain()
    assert _ways(api, id_) == [("sendgrid", "UNDELIVERABLE", 0), ("smtp", "SENT", 1)]
    assert len(lab.requests) == 0
    (entry,) = api.history(id_, "UNDELIVERABLE")
    assert entry["error_message"] == "circuit open"


@pytest.mark.usefixtures("pair")
def test_the_next_channel_is_a_fallback_too(api: Api, pipeline: Pipeline, lab: ProviderLab) -> None:
    api.configure("twilio", factories.twilio(lab))
    _open(api, pipeline, lab)
    id_ = api.send(to=FALLBACK, routing={"method": "single", "channels": ["sendgrid", "sms"]})
    pipeline.drain()
    assert _ways(api, id_) == [("sendgrid", "UNDELIVERABLE", 0), ("twilio", "SENT", 1)]


@pytest.mark.usefixtures("pair")
def test_an_answered_probe_closes_the_circuit(
    api: Api, pipeline: Pipeline, time: Time, lab: ProviderLab
) -> None:
    _open(api, pipeline, lab)
    time.passes(seconds=15.5)
    sent = [api.send() for _ in range(3)]
    for stage in (Stage.RENDER, Stage.ROUTE):
        pipeline.step(stage)
    pipeline.drain()
    assert len(lab.requests) == 1
    assert sorted(_ways(api, id_)[-1][0] for id_ in sent) == ["sendgrid", "smtp", "smtp"]
    assert _ways(api, _sent(api, pipeline)) == [("sendgrid", "SENT", 1)]


def _sent(api: Api, pipeline: Pipeline) -> str:
    id_ = api.send()
    pipeline.drain()
    return id_


@pytest.mark.usefixtures("pair")
def test_a_failed_probe_goes_to_the_next_provider_like_any_other(
    api: Api, pipeline: Pipeline, time: Time, lab: ProviderLab
) -> None:
    _open(api, pipeline, lab)
    time.passes(seconds=15.5)
    with lab.always(DOWN):
        probe = _sent(api, pipeline)
    assert _ways(api, probe) == [("sendgrid", "UNDELIVERABLE", 1), ("smtp", "SENT", 1)]
    assert _ways(api, _sent(api, pipeline))[0] == ("sendgrid", "UNDELIVERABLE", 0)


def test_without_a_fallback_they_wait_and_are_all_sent_when_it_recovers(
    api: Api, pipeline: Pipeline, database: Database, time: Time, lab: ProviderLab, quick: None
) -> None:
    api.configure("sendgrid", factories.sendgrid(lab))
    with lab.always(DOWN):
        sent = [api.send() for _ in range(5)]
        pipeline.drain()
    late = [api.send() for _ in range(3)]
    pipeline.drain()
    assert len(lab.requests) == 5
    assert _waits(database) == ["circuit"] * 8
    _pass(pipeline, time, 15.5)
    assert {api.message(id_)["status"] for id_ in (*sent, *late)} == {"SENT"}
    assert database.work() == []
    assert {_ways(api, id_)[0] for id_ in late} == {("sendgrid", "SENT", 1)}


def test_what_waits_does_not_wait_beyond_the_messages_timeout(
    api: Api, pipeline: Pipeline, time: Time, lab: ProviderLab, quick: None
) -> None:
    api.configure("sendgrid", factories.sendgrid(lab))
    _open(api, pipeline, lab)
    id_ = api.send(timeout={"message": 5_000})
    pipeline.drain()
    time.passes(seconds=5.5)
    pipeline.drain()
    assert api.ending(id_) == ("UNDELIVERABLE", "PROVIDER_ERROR")
    assert "while the circuit was open" in api.message(id_)["error"]


@pytest.mark.usefixtures("pair")
@pytest.mark.parametrize("reply", [BUSY, Reply(status=400), Reply(status=401)], ids=["429", "400", "401"])
def test_an_answer_that_is_no_outage_does_not_open_it(
    api: Api, pipeline: Pipeline, time: Time, lab: ProviderLab, reply: Reply
) -> None:
    with lab.always(reply):
        for _ in range(6):
            api.send()
        pipeline.drain()
    lab.requests.clear()
    assert _ways(api, _sent(api, pipeline)) == [("sendgrid", "SENT", 1)]


def test_a_recipients_own_server_does_not_open_it_for_others(
    api: Api, pipeline: Pipeline, configured: Configure, lab: ProviderLab, quick: None
) -> None:
    configured(allowed_networks="127.0.0.0/8")
    api.configure("webhook")
    with lab.always(DOWN):
        for _ in range(6):
            api.send(to={"webhook": {"url": f"{lab.url}/hook/broken"}})
        pipeline.drain()
    id_ = api.send(to={"webhook": {"url": f"{lab.url}/hook/open"}})
    pipeline.drain()
    assert api.message(id_)["status"] == "DELIVERED"


@pytest.fixture
def away(configured: Configure, quick: None) -> Iterator[None]:
    """Redis is not to be reached; the broker of this process is none of its business."""
    configured(cache_url=f"redis://127.0.0.1:{process.free_port()}/0")
    yield
    shared.forget()


@pytest.mark.usefixtures("away")
def test_sends_do_not_stop_while_redis_is_away(api: Api, pipeline: Pipeline, lab: ProviderLab) -> None:
    api.configure("sendgrid", _limited(lab, 1, "hour"))
    sent = [api.send() for _ in range(5)]
    pipeline.drain()
    assert {api.message(id_)["status"] for id_ in sent} == {"SENT"}


@pytest.mark.usefixtures("pair")
def test_retries_wait_again_where_no_circuit_is_open(
    api: Api, pipeline: Pipeline, database: Database, lab: ProviderLab
) -> None:
    lab.script(DOWN)
    api.send()
    pipeline.drain()
    (row,) = database("SELECT waits_for, due_at - now() AS wait FROM work")
    assert row["waits_for"] == "retry"
    assert row["wait"] > timedelta(seconds=3)
