"""Preferences at send time: what of a message reaches somebody who said what they want, and why."""

from email import message_from_bytes
from typing import Any

import pytest

from notify.pipeline import hook_lines, retention
from tests import factories
from tests.integration.conftest import Configure
from tests.integration.harness import Api, Database, Pipeline, Time
from tests.servers import MailLab, ProviderLab

USER = {"user_id": "ada", "email": factories.ADA, "phone_number": factories.PHONE}
ALL = {"method": "all", "channels": ["email", "sms"]}


def section(api: Api, **fields: Any) -> str:
    answer = api.post("/preferences/sections", {"name": "Orders", "has_custom_routing": True, **fields})
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


def topic(api: Api, default: str = "OPTED_IN", **fields: Any) -> str:
    given = {"name": "Shipping", "default_status": default, **fields}
    answer = api.post(f"/preferences/sections/{section(api)}/topics", given)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


def wants(api: Api, topic_id: str, status: str, *channels: str, user: str = "ada", tenant: str = "") -> None:
    wish = {"status": status, "has_custom_routing": bool(channels), "custom_routing": channels}
    path = f"/users/{user}/preferences/{topic_id}?tenant_id={tenant}"
    assert api.put(path, {"topic": wish}).status_code == 200


def about(topic_id: str, **fields: Any) -> dict[str, Any]:
    return {"to": USER, "preferences": {"subscription_topic_id": topic_id}, **fields}


def sent(api: Api, pipeline: Pipeline, **fields: Any) -> tuple[str, str | None]:
    id_ = api.send(**fields)
    pipeline.drain()
    return api.ending(id_)


def channels(api: Api, id_: str) -> list[str]:
    return [one["channel"]["key"] for one in api.message(id_)["providers"]]


@pytest.mark.parametrize("sent_as", ["id", "alias"])
@pytest.mark.parametrize("named_as", ["id", "alias"])
def test_a_template_is_meant_by_its_id_and_its_alias(
    sandbox: Api, pipeline: Pipeline, sent_as: str, named_as: str
) -> None:
    topic_id = topic(sandbox)
    names = {"alias": "shipped"}
    names["id"] = sandbox.template(alias="shipped", subscription={"topic_id": topic_id})
    left = {"notifications": {names[named_as]: {"status": "OPTED_OUT"}, "another": {"status": "OPTED_IN"}}}
    ending = sent(sandbox, pipeline, to={**USER, "preferences": left}, template=names[sent_as])
    assert ending == ("UNDELIVERABLE", "UNSUBSCRIBED")


# --- opted in, opted out -------------------------------------------------------------------------


def test_who_left_the_topic_gets_nothing(sandbox: Api, pipeline: Pipeline) -> None:
    topic_id = topic(sandbox)
    wants(sandbox, topic_id, "OPTED_OUT")
    id_ = sandbox.send(**about(topic_id))
    pipeline.drain()
    found = sandbox.message(id_)
    assert (found["status"], found["reason"]) == ("UNDELIVERABLE", "UNSUBSCRIBED")
    error = "Notification opted out by user"
    assert found["error"] == error
    assert found["providers"] == [{"error": error, "status": "UNDELIVERABLE"}]
    assert sandbox.happened(id_)[-1] == "UNDELIVERABLE"
    assert sent(sandbox, pipeline, to=USER) == ("SENT", None)


def test_a_topic_nobody_opted_in_to(sandbox: Api, pipeline: Pipeline) -> None:
    topic_id = topic(sandbox, "OPTED_OUT")
    assert sent(sandbox, pipeline, **about(topic_id)) == ("UNDELIVERABLE", "OPT_IN_REQUIRED")
    wants(sandbox, topic_id, "OPTED_IN")
    assert sent(sandbox, pipeline, **about(topic_id)) == ("SENT", None)


def test_what_is_required_is_sent(sandbox: Api, pipeline: Pipeline) -> None:
    topic_id = topic(sandbox, "REQUIRED")
    along = {"categories": {topic_id: {"status": "OPTED_OUT"}}}
    assert sent(sandbox, pipeline, **about(topic_id, to={**USER, "preferences": along})) == ("SENT", None)


