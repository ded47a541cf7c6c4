"""receipts: what providers and tracked links report, and what becomes of messages and addresses by it."""

import re
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import urlsplit

import orjson
import pytest
import requests
from typer.testing import CliRunner

from notify import ids
from notify.cli import app
from notify.model.names import Lane
from notify.model.work import Place, Stage, Wake
from notify.pipeline import tracking
from tests import callbacks, factories
from tests.integration.conftest import Configure
from tests.integration.harness import Api, Database, Pipeline, Time
from tests.servers import MailLab, ProviderLab, Reply, Request
from tests.servers.vendors import TWILIO_TOKEN

PUBLIC = "https://notify.example.com"
BOTH = {"email": factories.ADA, "phone_number": factories.PHONE}
BOUNCE = {"event": "bounce", "type": "bounce", "reason": "550 no such user", "email": factories.ADA}
RECEIPTS = Place(stage=Stage.RECEIPTS, lane=Lane.SINGLE)
Tell = Callable[..., requests.Response]


@pytest.fixture
def sendgrid(api: Api, lab: ProviderLab) -> str:
    settings = {**factories.sendgrid(lab), "webhook_public_key": callbacks.PUBLIC_KEY}
    return api.configure("sendgrid", settings)


@pytest.fixture
def twilio(api: Api, lab: ProviderLab, configured: Configure) -> str:
    configured(public_url=PUBLIC)
    return api.configure("twilio", factories.twilio(lab))


def _post(api: Api, path: str, signed: callbacks.Signed) -> requests.Response:
    """As a provider does, without a key."""
    body, headers = signed
    return requests.post(f"{api.base_url}{path}", data=body, headers=headers, timeout=30)


@pytest.fixture
def tell(api: Api, lab: ProviderLab, sendgrid: str) -> Tell:
    """``tell(BOUNCE)``: SendGrid reports these events of the mails it got, or of the one numbered ``of``."""

    def told(*events: dict[str, Any], of: int = -1) -> requests.Response:
        custom = lab.of("sendgrid")[of].json()["custom_args"]
        signed = callbacks.sendgrid([{**custom, **event} for event in events])
        return _post(api, f"/receipts/{sendgrid}", signed)

    return told


def _kinds(api: Api, id_: str) -> list[str]:
    """What was reported of a message, as its history tells it."""
    return [entry["type"] for entry in api.history(id_) if "reported_at" in entry]


# --- what is told --------------------------------------------------------------------------------


def test_a_mail_is_delivered_opened_and_clicked(
    api: Api, pipeline: Pipeline, database: Database, tell: Tell
) -> None:
    id_ = api.send()
    pipeline.drain()
    assert tell({"event": "delivered"}, {"event": "open"}, {"event": "click", "url": "x"}).status_code == 204
    assert api.message(id_)["status"] == "SENT"
    pipeline.drain()
    found = api.message(id_)
    assert found["status"] == "CLICKED"
    assert found["sent"] <= found["delivered"] <= found["opened"] <= found["clicked"]
    assert found["providers"][0]["status"] == "CLICKED"
    assert _kinds(api, id_) == ["DELIVERED", "OPENED", "CLICKED"]
    (entry,) = api.history(id_, "CLICKED")
    assert (entry["raw"]["url"], entry["integration"]["provider"]) == ("x", "sendgrid")
    assert (database.count("receipt"), database.work()) == (0, [])


def test_an_sms_is_delivered(api: Api, pipeline: Pipeline, lab: ProviderLab, twilio: str) -> None:
    id_ = api.send(to={"phone_number": factories.PHONE})
    pipeline.drain()
    url = lab.of("twilio")[0].form()["StatusCallback"]
    assert url.startswith(f"{PUBLIC}/receipts/{twilio}?message={id_}&delivery=")
    path = url.removeprefix(PUBLIC)
    sid = api.message(id_)["providers"][0]["reference"]["sid"]
    form = {"MessageSid": sid, "MessageStatus": "delivered"}
    assert _post(api, path, callbacks.twilio(url, form, TWILIO_TOKEN)).status_code == 204
    pipeline.drain()
    assert api.message(id_)["status"] == "DELIVERED"


