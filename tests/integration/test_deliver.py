"""deliver: provider calls, and what follows from their outcomes."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import orjson
import pytest

from notify import clock, queue
from notify.content import output
from notify.model.names import Channel, Lane
from notify.model.status import Status
from notify.model.work import Stage
from notify.pipeline import outcomes
from notify.pipeline.progress import Progress
from notify.publisher import Publisher
from tests import factories
from tests.integration.conftest import Configure
from tests.integration.harness import Api, Database, Pipeline, Time, row_ids
from tests.servers import MailLab, ProviderLab, Reply, Request
from workers.app import app

BAD_EMAIL = "fail@example.com"
BOTH = {"email": factories.ADA, "phone_number": factories.PHONE}
DOWN = Reply(status=503)
OFFER = Publisher.offer


def _tried(api: Api, id_: str) -> list[tuple[str, str | None, int]]:
    """Provider, status and number of calls of each delivery."""
    attempts = api.message(id_)["providers"]
    return [(attempt["provider"], attempt.get("status"), attempt["attempts"]) for attempt in attempts]


@pytest.fixture
def sendgrid(api: Api, lab: ProviderLab) -> str:
    return api.configure("sendgrid", factories.sendgrid(lab))


@pytest.fixture
def smtp(api: Api, mail: MailLab) -> str:
    return api.configure("smtp", factories.smtp(mail))


@pytest.fixture
def twilio(api: Api, lab: ProviderLab) -> str:
    return api.configure("twilio", factories.twilio(lab))


# --- what arrives --------------------------------------------------------------------------------


@pytest.mark.usefixtures("smtp")
def test_an_email_arrives(api: Api, pipeline: Pipeline, mail: MailLab) -> None:
    id_ = api.send(content={"title": "Hi {{name}}", "body": "**Good** to see you."}, data={"name": "Adą"})
    pipeline.drain()
    (arrived,) = mail.to(factories.ADA)
    assert arrived.message["subject"] == "Hi Adą"
    text = arrived.message.get_body(("plain",))
    html = arrived.message.get_body(("html",))
    assert text is not None
    assert html is not None
    assert "Good to see you." in text.get_content()
    assert "<strong>Good</strong>" in html.get_content()
    found = api.message(id_)
    assert (found["status"], _tried(api, id_)) == ("SENT", [("smtp", "SENT", 1)])
    assert found["enqueued"] <= found["sent"] == found["providers"][0]["sent"]


@pytest.mark.usefixtures("twilio")
def test_an_sms_arrives(api: Api, pipeline: Pipeline, lab: ProviderLab) -> None:
    id_ = api.send(to={"phone_number": factories.PHONE})
    pipeline.drain()
    (request,) = lab.of("twilio")
    assert (request.form()["To"], request.form()["Body"]) == (factories.PHONE, "It works.")
    assert api.message(id_)["providers"][0]["reference"]["sid"].startswith("SM")


def test_a_chat_message_arrives(api: Api, pipeline: Pipeline, lab: ProviderLab) -> None:
    api.configure("slack", {"base_url": lab.base_url("slack")})
    token = factories.slack(lab)["access_token"]
    id_ = api.send(to={"slack": {"access_token": token, "email": factories.ADA}})
    pipeline.drain()
    look_up, post = lab.of("slack")
    assert (look_up.query["email"], post.json()["channel"]) == (factories.ADA, "U0ADA")
    assert api.message(id_)["providers"][0]["channel"]["key"] == "direct_message:slack"


def test_a_webhook_is_sent_and_delivered(
    api: Api, pipeline: Pipeline, configured: Configure, lab: ProviderLab
) -> None:
    configured(allowed_networks="127.0.0.0/8")
    id_ = api.send(to={"webhook": {"url": f"{lab.url}/hook/open"}}, data={"a": 1})
    pipeline.drain()
    (request,) = lab.of("hook")
    assert request.json()["message"]["data"] == {"a": 1}
    found = api.message(id_)
    assert (found["status"], _tried(api, id_)) == ("DELIVERED", [("webhook", "DELIVERED", 1)])
    assert found["sent"] == found["delivered"]
    happened = api.happened(id_)
    assert happened[-2:] == ["SENT", "DELIVERED"]


@pytest.mark.parametrize(
    ("profile", "told"),
    [
        (None, {"user_id": "ada", "city": "Rome"}),
        ("limited", {"user_id": "ada", "city": "Rome"}),
        ("expanded", {"user_id": "ada", "city": "Rome", "name": "Ada", "plan": "pro"}),
    ],
)
def test_what_a_webhook_is_told_of_its_recipient(
    api: Api, pipeline: Pipeline, configured: Configure, lab: ProviderLab,
    profile: str | None, told: dict[str, str],
) -> None:  # fmt: skip
    """send.md, webhook.profile: limited (default) is what the request says, expanded the stored one too."""
    configured(allowed_networks="127.0.0.0/8")
    api.put("/profiles/ada", {"profile": {"name": "Ada", "city": "Oslo", "plan": "pro"}})
    webhook = {"url": f"{lab.url}/hook/open", **({"profile": profile} if profile else {})}
    api.send(to={"user_id": "ada", "city": "Rome", "webhook": webhook})
    pipeline.drain()
    (request,) = lab.of("hook")
    sent = request.json()["message"]["to"]
    assert {key: value for key, value in sent.items() if key != "webhook"} == told


def test_an_operators_webhook_is_told_the_whole_profile(
    api: Api, pipeline: Pipeline, configured: Configure, lab: ProviderLab
) -> None:
    configured(allowed_networks="127.0.0.0/8")
    api.configure("webhook", factories.hook(lab))
    api.put("/profiles/ada", {"profile": {"name": "Ada"}})
    api.send(to={"user_id": "ada"}, routing={"method": "single", "channels": ["webhook"]})
    pipeline.drain()
    assert lab.of("hook")[0].json()["message"]["to"]["name"] == "Ada"


@pytest.mark.usefixtures("sendgrid", "twilio")
def test_a_batch_is_sent_as_one(api: Api, pipeline: Pipeline, lab: ProviderLab) -> None:
    ids = [api.send(content={"title": f"number {number}", "body": "."}) for number in range(30)]
    assert pipeline.step(Stage.RENDER) == 30
    assert pipeline.step(Stage.DELIVER, Channel.EMAIL) == 30
    assert {api.message(id_)["status"] for id_ in ids} == {"SENT"}
    assert {request.json()["subject"] for request in lab.requests} == {f"number {n}" for n in range(30)}


def test_a_large_send_takes_the_bulk_lane(
    api: Api, pipeline: Pipeline, configured: Configure, database: Database, lab: ProviderLab
) -> None:
    configured(bulk_above=2)
    api.configure("sendgrid", factories.sendgrid(lab))
    for count in (2, 3):
        api.send(to=[{"email": f"user-{number}@example.com"} for number in range(count)])
    pipeline.drain()
    lanes = database("SELECT lane, count(*) FROM message GROUP BY lane")
    assert {row["lane"]: row["count"] for row in lanes} == {"single": 2, "bulk": 3}
    assert len(lab.requests) == 5


# --- retries -------------------------------------------------------------------------------------


@pytest.mark.usefixtures("sendgrid")
def test_a_provider_that_is_down_is_tried_again_with_growing_waits(
    api: Api, pipeline: Pipeline, database: Database, time: Time, lab: ProviderLab
) -> None:
    id_ = api.send()
    lab.script(*[DOWN] * 3)
    waits = []
    for _ in range(3):
        pipeline.drain()
        begin = time.now()
        (row,) = database.work()
        waits.append(round((row["due_at"] - begin).total_seconds()))
        assert (api.message(id_)["status"], row["held"], row["parked"]) == ("ROUTED", False, False)
        time.passes(seconds=waits[-1] + 0.5)
    pipeline.drain()
    assert waits == [5, 10, 20]
    assert api.message(id_)["status"] == "SENT"
    assert _tried(api, id_) == [("sendgrid", "SENT", 4)]
    history = [entry for entry in api.history(id_) if entry["type"] == "RETRYING"]
    assert [entry["error_message"] for entry in history] == ["HTTP 503"] * 3
    assert database.work() == []


@pytest.mark.usefixtures("sendgrid")
@pytest.mark.parametrize("form", ["seconds", "date"])
def test_a_provider_says_when_to_come_back(
    api: Api, pipeline: Pipeline, database: Database, lab: ProviderLab, form: str
) -> None:
    api.send()
    value = "37" if form == "seconds" else "Tue, 01 Jan 2030 00:00:37 GMT"
    lab.script(Reply(status=429, headers={"retry-after": value, "date": "Tue, 01 Jan 2030 00:00:00 GMT"}))
    begin = clock.now()
    pipeline.drain()
    (row,) = database.work()
    assert timedelta(seconds=37) <= row["due_at"] - begin <= timedelta(seconds=37) + (clock.now() - begin)
    (wake,) = pipeline.waiting
    assert (wake.at, wake.ids) == (row["due_at"], (row["id"],))


@pytest.mark.usefixtures("sendgrid")
def test_a_long_wait_is_the_dispatchers(
    api: Api, pipeline: Pipeline, database: Database, time: Time, lab: ProviderLab
) -> None:
    id_ = api.send()
    lab.script(Reply(status=503, headers={"retry-after": "3600"}))
    pipeline.drain()
    (row,) = database.work()
    assert (row["parked"], pipeline.waiting) == (True, [])
    time.passes(seconds=3590)
    pipeline.dispatch()
    time.passes(seconds=11)
    pipeline.drain()
    assert api.message(id_)["status"] == "SENT"


@pytest.mark.usefixtures("sendgrid")
def test_one_that_must_wait_does_not_hold_back_its_batch(
    api: Api, pipeline: Pipeline, database: Database, lab: ProviderLab
) -> None:
    ids = [api.send() for _ in range(5)]
    lab.script(DOWN)
    pipeline.drain()
    statuses = [api.message(id_)["status"] for id_ in ids]
    assert sorted(statuses) == ["ROUTED", "SENT", "SENT", "SENT", "SENT"]
    (row,) = database.work()
    assert not row["held"]


@pytest.mark.usefixtures("sendgrid")
def test_the_last_provider_is_tried_until_the_message_times_out(
    api: Api, pipeline: Pipeline, time: Time, lab: ProviderLab
) -> None:
    id_ = api.send(timeout={"message": 60_000, "provider": 1000})
    with lab.always(DOWN):
        for _ in range(4):
            pipeline.drain()
            time.passes(seconds=41)
    assert api.ending(id_) == ("UNDELIVERABLE", "PROVIDER_ERROR")
    assert "email/sendgrid: HTTP 503" in api.message(id_)["error"]
    assert 2 <= len(lab.requests) <= 4


@pytest.mark.usefixtures("sendgrid")
def test_a_retry_is_the_same_message_to_the_provider(
    api: Api, pipeline: Pipeline, configured: Configure, time: Time, lab: ProviderLab
) -> None:
    configured(allowed_networks="127.0.0.0/8")
    id_ = api.send(to={"webhook": {"url": f"{lab.url}/hook/open"}})
    lab.script(DOWN)
    pipeline.drain()
    time.passes(seconds=6)
    pipeline.drain()
    assert api.message(id_)["status"] == "DELIVERED"
    assert len({request.headers["idempotency-key"] for request in lab.requests}) == 1
    assert len(lab.requests) == 2


@pytest.mark.usefixtures("sendgrid")
def test_a_broker_that_hangs_keeps_no_worker_from_recording(
    api: Api, pipeline: Pipeline, lab: ProviderLab, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a provider accepts meanwhile would be sent again if the worker died."""
    id_ = api.send()
    pipeline.step(Stage.RENDER)
    told = [told.hex for wake in pipeline.waiting for told in wake.ids]
    back = threading.Event()
    monkeypatch.setattr(Publisher, "offer", OFFER)
    monkeypatch.setattr(queue, "publish", lambda handoff: back.wait(60))
    app.loader.import_default_modules()
    with ThreadPoolExecutor(1) as worker, lab.always(DOWN):
        try:
            task = worker.submit(app.tasks["deliver.email"].run, told, "single")
            assert task.result(timeout=30) == "1 messages"
        finally:
            back.set()
    assert "RETRYING" in api.happened(id_)


