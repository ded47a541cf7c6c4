"""The whole of the reference's API: nothing is missing, and one program uses every endpoint there is."""

import re
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest
from courier import Courier, DefaultHttpxClient

from notify.api.app import create_app
from tests import factories
from tests.clients.reference import BUILT, LATER, Pair, called_by_the_client
from tests.integration.harness import Api, Database, Pipeline

USER = "a/da & söhne"
"""An id is any text."""


def test_the_client_calls_nothing_that_is_not_in_the_table() -> None:
    called = called_by_the_client()
    assert set(called.values()) == BUILT | LATER
    assert len(called) == len(BUILT | LATER)


@pytest.mark.usefixtures("configured")
def test_every_endpoint_is_there() -> None:
    there = {
        (method.upper(), re.sub(r"\{[^}]+\}", "{}", path))
        for path, methods in create_app().openapi()["paths"].items()
        for method in methods
    }
    assert sorted(BUILT - there) == []


def test_what_does_not_exist_yet_is_not_found(sandbox: Api) -> None:
    for method, path in sorted(LATER):
        answer = sandbox.call(method, path.replace("{}", "x"), json={})
        assert (answer.status_code, answer.json()["type"]) == (404, "not_found"), (method, path)


# --- the program


class Recorded:
    """What a client has called, as the API's own routes name it."""

    def __init__(self) -> None:
        self.pairs: set[Pair] = set()
        self._routes = [
            (
                method.upper(),
                re.compile(re.sub(r"\{[^}]+\}", "[^/]+", path)),
                re.sub(r"\{[^}]+\}", "{}", path),
            )
            for path, methods in create_app().openapi()["paths"].items()
            for method in methods
        ]

    def __call__(self, request: httpx.Request) -> None:
        self.pairs.add((request.method, self._path(request)))

    def _path(self, request: httpx.Request) -> str:
        path = request.url.raw_path.decode().partition("?")[0]
        return next(
            name for method, route, name in self._routes if method == request.method and route.fullmatch(path)
        )


@pytest.fixture
def recorded(configured: object) -> Recorded:
    return Recorded()


@pytest.fixture
def client(sandbox: Api, recorded: Recorded) -> Iterator[Courier]:
    http = DefaultHttpxClient(event_hooks={"request": [recorded]})
    with Courier(
        api_key=sandbox.key,
        base_url=sandbox.base_url,
        http_client=http,
        max_retries=0,
        _strict_response_validation=True,
    ) as opened:
        yield opened


def test_one_program_uses_everything(
    client: Courier,
    pipeline: Pipeline,
    recorded: Recorded,
    database: Database,
    configured: Callable[..., None],
) -> None:
    section, topic = _preferences(client)
    _content(client, topic)
    _people(client, topic)
    _tenants(client, topic)
    _groups(client, pipeline)
    _sends(client, pipeline)
    _workspace(client)
    client.workspace_preferences.topics.archive(topic, section_id=section)
    client.workspace_preferences.archive(section)
    configured(template_checks="legal")
    _approval(client, lambda: str(database.one("SELECT id FROM template_submission")))
    assert sorted(BUILT - recorded.pairs) == []


def _preferences(client: Courier) -> tuple[str, str]:
    """A section and a topic in it."""
    manage = client.workspace_preferences
    section = manage.create(name="Orders", has_custom_routing=True).id
    manage.replace(section, name="Parcels", has_custom_routing=True)
    assert manage.retrieve(section).name == manage.list().results[0].name == "Parcels"
    given: Any = {"section_id": section, "name": "Shipping", "default_status": "OPTED_IN"}
    digest: Any = {"template_id": "nt_digest", "schedules": [{"frequency": "daily", "time": "08:00"}]}
    topic = manage.topics.create(digest=digest, **given).id
    assert manage.topics.replace(topic, description="When it leaves", **given).digest
    manage.topics.delete_digest(topic, section_id=section)
    assert manage.topics.retrieve(topic, section_id=section).digest is None
    assert [one.id for one in manage.topics.list(section).results] == [topic]
    assert manage.publish(heading="Your choice").page_id
    return section, topic


