"""API keys over HTTP: what a key may hand on, and what ends it."""

from datetime import timedelta
from typing import Any

import pytest

from notify import clock
from notify.clock import to_ms
from notify.manage import keys
from notify.model.names import Mode, World
from notify.model.scopes import EVERYTHING, KeyScope
from notify.store import cache
from tests.integration.harness import Api, Database, Time

READER = {"name": "shop", "scopes": ["read"]}
FORBIDDEN = (403, "authorization_error")


@pytest.fixture(autouse=True)
def _uncached(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cache, "MAX_AGE_S", 0)


@pytest.fixture
def keeper(base_url: str, sandbox: Api) -> Api:
    """A key that manages keys and may read."""
    return Api(base_url, keys.create(World.TEST, "keeper", scopes={KeyScope.KEYS, KeyScope.READ}))


def _made(api: Api, **fields: Any) -> dict[str, Any]:
    answer = api.post("/api-keys", {**READER, **fields})
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = answer.json()
    return found


def _error(answer: Any) -> tuple[int, str]:
    return answer.status_code, answer.json()["type"]


def _in(**span: float) -> int:
    return to_ms(clock.now() + timedelta(**span)) or 0


def test_a_key_is_made_shown_once_and_works(keeper: Api, database: Database) -> None:
    made = _made(keeper, expires=_in(days=90))
    clear = made.pop("key")
    assert clear.startswith(made["hint"])
    assert (made["world"], made["kind"], made["scopes"], made["status"]) == (
        "test",
        "published",
        ["read"],
        "active",
    )
    assert keeper.get(f"/api-keys/{made['id']}").json() == made
    new = Api(keeper.base_url, clear)
    assert new.get("/messages").status_code == 200
    assert _error(new.post("/send", {})) == FORBIDDEN
    assert keeper.get(f"/api-keys/{made['id']}").json()["lastUsed"]
    kept = str(database("SELECT * FROM api_key")) + str(database("SELECT * FROM audit_event"))
    assert clear not in kept


def test_a_key_hands_on_no_more_than_it_has(keeper: Api, sandbox: Api) -> None:
    for scopes in (["send"], ["read", "admin"], ["read", "manage", "keys"]):
        assert _error(keeper.post("/api-keys", {**READER, "scopes": scopes})) == FORBIDDEN
    stronger = _made(sandbox, scopes=["read", "send"])["id"]
    for answer in (
        keeper.post(f"/api-keys/{stronger}/rotate"),
        keeper.put(f"/api-keys/{stronger}/expiry", {"expires": _in(hours=1)}),
        keeper.delete(f"/api-keys/{stronger}"),
    ):
        assert _error(answer) == FORBIDDEN
    assert keeper.get(f"/api-keys/{stronger}").json()["status"] == "active"
    assert set(_made(sandbox, scopes=sorted(EVERYTHING))["scopes"]) == EVERYTHING


def test_a_mock_key_makes_none_that_reaches_a_provider(base_url: str, sandbox: Api) -> None:
    mock = Api(base_url, keys.create(World.TEST, "mock", Mode.MOCK))
    assert _error(mock.post("/api-keys", READER)) == FORBIDDEN
    assert _error(mock.post("/api-keys", {**READER, "kind": "draft"})) == FORBIDDEN
    assert _made(mock, kind="mock")["key"].startswith("mk_test_")
    assert _made(sandbox, kind="draft")["key"].startswith("dk_test_")


def test_lesser_keys_and_client_tokens_are_refused(base_url: str, sandbox: Api) -> None:
    lesser = Api(base_url, keys.create(World.TEST, "lesser", scopes=EVERYTHING - {KeyScope.KEYS}))
    scope = {"scope": "user_id:ada read:messages", "expires_in": "1h"}
    token = Api(base_url, sandbox.post("/auth/issue-token", scope).json()["token"])
    for caller in (lesser, token):
        assert _error(caller.get("/api-keys")) == FORBIDDEN
        assert _error(caller.post("/api-keys", READER)) == FORBIDDEN
    assert _error(Api(base_url, "pk_test_wrong").get("/api-keys")) == (401, "authentication_error")


def test_the_other_worlds_keys_are_not_there(keeper: Api) -> None:
    keys.create(World.PRODUCTION, "production", scopes={KeyScope.READ})
    (other,) = (key.id for key in keys.find(World.PRODUCTION))
    assert {one["world"] for one in keeper.get("/api-keys").json()["results"]} == {"test"}
    for answer in (
        keeper.get(f"/api-keys/{other}"),
        keeper.post(f"/api-keys/{other}/rotate"),
        keeper.put(f"/api-keys/{other}/expiry", {"expires": _in(hours=1)}),
        keeper.delete(f"/api-keys/{other}"),
        keeper.delete("/api-keys/none"),
    ):
        assert _error(answer) == (404, "not_found")


