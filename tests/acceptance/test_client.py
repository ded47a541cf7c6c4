"""The official client, unmodified, against a real instance: sends, templates, profiles, providers, errors."""

import asyncio
from typing import Any

import pytest
from courier import (
    AsyncCourier,
    AuthenticationError,
    BadRequestError,
    ConflictError,
    Courier,
    DefaultHttpxClient,
    NotFoundError,
)
from httpx import Request

from tests.acceptance.calls import SUGAR, attempts, block, ended, fresh, history, kinds, said, send, via, ways
from tests.acceptance.running import Http, Running, until

PAGE = 100


# --- to whom -------------------------------------------------------------------------------------

FORMS = {
    "email": ({"email": "ada@example.com"}, "email"),
    "phone": ({"phone_number": "+4930123456"}, "sms"),
    "user with an address for this send": ({"user_id": "ada", "email": "ada@example.com"}, "email"),
    "webhook": ({"webhook": {"url": "https://example.com/hook", "method": "PUT"}}, "webhook"),
    "slack channel": ({"slack": {"access_token": "xoxb-1", "channel": "C1"}}, "direct_message"),
    "slack address": ({"slack": {"access_token": "xoxb-1", "email": "a@example.com"}}, "direct_message"),
    "slack webhook": (
        {"slack": {"incoming_webhook": {"url": "https://hooks.slack.com/services/T/B/x"}}},
        "direct_message",
    ),
    "push token": ({"firebaseToken": "token"}, "push"),
}


@pytest.mark.parametrize(("to", "channel"), FORMS.values(), ids=FORMS.keys())
def test_every_form_of_recipient_is_reached_on_its_channel(
    client: Courier, to: dict[str, Any], channel: str
) -> None:
    id_ = send(client, to)
    message = ended(client, id_)
    assert (message.id, message.status, message.error) == (id_, "SENT", None)
    assert ways(message) == [(channel, "sandbox", "SENT")]
    assert message.recipient == to.get("user_id", f"anon_{id_}")
    assert message.enqueued <= (message.sent or 0)
    assert said(client, id_)["channel"] == channel


def test_a_user_is_reached_at_the_stored_address(client: Courier) -> None:
    user = fresh("user")
    client.profiles.create(user, profile={"email": "stored@example.com", "name": {"given": "Ada"}})
    content = {"title": "Hi {{profile.name.given}}", "body": "{{profile.email}} {{profile.city}}"}
    id_ = send(client, {"user_id": user, "city": "London"}, content)

    message = ended(client, id_)
    assert (message.status, message.recipient) == ("SENT", user)
    assert said(client, id_)["subject"] == "Hi Ada"
    assert said(client, id_)["text"].strip() == "stored@example.com London"
    assert client.profiles.retrieve(user).profile == {"email": "stored@example.com", "name": {"given": "Ada"}}


def test_an_array_is_one_message_for_each_with_its_own_data(client: Courier) -> None:
    to = [{"email": f"{name}@example.com", "data": {"name": name}} for name in ("ada", "bob", "eve")]
    content = {"title": "{{greeting}} {{name}}", "body": "-"}
    request = send(client, to, content, data={"greeting": "Hi", "name": "nobody"})

    messages = until(lambda: _all_of(client, request, 3), "three messages")
    with pytest.raises(NotFoundError):
        client.messages.retrieve(request)
    assert {ended(client, id_).status for id_ in messages} == {"SENT"}
    assert {said(client, id_)["subject"] for id_ in messages} == {"Hi ada", "Hi bob", "Hi eve"}


def test_an_array_of_one_has_a_message_of_its_own(client: Courier) -> None:
    request = send(client, [{"email": "ada@example.com"}])
    (id_,) = until(lambda: _all_of(client, request, 1), "one message")
    assert id_ != request
    assert ended(client, id_).status == "SENT"


def _all_of(client: Courier, request: str, count: int) -> list[str]:
    found = [message.id for message in client.messages.list(trace_id=request).results]
    return found if len(found) == count else []


# --- what it says --------------------------------------------------------------------------------