@pytest.mark.parametrize("gone", [False, True], ids=["unknown", "archived"])
def test_a_topic_that_is_not_there_says_nothing(sandbox: Api, pipeline: Pipeline, gone: bool) -> None:
    topic_id = "pt_unknown"
    if gone:
        topic_id = topic(sandbox, "OPTED_OUT")
        (found,) = sandbox.get("/preferences/sections").json()["results"]
        assert sandbox.delete(f"/preferences/sections/{found['id']}/topics/{topic_id}").status_code == 204
    assert sent(sandbox, pipeline, **about(topic_id)) == ("SENT", None)


def test_a_template_has_a_topic_and_a_message_another(sandbox: Api, pipeline: Pipeline) -> None:
    left, kept = topic(sandbox), topic(sandbox)
    wants(sandbox, left, "OPTED_OUT")
    template = sandbox.template(subscription={"topic_id": left})
    assert sent(sandbox, pipeline, template=template, to=USER) == ("UNDELIVERABLE", "UNSUBSCRIBED")
    single = {"method": "single", "channels": ["email"]}
    assert sent(sandbox, pipeline, **about(kept, template=template, routing=single)) == ("SENT", None)


def test_preferences_sent_along_are_the_strongest(sandbox: Api, pipeline: Pipeline) -> None:
    topic_id = topic(sandbox)
    wants(sandbox, topic_id, "OPTED_OUT")
    along = {"categories": {topic_id: {"status": "OPTED_IN"}}}
    assert sent(sandbox, pipeline, **about(topic_id, to={**USER, "preferences": along})) == ("SENT", None)


def test_a_snooze_ends(sandbox: Api, pipeline: Pipeline, time: Time) -> None:
    topic_id = topic(sandbox)
    until = (time.now().replace(microsecond=0)).isoformat()
    rule = {"status": "OPTED_OUT", "rules": [{"until": until.replace("20", "21", 1)}]}
    over = {"status": "OPTED_OUT", "rules": [{"until": until}]}
    for snooze, expected in ((rule, "UNDELIVERABLE"), (over, "SENT")):
        to = {**USER, "preferences": {"categories": {topic_id: snooze}}}
        assert sent(sandbox, pipeline, **about(topic_id, to=to))[0] == expected


def test_a_subscription_says_what_its_user_wants(sandbox: Api, pipeline: Pipeline) -> None:
    topic_id = topic(sandbox)
    for user in ("ada", "bob"):
        assert sandbox.put(f"/profiles/{user}", {"profile": {"email": f"{user}@example.com"}}).ok
    out = {"preferences": {"categories": {topic_id: {"status": "OPTED_OUT"}}}}
    assert sandbox.put("/lists/news/subscriptions/ada", out).status_code == 204
    assert sandbox.put("/lists/news/subscriptions/bob", {}).status_code == 204
    sandbox.send(**about(topic_id, to={"list_id": "news"}))
    pipeline.drain()
    ends = {one["recipient"]: one["status"] for one in sandbox.messages(list="news")}
    assert ends == {"ada": "UNDELIVERABLE", "bob": "SENT"}


def test_a_tenant_speaks_for_its_users(sandbox: Api, pipeline: Pipeline) -> None:
    topic_id = topic(sandbox)
    for name, parent in (("root", None), ("leaf", "root")):
        assert sandbox.put(f"/tenants/{name}", {"name": name, "parent_tenant_id": parent}).ok
    item = f"/tenants/root/default_preferences/items/{topic_id}"
    assert sandbox.put(item, {"status": "OPTED_OUT"}).status_code == 204
    inside = {"context": {"tenant_id": "leaf"}}
    assert sent(sandbox, pipeline, **about(topic_id, **inside)) == ("UNDELIVERABLE", "OPT_IN_REQUIRED")
    assert sent(sandbox, pipeline, **about(topic_id)) == ("SENT", None)
    wants(sandbox, topic_id, "OPTED_IN", tenant="leaf")
    assert sent(sandbox, pipeline, **about(topic_id, **inside)) == ("SENT", None)


