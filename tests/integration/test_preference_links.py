"""Links by which people say what they want: what they open, what they change, and nothing else."""

import pytest

from notify.manage import keys
from notify.model.names import Mode, World
from notify.pipeline.preference_links import Link
from tests import factories
from tests.integration.conftest import Configure
from tests.integration.harness import Api, Pipeline
from tests.integration.hosted import section, topic, url, wanted


@pytest.fixture
def workspace(sandbox: Api, configured: Configure) -> Api:
    """Reached under the URL that it listens at."""
    configured(public_url=sandbox.base_url)
    return sandbox


def test_a_tenant_s_link_changes_that_tenant_only(workspace: Api) -> None:
    first = topic(workspace, section(workspace), "Shipping")
    link = url(Link.UNSUBSCRIBE, first, tenant="acme")
    assert workspace.session.post(link, headers={"Authorization": ""}).status_code == 200
    assert wanted(workspace, first)["status"] == "OPTED_IN"
    inside = workspace.get(f"/users/ada/preferences/{first}?tenant_id=acme").json()["topic"]
    assert inside["status"] == "OPTED_OUT"


@pytest.mark.parametrize(("mode", "scope"), [(Mode.PUBLISHED, "published"), (Mode.DRAFT, "draft")])
def test_a_template_may_build_the_link_itself(
    workspace: Api, pipeline: Pipeline, mode: Mode, scope: str
) -> None:
    first = topic(workspace, section(workspace), "Shipping")
    api = Api(workspace.base_url, keys.create(World.TEST, "k", mode))
    text = "{{courier.environment}} {{courier.scope}} {{unsubscribeTrackingId}}"
    about = {"subscription_topic_id": first}
    to = {"user_id": "ada", "phone_number": factories.PHONE}
    routing = {"method": "single", "channels": ["sms"]}
    content = {"title": "a", "body": text}
    id_ = api.send(to=to, preferences=about, content=content, routing=routing)
    pipeline.drain()
    *told, token = api.output(id_, "sms")["body"].split()[-3:]
    assert told == ["test", scope]
    link = f"{workspace.base_url}/preferences/unsubscribe/{token}"
    assert workspace.session.post(link, headers={"Authorization": ""}).status_code == 200
    assert wanted(workspace, first)["status"] == "OPTED_OUT"


def test_links_open_nothing_else(workspace: Api) -> None:
    first = topic(workspace, section(workspace), "Shipping")
    leave, page = url(Link.UNSUBSCRIBE, first), url(Link.PAGE)
    swapped = page.rsplit("/", 1)[1]
    for link in (leave[:-2], leave.replace("unsubscribe", "page"), f"{leave.rsplit('/', 1)[0]}/{swapped}"):
        for method in ("GET", "POST"):
            answer = workspace.session.request(method, link, headers={"Authorization": ""})
            assert answer.status_code == 404
            assert "This link does not work" in answer.text
    assert wanted(workspace, first)["status"] == "OPTED_IN"
    inside = workspace.get("/preferences/sections").json()["results"][0]["id"]
    assert workspace.delete(f"/preferences/sections/{inside}/topics/{first}").status_code == 204
    assert workspace.session.post(leave).status_code == 404


def test_nobody_keeps_or_frames_or_tells_of_a_page(workspace: Api) -> None:
    topic(workspace, section(workspace), "Shipping")
    headers = workspace.session.get(url(Link.PAGE)).headers
    assert headers["cache-control"] == "no-store"
    assert headers["referrer-policy"] == "no-referrer"
    policy = headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "script-src" not in policy
    assert "unsafe" not in policy


BRAND = {"name": "Acme", "settings": {"colors": {"primary": "#0f766e", "secondary": "#475569"}}}


def test_a_page_wears_the_brand_it_was_published_with(workspace: Api) -> None:
    topic(workspace, section(workspace), "Shipping")

    def shown() -> str:
        return str(workspace.session.get(url(Link.PAGE)).text)

    assert "--bar: #1d4ed8" in shown()
    logo = {"email": {"header": {"logo": {"image": "https://example.com/logo.png"}}}}
    other = {"name": "Other", "settings": {"colors": {"primary": "#ffff00", "secondary": "#000"}, **logo}}
    for brand in ({**BRAND, "id": "acme"}, {**other, "id": "other"}):
        assert workspace.post("/brands", brand).status_code == 200
    assert "--bar: #0f766e" in shown(), "the default one"
    assert "Acme" in shown()
    assert workspace.post("/preferences/publish", {"brand_id": "other"}).status_code == 200
    assert "--bar: #ffff00; --on-bar: #000000" in shown()
    assert "--accent: #1d4ed8" in shown(), "what nobody could read on white is not used there"
    assert '<img src="https://example.com/logo.png" alt="Other">' in shown()
    assert workspace.post("/preferences/publish", {"brand_id": "none"}).status_code == 200
    assert "--bar: #1d4ed8" in shown()
    assert workspace.post("/preferences/publish", {"brand_id": "nobody"}).status_code == 404
