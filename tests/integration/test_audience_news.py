"""Audiences in outbound webhooks: what changes them, and who comes in or leaves."""

from typing import Any

import pytest
from sqlalchemy import text

from notify.model.filters import Filter
from notify.pipeline import hook_lines
from notify.store import audiences
from notify.store.audience_filters import Condition
from tests.integration.conftest import Configure
from tests.integration.harness import Api, Pipeline
from tests.servers import ProviderLab

ENGINEERS = {"operator": "AND", "filters": [{"operator": "EQ", "path": "title", "value": "Engineer"}]}
OF_ACME = {"operator": "MEMBER_OF", "path": "account_id", "value": "acme"}
CALCULATED = "audiences:calculated"
MATCHED, UNMATCHED = "audiences:user:matched", "audiences:user:unmatched"


@pytest.fixture
def listening(sandbox: Api, lab: ProviderLab, configured: Configure) -> Api:
    """The API, with a destination that hears of audiences."""
    configured(allowed_networks="127.0.0.0/8")
    events = ["audiences:created", "audiences:updated", "audiences:deleted", MATCHED, UNMATCHED]
    made = sandbox.post("/webhooks", {"url": f"{lab.base_url('hook')}/open", "events": events})
    assert made.status_code == 201, made.text
    return sandbox


def _told(lab: ProviderLab, pipeline: Pipeline) -> list[tuple[str, dict[str, Any]]]:
    """What the destination heard since the last look."""
    pipeline.drain()
    # Under load the receiver answers late, and the calls go on beside the drain.
    hook_lines.lines().settle(60)
    pipeline.drain()
    found = [r.json() for r in sorted(lab.of("hook"), key=lambda r: r.headers["webhook-id"])]
    lab.requests.clear()
    return [(event["type"], event["data"]) for event in found]


def _moves(lab: ProviderLab, pipeline: Pipeline) -> list[tuple[str, str, str]]:
    return [(type_, data["user_id"], data["reason"]) for type_, data in _told(lab, pipeline)]


def test_changes_of_an_audience_are_told(listening: Api, lab: ProviderLab, pipeline: Pipeline) -> None:
    listening.put("/audiences/a", {"filter": ENGINEERS})
    listening.put("/audiences/a", {"filter": OF_ACME})
    listening.delete("/audiences/a")
    found = _told(lab, pipeline)
    assert [type_ for type_, _ in found] == ["audiences:created", "audiences:updated", "audiences:deleted"]
    assert [(data["audience_id"], data["audience_version"]) for _, data in found] == [
        ("a", 1),
        ("a", 2),
        ("a", 2),
    ]
    assert found[0][1]["filter"] == ENGINEERS


def test_a_new_filter_is_counted_where_somebody_listens(
    sandbox: Api, lab: ProviderLab, pipeline: Pipeline, configured: Configure, monkeypatch: pytest.MonkeyPatch
) -> None:
    configured(allowed_networks="127.0.0.0/8")
    sandbox.post("/webhooks", {"url": f"{lab.base_url('hook')}/open", "events": [CALCULATED]})
    for name, title in (("ada", "Engineer"), ("bob", "Writer"), ("eve", "Engineer")):
        sandbox.post(f"/profiles/{name}", {"profile": {"title": title}})
    sandbox.put("/audiences/a", {"filter": ENGINEERS})
    about = {"audience_id": "a", "audience_version": 1, "filter": ENGINEERS}
    counts = {"user_count": 2, "total_users": 3, "total_users_filtered": 2}
    assert _told(lab, pipeline) == [(CALCULATED, {**about, **counts})]
    sandbox.put("/audiences/a", {"name": "Those who build"})
    assert _told(lab, pipeline) == []
    sandbox.put("/audiences/a", {"filter": OF_ACME})
    assert [data["user_count"] for _, data in _told(lab, pipeline)] == [0]
    # Too many to count in time: the change is made all the same.
    monkeypatch.setattr(audiences, "_IN_TIME", text("SET LOCAL statement_timeout TO '1ms'"))
    monkeypatch.setattr(audiences, "Condition", _Slow)
    assert sandbox.put("/audiences/a", {"filter": ENGINEERS}).status_code == 200
    assert sandbox.get("/audiences/a").json()["filter"] == ENGINEERS
    assert _told(lab, pipeline) == []


class _Slow(Condition):
    def __init__(self, node: Filter) -> None:
        super().__init__(node)
        self.sql = "pg_sleep(5) IS NOT NULL"
        self.parameters = {}


def test_who_comes_in_and_who_leaves_is_told(listening: Api, lab: ProviderLab, pipeline: Pipeline) -> None:
    listening.put("/audiences/engineers", {"filter": ENGINEERS})
    _told(lab, pipeline)
    ada = "/profiles/ada"
    comes = (MATCHED, "ada", "EQ('title', 'Engineer') => true")
    leaves = (UNMATCHED, "ada", "EQ('title', 'Engineer') => false")
    steps: list[tuple[Any, list[Any]]] = [
        (lambda: listening.post(ada, {"profile": {"title": "Writer"}}), []),
        (lambda: listening.post(ada, {"profile": {"title": "Engineer"}}), [comes]),
        (lambda: listening.post(ada, {"profile": {"name": "Ada"}}), []),
        (lambda: listening.put(ada, {"profile": {"name": "Ada"}}), [leaves]),
        (
            lambda: listening.patch(ada, {"patch": [{"op": "add", "path": "/title", "value": "Engineer"}]}),
            [comes],
        ),
        (lambda: listening.delete(ada), [leaves]),
        (lambda: listening.delete(ada), []),
    ]
    for number, (change, expected) in enumerate(steps):
        assert change().ok
        assert _moves(lab, pipeline) == expected, number


def test_members_of_tenants_come_and_leave(listening: Api, lab: ProviderLab, pipeline: Pipeline) -> None:
    listening.put("/tenants/acme", {"name": "Acme"})
    listening.put("/audiences/acme", {"filter": OF_ACME})
    listening.put("/profiles/ada", {"profile": {}})
    _told(lab, pipeline)
    path = "/users/ada/tenants"
    for change, expected in (
        (lambda: listening.put(f"{path}/acme", {}), [MATCHED]),
        (lambda: listening.put(path, {"tenants": [{"tenant_id": "acme"}]}), []),
        (lambda: listening.delete(f"{path}/acme"), [UNMATCHED]),
        (lambda: listening.put(path, {"tenants": [{"tenant_id": "acme"}]}), [MATCHED]),
        (lambda: listening.delete(path), [UNMATCHED]),
    ):
        assert change().ok
        assert [type_ for type_, _, _ in _moves(lab, pipeline)] == expected


def test_a_refused_change_tells_nothing(listening: Api, lab: ProviderLab, pipeline: Pipeline) -> None:
    listening.put("/audiences/engineers", {"filter": ENGINEERS})
    _told(lab, pipeline)
    wrong = [
        {"op": "add", "path": "/title", "value": "Engineer"},
        {"op": "test", "path": "/title", "value": "x"},
    ]
    assert listening.patch("/profiles/ada", {"patch": wrong}).status_code == 400
    assert _told(lab, pipeline) == []