# --- failover ------------------------------------------------------------------------------------


@pytest.mark.usefixtures("sendgrid", "smtp")
def test_a_provider_that_refuses_us_hands_over_at_once(
    api: Api, pipeline: Pipeline, lab: ProviderLab, mail: MailLab
) -> None:
    id_ = api.send()
    lab.script(Reply.json({"errors": [{"message": "The api key is invalid"}]}, status=401))
    pipeline.drain()
    assert _tried(api, id_) == [("sendgrid", "UNDELIVERABLE", 1), ("smtp", "SENT", 1)]
    assert api.ending(id_) == ("SENT", None)
    assert "The api key is invalid" in api.message(id_)["providers"][0]["error"]
    assert len(mail.mails) == 1


@pytest.mark.usefixtures("sendgrid", "smtp")
def test_a_provider_that_stays_down_hands_over_when_its_time_is_up(
    api: Api, pipeline: Pipeline, time: Time, lab: ProviderLab, mail: MailLab
) -> None:
    id_ = api.send(timeout={"provider": 12_000})
    with lab.always(DOWN):
        pipeline.drain()
        assert _tried(api, id_) == [("sendgrid", None, 1)]
        time.passes(seconds=6)
        pipeline.drain()
    assert _tried(api, id_) == [("sendgrid", "UNDELIVERABLE", 2), ("smtp", "SENT", 1)]
    assert len(mail.mails) == 1


