"""Send limits (guardrails): what is over one ends as THROTTLED, exactly, whoever else is at work."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest

from notify import clock
from notify.manage import send_limits
from notify.model.names import World
from notify.model.send_limit import NOTICE_TOPIC, Period, Scope, SendLimit
from notify.model.work import Stage
from notify.pipeline import retention
from tests import factories
from tests.integration.conftest import Configure
from tests.integration.harness import Api, Database, Pipeline, Time

EMAIL = {"method": "single", "channels": ["email"]}


def _limit(scope: str, period: str, maximum: int, world: World = World.TEST) -> None:
    send_limits.put(world, SendLimit(scope=Scope(scope), period=Period(period), maximum=maximum))


def _ended(api: Api, pipeline: Pipeline, *messages: dict[str, Any]) -> list[str]:
    """How these messages end, sent one after the other."""
    ids = [api.send(**fields) for fields in messages]
    pipeline.drain()
    return [api.message(id_)["status"] for id_ in ids]


def _to(user: str, **fields: Any) -> dict[str, Any]:
    return {"to": {"user_id": user, "email": factories.ADA, **fields}}


def test_a_message_over_a_limit_is_throttled(sandbox: Api, pipeline: Pipeline, database: Database) -> None:
    _limit("user", "day", 2)
    ids = [sandbox.send(**_to("ada")) for _ in range(3)]
    pipeline.drain()
    assert [sandbox.message(id_)["status"] for id_ in ids] == ["SENT", "SENT", "THROTTLED"]
    found = sandbox.message(ids[2])
    assert (found["error"], found["providers"]) == ("Send limit reached: 2 in one day per user.", [])
    assert (sandbox.happened(ids[2]), database.work()) == (["ENQUEUED", "THROTTLED"], [])
    assert sandbox.post(f"/messages/{ids[2]}/cancel").status_code == 409


@pytest.mark.parametrize(
    ("scope", "over"),
    [
        ("global", [False, True, True, True, True]),
        ("user", [False, True, False, True, False]),
        ("user_topic", [False, False, False, False, False]),
        ("tenant", [False, False, False, False, True]),
    ],
)
def test_whose_messages_count_together(
    sandbox: Api, pipeline: Pipeline, scope: str, over: list[bool]
) -> None:
    _limit(scope, "day", 1)
    topics = [{"preferences": {"subscription_topic_id": topic}} for topic in ("news", "offers")]
    statuses = _ended(
        sandbox,
        pipeline,
        {**_to("ada"), **topics[0]},
        {**_to("ada"), **topics[1]},
        {**_to("eve", tenant_id="acme"), **topics[0]},
        {**_to("eve"), **topics[1]},
        {"to": {"email": factories.ADA, "tenant_id": "acme"}},
    )
    assert [status == "THROTTLED" for status in statuses] == over


def test_a_topic_of_a_user_has_its_own_limit(sandbox: Api, pipeline: Pipeline) -> None:
    _limit("user_topic", "day", 1)
    news = {"preferences": {"subscription_topic_id": "news"}}
    assert _ended(sandbox, pipeline, {**_to("ada"), **news}, {**_to("ada"), **news}, _to("ada")) == [
        "SENT",
        "THROTTLED",
        "SENT",
    ]


def test_an_exempt_topic_still_counts(sandbox: Api, pipeline: Pipeline) -> None:
    _limit("user", "day", 2)
    send_limits.exempt(World.TEST, "security")
    security = {**_to("ada"), "preferences": {"subscription_topic_id": "security"}}
    assert _ended(sandbox, pipeline, security, security, _to("ada"), security) == [
        "SENT", "SENT", "THROTTLED", "SENT",
    ]  # fmt: skip


def test_the_next_period_begins_at_nought(
    sandbox: Api, pipeline: Pipeline, time: Time, database: Database
) -> None:
    _limit("global", "hour", 1)
    assert _ended(sandbox, pipeline, _to("ada"), _to("ada")) == ["SENT", "THROTTLED"]
    time.passes(seconds=3600)
    assert _ended(sandbox, pipeline, _to("ada"), _to("ada")) == ["SENT", "THROTTLED"]
    assert database.count("send_count") == 1


def test_a_delayed_message_counts_when_its_time_has_come(
    sandbox: Api, pipeline: Pipeline, time: Time
) -> None:
    _limit("user", "hour", 1)
    delayed = [sandbox.send(**_to("ada"), delay={"duration": 7_200_000}) for _ in range(2)]
    assert _ended(sandbox, pipeline, _to("ada")) == ["SENT"]
    time.passes(seconds=7201)
    pipeline.dispatch()
    pipeline.drain()
    assert sorted(sandbox.message(id_)["status"] for id_ in delayed) == ["SENT", "THROTTLED"]


def test_the_worlds_have_limits_of_their_own(sandbox: Api, pipeline: Pipeline) -> None:
    _limit("global", "day", 0, World.PRODUCTION)
    assert _ended(sandbox, pipeline, _to("ada")) == ["SENT"]


def test_a_limit_that_is_lifted_holds_no_longer(sandbox: Api, pipeline: Pipeline) -> None:
    _limit("global", "day", 0)
    assert _ended(sandbox, pipeline, _to("ada")) == ["THROTTLED"]
    assert send_limits.remove(World.TEST, Scope.GLOBAL, Period.DAY)
    assert not send_limits.remove(World.TEST, Scope.GLOBAL, Period.DAY)
    assert _ended(sandbox, pipeline, _to("ada")) == ["SENT"]


def test_without_limits_nothing_is_counted(sandbox: Api, pipeline: Pipeline, database: Database) -> None:
    assert _ended(sandbox, pipeline, _to("ada")) == ["SENT"]
    assert database.count("send_count") == 0


def test_limits_are_exact_with_many_at_work(
    sandbox: Api, pipeline: Pipeline, database: Database, configured: Configure
) -> None:
    configured(batch_size=7)
    _limit("global", "day", 33)
    _limit("user", "day", 10)
    for number in range(80):
        sandbox.send(**_to(f"user-{number % 5}"))
    with ThreadPoolExecutor(8) as workers:
        list(workers.map(lambda _: pipeline.step(Stage.RENDER), range(40)))
    (counted,) = database("SELECT count FROM send_count WHERE scope = 'global'")
    passed = database.one("SELECT count(*) FROM message WHERE status <> 'THROTTLED'")
    assert (counted["count"], passed) == (33, 33)


def test_a_message_counts_once_however_often_it_is_rendered(
    sandbox: Api, pipeline: Pipeline, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    _limit("global", "day", 5)
    id_ = sandbox.send(**_to("ada"))
    with monkeypatch.context() as patch:
        patch.setattr("notify.pipeline.render.work.move", _dies)
        with pytest.raises(KeyboardInterrupt):
            pipeline.step(Stage.RENDER)
    database("UPDATE work SET lease_until = now()")
    pipeline.reconcile()
    pipeline.drain()
    assert sandbox.message(id_)["status"] == "SENT"
    assert database.one("SELECT count FROM send_count") == 1


def _dies(*_: Any, **__: Any) -> None:
    raise KeyboardInterrupt


def test_a_topic_may_have_a_limit_of_its_own(sandbox: Api, pipeline: Pipeline) -> None:
    _limit("user_topic", "day", 2)
    own = SendLimit(scope=Scope.USER_TOPIC, period=Period.DAY, maximum=1, topic_id="news")
    send_limits.put(World.TEST, own)
    news, offers = (
        {**_to("ada"), "preferences": {"subscription_topic_id": topic}} for topic in ("news", "offers")
    )
    assert _ended(sandbox, pipeline, news, news, offers, offers, offers) == [
        "SENT", "THROTTLED", "SENT", "SENT", "THROTTLED",
    ]  # fmt: skip


@pytest.mark.parametrize("delay", [{}, {"delay": {"duration": 3_600_000}}])
def test_a_templates_topic_counts_unless_the_message_names_another(
    sandbox: Api, pipeline: Pipeline, time: Time, delay: dict[str, Any]
) -> None:
    """send.md: `preferences.subscription_topic_id` overrides the topic linked to the template."""
    _limit("user_topic", "day", 1)
    section = sandbox.post("/preferences/sections", {"name": "All"}).json()["id"]
    topic = {"name": "News", "default_status": "OPTED_IN"}
    topic_id = sandbox.post(f"/preferences/sections/{section}/topics", topic).json()["id"]
    template = sandbox.template(subscription={"topic_id": topic_id})
    named = {"template": template, "routing": EMAIL, **_to("ada"), **delay}
    ids = [sandbox.send(**named), sandbox.send(**named)]
    ids.append(sandbox.send(**named, preferences={"subscription_topic_id": "offers"}))
    pipeline.drain()
    time.passes(seconds=3601)
    pipeline.dispatch()
    pipeline.drain()
    assert sorted(sandbox.message(id_)["status"] for id_ in ids[:2]) == ["SENT", "THROTTLED"]
    assert sandbox.message(ids[2])["status"] == "SENT"


def test_a_billing_period_begins_on_its_day(
    sandbox: Api, pipeline: Pipeline, database: Database, configured: Configure
) -> None:
    """Settings: per billing period."""
    day = (clock.now() - timedelta(days=3)).day
    configured(billing_day=day)
    _limit("global", "billing", 1)
    assert _ended(sandbox, pipeline, _to("ada"), _to("ada")) == ["SENT", "THROTTLED"]
    began = database.one("SELECT begins_at FROM send_count")
    assert (began.astimezone(clock.UTC).day, clock.now() - began < timedelta(days=4)) == (day, True)


# --- the administrator is told -------------------------------------------------------------------

ADMIN = "admin@example.com"


def _told(api: Api) -> list[dict[str, Any]]:
    return api.messages(event=NOTICE_TOPIC)


def test_the_administrator_is_told_once_in_a_day(
    sandbox: Api, pipeline: Pipeline, time: Time, configured: Configure
) -> None:
    """One admin e-mail per 24 h: a message like any other, in the same world."""
    configured(admin_email=ADMIN)
    _limit("global", "hour", 0)
    assert _ended(sandbox, pipeline, _to("ada"), _to("eve")) == ["THROTTLED", "THROTTLED"]
    (notice,) = _told(sandbox)
    assert notice["status"] == "SENT"
    said = sandbox.output(notice["id"], "email")
    assert "send limit" in said["subject"]
    assert "Send limit reached: 0 in one hour. Messages: 2, such as 1-" in " ".join(said["text"].split())
    time.passes(seconds=24 * 3600 - 60)
    assert (_ended(sandbox, pipeline, _to("ada")), len(_told(sandbox))) == (["THROTTLED"], 1)
    time.passes(seconds=120)
    assert (_ended(sandbox, pipeline, _to("ada")), len(_told(sandbox))) == (["THROTTLED"], 2)


def test_it_is_told_when_a_delayed_message_is_held_back(
    sandbox: Api, pipeline: Pipeline, time: Time, configured: Configure
) -> None:
    configured(admin_email=ADMIN)
    sandbox.send(**_to("ada"), delay={"duration": 60_000})
    pipeline.drain()
    _limit("user", "day", 0)
    time.passes(seconds=61)
    pipeline.dispatch()
    pipeline.drain()
    assert [notice["status"] for notice in _told(sandbox)] == ["SENT"]


def test_many_workers_tell_it_once(
    sandbox: Api, pipeline: Pipeline, database: Database, configured: Configure
) -> None:
    configured(admin_email=ADMIN, batch_size=1)
    _limit("user", "day", 0)
    for number in range(30):
        sandbox.send(**_to(f"user-{number}"))
    with ThreadPoolExecutor(8) as workers:
        list(workers.map(lambda _: pipeline.step(Stage.RENDER), range(40)))
    assert database.one("SELECT count(*) FROM message WHERE status = 'THROTTLED'") == 30
    assert len(_told(sandbox)) == 1


def test_nobody_is_told_unless_asked_for_and_in_no_other_world(
    api: Api, sandbox: Api, pipeline: Pipeline, configured: Configure
) -> None:
    _limit("user", "day", 0)
    assert (_ended(sandbox, pipeline, _to("ada")), _told(sandbox)) == (["THROTTLED"], [])
    configured(admin_email=ADMIN)
    _ended(sandbox, pipeline, _to("ada"))
    assert (len(_told(sandbox)), _told(api)) == (1, [])


def test_old_counters_go_by_retention(sandbox: Api, pipeline: Pipeline, database: Database) -> None:
    _limit("user", "hour", 5)
    assert _ended(sandbox, pipeline, _to("ada"), _to("eve")) == ["SENT", "SENT"]
    old = clock.now() - timedelta(days=40)
    database("UPDATE send_count SET begins_at = %s WHERE subject LIKE '%%eve%%'", old)
    retention.run()
    assert database.count("send_count") == 1
