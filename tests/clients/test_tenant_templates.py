"""Tenants' own templates, as the official client has them, and the sends that go by them."""

from typing import Any

import pytest
from courier import BadRequestError, Courier, NotFoundError

from tests import factories
from tests.integration.harness import Api, Pipeline

EMAIL: Any = {"method": "single", "channels": ["email"]}
TO: Any = {"email": factories.ADA, "phone_number": factories.PHONE}


def _saying(text: str, channel: str = "email") -> Any:
    return {"content": factories.blocks(**{channel: ("Hi", text)})}


def _put(client: Courier, id_: str, template: Any, tenant: str = "acme", published: bool = True) -> str:
    answer = client.tenants.templates.replace(id_, tenant_id=tenant, template=template, published=published)
    return answer.version


def _said(client: Courier, pipeline: Pipeline, template: str, tenant: str | None, **fields: Any) -> str:
    context: Any = {"context": {"tenant_id": tenant}} if tenant else {}
    message: Any = {"to": TO, "template": template, "routing": EMAIL, **context, **fields}
    id_ = client.send.message(message={k: v for k, v in message.items() if v}).request_id  # type: ignore[misc]
    pipeline.drain()
    found = client.messages.retrieve(id_)
    if found.status != "SENT":
        return found.status
    content = client.messages.content(id_).results[0].content
    return str(content.text or content.body)


@pytest.fixture(autouse=True)
def tenants(client: Courier) -> None:
    client.tenants.update("root", name="Root")
    client.tenants.update("acme", name="Acme", parent_tenant_id="root")


def test_versions_are_written_published_and_read(client: Courier) -> None:
    made = client.tenants.templates.replace("hello", tenant_id="acme", template=_saying("one"))
    assert (made.id, made.version, made.published_at) == ("hello", "v1", None)
    assert _put(client, "hello", {**_saying("two"), "routing": EMAIL}) == "v2"
    assert _put(client, "hello", _saying("three"), published=False) == "v3"
    found: Any = client.tenants.templates.retrieve("hello", tenant_id="acme")
    assert (found.id, found.version, found.data["routing"]["channels"]) == ("hello", "v2", ["email"])
    newest = client.tenants.templates.versions.retrieve("latest", tenant_id="acme", template_id="hello")
    assert newest.version == "v3"
    published = client.tenants.templates.publish("hello", tenant_id="acme", version="v1")
    assert (published.id, published.version) == ("hello", "v1")
    assert client.tenants.templates.publish("hello", tenant_id="acme").version == "v3"
    client.tenants.templates.delete("hello", tenant_id="acme")
    with pytest.raises(NotFoundError):
        client.tenants.templates.retrieve("hello", tenant_id="acme")


def test_a_tenants_templates_go_with_it(client: Courier, pipeline: Pipeline) -> None:
    _put(client, "own", _saying("old"))
    assert _said(client, pipeline, "own", "acme") == "old"
    client.tenants.delete("acme")
    client.tenants.update("acme", name="Another")
    assert client.tenants.templates.list("acme").items == []
    assert _said(client, pipeline, "own", "acme") == "UNMAPPED"


def test_creating_answers_201_and_replacing_200(sandbox: Api) -> None:
    path = "/tenants/acme/templates/a%2Fb"
    body = {"template": _saying("x")}
    assert [sandbox.put(path, body).status_code for _ in range(2)] == [201, 200]
    assert sandbox.get(path).json()["id"] == "a/b"


def test_the_list_pages_to_the_end(client: Courier) -> None:
    for n in range(5):
        _put(client, f"t{n}", _saying("x"))
    found, cursor = [], None
    while True:
        page = client.tenants.templates.list("acme", limit=2, cursor=cursor)
        found += [one.id for one in page.items or ()]
        if not page.has_more:
            break
        cursor = page.cursor
    assert found == [f"t{n}" for n in range(5)]
    with pytest.raises(BadRequestError):
        client.tenants.templates.list("acme", limit=101)


def test_what_is_wrong_is_refused(client: Courier) -> None:
    flat: Any = {"content": {"version": "2022-01-01", "elements": [{"type": "text", "content": "x"}]}}
    with pytest.raises(BadRequestError, match="channel block"):
        _put(client, "hello", flat)
    short: Any = {"content": {"title": "Hi", "body": "Short"}}
    assert [_put(client, "hello", short), _put(client, "hello", flat)] == ["v1", "v2"]
    broken: Any = {"content": {"title": "{{ x | nonsense }}", "body": ""}}
    with pytest.raises(BadRequestError, match="nonsense"):
        _put(client, "hello", broken)
    for lost in (
        lambda: _put(client, "hello", short, tenant="nobody"),
        lambda: client.tenants.templates.publish("hello", tenant_id="acme", version="v9"),
        lambda: client.tenants.templates.publish("none", tenant_id="acme"),
        lambda: client.tenants.templates.list("nobody"),
        lambda: client.tenants.templates.delete("none", tenant_id="acme"),
        lambda: client.tenants.templates.versions.retrieve("x", tenant_id="acme", template_id="hello"),
    ):
        with pytest.raises(NotFoundError):
            lost()


def test_the_nearest_tenants_own_template_is_sent(client: Courier, pipeline: Pipeline) -> None:
    body: Any = factories.template(factories.blocks(email=("Hi", "workspace")), tags=["kept"], alias="named")
    id_ = client.notifications.create(notification=body, state="PUBLISHED").id
    assert _said(client, pipeline, id_, "acme") == "workspace"
    _put(client, id_, _saying("root's"), tenant="root")
    assert _said(client, pipeline, id_, "acme") == "root's"
    _put(client, id_, _saying("draft"), published=False)
    assert _said(client, pipeline, id_, "acme") == "root's"
    _put(client, id_, _saying("acme's"))
    assert [_said(client, pipeline, name, "acme") for name in (id_, "named")] == ["acme's", "acme's"]
    assert [_said(client, pipeline, id_, tenant) for tenant in ("root", None)] == ["root's", "workspace"]
    client.tenants.templates.delete(id_, tenant_id="acme")
    assert _said(client, pipeline, id_, "acme") == "root's"


def test_a_tenant_may_have_a_template_alone_with_its_own_routing(client: Courier, pipeline: Pipeline) -> None:
    sms: Any = {"method": "single", "channels": ["sms"]}
    _put(client, "alone", {**_saying("by text", "sms"), "routing": sms})
    assert _said(client, pipeline, "alone", "acme", routing=None) == "by text"
    assert _said(client, pipeline, "alone", None) == "UNMAPPED"
