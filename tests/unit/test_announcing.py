"""Outbound webhooks without a database: signatures, the next try, what was known when."""

import hmac
import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from standardwebhooks import Webhook

from notify import ids, settings
from notify.model.call import Accepted, Blame, HttpAnswer, NoAnswer, Outcome, Permanent, Transient
from notify.model.hook import Attempt, HookDelivery, HookEvent, HookState
from notify.model.names import Channel, Lane, World
from notify.model.plan import DeliveryState
from notify.model.status import ALLOWED_FROM, WAITING, Status
from notify.model.work import Claim, Place, Stage
from notify.pipeline import hook_calls, shown
from notify.pipeline.hook_outcomes import HookJob, HookResult, settle
from notify.store.deliveries import Delivery
from notify.store.webhooks import Destination, Secret

ROOT = Path(__file__).parents[2]
NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
OURS = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
S = timedelta(seconds=1)


@pytest.fixture(autouse=True)
def _settings(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("DATABASE_URL", "postgresql://nobody@127.0.0.1:1/none")
    monkeypatch.setenv("BROKER_URL", "redis://127.0.0.1:1/0")
    monkeypatch.setenv("NOTIFY_ENCRYPTION_KEY", "c2VjcmV0" * 5 + "c2U=")
    settings.load.cache_clear()
    yield
    settings.load.cache_clear()


def test_statuses_move_and_messages_begin_in_one_place_only() -> None:
    callers = [
        path.name
        for path in (ROOT / "notify").rglob("*.py")
        if re.search(r"\bmessages\.(set_status|insert)\(", path.read_text())
    ]
    assert callers == ["announcing.py"]


# --- signatures ----------------------------------------------------------------------------------


@pytest.mark.parametrize("secret", [OURS, "one from another place, in plain words"])
@given(body=st.text())
def test_both_schemes_can_be_checked(secret: str, body: str) -> None:
    id_, now = ids.new(), datetime.now(UTC)
    headers = hook_calls.signatures(Secret(current=secret), id_, body, now)
    t, signature = re.findall(r"t=(\d+),signature=(\w+)", headers["courier-signature"])[0]
    assert signature == hmac.new(secret.encode(), f"{t}.{body}".encode(), "sha256").hexdigest()
    named = {**headers, "webhook-id": str(id_), "webhook-timestamp": str(int(now.timestamp()))}
    Webhook(hook_calls.key(secret)).verify(body.encode(), named, json_parse=False)


def test_the_standard_signature_is_that_of_the_published_example() -> None:
    at = datetime.fromtimestamp(1614265330, UTC)
    made = Webhook(hook_calls.key(OURS)).sign("msg_p5jXN8AQM9LWM0D4loKWxJek", at, '{"test": 2432232314}')
    assert made == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


@pytest.mark.parametrize(("after", "count"), [(0, 2), (9, 2), (10, 1), (11, 1)])
def test_a_replaced_secret_signs_until_its_time_is_up(after: int, count: int) -> None:
    secret = Secret(current=OURS, previous="x" * 16, previous_until=NOW + 10 * S)
    headers = hook_calls.signatures(secret, ids.new(), "{}", NOW + after * S)
    assert len(headers["webhook-signature"].split(" ")) == count


def test_nothing_that_is_printed_holds_a_secret() -> None:
    secret = Secret(current=OURS, previous="old-and-hidden-too")
    assert OURS not in repr(secret)
    assert "hidden" not in repr(secret)
    assert "token" not in repr(DESTINATION)


# --- answers -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        *[(status, Accepted) for status in (200, 202, 204, 299)],
        *[(status, Transient) for status in (408, 429, 500, 502, 503, 504, 599)],
        *[(status, Permanent) for status in (301, 302, 304, 307, 400, 401, 403, 404, 409, 410, 422, 451)],
    ],
)
def test_what_an_answer_means(status: int, kind: type[Outcome]) -> None:
    assert isinstance(hook_calls.outcome(HttpAnswer(status=status)), kind)


def test_what_silence_means() -> None:
    assert isinstance(hook_calls.outcome(NoAnswer(error="no answer in time")), Transient)
    assert isinstance(hook_calls.outcome(NoAnswer(error="private", forbidden=True)), Permanent)


DESTINATION = Destination(
    id=ids.new(),
    world=World.TEST,
    url="https://example.com/?token=1",
    title="",
    events=(),
    sealed=None,
    created_at=NOW,
    updated_at=None,
    paused_at=None,
    pause_reason=None,
    failing_since=None,
    failures=0,
)
TOLD = HookDelivery(
    id=ids.new(),
    destination_id=DESTINATION.id,
    world=World.TEST,
    type=HookEvent.TEST,
    at=NOW,
    started_at=NOW,
    body="{}",
)


def _result(outcome: Outcome, tries: int = 0) -> HookResult:
    place = Place(stage=Stage.HOOKS, lane=Lane.SINGLE)
    claim = Claim(id=TOLD.id, message_id=TOLD.id, world=World.TEST, place=place, attempt=1)
    job = HookJob(claim=claim, delivery=replace(TOLD, tries=tries), destination=DESTINATION)
    error = getattr(outcome, "reason", None)
    attempt = Attempt(delivery_id=TOLD.id, at=NOW, duration_ms=1, status=500, error=error)
    return HookResult(job=job, outcome=outcome, attempt=attempt)


@pytest.mark.parametrize(
    ("tries", "wait_s"), [*enumerate((5, 10, 20, 40, 60, 120, 240, 480, 720, 900)), (10, 900), (90, 900)]
)
def test_the_schedule_is_that_of_sends(tries: int, wait_s: int) -> None:
    after = settle(_result(Transient(reason="busy"), tries), NOW, chance=0)
    assert (after.state, after.next_try_at) == (HookState.PENDING, NOW + wait_s * S)


