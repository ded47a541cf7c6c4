"""hooks: destinations of outbound webhooks hear of every change, whatever they answer."""

import hmac
import re
from typing import Any
from uuid import UUID

import orjson
import pytest
import requests
from standardwebhooks import Webhook

from notify import ids, queue
from notify.local import process
from notify.manage import keys
from notify.model.names import Channel, World
from notify.model.work import Stage
from notify.pipeline import hook_lines, reconcile, retention
from tests import callbacks, factories
from tests.integration.conftest import Configure
from tests.integration.harness import Api, Database, Pipeline, Time
from tests.servers import ProviderLab, Reply
from tests.stack import StartWorker

LOOPBACK = "127.0.0.0/8"
DAY = 24 * 3600
WHOLE_LIFE = ["ENQUEUED", "ROUTED", "SENT", "DELIVERED", "OPENED", "CLICKED"]


@pytest.fixture
def hook(lab: ProviderLab, configured: Configure) -> str:
    """The URL of a receiver that takes all."""
    configured(allowed_networks=LOOPBACK)
    return f"{lab.base_url('hook')}/open"


def add(api: Api, url: str, **fields: Any) -> dict[str, Any]:
    """A new destination, with its secret."""
    answer = api.post("/webhooks", {"url": url, **fields})
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


def told(lab: ProviderLab) -> list[Any]:
    """What receivers got, in the order in which it happened."""
    return [r.json() for r in sorted(lab.of("hook"), key=lambda r: r.headers["webhook-id"])]


def statuses(lab: ProviderLab) -> list[str]:
    return [event["data"]["status"] for event in told(lab)]


def log(api: Api, made: dict[str, Any], **filters: str) -> list[dict[str, Any]]:
    """The deliveries to a destination, oldest first."""
    found = api.get(f"/webhooks/{made['id']}/deliveries", params=filters).json()["results"]
    return list(reversed(found))


def states(api: Api, made: dict[str, Any]) -> list[str]:
    return [one["state"] for one in log(api, made)]


def attempts(api: Api, made: dict[str, Any], index: int = -1) -> list[dict[str, Any]]:
    """The calls of one delivery."""
    delivery = log(api, made)[index]["id"]
    found: list[dict[str, Any]] = api.get(f"/webhooks/{made['id']}/deliveries/{delivery}").json()["attempts"]
    return found


def drain(pipeline: Pipeline) -> None:
    """Drain, slow destinations included."""
    pipeline.drain()
    hook_lines.lines().settle(60)
    pipeline.drain()


@pytest.fixture
def impatient(pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch) -> None:
    """A destination that takes half a second is a slow one, as with workers."""
    monkeypatch.setattr(hook_lines, "_PATIENCE_S", 0.5)


def template(api: Api, **fields: Any) -> str:
    """One event: a template is published."""
    return api.template(**fields)


ONE_EVENT = {"events": ["notification:published"]}


# --- what is told --------------------------------------------------------------------------------


@pytest.fixture
def sendgrid(api: Api, lab: ProviderLab) -> str:
    settings = {**factories.sendgrid(lab), "webhook_public_key": callbacks.PUBLIC_KEY}
    return api.configure("sendgrid", settings)


def report(api: Api, lab: ProviderLab, sendgrid: str, *names: str) -> None:
    """SendGrid reports these of the last mail."""
    custom = lab.of("sendgrid")[-1].json()["custom_args"]
    body, headers = callbacks.sendgrid([{**custom, "event": name, "url": "x"} for name in names])
    url = f"{api.base_url}/receipts/{sendgrid}"
    assert requests.post(url, data=body, headers=headers, timeout=30).status_code == 204


def test_every_status_of_a_message_is_told(
    api: Api, pipeline: Pipeline, lab: ProviderLab, hook: str, sendgrid: str, database: Database
) -> None:
    add(api, hook)
    id_ = api.send(to={"user_id": "ada", "email": factories.ADA})
    drain(pipeline)
    for name in ("delivered", "open", "click"):
        report(api, lab, sendgrid, name)
        pipeline.drain()
    assert statuses(lab) == WHOLE_LIFE
    assert {event["type"] for event in told(lab)} == {"message:updated"}
    assert {(e["data"]["id"], e["data"]["recipientId"]) for e in told(lab)} == {(id_, "ada")}
    # The last one is all that is known, in the shape of GET /messages/{id}.
    shown = api.message(id_)
    assert {k: v for k, v in told(lab)[-1]["data"].items() if k != "recipientId"} == shown
    assert database.work() == []


