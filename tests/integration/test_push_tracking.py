"""Tracking beyond mails: what apps tell of a push, and what an override's own HTML keeps."""

from typing import Any

import pytest
import requests

from notify.model.call import Outgoing
from notify.model.output import PushOutput
from notify.pipeline import calling
from tests import factories
from tests.integration.conftest import Configure
from tests.integration.harness import Api, Database, Pipeline
from tests.servers import ProviderLab

PUBLIC = "https://notify.example.com"
TO = {"user_id": "ada", "expo": {"token": "ExponentPushToken[1]"}, "email": factories.ADA}
PUSH = {"method": "single", "channels": ["push"]}


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[Outgoing]:
    """What providers were asked to send."""
    seen: list[Outgoing] = []
    outgoing = calling._outgoing

    def look(*given: Any) -> Outgoing:
        seen.append(outgoing(*given))
        return seen[-1]

    monkeypatch.setattr(calling, "_outgoing", look)
    return seen


@pytest.fixture
def push(api: Api) -> str:
    """A provider of push notifications, in production."""
    return api.configure("sandbox")


def _tracking_url(sent: list[Outgoing]) -> str | None:
    output = sent[-1].output
    assert isinstance(output, PushOutput)
    return output.tracking_url


@pytest.fixture
def url(api: Api, pipeline: Pipeline, sent: list[Outgoing], push: str, configured: Configure) -> str:
    """The `trackingUrl` of a push that was sent."""
    configured(public_url=PUBLIC + "/", tracking_opens="true")
    api.send(to=TO, routing=PUSH)
    pipeline.drain()
    found = _tracking_url(sent)
    assert found
    assert found.startswith(f"{PUBLIC}/e/")
    return found.replace(PUBLIC, api.base_url)


def _tell(url: str, body: Any = None, **options: Any) -> requests.Response:
    """As an app does, without a key."""
    return requests.post(url, **({"json": body} | options), timeout=30)


@pytest.mark.parametrize(
    ("event", "status"),
    [
        ("DELIVERED", "DELIVERED"),
        ("OPENED", "OPENED"),
        ("READ", "OPENED"),
        ("CLICKED", "CLICKED"),
        ("UNREAD", "SENT"),
    ],
)
def test_an_app_tells_what_became_of_a_push(
    api: Api, pipeline: Pipeline, database: Database, url: str, event: str, status: str
) -> None:
    """delivery.md, Tracking: apps POST {event: CLICKED|DELIVERED|OPENED|READ|UNREAD} to the trackingUrl."""
    (found,) = api.messages()
    for _ in range(2):
        assert _tell(url, {"event": event}).status_code == 204
        pipeline.drain()
    assert api.message(found["id"])["status"] == status
    assert api.happened(found["id"]).count(status) == 1
    assert (database.count("receipt"), database.work()) == (0, [])


@pytest.mark.parametrize(
    "options",
    [
        {"json": {"event": "BOUNCED"}},
        {"json": {"event": "clicked"}},
        {"json": {"event": None}},
        {"json": {}},
        {"json": []},
        {"data": b"{"},
        {"data": b""},
        {"data": b"x" * (5 * 2**20)},
    ],
)
def test_what_no_app_should_tell_is_refused(
    api: Api, database: Database, url: str, options: dict[str, Any]
) -> None:
    answer = requests.post(url, **options, timeout=30)
    assert answer.status_code in {400, 413}
    assert answer.json()["type"] == "invalid_request_error"
    assert database.count("receipt") == 0


def test_only_our_own_links_are_believed(api: Api, database: Database, url: str) -> None:
    for wrong in (url[:-2], url + "AA", url.replace("/e/", "/e/A"), f"{api.base_url}/e/%21"):
        assert _tell(wrong, {"event": "CLICKED"}).status_code in {400, 404}
    # A token for one purpose is none for another.
    token = url.rpartition("/")[2]
    assert requests.get(f"{api.base_url}/t/o/{token}", timeout=30).status_code == 404
    assert requests.get(f"{api.base_url}/t/c/{token}", timeout=30).status_code == 404
    assert database.count("receipt") == 0


def test_an_app_is_told_to_come_back_while_nothing_can_be_kept(database: Database, url: str) -> None:
    with database.away():
        answer = _tell(url, {"event": "OPENED"})
    assert (answer.status_code, int(answer.headers["retry-after"]) > 0) == (503, True)


@pytest.mark.usefixtures("push")
@pytest.mark.parametrize(
    ("settings", "tracked"),
    [
        ({"public_url": PUBLIC}, False),
        ({"public_url": PUBLIC, "tracking_clicks": "true"}, True),
    ],
)
def test_a_push_is_tracked_only_if_tracking_is_on(
    api: Api, pipeline: Pipeline, sent: list[Outgoing], configured: Configure, settings: Any, tracked: bool
) -> None:
    configured(**settings)
    api.send(to=TO, routing=PUSH)
    pipeline.drain()
    assert bool(_tracking_url(sent)) is tracked


def test_a_push_of_the_test_world_is_never_tracked(
    sandbox: Api, pipeline: Pipeline, sent: list[Outgoing], configured: Configure
) -> None:
    configured(public_url=PUBLIC, tracking_opens="true", tracking_clicks="true")
    sandbox.send(to=TO, routing=PUSH)
    pipeline.drain()
    assert _tracking_url(sent) is None


@pytest.mark.parametrize("where", ["channels", "providers"])
def test_the_links_of_an_overrides_own_html_stay_as_they_are(
    api: Api, pipeline: Pipeline, lab: ProviderLab, configured: Configure, where: str
) -> None:
    """send.md: overrides are applied after rendering; UTM parameters and tracking go to rendered content."""
    configured(public_url=PUBLIC, tracking_clicks="true")
    api.configure("sendgrid", factories.sendgrid(lab))
    html = '<a href="https://x.example/own">own</a>'
    key = "email" if where == "channels" else "sendgrid"
    api.send(
        metadata={"utm": {"source": "s"}},
        content={"title": "Hi", "body": "[rendered](https://x.example/rendered)"},
        **{where: {key: {"override": {"html": html}}}},
    )
    pipeline.drain()
    parts = lab.of("sendgrid")[0].json()["content"]
    assert [part["value"] for part in parts if part["type"] == "text/html"] == [html]
