"""``/limits``: send limits over HTTP, the same that the command line sets."""

from typing import Any

import pytest
from typer.testing import CliRunner

from notify.cli import app
from tests import factories
from tests.integration.harness import Api, Pipeline


def _in_force(api: Api) -> list[dict[str, Any]]:
    limits: list[dict[str, Any]] = api.get("/limits").json()["limits"]
    return limits


def test_a_limit_is_set_changed_used_and_lifted(sandbox: Api, pipeline: Pipeline) -> None:
    assert sandbox.get("/limits").json() == {"limits": [], "exempt": []}
    for maximum in (5, 1):
        answer = sandbox.put("/limits/user/day", {"maximum": maximum})
        assert (answer.status_code, answer.json()) == (
            200, {"scope": "user", "period": "day", "maximum": maximum},
        )  # fmt: skip
    assert _in_force(sandbox) == [{"scope": "user", "period": "day", "maximum": 1}]
    ids = [sandbox.send(to={"user_id": "ada", "email": factories.ADA}) for _ in range(2)]
    pipeline.drain()
    assert [sandbox.message(id_)["status"] for id_ in ids] == ["SENT", "THROTTLED"]
    assert [sandbox.delete("/limits/user/day").status_code for _ in range(2)] == [204, 404]
    assert _in_force(sandbox) == []


def test_a_topic_has_limits_of_its_own(sandbox: Api) -> None:
    general = {"scope": "user_topic", "period": "week", "maximum": 9}
    own = {**general, "maximum": 1, "topic": "news/offers"}
    assert sandbox.put("/limits/user_topic/week", {"maximum": 9}).json() == general
    assert sandbox.put("/limits/user_topic/week", {"maximum": 1, "topic": "news/offers"}).json() == own
    assert _in_force(sandbox) == [general, own]
    assert sandbox.delete("/limits/user_topic/week?topic=news/offers").status_code == 204
    assert sandbox.delete("/limits/user_topic/week?topic=news/offers").status_code == 404
    assert _in_force(sandbox) == [general]


def test_topics_are_exempted_and_no_longer(sandbox: Api) -> None:
    path = "/limits/exempt/password%2Freset"
    assert [sandbox.put(path, None).status_code for _ in range(2)] == [204, 204]
    assert sandbox.get("/limits").json()["exempt"] == ["password/reset"]
    assert [sandbox.delete(path).status_code for _ in range(2)] == [204, 404]


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/limits/galaxy/day", {"maximum": 1}),
        ("/limits/user/fortnight", {"maximum": 1}),
        ("/limits/user/day", {"maximum": -1}),
        ("/limits/user/day", {"maximum": 2**63}),
        ("/limits/user/day", {"maximum": "many"}),
        ("/limits/user/day", {}),
        ("/limits/user/day", {"maximum": 1, "topic": "news"}),
        ("/limits/user_topic/day", {"maximum": 1, "topic": ""}),
        ("/limits/user_topic/day", {"maximum": 1, "topic": "nul\0"}),
        ("/limits/user_topic/day", {"maximum": 1, "topic": "x" * 513}),
        (f"/limits/exempt/{'x' * 513}", None),
    ],
)
def test_what_is_no_limit_is_refused(sandbox: Api, path: str, body: Any) -> None:
    answer = sandbox.put(path, body)
    assert (answer.status_code, answer.json()["type"]) == (400, "invalid_request_error")
    assert _in_force(sandbox) == []


def test_the_worlds_have_limits_of_their_own(api: Api, sandbox: Api) -> None:
    api.put("/limits/global/hour", {"maximum": 1})
    assert (len(_in_force(api)), _in_force(sandbox)) == (1, [])


def test_the_command_line_sets_the_same_limits(api: Api) -> None:
    def run(*arguments: str) -> str:
        done = CliRunner().invoke(app, ["limits", *arguments], env={"COLUMNS": "200"})
        assert done.exit_code == 0, done.output
        return done.output

    run("set", "user_topic", "billing", "3", "--topic", "news")
    run("exempt", "security")
    assert api.get("/limits").json() == {
        "limits": [{"scope": "user_topic", "period": "billing", "maximum": 3, "topic": "news"}],
        "exempt": ["security"],
    }
    assert "news" in run("list")
    run("remove", "user_topic", "billing", "--topic", "news")
    assert _in_force(api) == []