def test_what_is_told_late_is_told_as_it_was(
    api: Api, pipeline: Pipeline, lab: ProviderLab, hook: str, sendgrid: str
) -> None:
    add(api, hook)
    api.send()
    pipeline.step(Stage.RENDER)
    pipeline.step(Stage.ROUTE)
    pipeline.step(Stage.DELIVER, Channel.EMAIL)
    report(api, lab, sendgrid, "delivered", "open", "click")
    pipeline.step(Stage.RECEIPTS)
    assert lab.of("hook") == []
    drain(pipeline)
    assert statuses(lab) == WHOLE_LIFE
    times = ("sent", "delivered", "opened", "clicked")
    assert [[name for name in times if name in e["data"]] for e in told(lab)] == [
        [], [], ["sent"], ["sent", "delivered"], ["sent", "delivered", "opened"], list(times),
    ]  # fmt: skip
    providers = [[p.get("status") for p in event["data"]["providers"]] for event in told(lab)]
    assert providers == [[], [], ["SENT"], ["DELIVERED"], ["OPENED"], ["CLICKED"]]


def test_a_bounce_and_its_reason_are_told_and_not_told_of_what_was_before(
    api: Api, pipeline: Pipeline, lab: ProviderLab, hook: str, sendgrid: str
) -> None:
    add(api, hook)
    api.send()
    for stage, channel in ((Stage.RENDER, None), (Stage.ROUTE, None), (Stage.DELIVER, Channel.EMAIL)):
        pipeline.step(stage, channel)
    custom = lab.of("sendgrid")[-1].json()["custom_args"]
    bounce = {**custom, "event": "bounce", "type": "bounce", "reason": "550", "email": factories.ADA}
    body, headers = callbacks.sendgrid([bounce])
    requests.post(f"{api.base_url}/receipts/{sendgrid}", data=body, headers=headers, timeout=30)
    pipeline.step(Stage.RECEIPTS)
    drain(pipeline)
    sent, bounced = (event["data"] for event in told(lab)[-2:])
    assert (sent["status"], sent.get("reason"), sent["providers"][0]["status"]) == ("SENT", None, "SENT")
    assert (bounced["status"], bounced["reason"]) == ("UNDELIVERABLE", "BOUNCED")
    assert bounced["providers"][0]["status"] == "UNDELIVERABLE"


def test_what_changes_no_status_is_not_told(
    api: Api, pipeline: Pipeline, lab: ProviderLab, hook: str, sendgrid: str
) -> None:
    api.send()
    drain(pipeline)
    report(api, lab, sendgrid, "open")
    drain(pipeline)
    add(api, hook)
    report(api, lab, sendgrid, "delivered", "open", "delivered")
    drain(pipeline)
    assert told(lab) == []


def test_the_senders_metadata_comes_along(
    sandbox: Api, pipeline: Pipeline, lab: ProviderLab, hook: str
) -> None:
    add(sandbox, hook)
    metadata = {"event": "order-shipped", "tags": ["a", "b"], "trace_id": "t-1", "utm": {"source": "mail"}}
    sandbox.send(metadata=metadata)
    sandbox.send()
    drain(pipeline)
    with_metadata = [e["data"]["metadata"] for e in told(lab) if "metadata" in e["data"]]
    assert with_metadata == [metadata] * 3
    named = [e["data"] for e in told(lab) if e["data"]["event"] == "order-shipped"]
    assert {(data["traceId"], tuple(data["tags"])) for data in named} == {("t-1", ("a", "b"))}


def test_without_an_event_of_its_own_the_template_is_the_event(
    sandbox: Api, pipeline: Pipeline, lab: ProviderLab, hook: str
) -> None:
    id_ = template(sandbox)
    add(sandbox, hook)
    sandbox.send(template=id_)
    drain(pipeline)
    assert {(e["data"]["event"], e["data"]["notification"]) for e in told(lab)} == {(id_, id_)}


