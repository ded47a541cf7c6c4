"""Every rule of routing by name: delivery.md section 2, send.md "Routing and per-channel settings".

``test_plan.py`` and ``test_advance.py`` go into the corners; here each rule is one line to be found.
"""

from datetime import UTC, datetime
from typing import Any

import pytest

from notify.expression import Limits, evaluate, scope
from notify.model.call import Blame
from notify.model.names import Channel, Guarantee
from notify.model.plan import Attempted, DeliveryState, Leaf, Plan, ProviderOption, SkipCode
from notify.model.status import Reason, Status
from notify.model.wire import Routing, SendMessage
from notify.routing.advance import advance
from notify.routing.leaves import leaves_of
from notify.routing.plan import Subject, Timeouts, Unrouted, plan
from notify.routing.reasons import Role, standings

LIMITS = Limits(timeout_ms=500, steps=1000, output_bytes=10_000)
NOW = datetime(2030, 1, 1, tzinfo=UTC)
EMAIL, SMS, CHAT, PUSH, INBOX = (
    Channel.EMAIL, Channel.SMS, Channel.DIRECT_MESSAGE, Channel.PUSH, Channel.INBOX,
)  # fmt: skip
PROFILE = {"email": "ada@example.com", "name": "Ada", "devices": [1, 2]}
DATA = {"name": "Ada", "n": 3, "tags": ["a", "b"]}


def option(provider: str, channel: Channel, lacks: str | None = None) -> ProviderOption:
    return ProviderOption(
        id=provider, provider=provider, alias=None, channels=(channel,), missing={channel: lacks}
    )


ALL = (
    option("sendgrid", EMAIL), option("smtp", EMAIL), option("twilio", SMS), option("slack", CHAT),
    option("expo", PUSH, lacks="expo.token"),
)  # fmt: skip


def planned(template_routing: Any = None, default_routing: Any = None, **message: Any) -> Plan | Unrouted:
    content = {} if "template" in message else {"content": {"title": "t", "body": "b"}}
    names = scope({"data": DATA, "profile": PROFILE}, DATA)
    return plan(
        Subject(
            message=SendMessage.model_validate({"to": {"user_id": "u"}, **content, **message}),
            profile=PROFILE,
            template_routing=Routing.model_validate(template_routing) if template_routing else None,
            default_routing=Routing.model_validate(default_routing) if default_routing else None,
        ),
        options=ALL,
        serves=lambda channel, provider: True,
        evaluate=lambda text: evaluate(text, names, LIMITS),
        limits=Timeouts(),
        now=NOW,
    )


def single(*channels: Any) -> dict[str, Any]:
    return {"method": "single", "channels": list(channels)}


def all_(*channels: Any) -> dict[str, Any]:
    return {"method": "all", "channels": list(channels)}


def made(**fields: Any) -> Plan:
    verdict = planned(**fields)
    assert isinstance(verdict, Plan), verdict
    return verdict


def ways(**fields: Any) -> list[str]:
    """The leaves, such as ``email: sendgrid smtp``."""
    return [_way(leaf) for leaf in leaves_of(made(**fields).root)]


def _way(leaf: Leaf) -> str:
    return f"{leaf.channel}: {' '.join(candidate.provider for candidate in leaf.candidates)}"


BOTH_EMAIL = "email: sendgrid smtp"


# --- which tree ----------------------------------------------------------------------------------


def test_the_messages_routing_replaces_the_templates_and_does_not_merge() -> None:
    assert ways(template="t", template_routing=single("email", "sms"), routing=single("slack")) == [
        "direct_message: slack"
    ]


def test_without_it_the_templates_applies() -> None:
    assert ways(template="t", template_routing=single("sms")) == ["sms: twilio"]


def test_the_workspace_default_is_for_inline_content_only() -> None:
    assert ways(default_routing=single("sms")) == ["sms: twilio"]
    verdict = planned(template="t", default_routing=single("sms"))
    assert isinstance(verdict, Unrouted)
    assert verdict.status is Status.UNROUTABLE


def test_always_channels_and_a_best_of_group() -> None:
    """`all` of [a, b, `single` of (...)]."""
    tree = made(routing=all_("email", single("push", "slack", "sms")))
    assert [start.leaf.channel for start in advance(tree, (), NOW).start] == [EMAIL, CHAT]


