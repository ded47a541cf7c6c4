"""Brands, and the emails that wear them, as the official client has them."""

from typing import Any

import pytest
from courier import BadRequestError, ConflictError, Courier, NotFoundError

from tests import factories
from tests.clients.conftest import client_of
from tests.integration.harness import Api, Pipeline

COLORS = {"primary": "#0f766e", "secondary": "#b45309"}
EMAIL: Any = {"method": "single", "channels": ["email"]}


def _settings(name: str = "acme", **email: Any) -> Any:
    """The settings of a brand one recognises by ``name``."""
    header = {"logo": {"image": f"https://{name}.example/logo.png", "href": f"https://{name}.example"}}
    return {
        "colors": COLORS,
        "email": {"header": header, "footer": {"markdown": f"Yours, *{name}*"}, **email},
    }


def _html(client: Courier, pipeline: Pipeline, **message: Any) -> str:
    return str(_content(client, pipeline, **message).html)


def _content(client: Courier, pipeline: Pipeline, **message: Any) -> Any:
    what: Any = {} if "template" in message else {"content": {"title": "Hi", "body": "Hello."}}
    sent = client.send.message(message={"to": {"email": factories.ADA}, "routing": EMAIL, **what, **message})
    pipeline.drain()
    found = client.messages.retrieve(sent.request_id)
    assert found.status == "SENT", found.error
    return client.messages.content(sent.request_id).results[0].content


def _template(client: Courier, brand: Any, content: Any = None) -> str:
    body: Any = factories.template(content, brand=brand)
    return client.notifications.create(notification=body, state="PUBLISHED").id


def test_a_brand_is_written_and_read(client: Courier) -> None:
    snippets: Any = {"items": [{"name": "address", "value": "1 Main Street"}]}
    made = client.brands.create(id="acme", name="Acme", settings=_settings(), snippets=snippets)
    found = client.brands.retrieve("acme")
    assert found == made
    assert (found.name, found.settings.colors.primary) == ("Acme", "#0f766e")
    assert found.settings.email.footer.markdown == "Yours, *acme*"
    assert [one.value for one in found.snippets.items] == ["1 Main Street"]
    assert found.created <= found.updated

    replaced = client.brands.update("acme", name="New", settings={"colors": COLORS})  # type: ignore[typeddict-item]
    assert (replaced.name, replaced.settings.email, replaced.snippets.items) == ("New", None, None)
    assert client.brands.create(name="Other", settings={}).id in [
        one.id for one in client.brands.list().results
    ]


def test_what_is_no_brand_is_refused(client: Courier) -> None:
    client.brands.create(id="acme", name="Acme", settings=_settings())
    with pytest.raises(ConflictError) as taken:
        client.brands.create(id="acme", name="Acme", settings=_settings())
    assert taken.value.response.headers["x-should-retry"] == "false"
    for settings, complaint in (
        ({"colors": {"primary": "#fff"}}, "settings.colors.secondary"),
        ({"colors": {**COLORS, "primary": "url(x)"}}, "settings.colors.primary"),
        (_settings(footer={"markdown": "{{ x | nonsense }}"}), "settings.email.footer.markdown"),
        (
            _settings(templateOverride={"enabled": True, "mjml": {"enabled": True, "header": "</mj-body>"}}),
            "MJML",
        ),
        (
            _settings(
                templateOverride={
                    "enabled": True,
                    "mjml": {"enabled": True, "header": '<mj-include path="/x" />'},
                }
            ),
            "MJML",
        ),
    ):
        wrong: Any = settings
        with pytest.raises(BadRequestError, match=complaint):
            client.brands.create(name="Wrong", settings=wrong)
    with pytest.raises(NotFoundError):
        client.brands.retrieve("nobody")
    with pytest.raises(NotFoundError):
        client.brands.update("nobody", name="x")


def test_the_default_stays(client: Courier, sandbox: Api) -> None:
    client.brands.create(id="first", name="First", settings={})
    client.brands.create(id="second", name="Second", settings={})
    with pytest.raises(ConflictError):
        client.brands.delete("first")
    assert sandbox.put("/brands/second/default", {}).json()["default"] is True
    client.brands.delete("first")
    with pytest.raises(NotFoundError):
        client.brands.delete("first")


def test_an_email_wears_the_brand(client: Courier, pipeline: Pipeline) -> None:
    action = {"type": "action", "content": "Open", "href": "https://example.com"}
    content: Any = {"version": "2022-01-01", "elements": [{"type": "meta", "title": "Hi"}, action]}
    plain = _content(client, pipeline, content=content)
    assert "#0f766e" not in plain.html
    settings = _settings(
        footer={"markdown": "To {{profile.email}}", "social": {"twitter": {"url": "https://x.example"}}}
    )
    client.brands.create(id="acme", name="Acme", settings=settings)
    worn = _content(client, pipeline, content=content)
    for piece in ("#0f766e", "https://acme.example/logo.png", "To ada@example.com", "https://x.example"):
        assert piece in worn.html
    assert worn.text.endswith("To ada@example.com\n\nTwitter: https://x.example")