def test_a_message_that_is_cancelled_says_so(
    sandbox: Api, pipeline: Pipeline, lab: ProviderLab, hook: str
) -> None:
    add(sandbox, hook)
    id_ = sandbox.send(delay={"duration": 60_000})
    drain(pipeline)
    assert sandbox.post(f"/messages/{id_}/cancel").status_code == 200
    drain(pipeline)
    assert statuses(lab) == ["ENQUEUED", "DELAYED", "CANCELED"]
    assert told(lab)[-1]["data"]["canceledAt"] == sandbox.message(id_)["canceledAt"]
    assert all("canceledAt" not in event["data"] for event in told(lab)[:-1])


@pytest.mark.parametrize(
    ("fields", "ends"),
    [
        ({"template": "nt_unknown"}, "UNMAPPED"),
        ({"to": {"user_id": "nobody"}, "routing": {"method": "single", "channels": ["sms"]}}, "UNROUTABLE"),
        ({"content": {"title": "x", "body": "{{ 1 / 0 }}"}}, "UNDELIVERABLE"),
    ],
)
def test_every_end_is_told(
    sandbox: Api, pipeline: Pipeline, lab: ProviderLab, hook: str, fields: dict[str, Any], ends: str
) -> None:
    add(sandbox, hook)
    id_ = sandbox.send(**fields)
    drain(pipeline)
    assert statuses(lab)[-1] == sandbox.message(id_)["status"]
    assert statuses(lab)[-1] == ends
    assert told(lab)[-1]["data"].get("error") == sandbox.message(id_).get("error")


def test_each_of_many_recipients_is_told_of(
    sandbox: Api, pipeline: Pipeline, lab: ProviderLab, hook: str
) -> None:
    add(sandbox, hook)
    sandbox.send(to=[{"user_id": f"u{n}", "email": f"u{n}@example.com"} for n in range(60)])
    drain(pipeline)
    pairs = {(e["data"]["recipientId"], e["data"]["status"]) for e in told(lab)}
    assert len(told(lab)) == len(pairs) == 60 * 3


def test_publishing_a_template_is_told(sandbox: Api, pipeline: Pipeline, lab: ProviderLab, hook: str) -> None:
    add(sandbox, hook)
    id_ = template(sandbox, **{"state": "DRAFT"})
    sandbox.post(f"/notifications/{id_}/publish")
    drain(pipeline)
    (event,) = told(lab)
    assert event["type"] == "notification:published"
    assert event["data"]["id"] == id_
    assert event["data"]["submission_id"] == event["data"]["published_at"]


# --- who is told ---------------------------------------------------------------------------------


def test_without_destinations_nothing_is_written(
    sandbox: Api, pipeline: Pipeline, database: Database
) -> None:
    sandbox.send()
    drain(pipeline)
    assert database.count("webhook_delivery") == 0


def test_a_destination_hears_of_what_it_asked_for_in_its_own_world(
    api: Api, sandbox: Api, pipeline: Pipeline, lab: ProviderLab, hook: str
) -> None:
    add(sandbox, f"{hook}", events=["notification:published"])
    add(api, f"{hook}")
    sandbox.send()
    template(sandbox)
    drain(pipeline)
    assert [event["type"] for event in told(lab)] == ["notification:published"]
    api.send()
    drain(pipeline)
    assert len(told(lab)) > 1
    assert {event["data"]["status"] for event in told(lab)[1:]} == {"ENQUEUED", "UNROUTABLE"}


def test_each_destination_is_told_on_its_own(
    sandbox: Api, pipeline: Pipeline, lab: ProviderLab, hook: str
) -> None:
    good, bad = add(sandbox, hook), add(sandbox, hook.replace("/open", "/gone"))
    sandbox.send()
    drain(pipeline)
    assert (states(sandbox, good), states(sandbox, bad)) == (["delivered"] * 3, ["failed"] * 3)


# --- signatures ----------------------------------------------------------------------------------


def _by_hand(header: str, secret: str, body: bytes) -> bool:
    match = re.fullmatch(r"t=(\d{13}),signature=([0-9a-f]{64})", header)
    assert match
    made = hmac.new(secret.encode(), match[1].encode() + b"." + body, "sha256").hexdigest()
    return hmac.compare_digest(made, match[2])