def test_elemental_is_rendered_with_loops_conditions_and_locales(client: Courier) -> None:
    elements: Any = [
        {"type": "meta", "title": "Order {{order}}"},
        {"type": "text", "content": "Good day", "locales": {"de": {"content": "Guten Tag"}}},
        {"type": "text", "content": "- {{item.name}}: {{item.price}}", "loop": "data.items"},
        {"type": "text", "content": "Only for VIPs", "if": "data.vip === true"},
        {"type": "group", "elements": [{"type": "quote", "content": "{{keys}}"}]},
        {"type": "divider"},
        {"type": "action", "content": "Look", "href": "https://example.com/{{order}}"},
    ]
    data = {
        "order": "A-17",
        "items": [{"name": "Tea", "price": 3}, {"name": "Cup", "price": 8}],
        "keys": "k1",
    }
    to = {"email": "ada@example.com", "locale": "de"}
    id_ = send(client, to, {"version": "2022-01-01", "elements": elements}, data=data)

    assert ended(client, id_).status == "SENT"
    output = said(client, id_)
    assert output["subject"] == "Order A-17"
    for words in ("Guten Tag", "Tea: 3", "Cup: 8", "k1", "https://example.com/A-17"):
        assert words in output["text"]
        assert words in output["html"]
    assert "VIP" not in output["html"]
    assert "Good day" not in output["html"]


def test_a_channel_block_speaks_to_its_channel_only(client: Courier) -> None:
    blocks = [
        block("email", [{"type": "text", "content": "a letter"}]),
        block("sms", [{"type": "text", "content": "a text"}]),
    ]
    content = {"version": "2022-01-01", "elements": blocks}
    to = {"email": "ada@example.com", "phone_number": "+4930123456"}
    id_ = send(client, to, content, routing=via("email", "sms", method="all"))

    assert ended(client, id_).status == "SENT"
    outputs = {one.channel: one.content for one in client.messages.content(id_).results}
    assert outputs["sms"].body == "a text"
    assert outputs["email"].text.strip() == "a letter"


# --- templates -----------------------------------------------------------------------------------


def draft(text: str, **more: Any) -> Any:
    elements = [{"type": "meta", "title": text}, {"type": "text", "content": "Dear {{name}}"}]
    content = {"version": "2022-01-01", "elements": [block("email", elements)]}
    empty = {"brand": None, "routing": None, "subscription": None, "tags": ["orders"]}
    return {"name": "Order shipped", "content": content, **empty, **more}


TO = {"email": "ada@example.com"}
BY_EMAIL = via("email")


def test_the_life_of_a_template(client: Courier) -> None:
    alias = fresh("order-shipped")
    templates = client.notifications
    created = templates.create(notification=draft("One", alias=alias))
    id_ = created.id
    assert (created.state, created.name, created.tags) == ("DRAFT", "Order shipped", ["orders"])
    with pytest.raises(NotFoundError):
        templates.retrieve(id_)
    assert templates.retrieve(id_, version="draft").id == id_

    early = ended(client, send(client, TO, template=id_, routing=BY_EMAIL))
    assert (early.status, early.reason) == ("UNROUTABLE", "UNPUBLISHED")

    templates.publish(id_)
    assert templates.retrieve(id_).state == "PUBLISHED"
    assert _subjects(client, id_, alias) == {"One"}

    templates.replace(id_, notification=draft("Two"))
    assert _subjects(client, id_, alias) == {"One"}
    templates.publish(id_)
    assert _subjects(client, id_, alias) == {"Two"}
    templates.publish(id_, version="v001")
    assert _subjects(client, id_, alias) == {"One"}
    templates.replace(id_, notification=draft("Three"), state="PUBLISHED")
    assert _subjects(client, id_, alias) == {"Three"}

    templates.archive(id_)
    with pytest.raises(NotFoundError):
        templates.retrieve(id_, version="draft")
    assert id_ not in [one.id for one in templates.list().results]
    gone = ended(client, send(client, TO, template=id_, routing=BY_EMAIL))
    assert gone.status == "UNMAPPED"