@pytest.mark.usefixtures("sendgrid", "smtp", "twilio")
def test_a_bad_address_is_not_tried_with_the_next_provider_but_the_next_channel(
    api: Api, pipeline: Pipeline, mail: MailLab
) -> None:
    id_ = api.send(
        to={"email": BAD_EMAIL, "phone_number": factories.PHONE},
        routing={"method": "single", "channels": ["email", "sms"]},
    )
    pipeline.drain()
    assert _tried(api, id_) == [("sendgrid", "UNDELIVERABLE", 1), ("twilio", "SENT", 1)]
    assert api.message(id_)["status"] == "SENT"
    assert len(mail.mails) == 0


@pytest.mark.usefixtures("sendgrid", "smtp")
def test_a_bad_address_without_another_channel_is_the_end(api: Api, pipeline: Pipeline) -> None:
    id_ = api.send(to={"email": BAD_EMAIL})
    pipeline.drain()
    assert api.ending(id_) == ("UNDELIVERABLE", "FAILED")
    assert "Does not contain a valid address" in api.message(id_)["error"]
    (entry,) = api.history(id_, "UNDELIVERABLE")
    assert (entry["integration"]["provider"], entry["channel"]["key"]) == ("sendgrid", "email")


@pytest.mark.usefixtures("sendgrid", "twilio")
def test_a_channel_that_stays_down_hands_over_to_the_next(
    api: Api, pipeline: Pipeline, time: Time, lab: ProviderLab
) -> None:
    routing = {"method": "single", "channels": ["email", "sms"]}
    id_ = api.send(to=BOTH, routing=routing, timeout={"channel": 4000})
    lab.script(DOWN)
    pipeline.drain()
    assert _tried(api, id_) == [("sendgrid", "UNDELIVERABLE", 1), ("twilio", "SENT", 1)]