@pytest.mark.parametrize("given", [None, "a secret from somewhere else"], ids=["ours", "theirs"])
def test_both_signatures_hold(
    sandbox: Api, pipeline: Pipeline, lab: ProviderLab, hook: str, given: str | None
) -> None:
    secret = add(sandbox, hook, **({"secret": given} if given else {}))["secret"]
    sandbox.send(data={"word": "schön"}, metadata={"tags": ["schön"]})
    drain(pipeline)
    for request in lab.of("hook"):
        headers = dict(request.headers)
        assert _by_hand(headers["courier-signature"], secret, request.body)
        assert not _by_hand(headers["courier-signature"], secret, request.body + b" ")
        verifier = Webhook(secret if secret.startswith("whsec_") else secret.encode())
        assert verifier.verify(request.body, headers) == request.json()
        assert (headers["content-type"], request.method) == ("application/json", "POST")
    assert len({r.headers["webhook-id"] for r in lab.of("hook")}) == 3


def test_without_a_secret_there_is_no_signature(
    sandbox: Api, pipeline: Pipeline, lab: ProviderLab, hook: str
) -> None:
    made = add(sandbox, hook, secret=None)
    assert ("secret" in made, made["signed"]) == (False, False)
    sandbox.send()
    drain(pipeline)
    for request in lab.of("hook"):
        assert "webhook-id" in request.headers
        assert not {"courier-signature", "webhook-signature"} & set(request.headers)


def test_a_replaced_secret_signs_for_a_while(
    sandbox: Api, pipeline: Pipeline, lab: ProviderLab, hook: str, time: Time
) -> None:
    made = add(sandbox, hook, **ONE_EVENT)
    new = sandbox.post(f"/webhooks/{made['id']}/rotate-secret").json()["secret"]
    assert new != made["secret"]
    template(sandbox)
    drain(pipeline)
    (request,) = lab.of("hook")
    for secret in (made["secret"], new):
        Webhook(secret).verify(request.body, dict(request.headers))
    assert _by_hand(request.headers["courier-signature"], new, request.body)
    time.passes(seconds=DAY)
    template(sandbox)
    drain(pipeline)
    assert len(lab.of("hook")[-1].headers["webhook-signature"].split(" ")) == 1


# --- what it answers -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "trouble",
    [
        Reply(status=500, body=b"oh\nno"), Reply(status=503), Reply(status=408), Reply(status=429),
        Reply(raw=b""), Reply(raw=b"HTTP/1.1 "), Reply(raw=b"nonsense\r\n\r\n"),
    ],
    ids=["500", "503", "408", "429", "reset", "torn", "nonsense"],
)  # fmt: skip
def test_trouble_is_followed_by_another_try_with_the_same_bytes(
    sandbox: Api, pipeline: Pipeline, lab: ProviderLab, hook: str, time: Time, trouble: Reply
) -> None:
    made = add(sandbox, hook, **ONE_EVENT)
    lab.script(trouble)
    template(sandbox)
    drain(pipeline)
    (waiting,) = log(sandbox, made, state="pending")
    assert (waiting["tries"], waiting["nextTry"] - waiting["at"] >= 5000) == (1, True)
    time.passes(seconds=5)
    drain(pipeline)
    first, second = lab.of("hook")
    assert (first.body, first.headers["webhook-id"]) == (second.body, second.headers["webhook-id"])
    (delivered,) = log(sandbox, made)
    assert (delivered["state"], delivered["tries"]) == ("delivered", 2)
    failed, worked = attempts(sandbox, made)
    assert (failed.get("status"), worked["status"]) == (trouble.status if trouble.raw is None else None, 204)
    assert failed["error"]
    assert "\n" not in failed["error"]


def test_the_bytes_stay_the_same_whatever_becomes_of_the_message(
    sandbox: Api, pipeline: Pipeline, lab: ProviderLab, hook: str, time: Time, database: Database
) -> None:
    add(sandbox, hook)
    lab.script(Reply(status=500))
    sandbox.send()
    drain(pipeline)
    database("UPDATE message SET recipient = 'somebody else'")
    time.passes(seconds=5)
    drain(pipeline)
    first, again = lab.of("hook")[0], lab.of("hook")[-1]
    assert len(lab.of("hook")) == 4
    assert (first.headers["webhook-id"], first.body) == (again.headers["webhook-id"], again.body)


