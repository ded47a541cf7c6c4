"""Lists, subscriptions and sends to them, as the official client has them."""

from typing import Any

import pytest
from courier import BadRequestError, Courier, NotFoundError

from tests.integration.harness import Api, Pipeline

CONTENT: Any = {"title": "Hi {{profile.name}}", "body": "{{word}}"}
OPTED_OUT: Any = {"notifications": {"welcome": {"status": "OPTED_OUT"}}}


def _subscribers(client: Courier, list_id: str) -> list[str]:
    """All of them, over as many pages as it takes."""
    found, cursor = [], None
    while True:
        page = client.lists.subscriptions.list(list_id, cursor=cursor)
        found += [item.recipient_id for item in page.items]
        if not page.paging.more:
            assert page.paging.cursor is None
            return found
        cursor = page.paging.cursor


def _subscribe(client: Courier, list_id: str, *users: str) -> None:
    client.lists.subscriptions.add(list_id, recipients=[{"recipient_id": user} for user in users])


def _send(client: Courier, pipeline: Pipeline, to: Any, **more: Any) -> str:
    sent = client.send.message(message={"to": to, "content": CONTENT, **more})
    pipeline.drain()
    return sent.request_id


def _reached(client: Courier, request_id: str) -> list[str]:
    return sorted(one.recipient for one in client.messages.list(trace_id=request_id).results)


def test_a_list_is_written_and_read(client: Courier) -> None:
    client.lists.update("orders.eu", name="Europe", preferences=OPTED_OUT)
    found = client.lists.retrieve("orders.eu")
    assert (found.id, found.name) == ("orders.eu", "Europe")
    client.lists.update("orders.eu", name="Old Europe")
    assert client.lists.retrieve("orders.eu").name == "Old Europe"
    assert [one.id for one in client.lists.list().items] == ["orders.eu"]


@pytest.mark.parametrize("list_id", ["a..b", ".a", "a.", "a b", "a.*", "a#", "a.b.c.d.e", "*"])
def test_an_id_that_is_none_is_refused(client: Courier, list_id: str) -> None:
    with pytest.raises(BadRequestError):
        client.lists.update(list_id, name="x")
    with pytest.raises(BadRequestError):
        _subscribe(client, list_id, "ada")


def test_a_deleted_list_is_gone_until_it_is_restored(client: Courier, pipeline: Pipeline) -> None:
    _subscribe(client, "news", "ada", "bob")
    client.lists.delete("news")
    with pytest.raises(NotFoundError):
        client.lists.retrieve("news")
    with pytest.raises(NotFoundError):
        client.lists.delete("news")
    assert client.lists.list().items == []
    assert _reached(client, _send(client, pipeline, {"list_id": "news"})) == []
    client.lists.restore("news")
    assert _subscribers(client, "news") == ["ada", "bob"]
    assert _reached(client, _send(client, pipeline, {"list_id": "news"})) == ["ada", "bob"]
    with pytest.raises(NotFoundError):
        client.lists.restore("never")


def test_subscriptions_are_added_replaced_and_ended(client: Courier) -> None:
    client.lists.subscriptions.add("news", recipients=[{"recipient_id": "ada", "preferences": OPTED_OUT}])
    assert client.lists.retrieve("news").name == "news"
    _subscribe(client, "news", "ada", "b/ob")
    (ada, bob) = client.lists.subscriptions.list("news").items
    assert ada.preferences is not None
    assert ada.preferences.notifications is not None
    assert ada.preferences.notifications["welcome"].status == "OPTED_OUT"
    assert (bob.recipient_id, bob.preferences) == ("b/ob", None)
    client.lists.subscriptions.subscribe(
        "news", recipients=[{"recipient_id": "b/ob"}, {"recipient_id": "eve"}]
    )
    assert _subscribers(client, "news") == ["b/ob", "eve"]
    client.lists.subscriptions.subscribe_user("b/ob", list_id="news", preferences=OPTED_OUT)
    assert client.lists.subscriptions.list("news").items[0].preferences is not None
    client.lists.subscriptions.unsubscribe_user("b/ob", list_id="news")
    with pytest.raises(NotFoundError):
        client.lists.subscriptions.unsubscribe_user("b/ob", list_id="news")
    with pytest.raises(NotFoundError):
        client.lists.subscriptions.list("never")


def test_pages_go_on_to_the_end_whatever_is_added_meanwhile(client: Courier) -> None:
    users = [f"user-{number:03}" for number in range(250)]
    _subscribe(client, "news", *users)
    first = client.lists.subscriptions.list("news")
    assert (len(first.items), first.paging.more) == (100, True)
    _subscribe(client, "news", "aaa")
    second = client.lists.subscriptions.list("news", cursor=first.paging.cursor)
    assert second.items[0].recipient_id == "user-100"
    assert _subscribers(client, "news") == ["aaa", *users]
    with pytest.raises(BadRequestError):
        client.lists.list(cursor=first.paging.cursor)
    with pytest.raises(BadRequestError):
        client.lists.subscriptions.list("news", cursor="nonsense")