def _subjects(client: Courier, *names: str) -> set[str]:
    """What the template says when it is called by each of its names."""
    sent = [send(client, TO, template=name, routing=BY_EMAIL, data={"name": "Ada"}) for name in names]
    for id_, name in zip(sent, names, strict=True):
        message = ended(client, id_)
        assert (message.status, message.notification, message.event) == ("SENT", name, name)
        assert said(client, id_)["text"].strip() == "Dear Ada"
    return {said(client, id_)["subject"] for id_ in sent}


def test_the_log_says_which_template_was_used(client: Courier) -> None:
    template = client.notifications.create(notification=draft("One", alias=fresh("a")), state="PUBLISHED")
    id_ = send(client, TO, template=template.alias, routing=BY_EMAIL)
    assert ended(client, id_).status == "SENT"
    (mapped,) = history(client, id_, "MAPPED")
    assert (mapped["event_id"], mapped["notification_id"]) == (template.alias, template.id)


def test_an_unknown_template_is_accepted_and_ends_unmapped(client: Courier) -> None:
    name = fresh("nobody")
    message = ended(client, send(client, TO, template=name))
    assert message.status == "UNMAPPED"
    assert name in (message.error or "")


@pytest.mark.parametrize("missing", ["name", "tags", "brand", "subscription", "routing", "content"])
def test_a_template_that_lacks_something_is_refused_by_name(client: Courier, missing: str) -> None:
    incomplete = {name: value for name, value in draft("One").items() if name != missing}
    with pytest.raises(BadRequestError, match=f"notification.{missing}"):
        client.notifications.create(notification=incomplete)  # type: ignore[arg-type]


def test_a_template_without_any_routing_cannot_be_delivered(client: Courier) -> None:
    template = client.notifications.create(notification=draft("One"), state="PUBLISHED")
    message = ended(client, send(client, TO, template=template.id))
    assert (message.status, message.reason) == ("UNROUTABLE", "NO_CHANNELS")


# --- profiles ------------------------------------------------------------------------------------


def test_the_life_of_a_profile(client: Courier) -> None:
    user, profiles = fresh("user"), client.profiles
    with pytest.raises(NotFoundError):
        profiles.retrieve(user)

    assert (
        profiles.create(user, profile={"email": "a@example.com", "name": {"given": "Ada"}}).status
        == "SUCCESS"
    )
    profiles.create(user, profile={"name": {"family": "Lovelace"}, "roles": ["x"]})
    merged = {"email": "a@example.com", "name": {"given": "Ada", "family": "Lovelace"}, "roles": ["x"]}
    assert profiles.retrieve(user).profile == merged

    profiles.update(user, patch=[{"op": "replace", "path": "/name/given", "value": "Augusta"}])
    assert profiles.retrieve(user).profile["name"] == {"given": "Augusta", "family": "Lovelace"}
    wrong = [
        {"op": "replace", "path": "/name/given", "value": "Nobody"},
        {"op": "test", "path": "/email", "value": "b@example.com"},
    ]
    with pytest.raises(BadRequestError):
        profiles.update(user, patch=wrong)
    assert profiles.retrieve(user).profile["name"]["given"] == "Augusta"

    assert profiles.replace(user, profile={"email": "c@example.com"}).status == "SUCCESS"
    assert profiles.retrieve(user).profile == {"email": "c@example.com"}

    profiles.delete(user)
    profiles.delete(user)
    with pytest.raises(NotFoundError):
        profiles.retrieve(user)


def test_ids_of_any_characters(client: Courier) -> None:
    user = fresh("org/42/Ännë #1?x=%2F&y;+ ü")
    client.profiles.create(user, profile={"email": "anne@example.com"})
    client.profiles.update(user, patch=[{"op": "add", "path": "/plan", "value": "gold"}])
    assert client.profiles.retrieve(user).profile == {"email": "anne@example.com", "plan": "gold"}

    id_ = send(client, {"user_id": user}, {"title": "{{profile.plan}}", "body": "-"})
    assert (ended(client, id_).recipient, said(client, id_)["subject"]) == (user, "gold")
    assert [one.id for one in client.messages.list(recipient=user).results] == [id_]
    client.profiles.delete(user)
    with pytest.raises(NotFoundError):
        client.profiles.retrieve(user)


# --- providers -----------------------------------------------------------------------------------