@pytest.mark.parametrize("form", ["seconds", "date"])
def test_retry_after_is_honoured(
    sandbox: Api, pipeline: Pipeline, lab: ProviderLab, hook: str, time: Time, form: str
) -> None:
    made = add(sandbox, hook, **ONE_EVENT)
    headers = {"retry-after": "100"}
    if form == "date":
        date, later = "Wed, 21 Oct 2026 07:28:00 GMT", "Wed, 21 Oct 2026 07:29:40 GMT"
        headers = {"date": date, "retry-after": later}
    lab.script(Reply(status=429, headers=headers))
    template(sandbox)
    drain(pipeline)
    time.passes(seconds=99)
    pipeline.dispatch()
    drain(pipeline)
    assert states(sandbox, made) == ["pending"]
    time.passes(seconds=2)
    pipeline.dispatch()
    drain(pipeline)
    assert states(sandbox, made) == ["delivered"]


def test_an_answer_that_takes_too_long_is_none(
    sandbox: Api, pipeline: Pipeline, lab: ProviderLab, hook: str, configured: Configure, time: Time
) -> None:
    configured(webhook_timeout_s=0.2)
    made = add(sandbox, hook, **ONE_EVENT)
    lab.script(Reply(delay_s=2))
    template(sandbox)
    drain(pipeline)
    (waiting,) = log(sandbox, made)
    assert (waiting["state"], waiting["error"]) == ("pending", "no answer in time")
    time.passes(seconds=5)
    drain(pipeline)
    assert states(sandbox, made) == ["delivered"]


@pytest.mark.parametrize("status", [400, 401, 404, 410, 422, 301, 307])
def test_a_refusal_is_final(
    sandbox: Api, pipeline: Pipeline, lab: ProviderLab, hook: str, database: Database, status: int
) -> None:
    made = add(sandbox, hook, **ONE_EVENT)
    lab.script(Reply(status=status, headers={"location": "http://10.0.0.1/inside"}, body=b"not here"))
    template(sandbox)
    drain(pipeline)
    (failed,) = log(sandbox, made)
    assert (failed["state"], failed["answerStatus"]) == ("failed", status)
    assert failed["error"] == f"HTTP {status}: not here"
    assert (len(lab.of("hook")), database.work()) == (1, [])


@pytest.mark.parametrize("status", [200, 201, 204, 299])
def test_any_2xx_is_success(
    sandbox: Api, pipeline: Pipeline, lab: ProviderLab, hook: str, status: int
) -> None:
    made = add(sandbox, hook, **ONE_EVENT)
    lab.script(Reply(status=status))
    template(sandbox)
    drain(pipeline)
    assert states(sandbox, made) == ["delivered"]


def test_it_is_tried_by_the_schedule_for_a_day(
    sandbox: Api, pipeline: Pipeline, lab: ProviderLab, hook: str, configured: Configure, time: Time
) -> None:
    configured(retry_waits_s="3600,7200")
    made = add(sandbox, hook, **ONE_EVENT)
    with lab.always(Reply(status=500)):
        template(sandbox)
        for _ in range(30):
            pipeline.drain()
            time.passes(seconds=3600)
            pipeline.dispatch()
    # At 0 and 1 h, then every 2 h: the next one would be after 25 h.
    assert len(lab.of("hook")) == 13
    (failed,) = log(sandbox, made)
    assert (failed["state"], failed["tries"]) == ("failed", 13)


def test_a_private_address_behind_a_name_is_not_called(
    sandbox: Api, pipeline: Pipeline, lab: ProviderLab, configured: Configure
) -> None:
    made = add(sandbox, f"http://localhost:{lab.port}/hook/open", **ONE_EVENT)
    template(sandbox)
    drain(pipeline)
    (failed,) = log(sandbox, made)
    assert (failed["state"], failed["error"]) == ("failed", "the URL leads to a private address")
    assert lab.requests == type(lab.requests)()


# --- side by side --------------------------------------------------------------------------------