def test_the_generic_form_serves_every_provider(api: Api, pipeline: Pipeline, mail: MailLab) -> None:
    smtp = api.configure("smtp", {**factories.smtp(mail), "receipt_secret": callbacks.SECRET})
    assert api.get(f"/providers/{smtp}").json()["settings"]["receipt_secret"] == "********"
    first, second = api.send(), api.send()
    pipeline.drain()
    by_header = mail.mails[0].message["message-id"].strip("<>").split("@")[0]
    events = [
        {"event": "delivered", "message_id": first},
        {"event": "opened", "delivery_id": by_header},
        {"event": "delivered", "message_id": second, "at": 1},
    ]
    assert _post(api, f"/receipts/{smtp}", callbacks.generic(events)).status_code == 204
    pipeline.drain()
    statuses = sorted(api.message(id_)["status"] for id_ in (first, second))
    assert statuses == ["DELIVERED", "OPENED"]
    assert api.message(second)["delivered"] >= api.message(second)["sent"]


def test_a_provider_may_name_a_delivery_by_its_own_reference(
    api: Api, pipeline: Pipeline, sendgrid: str
) -> None:
    id_ = api.send()
    pipeline.drain()
    reference = api.message(id_)["providers"][0]["reference"]["x-message-id"]
    event = {"event": "delivered", "sg_message_id": f"{reference}.filter001.1"}
    assert _post(api, f"/receipts/{sendgrid}", callbacks.sendgrid([event])).status_code == 204
    pipeline.drain()
    assert api.message(id_)["status"] == "DELIVERED"


def test_what_is_nobodys_of_ours_is_forgotten(
    api: Api, pipeline: Pipeline, database: Database, time: Time, sendgrid: str
) -> None:
    events = [
        {"event": "delivered", "sg_message_id": "elsewhere.1"},
        {"event": "delivered", "notify_message_id": ids.to_wire(ids.new())},
        {"event": "open", "notify_message_id": ids.to_wire(ids.new()), "notify_delivery_id": "0" * 32},
    ]
    _post(api, f"/receipts/{sendgrid}", callbacks.sendgrid(events))
    pipeline.drain()
    assert database.count("receipt") == 1
    for _ in range(12):
        time.passes(seconds=61)
        pipeline.dispatch()
        pipeline.drain()
    assert (database.count("receipt"), database.work()) == (0, [])


# --- late, repeated, reordered, forged -----------------------------------------------------------


def test_late_and_repeated_reports_change_nothing_but_the_first_times(
    api: Api, pipeline: Pipeline, tell: Tell
) -> None:
    id_ = api.send()
    pipeline.drain()
    for event in ("click", "delivered", "open", "click", "delivered"):
        tell({"event": event})
        pipeline.drain()
    found = api.message(id_)
    assert found["status"] == "CLICKED"
    assert found["delivered"]
    assert found["opened"]
    assert sorted(_kinds(api, id_)) == ["CLICKED", "DELIVERED", "OPENED"]


def test_an_earlier_time_that_is_told_later_is_the_first(api: Api, pipeline: Pipeline, tell: Tell) -> None:
    id_ = api.send()
    pipeline.drain()
    sent = api.message(id_)["sent"]
    for event in ({"event": "open"}, {"event": "open", "timestamp": sent / 1000 + 0.001}):
        tell(event)
        pipeline.drain()
    found = api.message(id_)
    assert (found["opened"], found["providers"][0]["opened"]) == (sent + 1, sent + 1)


def test_a_forged_report_is_refused_and_harmless(
    api: Api, pipeline: Pipeline, database: Database, lab: ProviderLab, sendgrid: str
) -> None:
    id_ = api.send()
    pipeline.drain()
    body, headers = callbacks.sendgrid(
        [{**lab.of("sendgrid")[0].json()["custom_args"], "event": "delivered"}]
    )
    for forged in ((body + b" ", headers), (body, {})):
        answer = _post(api, f"/receipts/{sendgrid}", forged)
        assert (answer.status_code, answer.json()["type"]) == (401, "authentication_error")
    assert _post(api, "/receipts/nothing", (body, headers)).status_code == 404
    assert _post(api, f"/receipts/{ids.new()}", (body, headers)).status_code == 404
    assert (database.count("receipt"), api.message(id_)["status"]) == (0, "SENT")