def test_trees_of_any_depth() -> None:
    routing: Any = "email"
    for _ in range(7):
        routing = single(routing)
    assert ways(routing=routing) == [BOTH_EMAIL]


# --- single and all ------------------------------------------------------------------------------


def attempt(leaf: str, state: DeliveryState, blame: Blame | None = None) -> Attempted:
    return Attempted(leaf=leaf, candidate=0, state=state, started_at=NOW, blame=blame)


def test_single_stops_at_the_first_that_succeeds() -> None:
    tree = made(routing=single("email", "sms"))
    assert [start.leaf.key for start in advance(tree, (), NOW).start] == ["0"]
    decision = advance(tree, [attempt("0", DeliveryState.SENT)], NOW)
    assert (decision.start, decision.final and decision.final.status) == ((), Status.SENT)


def test_all_starts_every_entry_and_one_failure_leaves_the_others() -> None:
    tree = made(routing=all_("email", "sms"))
    assert [start.leaf.key for start in advance(tree, (), NOW).start] == ["0", "1"]
    ended = [attempt("0", DeliveryState.FAILED, Blame.RECIPIENT), attempt("1", DeliveryState.SENT)]
    final = advance(tree, ended, NOW).final
    assert final
    assert final.status is Status.SENT


# --- entries that are dropped --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("entry", "code"),
    [
        ({"channel": "email", "if": "false"}, SkipCode.FILTERED),
        ("inbox", SkipCode.NO_PROVIDERS),
        ("mailgun", SkipCode.MISSING_CONFIGURATION),
        ("push", SkipCode.INCOMPLETE_PROFILE_DATA),
    ],
)
@pytest.mark.parametrize("method", [single, all_])
def test_an_entry_that_cannot_succeed_is_dropped_before_any_attempt(
    entry: Any, code: SkipCode, method: Any
) -> None:
    tree = made(routing=method(entry, "sms"))
    assert [_way(leaf) for leaf in leaves_of(tree.root)] == ["sms: twilio"]
    assert [skip.code for skip in tree.skipped] == [code]


# --- providers -----------------------------------------------------------------------------------


def test_an_entry_naming_a_provider_restricts_its_channel_to_it() -> None:
    assert ways(routing=single("smtp"), channels={"email": {"providers": ["sendgrid"]}}) == ["email: smtp"]


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        ({"routing": single("email")}, BOTH_EMAIL),
        ({"routing": single({"channel": "email", "providers": ["smtp"]})}, "email: smtp"),
        (
            {
                "routing": single({"channel": "email", "providers": ["smtp"]}),
                "channels": {"email": {"providers": ["smtp", "sendgrid"]}},
            },
            "email: smtp sendgrid",
        ),
        (
            {"routing": single("email"), "channels": {"email": {"providers": ["nobody", "smtp"]}}},
            "email: smtp",
        ),
    ],
)
def test_the_provider_list_of_a_channel(message: dict[str, Any], expected: str) -> None:
    """The message's, else the strategy's, else all configured in priority order; unknown keys are skipped."""
    assert ways(**message) == [expected]


def test_routing_method_all_uses_every_provider() -> None:
    tree = made(routing=single("email"), channels={"email": {"routing_method": "all"}})
    assert [start.leaf.candidates[0].provider for start in advance(tree, (), NOW).start] == [
        "sendgrid",
        "smtp",
    ]


# --- conditions ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("condition", "holds"),
    [
        ("data.name === profile.name", True),
        ("data.name !== profile.name", False),
        ("data.n > 2 && data.n <= 3", True),
        ("data.n < 2 || !data.nothing", True),
        ("data.missing.deeper === undefined", True),
        ("data.tags.length === 2", True),
        ("data.tags.includes('a')", True),
        ("data.name.startsWith('A') ? true : false", True),
        ("data.n * 2 - 1 === 5 && data.n % 2 === 1", True),
        ("profile.devices.length > 2", False),
    ],
)
def test_the_subset_of_javascript(condition: str, holds: bool) -> None:
    verdict = planned(routing=single({"channel": "email", "if": condition}))
    assert isinstance(verdict, Plan) is holds