@pytest.mark.usefixtures("impatient")
def test_a_slow_destination_holds_up_no_other(
    sandbox: Api, pipeline: Pipeline, lab: ProviderLab, hook: str, database: Database, time: Time
) -> None:
    slow_lab = ProviderLab()
    with slow_lab, slow_lab.always(Reply(delay_s=3)):
        slow = add(sandbox, f"{slow_lab.base_url('hook')}/open")
        quick = add(sandbox, hook)
        for _ in range(15):
            sandbox.send()
        pipeline.drain()
        # The slow one's line is at work, on as many calls as it may make at once; the quick one knows it all.
        assert states(sandbox, quick) == ["delivered"] * 45
        assert states(sandbox, slow) == ["pending"] * 45
        assert slow_lab.count <= 10
        hook_lines.lines().settle(60)
    for _ in range(10):
        hook_lines.lines().settle(60)
        time.passes(seconds=10)
        pipeline.drain()
    assert states(sandbox, slow).count("delivered") >= 10
    assert len({r.headers["webhook-id"] for r in slow_lab.of("hook")}) == slow_lab.count


@pytest.mark.usefixtures("impatient")
def test_what_waits_its_turn_is_called_up(
    sandbox: Api, pipeline: Pipeline, lab: ProviderLab, hook: str, database: Database
) -> None:
    made = add(sandbox, hook)
    lab.script(*[Reply(delay_s=1)] * 3)
    sandbox.send()
    drain(pipeline)
    for _ in range(5):
        drain(pipeline)
    assert states(sandbox, made) == ["delivered"] * 3
    assert database.work() == []


# --- pausing and replaying -----------------------------------------------------------------------


def fail_for(pipeline: Pipeline, time: Time, lab: ProviderLab, *, hours: int) -> None:
    with lab.always(Reply(status=500)):
        for _ in range(hours):
            pipeline.drain()
            time.passes(seconds=3600)
            pipeline.dispatch()
        pipeline.drain()


def paused(api: Api, made: dict[str, Any]) -> bool:
    return bool(api.get(f"/webhooks/{made['id']}").json()["status"] == "paused")


def test_who_fails_for_days_is_paused_and_can_be_told_all_of_it_later(
    sandbox: Api,
    pipeline: Pipeline,
    lab: ProviderLab,
    hook: str,
    configured: Configure,
    time: Time,
    capfd: pytest.CaptureFixture[str],
) -> None:
    configured(retry_waits_s="3600", webhook_retry_for_s=2 * DAY, webhook_pause_after_s=DAY)
    made = add(sandbox, hook, **ONE_EVENT)
    template(sandbox)
    fail_for(pipeline, time, lab, hours=23)
    assert not paused(sandbox, made)
    assert sandbox.get(f"/webhooks/{made['id']}").json()["failures"] == 24
    fail_for(pipeline, time, lab, hours=1)
    found = sandbox.get(f"/webhooks/{made['id']}").json()
    assert found["status"] == "paused"
    assert found["pauseReason"].startswith("Every call has failed since ")
    calls = len(lab.of("hook"))
    template(sandbox)
    fail_for(pipeline, time, lab, hours=2)
    assert (len(lab.of("hook")), states(sandbox, made)) == (calls, ["held", "held"])
    sandbox.post(f"/webhooks/{made['id']}/resume")
    template(sandbox)
    drain(pipeline)
    assert states(sandbox, made) == ["held", "held", "delivered"]
    assert sandbox.post(f"/webhooks/{made['id']}/replay", {}).json() == {"replayed": 2}
    drain(pipeline)
    assert states(sandbox, made) == ["delivered"] * 3
    assert "failures" in found
    assert sandbox.get(f"/webhooks/{made['id']}").json()["failures"] == 0


def test_one_success_in_between_and_it_goes_on(
    sandbox: Api, pipeline: Pipeline, lab: ProviderLab, hook: str, configured: Configure, time: Time
) -> None:
    configured(retry_waits_s="3600", webhook_retry_for_s=7 * DAY, webhook_pause_after_s=DAY)
    made = add(sandbox, hook, **ONE_EVENT)
    template(sandbox)
    fail_for(pipeline, time, lab, hours=20)
    time.passes(seconds=3600)
    pipeline.dispatch()
    drain(pipeline)
    assert states(sandbox, made) == ["delivered"]
    template(sandbox)
    fail_for(pipeline, time, lab, hours=20)
    assert not paused(sandbox, made)