def test_a_users_lists(client: Courier) -> None:
    client.profiles.lists.subscribe(
        "a/da", lists=[{"list_id": "x.b"}, {"list_id": "x.a", "preferences": OPTED_OUT}]
    )
    found = client.profiles.lists.retrieve("a/da")
    assert [(one.id, one.name, one.preferences is None) for one in found.results] == [
        ("x.a", "x.a", False),
        ("x.b", "x.b", True),
    ]
    client.lists.delete("x.b")
    assert [one.id for one in client.profiles.lists.retrieve("a/da").results] == ["x.a"]
    assert client.profiles.lists.delete("a/da").status == "SUCCESS"
    assert client.profiles.lists.retrieve("a/da").results == []


PATTERNS = {
    "a.*": ["a.b", "a.c"],
    "a.**": ["a.b", "a.b.c", "a.c"],
    "*": ["a"],
    "*.b": ["a.b"],
    "a.*.c": ["a.b.c"],
    "a.b": ["a.b"],
}


@pytest.mark.parametrize(("pattern", "matching"), PATTERNS.items(), ids=PATTERNS)
def test_a_pattern_finds_lists_and_their_users_once(
    client: Courier, pipeline: Pipeline, pattern: str, matching: list[str]
) -> None:
    for list_id in ("a", "a.b", "a.c", "a.b.c", "ab.c"):
        _subscribe(client, list_id, f"only {list_id}", "everywhere")
    assert [one.id for one in client.lists.list(pattern=pattern).items] == matching
    reached = _reached(client, _send(client, pipeline, {"list_pattern": pattern}))
    assert reached == sorted([*(f"only {list_id}" for list_id in matching), "everywhere"])


@pytest.mark.parametrize("pattern", ["**", "**.a", "*.**", "a.***", "poke**", "po*", "a.**.b"])
def test_a_pattern_that_is_none_is_refused(client: Courier, pattern: str) -> None:
    with pytest.raises(BadRequestError, match="pattern"):
        client.lists.list(pattern=pattern)
    with pytest.raises(BadRequestError, match=r"message\.to\.list_pattern"):
        client.send.message(message={"to": {"list_pattern": pattern}, "content": CONTENT})


def test_a_list_send_says_what_is_each_ones_own(client: Courier, pipeline: Pipeline) -> None:
    for name in ("ada", "bob"):
        client.profiles.create(name, profile={"email": f"{name}@example.com", "name": name.title()})
    _subscribe(client, "news", "ada", "bob", "nobody")
    to = {"list_id": "news", "data": {"word": "own"}}
    routing = {"method": "single", "channels": ["email"]}
    request_id = _send(client, pipeline, to, data={"word": "shared"}, routing=routing)
    found = {one.recipient: one for one in client.messages.list(trace_id=request_id).results}
    assert {name: one.status for name, one in found.items()} == {
        "ada": "SENT",
        "bob": "SENT",
        "nobody": "UNROUTABLE",
    }
    output: Any = client.messages.content(found["ada"].id)
    assert "Hi Ada" in str(output)
    assert "own" in str(output)
    with pytest.raises(NotFoundError):
        client.messages.retrieve(request_id)
    assert {one.recipient for one in client.messages.list(list="news").results} == set(found)
    assert [one.id for one in client.messages.list(recipient="ada").results] == [found["ada"].id]


def test_an_array_of_groups_reaches_everybody_once(client: Courier, pipeline: Pipeline, sandbox: Api) -> None:
    _subscribe(client, "x", "ada", "bob")
    _subscribe(client, "y", "bob", "eve")
    to = [
        {"list_id": "x"},
        {"user_id": "eve", "data": {"word": "eve"}},
        {"list_id": "y"},
        {"email": "z@example.com"},
    ]
    request_id = _send(client, pipeline, to)
    ada, anonymous, *reached = _reached(client, request_id)
    assert (ada, anonymous[:5], reached) == ("ada", "anon_", ["bob", "eve"])
    progress = sandbox.get(f"/requests/{request_id}").json()
    assert (progress["state"], progress["messages"]) == ("EXPANDED", 4)


def test_a_filter_keeps_the_members_of_a_tenant(client: Courier, pipeline: Pipeline) -> None:
    client.tenants.update("acme", name="Acme")
    client.users.tenants.add_single("acme", user_id="bob")
    _subscribe(client, "news", "ada", "bob")
    filters = [{"operator": "MEMBER_OF", "path": "account_id", "value": "acme"}]
    assert _reached(client, _send(client, pipeline, {"list_id": "news", "filters": filters})) == ["bob"]


def test_a_dry_run_counts_a_list(client: Courier, sandbox: Api) -> None:
    _subscribe(client, "news", *(f"user-{number}" for number in range(12)))
    message = {"to": {"list_pattern": "*"}, "content": CONTENT}
    found = sandbox.post("/send?dry_run=true", {"message": message}).json()
    assert (found["recipients"]["count"], len(found["messages"])) == (12, 5)
    assert sandbox.messages() == []
