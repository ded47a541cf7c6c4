"""Who wants what: one row per rule of the decision, and what holds whatever anybody says."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notify.model.names import Channel
from notify.model.preference import CLASSES, Choice, Consent, Said, Section, Topic, channels
from notify.preferences import sent
from notify.preferences.brand import Brand, contrast
from notify.preferences.change import Wish, problem
from notify.preferences.decide import decide, may_leave, merged, refusal, wants

NOW = datetime(2030, 6, 1, 12, tzinfo=UTC)
IN, OUT, REQUIRED = Consent.OPTED_IN, Consent.OPTED_OUT, Consent.REQUIRED


def topic(
    default: Consent = IN, *, options: Sequence[str] = (), custom: bool = False, header: bool = False
) -> Topic:
    section = Section(id="ps_1", name="Orders", custom_routing=custom, created_at=NOW)
    return Topic(
        id="pt_1",
        section=section,
        name="Shipping",
        default=default,
        routing_options=tuple(options),
        unsubscribe_header=header,
        created_at=NOW,
    )


def says(status: Consent | None = None, *routing: str, custom: bool | None = None) -> Choice:
    return Choice(
        status=status, custom=True if routing and custom is None else custom, routing=channels(routing)
    )


def reason(wanted: Any) -> str | None:
    end = refusal(wanted)
    return end.reason if end else None


@pytest.mark.parametrize(
    ("default", "said", "expected"),
    [
        pytest.param(IN, Said(), None, id="opted in by default"),
        pytest.param(OUT, Said(), "OPT_IN_REQUIRED", id="opted out by default"),
        pytest.param(REQUIRED, Said(), None, id="required"),
        pytest.param(IN, Said(user=[says(OUT)]), "UNSUBSCRIBED", id="the user left"),
        pytest.param(OUT, Said(user=[says(OUT)]), "UNSUBSCRIBED", id="the user left what was out anyway"),
        pytest.param(OUT, Said(user=[says(IN)]), None, id="the user opted in"),
        pytest.param(REQUIRED, Said(user=[says(OUT)]), None, id="nobody leaves what is required"),
        pytest.param(REQUIRED, Said(sent=[says(OUT)]), None, id="nor does the sender for them"),
        pytest.param(IN, Said(tenants=[says(OUT)]), "OPT_IN_REQUIRED", id="a tenant's default"),
        pytest.param(OUT, Said(tenants=[says(IN)]), None, id="a tenant over the topic"),
        pytest.param(IN, Said(tenants=[says(OUT), says(IN)]), None, id="the tenant over its ancestor"),
        pytest.param(REQUIRED, Said(tenants=[says(OUT)]), "OPT_IN_REQUIRED", id="a tenant takes it back"),
        pytest.param(OUT, Said(tenants=[says(REQUIRED)], user=[says(OUT)]), None, id="a tenant requires it"),
        pytest.param(IN, Said(tenants=[says(OUT)], user=[says(IN)]), None, id="the user over the tenant"),
        pytest.param(IN, Said(user=[says(OUT), says(IN)]), None, id="in the tenant over everywhere"),
        pytest.param(IN, Said(user=[says(IN), says(OUT)]), "UNSUBSCRIBED", id="left in the tenant"),
        pytest.param(IN, Said(user=[says(OUT)], sent=[says(IN)]), None, id="sent along over the user"),
        pytest.param(IN, Said(user=[says(IN)], sent=[says(OUT)]), "UNSUBSCRIBED", id="left for this send"),
        pytest.param(IN, Said(user=[says(OUT)], sent=[says()]), "UNSUBSCRIBED", id="silence changes nothing"),
        pytest.param(OUT, Said(sent=[says(REQUIRED)]), None, id="the sender insists"),
    ],
)
def test_status(default: Consent, said: Said, expected: str | None) -> None:
    assert reason(decide(topic(default), said)) == expected


def test_the_words_of_an_opt_out() -> None:
    end = refusal(decide(topic(), Said(user=[says(OUT)])))
    assert end is not None
    assert (end.status, end.error) == ("UNDELIVERABLE", "Notification opted out by user")


ALL = tuple(CLASSES)


@pytest.mark.parametrize(
    ("about", "said", "expected"),
    [
        pytest.param(topic(), Said(), None, id="nobody chose"),
        pytest.param(topic(), Said(user=[says(None, "email", "sms")]), {"email", "sms"}, id="the user did"),
        pytest.param(topic(), Said(tenants=[says(None, "sms")]), {"sms"}, id="the tenant did"),
        pytest.param(
            topic(), Said(tenants=[says(None, "sms")], user=[says(None, "email")]), {"email"}, id="both did"
        ),
        pytest.param(
            topic(),
            Said(tenants=[says(None, "sms")], user=[says(IN)]),
            {"sms"},
            id="a status says no channel",
        ),
        pytest.param(
            topic(), Said(tenants=[says(None, "sms")], user=[says(IN, custom=False)]), None, id="taken back"
        ),
        pytest.param(
            topic(),
            Said(user=[says(None, "sms", custom=False)]),
            None,
            id="without the flag they are ignored",
        ),
        pytest.param(topic(options=["push"], custom=True), Said(), {"push"}, id="the topic's own"),
        pytest.param(topic(options=["push"]), Said(), None, id="the topic's, where nobody may choose"),
        pytest.param(
            topic(options=["push"], custom=True), Said(user=[says(IN, "sms")]), {"sms"}, id="over the topic's"
        ),
        pytest.param(topic(REQUIRED), Said(user=[says(OUT, "sms")]), {"sms"}, id="of what is required, too"),
    ],
)
def test_channels(about: Topic, said: Said, expected: set[str] | None) -> None:
    assert decide(about, said).channels == expected


def test_a_banner_is_shown_where_the_inbox_is() -> None:
    chosen = decide(topic(), Said(user=[says(IN, "inbox")]))
    assert [one for one in Channel if wants(chosen, one)] == [Channel.INBOX, Channel.BANNER]


def test_without_a_topic_everything_is_wanted() -> None:
    assert all(wants(None, one) for one in Channel)


@pytest.mark.parametrize(
    ("about", "said", "expected"),
    [
        (topic(header=True), Said(), True),
        (topic(header=False), Said(), False),
        (topic(REQUIRED, header=True), Said(), False),
        (topic(header=True), Said(tenants=[says(REQUIRED)]), False),
    ],
)
def test_the_header_offers_what_can_be_left(about: Topic, said: Said, expected: bool) -> None:
    assert may_leave(decide(about, said)) is expected


# --- whatever is said ----------------------------------------------------------------------------

STATUS = st.sampled_from([None, IN, OUT, REQUIRED])
CHOICE = st.builds(
    Choice,
    status=STATUS,
    custom=st.sampled_from([None, True, False]),
    routing=st.frozensets(st.sampled_from(CLASSES)),
)
LAYERS = st.lists(CHOICE, max_size=3)
SAID = st.builds(Said, tenants=LAYERS, user=LAYERS, sent=LAYERS)


@given(SAID, st.sampled_from([IN, OUT, REQUIRED]))
def test_what_is_required_is_delivered(said: Said, default: Consent) -> None:
    wanted = decide(topic(default), said)
    if wanted.default is REQUIRED:
        assert refusal(wanted) is None
    if default is REQUIRED and all(layer.status is None for layer in said.tenants):
        assert wanted.default is REQUIRED


@given(SAID, CHOICE)
def test_the_strongest_layer_wins_field_by_field(said: Said, last: Choice) -> None:
    before = decide(topic(), said)
    after = decide(topic(), Said(tenants=said.tenants, user=said.user, sent=[*said.sent, last]))
    if last.status and after.default is not REQUIRED:
        assert after.status is last.status
    if last.status is None:
        assert after.status is before.status
    if last.custom is None:
        assert after.channels == before.channels
    else:
        assert after.channels == (last.routing if last.custom else None)


@given(LAYERS, LAYERS)
def test_layers_may_be_merged_in_any_grouping(below: list[Choice], above: list[Choice]) -> None:
    assert merged([merged(below), merged(above)]) == merged([*below, *above])


# --- what comes along with a message -------------------------------------------------------------


def along(given: Any, *templates: str) -> Choice:
    names = templates or ("nt_1",)
    return merged(sent.choices(given, topic_id="pt_1", templates=names, now=NOW))


SNOOZED = {"status": "OPTED_OUT"}


@pytest.mark.parametrize(
    ("rules", "expected"),
    [
        pytest.param([{"until": "2030-06-02"}], OUT, id="not over yet"),
        pytest.param([{"until": "2030-06-01T12:00:00Z"}], IN, id="just over"),
        pytest.param([{"until": "2030-06-03", "start": "2030-06-02"}], IN, id="not begun"),
        pytest.param([{"until": "2030-06-03", "start": "2030-06-01T12:00:00Z"}], OUT, id="just begun"),
        pytest.param([{"until": "2030-06-01T13:00:00+02:00"}], IN, id="in another zone"),
        pytest.param([{"until": "2029-01-01"}, {"until": "2031-01-01"}], OUT, id="one of them holds"),
        pytest.param([{"until": "soon"}], IN, id="no time"),
        pytest.param([], OUT, id="for good"),
    ],
)
def test_a_snooze_holds_in_its_time_only(rules: list[Any], expected: Consent) -> None:
    assert along({"categories": {"pt_1": {**SNOOZED, "rules": rules}}}).status is expected


def test_of_a_template_beats_of_a_topic() -> None:
    both = {
        "categories": {"pt_1": {"status": "OPTED_OUT"}},
        "notifications": {"nt_1": {"status": "OPTED_IN"}},
    }
    assert along(both).status is IN
    assert along(both, "nt_2").status is OUT
    assert along(both, "nt_2", "nt_1").status is IN


def test_the_older_shape_of_channels() -> None:
    told = along(
        {"categories": {"pt_1": {"status": "OPTED_IN", "channel_preferences": [{"channel": "sms"}]}}}
    )
    assert (told.custom, told.routing) == (True, {Channel.SMS})


@given(
    st.recursive(
        st.none() | st.booleans() | st.text(max_size=5),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(
                    [
                        "categories",
                        "notifications",
                        "pt_1",
                        "nt_1",
                        "status",
                        "rules",
                        "until",
                        "channel_preferences",
                    ]
                ),
                inner,
                max_size=4,
            )
        ),
    )
)
def test_nothing_that_was_stored_breaks_a_send(anything: Any) -> None:
    along(anything if isinstance(anything, dict) else {"categories": anything})


# --- what may be chosen --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("about", "wish", "word"),
    [
        (topic(), Wish(topic_id="pt_1", status=REQUIRED), "REQUIRED"),
        (topic(REQUIRED), Wish(topic_id="pt_1", status=OUT), "required"),
        (
            topic(),
            Wish(topic_id="pt_1", status=IN, custom=True, routing=("sms",)),
            "Channels cannot be chosen",
        ),
        (topic(custom=True), Wish(topic_id="pt_1", status=IN, custom=True), "at least one channel"),
        (topic(), Wish(topic_id="pt_1", status=IN, digest_schedule_id="sch_1"), "active schedule"),
        (topic(), Wish(topic_id="pt_1", status=IN, routing=("sms",)), None),
        (topic(REQUIRED), Wish(topic_id="pt_1", status=IN), None),
        (topic(custom=True), Wish(topic_id="pt_1", status=IN, custom=True, routing=("sms",)), None),
    ],
)
def test_what_may_be_chosen(about: Topic, wish: Wish, word: str | None) -> None:
    found = problem(about, about.layer, wish)
    assert found is None if word is None else word in (found or "")


# --- how the page looks --------------------------------------------------------------------------


@given(st.from_regex(r"#[0-9a-f]{3}([0-9a-f]{3})?", fullmatch=True) | st.text(max_size=9))
def test_whatever_a_brand_s_color_is_the_page_can_be_read(color: str) -> None:
    brand = Brand(color=color)
    assert contrast(brand.accent, "#ffffff") >= 4.5
    assert contrast(brand.on_bar, brand.bar) >= 4.5