def test_a_lone_failure_long_ago_is_no_reason(
    sandbox: Api, pipeline: Pipeline, lab: ProviderLab, hook: str, time: Time
) -> None:
    made = add(sandbox, hook, **ONE_EVENT)
    lab.script(Reply(status=400), Reply(status=400))
    for _ in range(2):
        template(sandbox)
        pipeline.drain()
        time.passes(seconds=4 * DAY)
    assert not paused(sandbox, made)


def test_what_waits_for_a_try_when_it_is_paused_is_held(
    sandbox: Api, pipeline: Pipeline, lab: ProviderLab, hook: str, time: Time, database: Database
) -> None:
    made = add(sandbox, hook, **ONE_EVENT)
    lab.script(Reply(status=500))
    template(sandbox)
    drain(pipeline)
    sandbox.post(f"/webhooks/{made['id']}/pause", {"reason": "moving house"})
    assert sandbox.get(f"/webhooks/{made['id']}").json()["pauseReason"] == "moving house"
    time.passes(seconds=5)
    drain(pipeline)
    assert (states(sandbox, made), database.work()) == (["held"], [])


def test_replays_send_the_same_again(
    sandbox: Api, pipeline: Pipeline, lab: ProviderLab, hook: str, time: Time
) -> None:
    made = add(sandbox, hook)
    lab.script(*[Reply(status=400)] * 3)
    sandbox.send()
    drain(pipeline)
    assert states(sandbox, made) == ["failed"] * 3
    replay = f"/webhooks/{made['id']}/replay"
    first = log(sandbox, made)[0]
    assert sandbox.post(replay, {"deliveryId": first["id"]}).json() == {"replayed": 1}
    drain(pipeline)
    assert states(sandbox, made) == ["delivered", "failed", "failed"]
    again = [r for r in lab.of("hook") if r.headers["webhook-id"] == first["id"]]
    assert (len(again), len({r.body for r in again})) == (2, 1)
    assert sandbox.post(replay, {"states": ["delivered"]}).json() == {"replayed": 1}
    drain(pipeline)
    assert sandbox.post(replay, {}).json() == {"replayed": 2}
    drain(pipeline)
    assert states(sandbox, made) == ["delivered"] * 3


def test_a_replay_may_begin_at_a_time(sandbox: Api, pipeline: Pipeline, lab: ProviderLab, hook: str) -> None:
    made = add(sandbox, hook)
    lab.script(*[Reply(status=400)] * 3)
    sandbox.send()
    drain(pipeline)
    made_at = [UUID(one["id"]).int >> 80 for one in log(sandbox, made)]
    replay = f"/webhooks/{made['id']}/replay"
    assert sandbox.post(replay, {"since": made_at[-1] + 1}).json() == {"replayed": 0}
    assert sandbox.post(replay, {"since": made_at[-1]}).json() == {"replayed": 1}


def test_what_may_not_be_replayed(sandbox: Api, pipeline: Pipeline, lab: ProviderLab, hook: str) -> None:
    made = add(sandbox, hook, **ONE_EVENT)
    replay = f"/webhooks/{made['id']}/replay"
    lab.script(Reply(status=500))
    template(sandbox)
    drain(pipeline)
    (waiting,) = log(sandbox, made)
    assert sandbox.post(replay, {"deliveryId": waiting["id"]}).status_code == 409
    assert sandbox.post(replay, {"deliveryId": str(ids.new())}).status_code == 404
    sandbox.post(f"/webhooks/{made['id']}/pause")
    assert sandbox.post(replay, {}).status_code == 409


# --- what goes away ------------------------------------------------------------------------------


def test_a_destination_that_is_removed_hears_no_more(
    sandbox: Api, pipeline: Pipeline, lab: ProviderLab, hook: str, time: Time, database: Database
) -> None:
    made = add(sandbox, hook, **ONE_EVENT)
    lab.script(Reply(status=500))
    template(sandbox)
    drain(pipeline)
    assert sandbox.delete(f"/webhooks/{made['id']}").status_code == 204
    time.passes(seconds=5)
    template(sandbox)
    drain(pipeline)
    assert (len(lab.of("hook")), database.work()) == (1, [])
    assert sandbox.get(f"/webhooks/{made['id']}").status_code == 404
    row = database("SELECT state, error FROM webhook_delivery")
    assert row == [{"state": "failed", "error": "The destination was removed."}]
    assert database.one("SELECT secrets FROM webhook_destination") is None