def test_a_rotated_key_works_beside_the_new_one_until_the_overlap_is_over(keeper: Api, time: Time) -> None:
    old = _made(keeper)
    new = keeper.post(f"/api-keys/{old['id']}/rotate", {"overlap_s": 60}).json()
    assert (new["name"], new["scopes"], new["oldExpires"] - _in() <= 60_000) == ("shop", ["read"], True)
    before, after = (Api(keeper.base_url, one["key"]) for one in (old, new))
    assert {before.get("/messages").status_code, after.get("/messages").status_code} == {200}
    time.passes(seconds=61)
    assert (before.get("/messages").status_code, after.get("/messages").status_code) == (401, 200)
    assert keeper.get(f"/api-keys/{old['id']}").json()["status"] == "expired"


def test_a_key_replaces_itself(keeper: Api) -> None:
    (own,) = (key.id for key in keys.find() if key.name == "keeper")
    new = Api(keeper.base_url, keeper.post(f"/api-keys/{own}/rotate", {"overlap_s": 0}).json()["key"])
    assert keeper.get("/api-keys").status_code == 401
    assert new.get("/api-keys").status_code == 200


def test_an_expiry_comes_nearer_never_later(keeper: Api, time: Time) -> None:
    made = _made(keeper, expires=_in(hours=2))
    path = f"/api-keys/{made['id']}/expiry"
    for wrong in (_in(hours=3), _in(hours=-1)):
        assert _error(keeper.put(path, {"expires": wrong})) == (400, "invalid_request_error")
    nearer = _in(hours=1)
    assert keeper.put(path, {"expires": nearer}).json()["expires"] == nearer
    time.passes(seconds=3601)
    assert Api(keeper.base_url, made["key"]).get("/messages").status_code == 401


def test_a_revoked_key_is_refused_and_stays_in_the_list(keeper: Api) -> None:
    made = _made(keeper)
    assert keeper.delete(f"/api-keys/{made['id']}").status_code == 204
    assert Api(keeper.base_url, made["key"]).get("/messages").status_code == 401
    assert keeper.delete(f"/api-keys/{made['id']}").status_code == 404
    assert keeper.get(f"/api-keys/{made['id']}").json()["status"] == "revoked"


def test_pages_go_on_to_the_end(keeper: Api, database: Database) -> None:
    ids = [_made(keeper)["id"]]
    rows = "SELECT gen_random_uuid(), world, name, sha256(n::text::bytea), hint, scopes FROM api_key"
    database(
        f"INSERT INTO api_key (id, world, name, digest, hint, scopes) {rows}, generate_series(1, 99) n "
        f"WHERE id = '{ids[0]}'"
    )
    first = keeper.get("/api-keys").json()
    second = keeper.get("/api-keys", params={"cursor": first["paging"]["cursor"]}).json()
    assert (len(first["results"]), first["paging"]["more"], second["paging"]) == (100, True, {"more": False})
    found = {one["id"] for one in first["results"] + second["results"]}
    assert found == {str(key.id) for key in keys.find(World.TEST)}
    assert keeper.get("/api-keys", params={"cursor": "nonsense"}).status_code == 400


@pytest.mark.parametrize(
    "wrong",
    [
        {"name": ""},
        {"name": "a\0b"},
        {"scopes": []},
        {"scopes": ["everything"]},
        {"expires": 0},
        {"expires": "x"},
        {"kind": "y"},
    ],
)
def test_what_is_no_key_is_refused(keeper: Api, wrong: dict[str, Any]) -> None:
    assert _error(keeper.post("/api-keys", {**READER, **wrong})) == (400, "invalid_request_error")


def test_every_change_is_in_the_audit_log(keeper: Api, sandbox: Api) -> None:
    id_ = _made(keeper)["id"]
    keeper.put(f"/api-keys/{id_}/expiry", {"expires": _in(hours=48)})
    keeper.post(f"/api-keys/{id_}/rotate")
    keeper.delete(f"/api-keys/{id_}")
    events = sandbox.get("/audit-events").json()["results"]
    of_this = [one["type"] for one in events if one["target"] == f"key/{id_}"]
    assert of_this == ["key.revoked", "key.rotated", "key.expiring", "key.created"]
    assert {one["actor"]["name"] for one in events if one["target"] == f"key/{id_}"} == {"keeper"}
