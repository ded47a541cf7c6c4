"""An address is suppressed while a delivery waits: it is not sent to when its time comes."""

from typing import Any

import pytest

from notify import clock, ids
from notify.model.names import Channel, World
from notify.model.receipt import SuppressionReason
from notify.model.work import Stage
from notify.pipeline import suppressing
from notify.store import db, suppressions
from notify.store.suppressions import NewSuppression
from tests import factories
from tests.integration.harness import Api, Pipeline, Time
from tests.servers import ProviderLab, Reply

BOTH = {"email": factories.ADA, "phone_number": factories.PHONE}
SINGLE = {"method": "single", "channels": ["email", "sms"]}
DOWN = Reply(status=503)


@pytest.fixture(autouse=True)
def providers(api: Api, lab: ProviderLab) -> None:
    api.configure("sendgrid", factories.sendgrid(lab))
    api.configure("twilio", factories.twilio(lab))


def suppress(channel: Channel, address: str) -> None:
    """As a bounce of another message does."""
    new = NewSuppression(
        address=(World.PRODUCTION, channel, address),
        masked="a***@example.com",
        reason=SuppressionReason.BOUNCED,
        detail=None,
        message_id=ids.new(),
        created_at=clock.now(),
    )
    with db.begin() as tx:
        suppressions.add(tx, [new])


def _waits_for_a_retry(api: Api, pipeline: Pipeline, lab: ProviderLab, **fields: Any) -> str:
    lab.script(DOWN)
    id_ = api.send(to=BOTH, **fields)
    pipeline.drain()
    return id_


def test_a_retry_is_not_made_and_the_next_channel_takes_over(
    api: Api, pipeline: Pipeline, lab: ProviderLab, time: Time
) -> None:
    id_ = _waits_for_a_retry(api, pipeline, lab, routing=SINGLE)
    suppress(Channel.EMAIL, factories.ADA)
    time.passes(seconds=6)
    pipeline.drain()
    assert (len(lab.of("sendgrid")), len(lab.of("twilio"))) == (1, 1)
    assert api.message(id_)["status"] == "SENT"
    (entry,) = api.history(id_, "UNDELIVERABLE")
    assert "is suppressed: it bounced on" in entry["error_message"]


def test_with_nothing_left_the_message_ends_with_the_reason(
    api: Api, pipeline: Pipeline, lab: ProviderLab, time: Time
) -> None:
    id_ = _waits_for_a_retry(api, pipeline, lab, routing={"method": "single", "channels": ["email"]})
    suppress(Channel.EMAIL, factories.ADA)
    time.passes(seconds=6)
    pipeline.drain()
    assert (api.message(id_)["status"], len(lab.requests)) == ("UNDELIVERABLE", 1)
    assert "a***@example.com is suppressed" in api.message(id_)["error"]


def test_the_channel_that_takes_over_is_looked_at_as_well(
    api: Api, pipeline: Pipeline, lab: ProviderLab, time: Time
) -> None:
    id_ = _waits_for_a_retry(api, pipeline, lab, routing=SINGLE, channels={"email": {"timeouts": 8_000}})
    suppress(Channel.SMS, factories.PHONE)
    with lab.always(DOWN):
        time.passes(seconds=6)
        pipeline.drain()
    assert (lab.of("twilio"), api.message(id_)["status"]) == ([], "UNDELIVERABLE")


def test_a_delayed_message_is_looked_at_when_its_wait_ends(
    api: Api, pipeline: Pipeline, lab: ProviderLab, time: Time
) -> None:
    id_ = api.send(to=BOTH, routing=SINGLE, delay={"duration": 60_000})
    pipeline.drain()
    suppress(Channel.EMAIL, factories.ADA)
    time.passes(seconds=61)
    pipeline.dispatch()
    pipeline.drain()
    assert [one["provider"] for one in api.message(id_)["providers"]] == ["twilio"]


def test_it_is_asked_once_for_a_batch_and_never_for_what_has_not_waited(
    api: Api, pipeline: Pipeline, lab: ProviderLab, time: Time, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[int] = []
    among = suppressions.among

    def counted(tx: db.Tx, addresses: Any) -> Any:
        asked.append(len(addresses))
        return among(tx, addresses)

    for _ in range(8):
        api.send()
    for stage in (Stage.RENDER, Stage.ROUTE):
        pipeline.step(stage)
    monkeypatch.setattr(suppressing.suppressions, "among", counted)
    with lab.always(DOWN):
        pipeline.step(Stage.DELIVER, Channel.EMAIL)
    assert asked == []
    time.passes(seconds=6)
    assert pipeline.step(Stage.DELIVER, Channel.EMAIL) == 8
    assert len(asked) == 1