def test_the_life_of_a_provider(client: Courier) -> None:
    providers = client.providers
    # Only for what nothing else in this world is sent to: a provider takes its channel from the sandbox.
    settings = {"url": "https://example.com/hook", "token": "whsec-1", "authentication": "bearer"}
    created = providers.create(provider="webhook", alias="first", title="Ours", settings=settings)
    try:
        assert (created.provider, created.alias, created.title) == ("webhook", "first", "Ours")
        assert created.settings == {**settings, "token": "********"}
        assert providers.retrieve(created.id).settings == created.settings
        assert created.id in [one.id for one in providers.list().results]

        changed = {**(created.settings or {}), "url": "https://example.org/hook"}
        updated = providers.update(created.id, provider="webhook", alias="first", settings=changed)
        assert updated.settings == changed
        assert updated.title == "Default Configuration"

        with pytest.raises(ConflictError):
            providers.create(provider="webhook", alias="first", settings=settings)
    finally:
        providers.delete(created.id)
    with pytest.raises(NotFoundError):
        providers.retrieve(created.id)
    with pytest.raises(NotFoundError):
        providers.delete(created.id)


@pytest.mark.parametrize(
    ("provider", "settings", "named"),
    [
        ("pigeon", {}, "pigeon"),
        ("twilio", {"account_sid": "nonsense", "from_number": "+1"}, "settings.account_sid"),
        ("smtp", {"host": "h", "from_address": "no address"}, "settings.from_address"),
        ("smtp", {"host": "h", "from_address": "a@example.com", "from_name": "x\nBcc: y"}, "from_name"),
    ],
)
def test_a_provider_that_cannot_work_is_refused(
    client: Courier, provider: str, settings: dict[str, object], named: str
) -> None:
    with pytest.raises(BadRequestError, match=named):
        client.providers.create(provider=provider, settings=settings)


# --- the message log -----------------------------------------------------------------------------


def test_messages_are_paged_to_the_end_newest_first(client: Courier) -> None:
    trace, count = fresh("trace"), PAGE + 30
    to = [{"email": f"n{number}@example.com"} for number in range(count)]
    send(client, to, metadata={"trace_id": trace, "tags": ["paged"]})
    page = lambda **at: client.messages.list(trace_id=trace, **at)  # noqa: E731
    until(lambda: page().paging.more, "more than a page")
    until(lambda: len(page(cursor=page().paging.cursor).results) == count - PAGE, "all messages")

    first = page()
    last = page(cursor=first.paging.cursor)
    assert (len(first.results), first.paging.more) == (PAGE, True)
    assert (last.paging.more, last.paging.cursor) == (False, None)
    ids = [one.id for one in (*first.results, *last.results)]
    assert ids == sorted(set(ids), reverse=True)
    assert len(ids) == count

    second = lambda at: page(status=["SENT"], cursor=at.paging.cursor).results  # noqa: E731
    until(lambda: page(status=["SENT"]).paging.more, "more than a page of them is sent")
    until(lambda: len(second(page(status=["SENT"]))) == count - PAGE, "all of them are sent")
    with pytest.raises(BadRequestError, match="cursor"):
        second(first)


def test_a_waiting_message_is_canceled_and_sent_again(client: Courier) -> None:
    id_ = send(client, TO, delay={"duration": 3_600_000})
    canceled = client.messages.cancel(id_)
    assert (canceled.id, canceled.status) == (id_, "CANCELED")
    with pytest.raises(ConflictError) as caught:
        client.messages.cancel(id_)
    assert caught.value.body == client.messages.retrieve(id_).model_dump(exclude_unset=True, by_alias=True)

    again = client.messages.resend(id_).message_id
    assert ended(client, again).status == "SENT"
    assert client.messages.retrieve(id_).status == "CANCELED"


def test_an_archived_message_is_listed_on_demand_only(client: Courier) -> None:
    event = fresh("event")
    id_ = send(client, TO, metadata={"event": event})
    client.requests.archive(id_)
    assert client.messages.list(event=event).results == []
    assert [one.id for one in client.messages.list(event=event, archived=True).results] == [id_]
    assert ended(client, id_).status == "SENT"