@pytest.mark.usefixtures("sendgrid", "twilio")
def test_all_channels_are_sent_and_one_failure_leaves_the_others(
    api: Api, pipeline: Pipeline, lab: ProviderLab
) -> None:
    routing = {"method": "all", "channels": ["email", "sms"]}
    good, mixed, bad = (
        api.send(to={"email": email, "phone_number": phone}, routing=routing)
        for email, phone in (
            (factories.ADA, factories.PHONE),
            (BAD_EMAIL, factories.PHONE),
            (BAD_EMAIL, "+1fail"),
        )
    )
    pipeline.drain()
    assert sorted(_tried(api, good)) == [("sendgrid", "SENT", 1), ("twilio", "SENT", 1)]
    assert sorted(_tried(api, mixed)) == [("sendgrid", "UNDELIVERABLE", 1), ("twilio", "SENT", 1)]
    assert [api.message(id_)["status"] for id_ in (good, mixed, bad)] == ["SENT", "SENT", "UNDELIVERABLE"]
    assert "email/sendgrid" in api.message(bad)["error"]
    assert "sms/twilio" in api.message(bad)["error"]


@pytest.mark.usefixtures("sendgrid", "twilio")
def test_channels_that_end_at_the_same_moment_agree_on_the_end(
    api: Api, pipeline: Pipeline, database: Database
) -> None:
    to = {"email": BAD_EMAIL, "phone_number": "+1fail"}
    ids = [api.send(to=to, routing={"method": "all", "channels": ["email", "sms"]}) for _ in range(30)]
    assert pipeline.step(Stage.RENDER) == 30
    with ThreadPoolExecutor(2) as threads:
        both = threads.map(
            lambda channel: pipeline.step(Stage.DELIVER, channel), (Channel.EMAIL, Channel.SMS)
        )
        assert list(both) == [30, 30]
    assert [api.message(id_)["status"] for id_ in ids] == ["UNDELIVERABLE"] * 30
    assert database.work() == []