def test_who_has_one_tenant_has_its_defaults_without_being_asked(sandbox: Api, pipeline: Pipeline) -> None:
    topic_id = topic(sandbox)
    assert sandbox.put("/tenants/acme", {"name": "Acme"}).ok
    assert sandbox.put(f"/tenants/acme/default_preferences/items/{topic_id}", {"status": "OPTED_OUT"}).ok
    assert sent(sandbox, pipeline, **about(topic_id)) == ("SENT", None)
    assert sandbox.put("/users/ada/tenants/acme", {}).ok
    assert sent(sandbox, pipeline, **about(topic_id)) == ("UNDELIVERABLE", "OPT_IN_REQUIRED")
    wants(sandbox, topic_id, "OPTED_IN", tenant="acme")
    assert sent(sandbox, pipeline, **about(topic_id)) == ("SENT", None)


# --- channels ------------------------------------------------------------------------------------


def test_only_the_chosen_channels_are_used(sandbox: Api, pipeline: Pipeline) -> None:
    topic_id = topic(sandbox)
    wants(sandbox, topic_id, "OPTED_IN", "sms")
    id_ = sandbox.send(**about(topic_id, routing=ALL))
    pipeline.drain()
    assert channels(sandbox, id_) == ["sms"]
    (left_out,) = sandbox.get(f"/messages/{id_}/explain").json()["skipped"]
    assert (left_out["entry"], left_out["code"]) == ("email", "CHANNEL_DISABLED")


def test_none_of_the_chosen_channels_is_there(sandbox: Api, pipeline: Pipeline) -> None:
    topic_id = topic(sandbox)
    wants(sandbox, topic_id, "OPTED_IN", "push")
    assert sent(sandbox, pipeline, **about(topic_id, routing=ALL)) == ("FILTERED", "FILTERED")


def test_a_provider_is_of_its_channel(api: Api, pipeline: Pipeline, lab: ProviderLab) -> None:
    api.configure("sendgrid", factories.sendgrid(lab))
    api.configure("twilio", factories.twilio(lab))
    topic_id = topic(api)
    wants(api, topic_id, "OPTED_IN", "email")
    id_ = api.send(**about(topic_id, routing={"method": "all", "channels": ["twilio", "sendgrid"]}))
    pipeline.drain()
    assert channels(api, id_) == ["email"]


def test_a_choice_comes_before_conditions(sandbox: Api, pipeline: Pipeline) -> None:
    """What is not wanted is dropped for that reason, whatever its condition says or cannot say."""
    topic_id = topic(sandbox)
    wants(sandbox, topic_id, "OPTED_IN", "sms")
    broken = {"email": {"if": "this is ( no condition"}}
    id_ = sandbox.send(**about(topic_id, routing=ALL, channels=broken))
    pipeline.drain()
    (left_out,) = sandbox.get(f"/messages/{id_}/explain").json()["skipped"]
    assert left_out["code"] == "CHANNEL_DISABLED"


# --- when it is looked at ------------------------------------------------------------------------


def test_a_dry_run_says_so(sandbox: Api) -> None:
    topic_id = topic(sandbox)
    wants(sandbox, topic_id, "OPTED_OUT")
    answer = sandbox.post("/send?dry_run=true", {"message": factories.message(**about(topic_id))})
    (course,) = answer.json()["messages"]
    assert (course["status"], course["reason"]) == ("UNDELIVERABLE", "UNSUBSCRIBED")


def test_what_nobody_wants_does_not_wait(sandbox: Api, pipeline: Pipeline) -> None:
    topic_id = topic(sandbox)
    wants(sandbox, topic_id, "OPTED_OUT")
    later = {"delay": {"duration": 3_600_000}}
    assert sent(sandbox, pipeline, **about(topic_id, **later)) == ("UNDELIVERABLE", "UNSUBSCRIBED")


def test_who_leaves_during_a_delay_gets_nothing(sandbox: Api, pipeline: Pipeline, time: Time) -> None:
    topic_id = topic(sandbox)
    id_ = sandbox.send(**about(topic_id, delay={"duration": 3_600_000}))
    pipeline.drain()
    assert sandbox.ending(id_) == ("DELAYED", None)
    wants(sandbox, topic_id, "OPTED_OUT")
    time.passes(seconds=3_600)
    pipeline.dispatch()
    pipeline.drain()
    assert sandbox.ending(id_) == ("UNDELIVERABLE", "UNSUBSCRIBED")