def test_a_provider_cannot_report_of_anothers_deliveries(
    api: Api, pipeline: Pipeline, lab: ProviderLab, mail: MailLab, sendgrid: str
) -> None:
    other = api.configure("smtp", {**factories.smtp(mail), "receipt_secret": callbacks.SECRET})
    id_ = api.send()
    pipeline.drain()
    delivery = lab.of("sendgrid")[0].json()["custom_args"]["notify_delivery_id"]
    events = [{"event": "bounced", "message_id": id_}, {"event": "bounced", "delivery_id": delivery}]
    assert _post(api, f"/receipts/{other}", callbacks.generic(events)).status_code == 204
    pipeline.drain()
    assert api.message(id_)["status"] == "SENT"


def test_reports_that_come_together_are_applied_once(api: Api, pipeline: Pipeline, tell: Tell) -> None:
    id_ = api.send()
    pipeline.drain()
    for _ in range(20):
        tell({"event": "open"}, {"event": "delivered"})
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: pipeline.step(Stage.RECEIPTS), range(8)))
    pipeline.drain()
    assert sorted(_kinds(api, id_)) == ["DELIVERED", "OPENED"]


def test_a_callback_for_a_whole_broadcast_takes_the_bulk_lane(
    api: Api, pipeline: Pipeline, database: Database, configured: Configure, tell: Tell
) -> None:
    configured(bulk_above=2)
    api.send()
    pipeline.drain()
    tell(*[{"event": "delivered"}] * 3)
    assert {row["lane"] for row in database.work()} == {"bulk"}
    pipeline.drain()
    assert database.work() == []


# --- reports that overtake our own record --------------------------------------------------------