@pytest.mark.usefixtures("sendgrid", "twilio")
def test_a_channel_that_succeeded_is_not_sent_again(
    api: Api, pipeline: Pipeline, time: Time, lab: ProviderLab
) -> None:
    id_ = api.send(to=BOTH, routing={"method": "all", "channels": ["email", "sms"]})
    lab.script(DOWN)
    pipeline.drain()
    assert api.message(id_)["status"] == "SENT"
    time.passes(seconds=6)
    pipeline.drain()
    assert {status for _, status, _ in _tried(api, id_)} == {"SENT"}
    assert len(lab.requests) == 3


def test_the_best_of_several_channels_is_the_messages_status(
    api: Api, pipeline: Pipeline, lab: ProviderLab, configured: Configure
) -> None:
    configured(allowed_networks="127.0.0.0/8")
    api.configure("webhook", factories.hook(lab))
    api.configure("webhook", factories.hook(lab, "/gone"), alias="gone")
    channels = {"webhook": {"routing_method": "all", "providers": ["webhook", "webhook:gone"]}}
    id_ = api.send(
        to={"user_id": "ada"}, routing={"method": "all", "channels": ["webhook"]}, channels=channels
    )
    pipeline.drain()
    assert api.message(id_)["status"] == "DELIVERED"


def test_a_later_word_does_not_take_back_a_better_one() -> None:
    progress = Progress(now=clock.now(), lane=Lane.SINGLE)
    for status in (Status.ROUTED, Status.DELIVERED, Status.SENT):
        progress.status(UUID(int=1), status)
    assert [change.status for change in progress.changes.values()] == [Status.DELIVERED]


def test_a_provider_that_was_deleted_hands_over(
    api: Api, pipeline: Pipeline, sendgrid: str, smtp: str, mail: MailLab
) -> None:
    id_ = api.send()
    pipeline.step(Stage.RENDER)
    pipeline.step(Stage.ROUTE)
    assert api.delete(f"/providers/{sendgrid}").status_code == 204
    pipeline.drain()
    assert [(provider, status) for provider, status, _ in _tried(api, id_)] == [
        ("sendgrid", "UNDELIVERABLE"),
        ("smtp", "SENT"),
    ]


# --- strange answers, hostile input --------------------------------------------------------------


@pytest.mark.usefixtures("sendgrid")
@pytest.mark.parametrize(
    "reply",
    [Reply(raw=b""), Reply(raw=b"nonsense\r\n\r\n"), Reply(status=500, body=b"{")],
    ids=["reset", "raw", "500"],
)
def test_an_answer_that_is_none_is_tried_again(
    api: Api, pipeline: Pipeline, time: Time, lab: ProviderLab, reply: Reply
) -> None:
    id_ = api.send()
    lab.script(reply)
    pipeline.drain()
    assert api.message(id_)["status"] == "ROUTED"
    time.passes(seconds=6)
    pipeline.drain()
    assert api.message(id_)["status"] == "SENT"


@pytest.mark.usefixtures("smtp")
@pytest.mark.parametrize("separator", ["\n", "\r\n", "\r", "\u2028"])
def test_data_cannot_write_headers(api: Api, pipeline: Pipeline, mail: MailLab, separator: str) -> None:
    data = {"name": f"Ada{separator}Bcc: eve@example.com{separator}{separator}<b>"}
    id_ = api.send(content={"title": "Hi {{name}}", "body": "."}, data=data)
    pipeline.drain()
    (arrived,) = mail.mails
    assert arrived.recipients == (factories.ADA,)
    assert arrived.message["bcc"] is None
    assert arrived.message["subject"].startswith("Hi Ada")
    assert api.message(id_)["status"] == "SENT"