def test_what_was_told_goes_with_retention(
    sandbox: Api, pipeline: Pipeline, lab: ProviderLab, hook: str, time: Time, database: Database
) -> None:
    add(sandbox, hook)
    lab.script(Reply(status=500))
    sandbox.send()
    drain(pipeline)
    time.passes(seconds=100 * DAY)
    retention.run()
    assert (database.count("webhook_delivery"), database.count("webhook_attempt")) == (0, 0)
    drain(pipeline)
    assert database.work() == []


def test_work_that_kills_its_workers_is_set_aside(
    sandbox: Api, pipeline: Pipeline, lab: ProviderLab, hook: str, database: Database
) -> None:
    made = add(sandbox, hook, **ONE_EVENT)
    template(sandbox)
    database("UPDATE work SET lost = 3 WHERE stage = 'hooks'")
    drain(pipeline)
    (failed,) = log(sandbox, made)
    assert (failed["state"], failed["error"][:10], lab.of("hook")) == ("failed", "Set aside:", [])


# --- secrets -------------------------------------------------------------------------------------


def test_a_secret_is_shown_once_and_stored_encrypted(
    sandbox: Api,
    pipeline: Pipeline,
    lab: ProviderLab,
    hook: str,
    database: Database,
    capfd: pytest.CaptureFixture[str],
) -> None:
    secret = add(sandbox, f"{hook}?token=hush-hush")["secret"]
    lab.script(Reply(status=500), Reply(raw=b""))
    sandbox.send()
    drain(pipeline)
    (found,) = sandbox.get("/webhooks").json()["results"]
    assert secret not in sandbox.get("/webhooks").text + sandbox.get(f"/webhooks/{found['id']}").text
    words = capfd.readouterr()
    assert secret not in words.out + words.err
    assert "hush-hush" not in words.err
    rows = orjson.dumps(
        [database("SELECT * FROM webhook_destination"), database("SELECT * FROM webhook_delivery")],
        default=str,
    ).decode()
    assert secret not in rows
    assert secret.removeprefix("whsec_") not in rows


# --- workers -------------------------------------------------------------------------------------

IMPATIENT = {
    "NOTIFY_LEASE_S": "2",
    "NOTIFY_RECONCILE_EVERY_S": "1",
    "NOTIFY_RECONCILE_GRACE_S": "1",
    "NOTIFY_ALLOWED_NETWORKS": LOOPBACK,
}


@pytest.fixture
def unpatched(base_url: str, configured: Configure, hook: str) -> Api:
    """The API, whose wake-ups go to the real broker."""
    return Api(base_url, keys.create(World.TEST, "tests"))


def test_a_killed_workers_events_are_sent_by_the_next(
    unpatched: Api, lab: ProviderLab, hook: str, start_worker: StartWorker, database: Database
) -> None:
    made = add(unpatched, hook, **ONE_EVENT)
    first = start_worker("hooks", concurrency=1, **IMPATIENT)
    with lab.always(Reply(delay_s=60)):
        template(unpatched)
        lab.wait_for(1, timeout_s=60)
        first.kill()
    assert states(unpatched, made) == ["pending"]
    start_worker("hooks", "maintenance", concurrency=1, **IMPATIENT)
    process.wait_until(lambda: _reconcile(unpatched, made), 60, every_s=0.5)
    assert states(unpatched, made) == ["delivered"]
    assert len({r.body for r in lab.of("hook")}) == 1
    assert database.work() == []


def _reconcile(api: Api, made: dict[str, Any]) -> bool:
    queue.publish(reconcile.run().handoff)
    return states(api, made) == ["delivered"]


def test_a_worker_that_is_told_to_stop_finishes_its_calls(
    unpatched: Api, lab: ProviderLab, hook: str, start_worker: StartWorker
) -> None:
    made = add(unpatched, hook, **ONE_EVENT)
    worker = start_worker("hooks", concurrency=1, **IMPATIENT)
    with lab.always(Reply(delay_s=3)):
        template(unpatched)
        lab.wait_for(1, timeout_s=60)
        worker.stop()
    assert (states(unpatched, made), len(lab.of("hook"))) == (["delivered"], 1)