def test_the_strongest_brand_wins(client: Courier, pipeline: Pipeline) -> None:
    for name in ("default", "template", "tenant", "message", "channel"):
        client.brands.create(id=name, name=name, settings=_settings(name))
    client.tenants.update("root", name="Root", brand_id="tenant")
    client.tenants.update("leaf", name="Leaf", parent_tenant_id="root")
    own, bare = _template(client, {"id": "template"}), _template(client, None)

    def worn(**message: Any) -> str | None:
        html = _html(client, pipeline, **message)
        names = ("default", "template", "tenant", "message", "channel")
        return next((name for name in names if f"Yours, <em>{name}</em>" in html), None)

    in_tenant: Any = {"context": {"tenant_id": "leaf"}}
    strongest: Any = {"email": {"brand_id": "channel"}}
    assert worn() == "default"
    assert worn(template=bare) is None
    assert worn(template=own) == "template"
    assert worn(template=own, **in_tenant) == "tenant"
    assert worn(template=bare, **in_tenant) == "tenant"
    assert worn(template=own, brand_id="message", **in_tenant) == "message"
    assert worn(template=own, brand_id="message", channels=strongest, **in_tenant) == "channel"
    patch: Any = {"email": {"override": {"brand": {"settings": {"email": {"footer": {"markdown": "Once"}}}}}}}
    assert "Once" in _html(client, pipeline, channels=patch)


def test_an_unknown_brand_is_refused(client: Courier, api: Api, sandbox: Api) -> None:
    client_of(api).brands.create(id="elsewhere", name="Production's", settings={})
    for wrong in ({"brand_id": "elsewhere"}, {"channels": {"email": {"brand_id": "nobody"}}}):
        message: Any = {"to": {"email": factories.ADA}, "content": {"title": "a", "body": "b"}, **wrong}
        with pytest.raises(BadRequestError, match="brand_id"):
            client.send.message(message=message)
        dry = sandbox.post("/send?dry_run=true", {"message": message})
        assert (dry.status_code, "brand_id" in dry.json()["message"]) == (400, True)
    with pytest.raises(BadRequestError, match="Brand nobody not found"):
        _template(client, {"id": "nobody"})


def test_templates_use_colors_and_snippets(client: Courier, pipeline: Pipeline) -> None:
    shared: Any = {
        "items": [{"name": "address", "value": "{{city}}, Earth"}, {"name": "sign", "value": "Default"}]
    }
    client.brands.create(id="default", name="Default", settings={"colors": COLORS}, snippets=shared)  # type: ignore[typeddict-item]
    own: Any = {"items": [{"name": "sign", "value": "Ours at {{> address}}"}]}
    client.brands.create(id="acme", name="Acme", settings={"colors": COLORS}, snippets=own)  # type: ignore[typeddict-item]
    content = factories.blocks(email=("Hi", "{{brand.colors.primary}} {{> sign}} {{> none}}!"))
    template = _template(client, {"id": "acme"}, content)
    said = _content(client, pipeline, template=template, data={"city": "*Rome*"})
    assert said.text == "#0f766e Ours at *Rome*, Earth !"


def test_a_page_of_ones_own(client: Courier, pipeline: Pipeline) -> None:
    html = {
        "enabled": True,
        "header": "<h6>Mine {{name}}</h6>",
        "footer": "<i>Bye</i>",
        "backgroundColor": "#123456",
    }
    client.brands.create(id="html", name="HTML", settings=_settings(templateOverride=html))
    said = _content(client, pipeline, data={"name": "<Ada>"})
    assert "<h6>Mine &lt;Ada&gt;</h6>" in said.html
    assert "#123456" in said.html
    assert "logo.png" not in said.html
    assert said.text.endswith("Bye")
    section = "<mj-section><mj-column><mj-text>Set in MJML @@0@@</mj-text></mj-column></mj-section>"
    mjml = {"enabled": True, "mjml": {"enabled": True, "header": section, "width": "720"}}
    client.brands.create(id="mjml", name="MJML", settings=_settings(templateOverride=mjml))
    said = _content(client, pipeline, brand_id="mjml")
    assert "Set in MJML @" in said.html
    assert "720px" in said.html


def test_parts_come_from_the_default(client: Courier, pipeline: Pipeline) -> None:
    client.brands.create(id="default", name="Default", settings=_settings("default"))
    own = _settings("acme", footer={"inheritDefault": True})
    client.brands.create(id="acme", name="Acme", settings=own)
    html = _html(client, pipeline, brand_id="acme")
    assert "Yours, <em>default</em>" in html
    assert "https://acme.example/logo.png" in html


def test_a_change_is_seen_at_once_and_the_past_stays(client: Courier, pipeline: Pipeline) -> None:
    client.brands.create(id="acme", name="Acme", settings=_settings("before"))
    id_ = client.send.message(
        message={"to": {"email": factories.ADA}, "content": {"title": "a", "body": "b"}, "routing": EMAIL}
    ).request_id
    pipeline.drain()
    client.brands.update("acme", name="Acme", settings=_settings("after"))
    assert "Yours, <em>after</em>" in _html(client, pipeline)
    past: Any = client.messages.content(id_).results[0].content
    assert "Yours, <em>before</em>" in past.html