def test_the_wait_is_spread_and_never_shorter_than_asked_for() -> None:
    transient = Transient(reason="busy", retry_after_s=100)
    first, last = (settle(_result(transient), NOW, chance).next_try_at for chance in (0, 0.999))
    assert first
    assert last
    assert (first, first < last <= NOW + 110 * S) == (NOW + 100 * S, True)


@pytest.mark.parametrize(("hours", "state"), [(23, HookState.PENDING), (24, HookState.FAILED)])
def test_after_a_day_it_has_failed(hours: int, state: HookState) -> None:
    after = settle(_result(Transient(reason="busy"), tries=50), NOW + hours * 3600 * S, chance=0)
    assert (after.state, after.error) == (state, "busy")
    assert (after.next_try_at is None) == (after.ended_at is not None)


def test_success_and_refusal_are_final() -> None:
    assert settle(_result(Accepted()), NOW, 0).state is HookState.DELIVERED
    refused = settle(_result(Permanent(reason="HTTP 404", blame=Blame.RECIPIENT)), NOW, 0)
    assert (refused.state, refused.tries, refused.ended_at) == (HookState.FAILED, 1, NOW)


# --- as it was -----------------------------------------------------------------------------------


@dataclass
class Row:
    """A message's row as the store gives it: clicked, at last."""

    id: UUID = field(default_factory=ids.new)
    request_id: UUID = field(default_factory=ids.new)
    recipient: str = "ada"
    user_id: str | None = "ada"
    status: str = "CLICKED"
    reason: str | None = None
    error: str | None = None
    event: str | None = None
    notification: str | None = None
    tags: tuple[str, ...] = ()
    trace_id: str | None = None
    enqueued_at: datetime = NOW
    sent_at: datetime | None = NOW + 1 * S
    delivered_at: datetime | None = NOW + 2 * S
    opened_at: datetime | None = NOW + 3 * S
    clicked_at: datetime | None = NOW + 4 * S
    canceled_at: datetime | None = None
    metadata: dict[str, Any] | None = None


TRIED = Delivery(
    message_id=ids.new(),
    id=ids.new(),
    leaf="0",
    candidate=0,
    channel=Channel.EMAIL,
    provider="sandbox",
    provider_id=ids.new(),
    started_at=NOW,
    state=DeliveryState.SENT,
    tries=1,
    sent_at=NOW + 1 * S,
    delivered_at=NOW + 2 * S,
    opened_at=NOW + 3 * S,
    clicked_at=NOW + 4 * S,
)
STEPS = (Status.SENT, Status.DELIVERED, Status.OPENED, Status.CLICKED)
TIMES = ("sent", "delivered", "opened", "clicked")


@pytest.mark.parametrize("step", range(4))
def test_only_what_was_reached_is_known(step: int) -> None:
    told = shown.as_of(Row(), [TRIED], STEPS[step], NOW + (step + 1) * S)
    assert [name for name in TIMES if name in told] == list(TIMES[: step + 1])
    (attempt,) = told["providers"]
    assert [name for name in TIMES if name in attempt] == list(TIMES[: step + 1])
    assert (told["status"], attempt["status"]) == (STEPS[step], STEPS[step])


@pytest.mark.parametrize("status", sorted(WAITING))
def test_before_anything_was_tried_there_are_no_providers(status: Status) -> None:
    told = shown.as_of(Row(), [TRIED], status, NOW)
    assert (told["providers"], [name for name in TIMES if name in told]) == ([], [])


def test_reports_within_one_millisecond_of_the_sending_are_not_known_to_it() -> None:
    at = NOW + 1 * S
    row = Row(delivered_at=at, opened_at=at, clicked_at=at)
    told = shown.as_of(row, [replace(TRIED, delivered_at=at, opened_at=at, clicked_at=at)], Status.SENT, at)
    assert [name for name in TIMES if name in told] == ["sent"]
    assert told["providers"][0]["status"] == "SENT"


def test_the_reason_of_a_later_end_is_not_told_before() -> None:
    row = Row(status="UNDELIVERABLE", reason="BOUNCED", error="550", delivered_at=None)
    sent = shown.as_of(row, [], Status.SENT, NOW + 1 * S)
    end = shown.as_of(row, [], Status.UNDELIVERABLE, NOW + 9 * S)
    assert ("reason" in sent, "error" in sent) == (False, False)
    assert (end["reason"], end["error"], "sent" in end) == ("BOUNCED", "550", True)


def test_a_provider_that_was_sent_to_later_was_still_being_tried() -> None:
    later = replace(TRIED, started_at=NOW, sent_at=NOW + 60 * S, reference={"id": "1"})
    began_later = replace(later, started_at=NOW + 50 * S)
    told = shown.as_of(Row(), [TRIED, later, began_later], Status.SENT, NOW + 1 * S)
    assert [one.get("status") for one in told["providers"]] == ["SENT", None]
    assert "reference" not in told["providers"][1]


def test_the_recipient_id_is_the_users_if_there_is_one() -> None:
    anonymous = shown.as_of(Row(user_id=None, recipient="anon_1"), [], Status.ENQUEUED, NOW)
    assert anonymous["recipientId"] == "anon_1"


@given(st.sampled_from(sorted(ALLOWED_FROM)), st.integers(-5, 10))
def test_nothing_later_than_the_event_is_ever_told(status: Status, second: int) -> None:
    at = NOW + second * S
    told = shown.as_of(Row(), [TRIED], status, at)
    limit = int(at.timestamp() * 1000)
    for shape in (told, *told["providers"]):
        assert all(shape[name] <= limit for name in TIMES if name in shape)