@pytest.mark.parametrize(
    "to",
    [
        {"email": "ada@example.com\nBcc: eve@example.com"},
        {"webhook": {"url": "http://example.com/\r\nX: y"}},
        {"webhook": {"url": "http://example.com/", "headers": {"X": "a\r\nY: b"}}},
        {"webhook": {"url": "http://example.com/", "headers": {"X: a\r\nY": "b"}}},
    ],
)
def test_an_address_with_a_line_break_is_refused(api: Api, to: dict[str, Any]) -> None:
    assert api.post("/send", {"message": factories.message(to=to)}).status_code == 400


@pytest.mark.usefixtures("smtp")
def test_a_stored_address_with_a_line_break_is_not_sent_to(
    api: Api, pipeline: Pipeline, mail: MailLab
) -> None:
    api.put("/profiles/ada", {"profile": {"email": "ada@example.com\r\nBcc: eve@example.com"}})
    id_ = api.send(to={"user_id": "ada"})
    pipeline.drain()
    assert api.message(id_)["status"] == "UNDELIVERABLE"
    assert len(mail.mails) == 0


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]", "2130706433", "0.0.0.0"])
def test_a_webhook_to_a_private_address_is_refused(
    api: Api, pipeline: Pipeline, lab: ProviderLab, host: str
) -> None:
    id_ = api.send(to={"webhook": {"url": f"http://{host}:{lab.port}/hook/open"}})
    pipeline.drain()
    assert (api.ending(id_), lab.count) == (("UNDELIVERABLE", "FAILED"), 0)


def test_a_webhook_to_a_private_address_says_why(api: Api, pipeline: Pipeline, lab: ProviderLab) -> None:
    id_ = api.send(to={"webhook": {"url": f"{lab.url}/hook/open"}})
    pipeline.drain()
    assert "private address" in api.message(id_)["error"]
    assert "127.0.0.1" not in api.message(id_)["error"]


def test_a_webhook_that_redirects_to_a_private_address_is_not_followed(
    api: Api, pipeline: Pipeline, lab: ProviderLab, configured: Configure
) -> None:
    configured(allowed_networks="127.0.0.0/8")
    id_ = api.send(to={"webhook": {"url": f"{lab.url}/hook/elsewhere"}})
    pipeline.drain()
    assert api.message(id_)["status"] == "UNDELIVERABLE"
    assert len(lab.requests) == 1


@pytest.mark.usefixtures("sendgrid")
def test_a_fault_of_ours_fails_its_message_alone(
    api: Api, pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    build = output.build

    def broken(document: Any, **rest: Any) -> Any:
        if rest["context"].data:
            raise RuntimeError("a bug")
        return build(document, **rest)

    monkeypatch.setattr(output, "build", broken)
    odd, even = api.send(data={"odd": 1}), api.send()
    pipeline.drain()
    assert api.ending(odd) == ("UNDELIVERABLE", "FAILED")
    assert "RuntimeError" in api.message(odd)["error"]
    assert api.message(even)["status"] == "SENT"


# --- who may record an outcome -------------------------------------------------------------------


@pytest.fixture
def meanwhile(lab: ProviderLab, monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[], object]], None]:
    """``meanwhile(action)``: while the next provider call is under way, ``action`` happens."""

    def arrange(action: Callable[[], object]) -> None:
        handler = lab._handler

        def acting(request: Request) -> Reply:
            monkeypatch.setattr(lab, "_handler", handler)
            # Not on the server's own loop: an action may wait for something.
            thread = threading.Thread(target=action)
            thread.start()
            thread.join()
            return handler(request)

        monkeypatch.setattr(lab, "_handler", acting)

    return arrange


Meanwhile = Callable[[Callable[[], object]], None]


@pytest.mark.usefixtures("sendgrid")
def test_an_attempt_that_was_overtaken_records_nothing(
    api: Api, pipeline: Pipeline, database: Database, lab: ProviderLab, meanwhile: Meanwhile
) -> None:
    id_ = api.send()
    meanwhile(lambda: database("UPDATE work SET attempt = attempt + 1"))
    pipeline.drain()
    assert api.message(id_)["status"] == "ROUTED"
    assert _tried(api, id_) == [("sendgrid", None, 0)]
    (row,) = database.work()
    assert (row["attempt"], row["held"]) == (2, True)