def test_filters_are_joined_by_commas_or_repeated(client: Courier, http: Http) -> None:
    trace = fresh("trace")
    mark = {"trace_id": trace, "event": fresh("event")}
    sent = send(client, TO, metadata={**mark, "tags": ["red", "round"]})
    lost = send(client, TO, template=fresh("nobody"), metadata={**mark, "tags": ["red"]})
    ended(client, sent), ended(client, lost)

    def ids(**filters: Any) -> set[str]:
        return {one.id for one in client.messages.list(trace_id=trace, **filters).results}

    assert ids(status=["SENT", "UNMAPPED"]) == ids(event=mark["event"]) == {sent, lost}
    assert ids(status=["UNMAPPED", "FILTERED"]) == {lost}
    assert ids(tag=["red"]) == ids(tags="round,red") == {sent, lost}
    assert ids(tag=["red", "round"]) == {sent}
    assert ids(provider=["sandbox", "smtp"]) == {sent}
    assert ids(message_id=lost) == {lost}
    repeated = http("GET", f"/messages?traceId={trace}&status=SENT&status=UNMAPPED").json()["results"]
    assert {one["id"] for one in repeated} == {sent, lost}


def test_the_history_tells_the_whole_way(client: Courier) -> None:
    id_ = send(
        client, {"user_id": "ada", "email": "ada@example.com"}, data={"n": 1}, routing=via("sms", "email")
    )
    ended(client, id_)
    assert kinds(client, id_) == ["ENQUEUED", "PROFILE_LOADED", "ROUTED", "RENDERED", "DELIVERING", "SENT"]
    accepted, profile, routed, _, _, sent = history(client, id_)
    assert (accepted["recipient"], accepted["data"]) == ("ada", {"n": 1})
    assert profile["merged_profile"]["email"] == "ada@example.com"
    assert [skip["entry"] for skip in routed["skipped"]] == ["sms"]
    assert "phone_number" in routed["skipped"][0]["detail"]
    assert sent["integration"]["provider"] == "sandbox"
    assert sent["channel"]["id"] == client.messages.content(id_).results[0].channel_id

    assert [entry["type"] for entry in client.messages.history(id_, type="SENT").results] == ["SENT"]
    with pytest.raises(BadRequestError, match="type"):
        client.messages.history(id_, type="NONSENSE")


# --- idempotency ---------------------------------------------------------------------------------


def test_a_key_sends_once_however_often_it_is_used(client: Courier) -> None:
    user, key = fresh("user"), fresh("key")
    message: Any = {"to": {"user_id": user, "email": "a@example.com"}, "content": SUGAR}
    answers = {client.send.message(message=message, idempotency_key=key).request_id for _ in range(3)}
    other: Any = {"to": {"email": "b@example.com"}, "template": "another"}
    answers.add(client.send.message(message=other, idempotency_key=key).request_id)
    assert len(answers) == 1
    assert len(client.messages.list(recipient=user).results) == 1


def test_fifty_calls_at_once_under_one_key_send_once(instance: Running, client: Courier) -> None:
    user, key = fresh("user"), fresh("key")
    message: Any = {"to": {"user_id": user, "email": "a@example.com"}, "content": SUGAR}

    async def crowd() -> set[str]:
        ready = instance.ready
        async with AsyncCourier(api_key=ready.api_keys["test"], base_url=ready.base_url) as caller:
            sends = (caller.send.message(message=message, idempotency_key=key) for _ in range(50))
            return {answer.request_id for answer in await asyncio.gather(*sends)}

    (id_,) = asyncio.run(crowd())
    assert ended(client, id_).status == "SENT"
    assert [one.id for one in client.messages.list(recipient=user).results] == [id_]


def test_a_refused_call_does_not_use_up_its_key(client: Courier) -> None:
    key = fresh("key")
    nobody: Any = {"to": {}, "content": SUGAR}
    with pytest.raises(BadRequestError):
        client.send.message(message=nobody, idempotency_key=key)
    good: Any = {"to": TO, "content": SUGAR}
    assert client.send.message(message=good, idempotency_key=key).request_id