def _content(client: Courier, topic: str) -> None:
    """Routing, brands, translations, templates."""
    routing: Any = {"method": "single", "channels": ["email"]}
    strategies = client.routing_strategies
    strategy = strategies.create(name="Mail", routing=routing).id
    strategies.replace(strategy, name="Mails", routing=routing)
    assert strategies.retrieve(strategy).name == strategies.list().results[0].name == "Mails"
    brand = client.brands.create(id="acme", name="Acme", settings={}).id
    client.brands.create(id="other", name="Other", settings={})
    assert client.brands.update(brand, name="Acme Ltd").name == client.brands.retrieve(brand).name
    client.brands.delete("other")
    assert [one.id for one in client.brands.list().results] == [brand]
    client.translations.update("de", domain="default", body='msgid "Hi"\nmsgstr "Hallo"\n')
    assert "Hallo" in client.translations.retrieve("de", domain="default")

    templates = client.notifications
    linked: Any = {"brand": {"id": brand}, "routing": {"strategy_id": strategy}}
    body: Any = factories.template(subscription={"topic_id": topic}, tags=["a", "b"], **linked)
    id_ = templates.create(notification=body).id
    (element,) = templates.put_content(
        id_, content={"elements": [{"type": "text", "content": "Hi"}]}
    ).elements  # type: ignore[typeddict-item]
    templates.put_element(element.id, id=id_, type="text", data={"content": "Hello"})
    templates.put_locale("de", id=id_, elements=[{"id": element.id, "content": "Hallo"}])  # type: ignore[typeddict-unknown-key]
    templates.publish(id_)
    assert "Hallo" in str(templates.with_raw_response.retrieve_content(id_).json())
    templates.replace(id_, notification=body)
    assert [one.version for one in templates.list_versions(id_).versions] == ["draft", "published:v001"]
    assert templates.retrieve(id_, version="draft").tags == ["a", "b"]
    assert [one.id for one in templates.list(tags="A,b").results] == [id_]
    assert [one.id for one in strategies.list_notifications(strategy).results] == [id_]
    assert templates.get_metrics(id_, lookback="P2D").notification_id == id_
    templates.archive(id_)
    strategies.archive(strategy)


def _approval(client: Courier, submitted: Callable[[], str]) -> None:
    body: Any = factories.template()
    id_ = client.notifications.create(notification=body, state="PUBLISHED").id
    checks = client.notifications.checks
    (pending,) = checks.list(submitted(), id=id_).checks
    assert (pending.id, pending.status) == ("legal", "PENDING")
    failed: Any = [{"id": "legal", "type": "custom", "status": "FAILED"}]
    assert checks.update(submitted(), id=id_, checks=failed).checks[0].status == "FAILED"
    checks.delete(submitted(), id=id_)


def _people(client: Courier, topic: str) -> None:
    """A user's profile, devices, preferences."""
    profiles = client.profiles
    assert profiles.create(USER, profile={"email": factories.ADA}).status == "SUCCESS"
    profiles.replace(USER, profile={"email": factories.ADA, "city": "Rome"})
    profiles.update(USER, patch=[{"op": "replace", "path": "/city", "value": "London"}])
    assert profiles.retrieve(USER).profile == {"email": factories.ADA, "city": "London"}
    tokens = client.users.tokens
    tokens.add_single("t/1", user_id=USER, provider_key="expo")
    tokens.add_multiple(USER, extra_body=[{"token": "t2", "provider_key": "expo"}])
    tokens.update("t/1", user_id=USER, patch=[{"op": "replace", "path": "/expiry_date", "value": False}])  # type: ignore[typeddict-item]
    assert tokens.retrieve("t/1", user_id=USER).expiry_date is False
    tokens.delete("t/1", user_id=USER)
    assert [one.token for one in tokens.list(USER).tokens] == ["t2"]
    wants = client.users.preferences
    wants.update_or_create_topic(topic, user_id=USER, topic={"status": "OPTED_OUT"})
    assert wants.retrieve_topic(topic, user_id=USER).topic.status == "OPTED_OUT"
    assert client.workspace_preferences.list_logs(user_id=USER).items[0].topic_id == topic
    wants.delete_topic(topic, user_id=USER)
    chosen: Any = [{"topic_id": topic, "status": "OPTED_OUT"}]
    assert wants.bulk_update(USER, topics=chosen).items[0].status == "OPTED_OUT"
    assert wants.bulk_replace(USER, topics=[]).deleted == [topic]
    assert [one.status for one in wants.retrieve(USER).items] == ["OPTED_IN"]