def test_what_a_user_changes_is_told(
    sandbox: Api, pipeline: Pipeline, lab: ProviderLab, configured: Configure
) -> None:
    configured(allowed_networks="127.0.0.0/8")
    hook = {"url": f"{lab.base_url('hook')}/open", "title": "t", "events": ["preferences:user:updated"]}
    assert sandbox.post("/webhooks", hook).status_code == 201
    topic_id = topic(sandbox)
    wants(sandbox, topic_id, "OPTED_OUT")
    assert sandbox.delete(f"/users/ada/preferences/{topic_id}").status_code == 204
    pipeline.drain()
    hook_lines.lines().settle(60)
    (called,) = lab.requests
    told = called.json()
    assert told["type"] == "preferences:user:updated"
    log = sandbox.get("/preferences/logs").json()["items"]
    assert told["data"] == log[1]
    assert log[0]["status"] == "OPTED_IN"


def test_the_log_is_kept_longer_than_messages_and_not_for_ever(sandbox: Api, time: Time) -> None:
    topic_id = topic(sandbox)
    wants(sandbox, topic_id, "OPTED_OUT")
    for days, left in ((1094, 1), (2, 0)):
        time.passes(seconds=days * 24 * 3600)
        retention.run()
        assert len(sandbox.get("/preferences/logs").json()["items"]) == left
    (found,) = sandbox.get("/users/ada/preferences").json()["items"]
    assert found["status"] == "OPTED_OUT"


