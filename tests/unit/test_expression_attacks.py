"""Whatever a template tries, it renders within its limits or ends in an error that names the culprit."""

import json
import tracemalloc
from contextlib import suppress
from pathlib import Path
from time import thread_time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from notify.errors import ContentError
from notify.expression import Escape, Limits, check, evaluate, lookup, render
from notify.expression.filters import BUDGETED, PURE

# Jinja reads escapes such as "\\ " as Python does, which warns of them.
pytestmark = pytest.mark.filterwarnings("ignore:invalid escape sequence:DeprecationWarning")

LIMITS = Limits(timeout_ms=200, steps=2_000, output_bytes=100_000)
ATTACKS = json.loads((Path(__file__).parent / "data" / "template_attacks.json").read_text())
VARIABLES = {
    "data": {
        "name": "Ada",
        "items": [1, 2, 3],
        "many": list(range(300)),
        "user": {"role": "admin"},
        "code": "{{ 7 * 7 }}{% for %}",
    }
}


def ids(cases: list[dict[str, str]]) -> list[str]:
    return [case["name"] for case in cases]


REFUSED = [case for case in ATTACKS if "error" in case]
HARMLESS = [case for case in ATTACKS if "text" in case]


@pytest.mark.parametrize("case", REFUSED, ids=ids(REFUSED))
def test_an_attack_ends_in_an_error_that_names_it(case: dict[str, str]) -> None:
    with pytest.raises(ContentError) as caught:
        render(case["source"], VARIABLES, Escape.PLAIN, LIMITS)

    assert case["error"] in str(caught.value)


@pytest.mark.parametrize("case", HARMLESS, ids=ids(HARMLESS))
def test_what_does_not_exist_is_empty(case: dict[str, str]) -> None:
    assert render(case["source"], VARIABLES, Escape.PLAIN, LIMITS) == case["text"]


@pytest.mark.parametrize(
    "source",
    [
        "{% for a in many %}{% set c = many|sort|reverse|tojson %}{% endfor %}",
        "{{ many|tojson }}" * 1500,
        "{% set x = many|sort|unique|join %}" * 600,
    ],
)
def test_slow_work_stops_soon_after_its_time(source: str) -> None:
    limits = Limits(timeout_ms=50, steps=1_000_000, output_bytes=10_000_000)
    check(source)

    started = thread_time()
    with pytest.raises(ContentError, match="limit: time"):
        render(source, {"data": {"many": list(range(5000))}}, Escape.PLAIN, limits)

    assert thread_time() - started < 0.5


@pytest.mark.parametrize(
    "source", ["{{a}}" * 50_000, "{{" * 100_000, "{#" * 100_000, "{{ '" * 60_000, "{{ " + "!" * 200_000]
)
def test_a_huge_source_is_refused_quickly(source: str) -> None:
    started = thread_time()
    with pytest.raises(ContentError):
        check(source)

    assert thread_time() - started < 2


@pytest.mark.parametrize(
    "source",
    [
        "{% set b = a|replace('x', a) %}",
        "{% set b = rows|join(a) %}",
        "{% set b = " + " ~ ".join(["a"] * 1000) + " %}",
    ],
)
def test_what_would_be_too_large_is_never_made(source: str) -> None:
    variables = {"data": {"a": "x" * 5_000, "rows": ["x"] * 5_000}}
    check(source)

    tracemalloc.start()
    try:
        with pytest.raises(ContentError, match="limit: output"):
            render(source, variables, Escape.PLAIN, LIMITS)
        assert tracemalloc.get_traced_memory()[1] < 1_000_000
    finally:
        tracemalloc.stop()


def test_a_machine_that_is_busy_with_others_fails_no_message(monkeypatch: pytest.MonkeyPatch) -> None:
    hour_later = 3600.0
    monkeypatch.setattr("notify.expression.limits.perf_counter", iter([0.0, *[hour_later] * 1000]).__next__)

    assert render("{{ name|upper }}", VARIABLES, Escape.PLAIN, LIMITS) == "ADA"


WORDS = (
    "{{ }} {% %} {# #} {$. } $. name items user many . [ ] ( ) | ~ + - * / % ** == < in not is and or if else"
    " endif for endfor i set = 'x' 1 0 1.5 99999999999 null , : { upper join sort replace tojson date"
    " number round truncate map slice __class__ ! && || === ? .includes loop raw endraw #if"
    " /if > \\ \" ' \x00 \ud800"
)
PIECES = [*WORDS.split(" "), " ", "\n"]

SOURCES = st.lists(st.sampled_from(PIECES), max_size=25).map("".join)
EXPRESSIONS = st.lists(st.sampled_from(PIECES), max_size=8).map(" ".join)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=10,
)


@settings(max_examples=400)
@given(
    SOURCES | EXPRESSIONS.map(lambda inner: f"{{{{ {inner} }}}}") | st.text(), JSON, st.sampled_from(Escape)
)
def test_rendering_anything_raises_nothing_else(source: str, value: object, escape: Escape) -> None:
    variables = {"data": {**VARIABLES["data"], "name": value}}
    with suppress(ContentError):
        text = render(source, variables, escape, LIMITS)
        assert len(text.encode(errors="surrogatepass")) <= LIMITS.output_bytes


FILTERS = st.sampled_from(sorted((PURE.keys() | BUDGETED.keys()) - {"~slice"}))


@settings(max_examples=400)
@given(st.lists(FILTERS, min_size=1, max_size=3), JSON, st.lists(JSON, max_size=3))
def test_a_filter_takes_any_value_and_arguments(names: list[str], value: object, given: list[object]) -> None:
    arguments = ", ".join(f"a{index}" for index in range(len(given)))
    source = "{{ x" + "".join(f"|{name}" for name in names[:-1]) + f"|{names[-1]}({arguments}) }}}}"
    data = {"x": value, **{f"a{index}": item for index, item in enumerate(given)}}
    with suppress(ContentError):
        render(source, {"data": data}, Escape.PLAIN, LIMITS)


@settings(max_examples=400)
@given(EXPRESSIONS | st.text(), JSON)
def test_a_condition_is_true_false_or_malformed(condition: str, value: object) -> None:
    with suppress(ContentError):
        assert evaluate(condition, {"data": {"name": value}}, LIMITS) in {True, False}


@given(EXPRESSIONS | st.text())
def test_a_path_leads_somewhere_nowhere_or_is_malformed(path: str) -> None:
    with suppress(ContentError):
        lookup(path, VARIABLES)