@pytest.mark.parametrize("where", ["entry", "listed", "channels", "providers"])
def test_if_on_channels_and_providers(where: str) -> None:
    at: dict[str, dict[str, Any]] = {
        "entry": {"routing": single({"channel": "email", "if": "false"}, "sms")},
        "listed": {"channels": {"email": {"providers": [{"provider": "smtp", "if": "false"}]}}},
        "channels": {"channels": {"email": {"if": "false"}}},
        "providers": {"providers": {"sendgrid": {"if": "false"}, "smtp": {"if": "false"}}},
    }
    assert ways(**{"routing": single("email", "sms"), **at[where]}) == ["sms: twilio"]


def test_conditions_that_leave_nothing_end_as_filtered() -> None:
    verdict = planned(routing=all_({"channel": "email", "if": "data.n > 5"}))
    assert isinstance(verdict, Unrouted)
    assert (verdict.status, verdict.reason) == (Status.FILTERED, Reason.FILTERED)


@pytest.mark.parametrize("condition", ["data.", "a = 1", "while(true){}", "().constructor", "x" * 9999])
def test_a_condition_that_cannot_be_read_drops_its_entry_and_is_noted(condition: str) -> None:
    tree = made(routing=single({"channel": "email", "if": condition}, "sms"))
    (skip,) = tree.skipped
    assert (skip.code, skip.entry) == (SkipCode.FILTERED, "email")


# --- the message over the strategy, field by field -----------------------------------------------


def test_the_messages_settings_win_field_by_field() -> None:
    tree = made(
        routing=single({"channel": "email", "providers": ["smtp"], "timeouts": {"channel": 7000}}),
        channels={"email": {"timeouts": {"provider": 500}}},
    )
    (leaf,) = leaves_of(tree.root)
    assert (_way(leaf), leaf.timeout_ms, leaf.candidates[0].timeout_ms) == ("email: smtp", 7000, 500)


# --- guarantee -----------------------------------------------------------------------------------


def test_the_guarantee_of_each_channel() -> None:
    tree = made(
        routing=all_("email", "twilio", "slack"),
        guarantee="at_most_once",
        channels={"email": {"guarantee": "at_least_once"}, "twilio": {"guarantee": "at_most_once"}},
    )
    assert [leaf.guarantee for leaf in leaves_of(tree.root)] == [
        Guarantee.AT_LEAST_ONCE, Guarantee.AT_MOST_ONCE, Guarantee.AT_MOST_ONCE,
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("state", "blame", "status"),
    [
        (DeliveryState.FAILED, Blame.UNKNOWN, Status.UNDELIVERABLE),
        (DeliveryState.SIMULATED, None, Status.SIMULATED),
    ],
)
@pytest.mark.parametrize(
    "routing", [single("email", "sms"), single(single("email"), "sms"), single(all_("email"), single("sms"))]
)
def test_nothing_follows_what_may_have_been_sent_nor_what_was_simulated(
    routing: Any, state: DeliveryState, blame: Blame | None, status: Status
) -> None:
    tree = made(routing=routing)
    first = next(leaves_of(tree.root))
    decision = advance(tree, [attempt(first.key, state, blame)], NOW)
    assert decision.start == ()
    assert decision.final
    assert decision.final.status is status


# --- why -----------------------------------------------------------------------------------------


def test_every_provider_of_a_plan_has_its_reason() -> None:
    tree = made(routing=all_("email", single("slack", "sms")))
    before = standings(tree, (), NOW, over=False)
    roles = {
        (leaf.channel, c.provider): before[leaf.key, i].role
        for leaf in leaves_of(tree.root)
        for i, c in enumerate(leaf.candidates)
    }
    assert roles == {
        (EMAIL, "sendgrid"): Role.STARTS,
        (EMAIL, "smtp"): Role.STANDBY,
        (CHAT, "slack"): Role.STARTS,
        (SMS, "twilio"): Role.STANDBY,
    }
    tried = [attempt("0", DeliveryState.SENT), attempt("1.0", DeliveryState.FAILED, Blame.RECIPIENT)]
    during = standings(tree, tried, NOW, over=False)
    assert [during[key].role for key in (("0", 0), ("1.0", 0), ("1.1", 0))] == [
        Role.SENT,
        Role.FAILED,
        Role.STARTS,
    ]
    after = standings(tree, tried, NOW, over=True)
    assert after["0", 1].role is Role.UNUSED
    assert all(standing.why for found in (before, during, after) for standing in found.values())