def _tenants(client: Courier, topic: str) -> None:
    tenants, of_user = client.tenants, client.users.tenants
    for id_ in ("acme", "b/c"):
        tenants.update(id_, name=id_)
    assert tenants.retrieve("b/c").id == "b/c"
    assert {one.id for one in tenants.list().items} == {"acme", "b/c"}
    tenants.preferences.items.update(topic, tenant_id="acme", status="REQUIRED")
    tenants.preferences.items.delete(topic, tenant_id="acme")
    of_user.add_multiple(USER, tenants=[{"tenant_id": "acme"}, {"tenant_id": "b/c"}])
    of_user.remove_single("b/c", user_id=USER)
    assert [one.tenant_id for one in of_user.list(USER).items or ()] == ["acme"]
    of_user.remove_all(USER)
    of_user.add_single("acme", user_id=USER)
    assert [one.user_id for one in tenants.list_users("acme").items or ()] == [USER]
    templates: Any = tenants.templates
    templates.replace(
        "hi", tenant_id="acme", template={"content": factories.blocks(email=("Hi", "{{name}}"))}
    )
    assert templates.publish("hi", tenant_id="acme", version="v1").version == "v1"
    assert templates.retrieve("hi", tenant_id="acme").version == "v1"
    assert templates.versions.retrieve("v1", tenant_id="acme", template_id="hi").version == "v1"
    assert [one.id for one in templates.list("acme").items] == ["hi"]
    templates.delete("hi", tenant_id="acme")
    tenants.delete("b/c")


def _groups(client: Courier, pipeline: Pipeline) -> None:
    """Lists, audiences, bulk jobs."""
    lists = client.lists
    lists.update("orders.eu", name="Europe")
    lists.subscriptions.add("orders.eu", recipients=[{"recipient_id": "bob"}])
    lists.subscriptions.subscribe("orders.eu", recipients=[{"recipient_id": "eve"}])
    lists.subscriptions.subscribe_user(USER, list_id="orders.eu")
    lists.subscriptions.unsubscribe_user("eve", list_id="orders.eu")
    lists.delete("orders.eu")
    lists.restore("orders.eu")
    assert [one.recipient_id for one in lists.subscriptions.list("orders.eu").items] == [USER]
    assert lists.retrieve("orders.eu").name == lists.list(pattern="orders.*").items[0].name == "Europe"
    client.profiles.lists.subscribe(USER, lists=[{"list_id": "news"}])
    assert [one.id for one in client.profiles.lists.retrieve(USER).results] == ["news", "orders.eu"]
    assert client.profiles.lists.delete(USER).status == "SUCCESS"

    londoners: Any = {"operator": "AND", "filters": [{"operator": "EQ", "path": "city", "value": "London"}]}
    client.audiences.update("londoners", name="Londoners", filter=londoners)
    assert client.audiences.retrieve("londoners").name == client.audiences.list().items[0].name
    assert [one.member_id for one in client.audiences.list_members("londoners").items] == [USER]
    client.audiences.delete("londoners")

    content: Any = {"title": "Hi", "body": "Hello"}
    job = client.bulk.create_job(message={"event": "hi", "content": content}).job_id  # type: ignore[typeddict-unknown-key]
    client.bulk.add_users(job, users=[{"recipient": USER}])
    client.bulk.run_job(job)
    pipeline.drain()
    assert client.bulk.retrieve_job(job).job.status == "COMPLETED"
    (user,) = client.bulk.list_users(job).items
    assert client.messages.retrieve(user.message_id or "").recipient == USER


def _sends(client: Courier, pipeline: Pipeline) -> None:
    content: Any = {"title": "Hi", "body": "{{$.urls.preferences}} in {{profile.city}}"}
    message: Any = {"to": {"user_id": USER}, "content": content}
    sent = client.send.message(message=message).request_id
    pipeline.drain()
    assert client.messages.retrieve(sent).status == "SENT"
    assert "in London" in str(client.messages.content(sent).results)
    history: Any = client.messages.history(sent).results
    assert history[0]["type"] == "ENQUEUED"
    again = client.messages.resend(sent).message_id
    assert client.messages.cancel(again).status == "CANCELED"
    client.requests.archive(sent)
    assert sent not in [one.id for one in client.messages.list(recipient=USER).results]
    event = client.inbound.track_event(event="bought", message_id="1", properties={}, type="track")
    assert event.message_id == "1"


def _workspace(client: Courier) -> None:
    """Providers, client tokens, the audit log, and the end of a user."""
    providers = client.providers
    settings: Any = {"host": "localhost", "from_address": factories.SENDER}
    id_ = providers.create(provider="smtp", settings=settings).id
    providers.update(id_, provider="smtp", settings=settings, title="Mail")
    assert providers.patch(id_, title="Mails").title == providers.retrieve(id_).title == "Mails"
    assert [one.id for one in providers.list().results] == [id_]
    assert {"smtp", "twilio"} <= {one.provider for one in providers.catalog.list().results}
    providers.delete(id_)
    assert client.auth.issue_token(scope="user_id:bob", expires_in="1 day").token
    newest = client.audit_events.list().results[0]
    assert client.audit_events.retrieve(newest.audit_event_id) == newest
    assert newest.type == "provider.deleted"
    client.profiles.delete(USER)