def test_a_key_works_on_every_post(client: Courier) -> None:
    create = client.notifications.create
    first, second = (create(notification=draft("One"), idempotency_key="template-1") for _ in range(2))
    assert first.id == second.id


def test_a_key_expires_between_a_day_and_a_year(client: Courier) -> None:
    message: Any = {"to": TO, "content": SUGAR}
    with pytest.raises(BadRequestError, match="x-idempotency-expiration"):
        client.send.message(
            message=message, idempotency_key=fresh("k"), x_idempotency_expiration="2020-01-01"
        )


# --- errors --------------------------------------------------------------------------------------


def body(error: Any) -> tuple[str, str]:
    return error.body["type"], error.body["message"]


def test_a_bad_request_names_what_is_wrong(client: Courier) -> None:
    nobody: Any = {"to": {"locale": "de"}, "content": SUGAR}
    with pytest.raises(BadRequestError) as caught:
        client.send.message(message=nobody)
    kind, message = body(caught.value)
    assert kind == "invalid_request_error"
    assert message.startswith("message.to: ")


@pytest.mark.parametrize("key", ["pk_test_nobody", "pk_prod_nobody", "x"])
def test_a_wrong_key_opens_nothing(instance: Running, key: str) -> None:
    stranger = Courier(api_key=key, base_url=instance.ready.base_url)
    calls = (
        lambda: stranger.messages.list(),
        lambda: stranger.send.message(message={"to": TO, "content": SUGAR}),  # type: ignore[typeddict-item]
        lambda: stranger.profiles.delete("ada"),
        lambda: stranger.providers.list(),
        lambda: stranger.notifications.list(),
    )
    for call in calls:
        with pytest.raises(AuthenticationError) as caught:
            call()
        assert body(caught.value)[0] == "authentication_error"


def test_what_does_not_exist_is_not_found(client: Courier) -> None:
    for id_ in ("1-00000000-000000000000000000000000", "nonsense", "../profiles/x"):
        for call in (client.messages.retrieve, client.messages.history, client.messages.content):
            with pytest.raises(NotFoundError) as caught:
                call(id_)
            assert body(caught.value)[0] == "not_found"


def test_a_permanent_conflict_is_not_tried_again(instance: Running) -> None:
    asked: list[Request] = []
    counted = DefaultHttpxClient(event_hooks={"request": [asked.append]})
    alias = fresh("alias")
    with instance.client(http_client=counted) as client:
        client.notifications.create(notification=draft("One", alias=alias))
        asked.clear()
        with pytest.raises(ConflictError) as caught:
            client.notifications.create(notification=draft("Two", alias=alias))
    assert body(caught.value)[0] == "conflict"
    assert len(asked) == 1


# --- two worlds ----------------------------------------------------------------------------------


def test_nothing_of_one_world_is_seen_in_the_other(client: Courier, production: Courier) -> None:
    user, key, alias = fresh("user"), fresh("key"), fresh("alias")
    client.profiles.create(user, profile={"email": "a@example.com"})
    template = client.notifications.create(notification=draft("One", alias=alias), state="PUBLISHED")
    message: Any = {"to": {"user_id": user, "email": "a@example.com"}, "content": SUGAR}
    here = client.send.message(message=message, idempotency_key=key).request_id
    there = production.send.message(message=message, idempotency_key=key).request_id
    assert here != there

    for call in (
        lambda: production.profiles.retrieve(user),
        lambda: production.messages.retrieve(here),
        lambda: production.messages.history(here),
        lambda: production.messages.content(here),
        lambda: production.notifications.retrieve(template.id),
        lambda: production.notifications.archive(template.id),
        lambda: client.messages.retrieve(there),
    ):
        with pytest.raises(NotFoundError):
            call()
    assert [one.id for one in client.messages.list(recipient=user).results] == [here]
    assert [one.id for one in production.messages.list(recipient=user).results] == [there]
    assert ended(production, send(production, TO, template=alias)).status == "UNMAPPED"
    production.profiles.delete(user)
    assert client.profiles.retrieve(user).profile == {"email": "a@example.com"}
    assert {one["provider"] for one in attempts(ended(client, here))} == {"sandbox"}
    assert not {one["provider"] for one in attempts(ended(production, there))} & {"sandbox"}