def test_without_topics_nothing_more_is_asked(
    sandbox: Api, pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither are topics, when they are known."""
    from notify.store import topics, user_preferences

    asked: list[str] = []
    found, said = topics.topics, user_preferences.said

    def counted(*args: Any, **named: Any) -> Any:
        asked.append("topics")
        return found(*args, **named)

    def said_counted(tx: Any, wanted: Any) -> Any:
        asked.extend(["said"] * bool(wanted))
        return said(tx, wanted)

    monkeypatch.setattr(topics, "topics", counted)
    monkeypatch.setattr(user_preferences, "said", said_counted)
    assert sent(sandbox, pipeline, to=USER) == ("SENT", None)
    assert asked == []
    for _ in range(10):
        sandbox.send(**about("pt_unknown"))
    pipeline.drain()
    assert asked.count("topics") == 1
    assert "said" not in asked


# --- links ---------------------------------------------------------------------------------------

PUBLIC = "https://notify.example.com"


def mailed(mail: MailLab) -> Any:
    (found,) = mail.mails
    return message_from_bytes(found.data if hasattr(found, "data") else found)


@pytest.fixture
def smtp(api: Api, mail: MailLab, configured: Configure) -> Api:
    configured(public_url=PUBLIC, allowed_networks="127.0.0.0/8")
    api.configure("smtp", factories.smtp(mail))
    return api


def test_an_email_offers_to_unsubscribe(smtp: Api, pipeline: Pipeline, mail: MailLab) -> None:
    topic_id = topic(smtp, include_unsubscribe_header=True)
    id_ = smtp.send(**about(topic_id, routing={"method": "single", "channels": ["email"]}))
    pipeline.drain()
    assert smtp.ending(id_) == ("SENT", None)
    found = mailed(mail)
    assert found["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    link = found["List-Unsubscribe"]
    assert link.startswith(f"<{PUBLIC}/preferences/unsubscribe/")
    path = link.strip("<>").removeprefix(PUBLIC)
    # A mail program knows no key.
    answer = smtp.session.post(
        f"{smtp.base_url}{path}", data="List-Unsubscribe=One-Click", headers={"Authorization": ""}
    )
    assert answer.status_code == 200
    assert sent(smtp, pipeline, **about(topic_id)) == ("UNDELIVERABLE", "UNSUBSCRIBED")


@pytest.mark.parametrize(
    ("default", "wanted", "to"),
    [
        ("REQUIRED", True, USER),
        ("OPTED_IN", False, USER),
        ("OPTED_IN", True, {"email": factories.ADA}),
    ],
    ids=["required", "not wanted", "nobody to unsubscribe"],
)
def test_an_email_offers_nothing(
    smtp: Api, pipeline: Pipeline, mail: MailLab, default: str, wanted: bool, to: dict[str, str]
) -> None:
    topic_id = topic(smtp, default, include_unsubscribe_header=wanted)
    smtp.send(**about(topic_id, to=to, routing={"method": "single", "channels": ["email"]}))
    pipeline.drain()
    assert mailed(mail)["List-Unsubscribe"] is None


def test_the_sender_knows_better(smtp: Api, pipeline: Pipeline, mail: MailLab) -> None:
    topic_id = topic(smtp, include_unsubscribe_header=True)
    own = {
        "email": {"override": {"headers": {"list-unsubscribe": "<mailto:stop@example.com>", "X-Mine": "1"}}}
    }
    smtp.send(**about(topic_id, channels=own, routing={"method": "single", "channels": ["email"]}))
    pipeline.drain()
    found = mailed(mail)
    assert found.get_all("List-Unsubscribe") == ["<mailto:stop@example.com>"]
    assert found["X-Mine"] == "1"


@pytest.mark.parametrize(
    "spelling", ["{{$.urls.NAME}}", "{$.urls.NAME}", '{{var "urls.NAME"}}', "{{urls.NAME}}"]
)
def test_the_links_in_all_spellings(
    sandbox: Api, pipeline: Pipeline, configured: Configure, spelling: str
) -> None:
    configured(public_url=PUBLIC)
    topic_id = topic(sandbox)
    words = [spelling.replace("NAME", name) for name in ("unsubscribe", "preferences")]
    action = {"type": "action", "content": "Leave", "href": words[0]}
    text = {"type": "text", "content": f"[Choose]({words[1]})"}
    content = {"version": "2022-01-01", "elements": [text, action]}
    id_ = sandbox.send(
        **about(topic_id, content=content, routing={"method": "single", "channels": ["email"]})
    )
    pipeline.drain()
    html = sandbox.output(id_, "email")["html"]
    for kind in ("unsubscribe", "page"):
        url = html.split(f'href="{PUBLIC}/preferences/{kind}/', 1)[1].split('"', 1)[0]
        answer = sandbox.session.get(
            f"{sandbox.base_url}/preferences/{kind}/{url}", headers={"Authorization": ""}
        )
        assert answer.status_code == 200, answer.text


def test_no_click_on_a_choice_is_counted(
    smtp: Api, pipeline: Pipeline, mail: MailLab, configured: Configure
) -> None:
    configured(public_url=PUBLIC, allowed_networks="127.0.0.0/8", tracking_clicks="true")
    topic_id = topic(smtp)
    body = "[Leave]({{$.urls.unsubscribe}}) [Read](https://example.com/news)"
    smtp.send(
        **about(
            topic_id,
            content={"title": "t", "body": body},
            routing={"method": "single", "channels": ["email"]},
            metadata={"utm": {"source": "mail"}},
        )
    )
    pipeline.drain()
    html = mailed(mail).get_payload()[1].get_payload(decode=True).decode()
    link = html.split(f'href="{PUBLIC}/preferences/unsubscribe/')[1].split('"')[0]
    assert "utm" not in link
    assert f'href="{PUBLIC}/t/c/' in html


@pytest.mark.parametrize(
    ("to", "public", "topics"),
    [({"email": factories.ADA}, PUBLIC, True), (USER, None, True), (USER, PUBLIC, False)],
    ids=["nobody", "not to be reached", "no topic"],
)
def test_links_that_lead_nowhere_are_empty(
    sandbox: Api, pipeline: Pipeline, configured: Configure, to: Any, public: str | None, topics: bool
) -> None:
    if public:
        configured(public_url=public)
    about_it = about(topic(sandbox)) if topics else {}
    content = {"title": "t", "body": "<{{urls.unsubscribe}}>"}
    single = {"method": "single", "channels": ["email"]}
    id_ = sandbox.send(**{**about_it, "to": to, "content": content, "routing": single})
    pipeline.drain()
    assert "/preferences/" not in sandbox.output(id_, "email")["html"]


def test_an_empty_page_of_links_breaks_nothing(sandbox: Api, database: Database) -> None:
    assert database.count("preference_topic") == 0
    for path in ("page", "unsubscribe", "preview"):
        for token in ("x", "A" * 43, "%00", "a" * 9000):
            answer = sandbox.session.get(f"{sandbox.base_url}/preferences/{path}/{token}")
            assert answer.status_code in (400, 404)