def test_a_report_that_overtakes_our_record_waits_for_it(
    api: Api,
    pipeline: Pipeline,
    time: Time,
    lab: ProviderLab,
    tell: Tell,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    handler = lab._handler

    def reporting(request: Request) -> Reply:
        lab.requests.append(request)
        thread = threading.Thread(
            target=lambda: (tell({"event": "delivered"}), pipeline.step(Stage.RECEIPTS))
        )
        thread.start()
        thread.join()
        return handler(request)

    monkeypatch.setattr(lab, "_handler", reporting)
    id_ = api.send()
    pipeline.drain()
    assert api.message(id_)["status"] == "SENT"
    assert api.message(id_)["providers"][0]["reference"]["x-message-id"]
    time.passes(seconds=2)
    pipeline.drain()
    assert api.happened(id_)[-2:] == ["SENT", "DELIVERED"]


def test_a_report_of_what_waits_for_its_next_try_is_its_acceptance(
    api: Api, pipeline: Pipeline, database: Database, time: Time, lab: ProviderLab, tell: Tell
) -> None:
    id_ = api.send()
    lab.script(Reply(raw=b""))
    pipeline.drain()
    assert api.message(id_)["status"] == "ROUTED"
    tell({"event": "delivered"})
    pipeline.drain()
    found = api.message(id_)
    assert (found["status"], database.work()) == ("DELIVERED", [])
    assert found["sent"] <= found["delivered"]
    time.passes(seconds=10)
    pipeline.drain()
    assert len(lab.of("sendgrid")) == 1


def test_a_report_survives_the_broker(
    api: Api, pipeline: Pipeline, configured: Configure, tell: Tell
) -> None:
    configured(reconcile_grace_s=0.001)
    id_ = api.send()
    pipeline.drain()
    tell({"event": "delivered"})
    pipeline.lose_everything()
    pipeline.reconcile()
    pipeline.drain()
    assert api.message(id_)["status"] == "DELIVERED"


def test_without_the_database_nothing_is_taken_for_kept(database: Database, tell: Tell, api: Api) -> None:
    path = f"/receipts/{ids.new()}"
    with database.away():
        answer = _post(api, path, callbacks.sendgrid([]))
    assert (answer.status_code, "retry-after" in answer.headers) == (503, True)


# --- bounces, complaints, suppression ------------------------------------------------------------


def test_a_hard_bounce_ends_the_message_and_suppresses_the_address(
    api: Api, pipeline: Pipeline, lab: ProviderLab, tell: Tell
) -> None:
    """Row "hard bounce" of the reasons: UNDELIVERABLE / BOUNCED; the provider's text in providers[].error."""
    id_ = api.send()
    pipeline.drain()
    tell(BOUNCE)
    pipeline.drain()
    assert api.ending(id_) == ("UNDELIVERABLE", "BOUNCED")
    (attempt,) = api.message(id_)["providers"]
    assert (attempt["status"], attempt["error"]) == ("UNDELIVERABLE", "550 no such user")
    (entry,) = api.history(id_, "UNDELIVERABLE")
    assert entry["error_message"] == "550 no such user"
    (found,) = api.get("/suppressions").json()["results"]
    assert (found["channel"], found["address"], found["reason"]) == ("email", "a***@example.com", "bounced")
    assert (found["detail"], found["messageId"]) == ("550 no such user", id_)

    again = api.send(to={"email": " ADA@Example.com"})
    pipeline.drain()
    assert api.ending(again) == ("UNDELIVERABLE", "BOUNCED")
    assert "is suppressed: it bounced" in api.message(again)["error"]
    (entry,) = api.history(again, "UNDELIVERABLE")
    assert [skip["code"] for skip in entry["skipped"]] == ["SUPPRESSED"]
    assert len(lab.of("sendgrid")) == 1


@pytest.mark.usefixtures("twilio")
def test_a_suppressed_address_leads_to_the_next_channel(
    api: Api, pipeline: Pipeline, lab: ProviderLab, tell: Tell
) -> None:
    api.send()
    pipeline.drain()
    tell(BOUNCE)
    pipeline.drain()
    routing = {"method": "single", "channels": ["email", "sms"]}
    id_ = api.send(to=BOTH, routing=routing)
    pipeline.drain()
    assert [attempt["provider"] for attempt in api.message(id_)["providers"]] == ["twilio"]
    (entry,) = [entry for entry in api.history(id_) if entry["type"] == "ROUTED"]
    assert [(skip["entry"], skip["code"]) for skip in entry["skipped"]] == [("email", "SUPPRESSED")]


def test_a_suppression_can_be_lifted_and_an_old_bounce_does_not_bring_it_back(
    api: Api, sandbox: Api, pipeline: Pipeline, tell: Tell
) -> None:
    api.send()
    pipeline.drain()
    tell(BOUNCE)
    pipeline.drain()
    (found,) = api.get("/suppressions", params={"address": " Ada@example.com", "channel": "email"}).json()[
        "results"
    ]
    assert api.get("/suppressions", params={"address": "bob@example.com"}).json()["results"] == []
    assert sandbox.get("/suppressions").json()["results"] == []
    assert sandbox.delete(f"/suppressions/{found['id']}").status_code == 404
    assert api.delete(f"/suppressions/{found['id']}").status_code == 204
    assert api.delete(f"/suppressions/{found['id']}").status_code == 404
    tell(BOUNCE)
    pipeline.drain()
    assert api.get("/suppressions").json()["results"] == []
    id_ = api.send()
    pipeline.drain()
    assert api.message(id_)["status"] == "SENT"


def test_a_complaint_suppresses_and_leaves_the_status(api: Api, pipeline: Pipeline, tell: Tell) -> None:
    id_ = api.send()
    pipeline.drain()
    tell({"event": "delivered"}, {"event": "spamreport", "email": factories.ADA})
    pipeline.drain()
    assert api.message(id_)["status"] == "DELIVERED"
    assert _kinds(api, id_) == ["DELIVERED", "COMPLAINED"]
    (found,) = api.get("/suppressions").json()["results"]
    assert found["reason"] == "complained"


def test_a_soft_failure_suppresses_nothing(api: Api, pipeline: Pipeline, tell: Tell) -> None:
    id_ = api.send()
    pipeline.drain()
    tell({**BOUNCE, "type": "blocked", "reason": "listed"})
    pipeline.drain()
    assert api.ending(id_) == ("UNDELIVERABLE", "FAILED")
    assert api.get("/suppressions").json()["results"] == []


def test_a_copys_bounce_is_not_the_messages(api: Api, pipeline: Pipeline, tell: Tell) -> None:
    id_ = api.send(providers={"sendgrid": {"override": {"cc": "bob@example.com"}}})
    pipeline.drain()
    tell({**BOUNCE, "email": "bob@example.com"})
    pipeline.drain()
    assert api.message(id_)["status"] == "SENT"
    assert api.get("/suppressions").json()["results"] == []


@pytest.mark.usefixtures("twilio")
def test_a_bounce_leaves_what_another_channel_has_reached(api: Api, pipeline: Pipeline, tell: Tell) -> None:
    id_ = api.send(to=BOTH, routing={"method": "all", "channels": ["email", "sms"]})
    pipeline.drain()
    tell(BOUNCE)
    pipeline.drain()
    statuses = {a["provider"]: a["status"] for a in api.message(id_)["providers"]}
    assert statuses == {"sendgrid": "UNDELIVERABLE", "twilio": "SENT"}
    assert api.message(id_)["status"] == "SENT"


@pytest.mark.usefixtures("twilio")
def test_a_late_bounce_does_not_restart_routing(
    api: Api, pipeline: Pipeline, lab: ProviderLab, tell: Tell
) -> None:
    id_ = api.send(to=BOTH, routing={"method": "single", "channels": ["email", "sms"]})
    pipeline.drain()
    tell(BOUNCE)
    pipeline.drain()
    assert (api.ending(id_), lab.of("twilio")) == (("UNDELIVERABLE", "BOUNCED"), [])


def test_no_address_is_stored_with_a_suppression(
    api: Api, pipeline: Pipeline, database: Database, tell: Tell
) -> None:
    api.send()
    pipeline.drain()
    tell(BOUNCE)
    pipeline.drain()
    assert factories.ADA not in str(database("SELECT * FROM suppression"))


def test_a_batch_asks_for_suppressions_once(
    api: Api, pipeline: Pipeline, sendgrid: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from notify.store import suppressions

    asked = []
    among = suppressions.among
    monkeypatch.setattr(suppressions, "among", lambda tx, wanted: asked.append(1) or among(tx, wanted))
    for number in range(30):
        api.send(to={"email": f"user-{number}@example.com"})
    assert (pipeline.step(Stage.RENDER), len(asked)) == (30, 1)


# --- tracking ------------------------------------------------------------------------------------

LINKS = {
    "elements": [
        {"type": "meta", "title": "Hi"},
        {"type": "text", "content": "[site](https://x.example/?q=1) [mail](mailto:ada@example.com)"},
        {"type": "action", "content": "Go", "href": "https://x.example/go"},
        {"type": "action", "content": "No", "href": "https://x.example/no", "disable_tracking": True},
    ]
}


@pytest.fixture
def tracked(configured: Configure) -> None:
    configured(public_url=PUBLIC + "/", tracking_opens="true", tracking_clicks="true")


def _html(lab: ProviderLab) -> str:
    parts = lab.of("sendgrid")[-1].json()["content"]
    return str(next(part["value"] for part in parts if part["type"] == "text/html"))


def _hrefs(html: str) -> list[str]:
    return re.findall(r'href="([^"]+)"', html)


def _follow(api: Api, url: str, **options: Any) -> requests.Response:
    url = url.replace(PUBLIC, api.base_url)
    return requests.get(url, timeout=30, allow_redirects=False, **options)


@pytest.mark.usefixtures("tracked", "sendgrid")
def test_opens_and_clicks_are_told_by_our_own_links(api: Api, pipeline: Pipeline, lab: ProviderLab) -> None:
    id_ = api.send(content=LINKS)
    pipeline.drain()
    html = _html(lab)
    links = [url for url in _hrefs(html) if url.startswith(f"{PUBLIC}/t/c/")]
    (pixel,) = re.findall(rf'<img src="({PUBLIC}/t/o/[^"]+)"', html)
    assert len(links) == 2
    assert {"mailto:ada@example.com", "https://x.example/no"} <= set(_hrefs(html))
    answer = _follow(api, pixel)
    assert (answer.status_code, answer.headers["content-type"]) == (200, "image/gif")
    assert "no-store" in answer.headers["cache-control"]
    pipeline.drain()
    assert api.message(id_)["status"] == "OPENED"
    answer = _follow(api, links[0])
    assert (answer.status_code, answer.headers["location"]) == (302, "https://x.example/?q=1")
    pipeline.drain()
    assert api.message(id_)["status"] == "CLICKED"
    (entry,) = api.history(id_, "CLICKED")
    assert entry["raw"] == {"url": "https://x.example/?q=1"}


@pytest.mark.usefixtures("tracked", "sendgrid")
def test_a_link_that_is_not_ours_leads_nowhere(
    api: Api, pipeline: Pipeline, database: Database, lab: ProviderLab
) -> None:
    api.send(content=LINKS)
    pipeline.drain()
    link = next(url for url in _hrefs(_html(lab)) if "/t/c/" in url)
    for wrong in (
        link[:-2],
        link + "AA",
        link.replace("/t/c/", "/t/o/"),
        f"{PUBLIC}/t/c/aHR0cHM6Ly9ldmls",
        f"{PUBLIC}/t/c/%21",
    ):
        assert _follow(api, wrong).status_code in {400, 404}
    assert database.count("receipt") == 0


@pytest.mark.usefixtures("tracked", "sendgrid")
def test_whoever_clicks_gets_there_without_the_database(
    api: Api, pipeline: Pipeline, database: Database, lab: ProviderLab
) -> None:
    api.send(content=LINKS)
    pipeline.drain()
    link = next(url for url in _hrefs(_html(lab)) if "/t/c/" in url)
    with database.away():
        assert _follow(api, link).status_code == 302
    assert requests.head(link.replace(PUBLIC, api.base_url), timeout=30).status_code == 302
    assert database.count("receipt") == 0


@pytest.mark.usefixtures("sendgrid")
def test_nothing_is_tracked_unless_asked_for(
    api: Api, pipeline: Pipeline, lab: ProviderLab, configured: Configure
) -> None:
    configured(public_url=PUBLIC)
    api.send(content=LINKS)
    pipeline.drain()
    assert "/t/" not in str(lab.of("sendgrid")[-1].body)


@pytest.mark.usefixtures("tracked", "sendgrid")
def test_a_send_may_do_without_the_pixel(api: Api, pipeline: Pipeline, lab: ProviderLab) -> None:
    api.send(content=LINKS, channels={"email": {"override": {"tracking": {"open": False}}}})
    pipeline.drain()
    assert "/t/o/" not in _html(lab)
    assert "/t/c/" in _html(lab)


@pytest.mark.usefixtures("tracked")
def test_the_test_world_is_never_tracked(sandbox: Api, pipeline: Pipeline, lab: ProviderLab) -> None:
    sandbox.configure("sendgrid", factories.sendgrid(lab))
    sandbox.send(content=LINKS)
    pipeline.drain()
    assert "/t/" not in str([request.body for request in lab.requests])


@pytest.mark.usefixtures("tracked", "sendgrid")
def test_looking_at_the_output_does_not_count(api: Api, pipeline: Pipeline) -> None:
    id_ = api.send(content=LINKS)
    pipeline.drain()
    assert "/t/" not in str(api.output(id_, "email"))


@pytest.mark.usefixtures("sendgrid")
def test_utm_parameters_by_provider_channel_and_message(
    api: Api, pipeline: Pipeline, lab: ProviderLab
) -> None:
    id_ = api.send(
        content=LINKS,
        metadata={"utm": {"source": "message", "medium": "message", "campaign": "message"}},
        channels={"email": {"metadata": {"utm": {"source": "channel", "medium": "channel"}}}},
        providers={"sendgrid": {"metadata": {"utm": {"source": "provider"}}}},
    )
    pipeline.drain()
    marks = "utm_source=provider&amp;utm_medium=channel&amp;utm_campaign=message"
    assert {f"https://x.example/?q=1&amp;{marks}", f"https://x.example/go?{marks}"} <= set(_hrefs(_html(lab)))
    assert {"https://x.example/no", "mailto:ada@example.com"} <= set(_hrefs(_html(lab)))
    assert api.output(id_, "email")["html"] == _html(lab)


@pytest.mark.usefixtures("tracked", "sendgrid")
def test_a_tracked_link_leads_to_the_marked_one(api: Api, pipeline: Pipeline, lab: ProviderLab) -> None:
    api.send(content=LINKS, metadata={"utm": {"source": "s"}})
    pipeline.drain()
    link = next(url for url in _hrefs(_html(lab)) if "/t/c/" in url)
    assert _follow(api, link).headers["location"] == "https://x.example/?q=1&utm_source=s"


@pytest.mark.usefixtures("twilio")
def test_an_sms_keeps_its_short_links(
    api: Api, pipeline: Pipeline, lab: ProviderLab, configured: Configure
) -> None:
    configured(public_url=PUBLIC, tracking_clicks="true")
    api.send(to={"phone_number": factories.PHONE}, content=LINKS)
    pipeline.drain()
    assert "https://x.example/go" in lab.of("twilio")[0].form()["Body"]


def test_a_token_says_what_it_was_made_for(configured: Configure) -> None:
    tracked = tracking.Tracked(message_id=ids.new(), delivery_id=ids.new(), url="https://x.example/ä?")
    token = tracking.token(tracking.Track.CLICK, tracked)
    assert tracking.read(tracking.Track.CLICK, token) == tracked
    assert tracking.read(tracking.Track.OPEN, token) is None
    assert urlsplit(f"/t/c/{token}").query == ""
    assert orjson.dumps(token)


def test_a_report_that_kills_its_workers_is_set_aside_alone(
    api: Api, pipeline: Pipeline, database: Database, tell: Tell, monkeypatch: pytest.MonkeyPatch
) -> None:
    from notify.pipeline import reported

    applied = reported.apply

    def deadly(delivery: Any, receipt: Any) -> Any:
        if receipt.update.event == "opened":
            raise MemoryError
        return applied(delivery, receipt)

    monkeypatch.setattr(reported, "apply", deadly)
    id_ = api.send()
    pipeline.drain()
    tell({"event": "open"}, {"event": "delivered"})
    pipeline.lose_everything()
    for _ in range(12):
        for row in database.work():
            try:
                pipeline.run(Wake(place=RECEIPTS, ids=(row["id"],)))
            except MemoryError:
                database("UPDATE work SET lease_until = now() WHERE lease_until > now()")
    assert (database.work(), database.count("receipt")) == ([], 0)
    assert api.message(id_)["status"] == "DELIVERED"


def test_the_command_line_lists_and_lifts(api: Api, pipeline: Pipeline, tell: Tell) -> None:
    api.send()
    pipeline.drain()
    tell(BOUNCE)
    pipeline.drain()
    key = str(api.session.headers["Authorization"]).removeprefix("Bearer ")
    at = ["--url", api.base_url, "--key", key]

    def run(*arguments: str) -> str:
        done = CliRunner().invoke(app, ["suppressions", *arguments, *at], env={"COLUMNS": "250"})
        assert done.exit_code == 0, done.output
        return done.output

    (found,) = api.get("/suppressions").json()["results"]
    listed = run("list", "--channel", "email")
    assert found["id"] in listed
    assert "a***@example.com" in listed
    assert run("lift", found["id"]) == "Lifted.\n"
    assert found["id"] not in run("list")