@pytest.mark.usefixtures("sendgrid")
def test_a_slow_attempt_whose_lease_ended_still_records_if_nobody_took_over(
    api: Api, pipeline: Pipeline, database: Database, meanwhile: Meanwhile
) -> None:
    id_ = api.send()
    meanwhile(lambda: database("UPDATE work SET lease_until = now()"))
    pipeline.drain()
    assert (api.message(id_)["status"], database.work()) == ("SENT", [])


@pytest.mark.usefixtures("sendgrid")
def test_an_acceptance_waits_for_the_database(
    api: Api,
    pipeline: Pipeline,
    database: Database,
    lab: ProviderLab,
    meanwhile: Meanwhile,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    failures = []

    class Log:
        """Brings the database back once recording has failed."""

        @staticmethod
        def warning(event: str, **_: object) -> None:
            failures.append(event)
            database.come_back()

    monkeypatch.setattr(outcomes, "_log", Log)
    monkeypatch.setattr(outcomes, "_PAUSE_S", 0.01)
    id_ = api.send()
    meanwhile(database.go_away)
    pipeline.drain()
    assert failures == ["deliver.record_delayed"]
    assert (api.message(id_)["status"], database.work()) == ("SENT", [])
    assert _tried(api, id_) == [("sendgrid", "SENT", 1)]
    assert len(lab.requests) == 1


@pytest.mark.usefixtures("sendgrid")
def test_a_message_canceled_before_its_call_is_not_sent(
    api: Api, pipeline: Pipeline, database: Database, lab: ProviderLab
) -> None:
    id_ = api.send()
    pipeline.step(Stage.RENDER)
    pipeline.step(Stage.ROUTE)
    database("UPDATE message SET status = 'CANCELED' WHERE id = ANY(%s)", row_ids(id_))
    pipeline.drain()
    assert (database.work(), len(lab.requests)) == ([], 0)


# --- the log -------------------------------------------------------------------------------------


@pytest.mark.usefixtures("sendgrid", "smtp")
def test_the_log_tells_the_whole_story_in_order(
    api: Api, pipeline: Pipeline, time: Time, lab: ProviderLab
) -> None:
    id_ = api.send(timeout={"provider": 12_000})
    with lab.always(DOWN):
        pipeline.drain()
        time.passes(seconds=6)
        pipeline.drain()
    assert api.happened(id_) == [
        "ENQUEUED",
        "PROFILE_LOADED",
        "ROUTED",
        "RENDERED",
        "DELIVERING",
        "RETRYING",
        "UNDELIVERABLE",
        "RENDERED",
        "DELIVERING",
        "SENT",
    ]
    times = [entry["ts"] for entry in api.history(id_)]
    assert times == sorted(times)
    providers = [entry["integration"]["provider"] for entry in api.history(id_) if "integration" in entry]
    assert providers == ["sendgrid"] * 4 + ["smtp"] * 3


@pytest.mark.usefixtures("sendgrid")
def test_the_output_is_what_was_sent(api: Api, pipeline: Pipeline, lab: ProviderLab) -> None:
    id_ = api.send(content={"title": "Hi {{name}}", "body": "<b>& {{name}}"}, data={"name": "A<b>da"})
    assert api.get(f"/messages/{id_}/output").json() == {"results": []}
    pipeline.drain()
    sent = {part["type"]: part["value"] for part in orjson.loads(lab.requests[0].body)["content"]}
    said = api.output(id_, "email")
    assert (said["html"], said["text"]) == (sent["text/html"], sent["text/plain"])
    assert sorted(said) == ["blocks", "body", "html", "subject", "text", "title"]


def test_times_are_epoch_milliseconds(sandbox: Api, pipeline: Pipeline) -> None:
    begin = clock.now()
    id_ = sandbox.send()
    pipeline.drain()
    found = sandbox.message(id_)
    for key in ("enqueued", "sent"):
        at = datetime.fromtimestamp(found[key] / 1000, clock.UTC)
        assert begin - timedelta(milliseconds=1) <= at <= clock.now()
