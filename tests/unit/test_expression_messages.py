"""ICU messages and blocks of Markdown in templates: what they say where, and what they refuse."""

from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notify.content.elemental import resolve
from notify.content.markdown import to_html, to_plain
from notify.content.names import names
from notify.errors import ContentError
from notify.expression import Escape, Limits, check, render
from notify.expression.limits import Budget
from notify.expression.messages import MAX_PATTERN, say

LIMITS = Limits(timeout_ms=5000, steps=1_000, output_bytes=10_000)
FILES = (
    "{{ '{n, plural, =0{no files} one{# file} few{# pliki} many{# plików} other{# files}}'"
    " | formatMessage(n=n) }}"
)
WHO = (
    "{{ '{who, select, she{her} other{their}} {n, selectordinal, one{#st} two{#nd} few{#rd} other{#th}}'"
    " | formatMessage(who=who, n=n) }}"
)
DUE = "{{ '{due, date, long}, {due, time, short}' | intl(where, zone, due=due) }}"
MARKDOWN = "{{#markdown}}# {{x}}\n\n**b** [l](https://e.org){{/markdown}}"


def said(source: str, locale: str | None = "en", escape: Escape = Escape.PLAIN, **data: Any) -> str:
    return render(source, names({"data": data}, strict=False, locale=locale), escape, LIMITS)


@pytest.mark.parametrize(
    ("source", "locale", "data", "text"),
    [
        (FILES, "en", {"n": 0}, "no files"),
        (FILES, "en", {"n": 1}, "1 file"),
        (FILES, "en", {"n": 1234}, "1,234 files"),
        (FILES, "pl", {"n": 3}, "3 pliki"),
        (FILES, "pl_PL", {"n": 12}, "12 plików"),
        (WHO, "en", {"who": "she", "n": 22}, "her 22nd"),
        (WHO, None, {"who": None, "n": 3}, "their 3rd"),
        ("{{ '{0} of {1}' | formatMessage(1, 'x') }}", "en", {}, "1 of x"),
        ("{{ '{n, number} {n, number, ::currency/EUR}' | formatMessage(n=n) }}", "de", {"n": 1234.5},
         "1.234,5 1.234,50\u00a0€"),
        ("{{ '{n, number, percent}' | formatMessage(n=n) }}", "en", {"n": 0.25}, "25%"),
        ("{{ \"it's '{'{x}'}'\" | formatMessage(x='y') }}", "en", {}, "it's {y}"),
        (DUE, "en", {"due": "2026-07-01T20:00Z", "where": "de", "zone": "Asia/Tokyo"}, "2. Juli 2026, 05:00"),
        (DUE, "de", {"due": 1_782_936_000_000, "where": None, "zone": "UTC"}, "1. Juli 2026, 20:00"),
        ("{{ '{a} {b}' | formatMessage(a=none) }}|", "en", {}, " |"),
        (FILES, "no such locale", {"n": 1}, "1 file"),
    ],
)  # fmt: skip
def test_a_message_is_said_in_the_recipients_language(
    source: str, locale: str | None, data: dict[str, Any], text: str
) -> None:
    assert said(source, locale, **data) == text


def test_the_locale_is_that_of_the_recipient() -> None:
    content = {"title": "", "body": FILES}
    made = resolve(content, variables={"data": {"n": 3}}, locale="pl", limits=LIMITS)
    assert [one.content for one in made.elements if one.type == "text"] == ["3 pliki"]


def test_the_zone_of_the_machine_does_not_matter(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    assert said("{{ '{at, time, short}' | formatMessage(at=0) }}", "de") == "00:00"


@pytest.mark.parametrize(
    ("source", "data", "problem"),
    [
        (FILES, {"n": "three"}, "line 1: filter `formatMessage`: `n` must be a number, not `three`"),
        (FILES, {}, "`n` must be a number"),
        ("a\n{{ '{d, date}' | intl('en', d=d) }}", {"d": "soon"}, "line 2: filter `intl`: `d` must be epoch"),
        ("{{ '{d, date}' | intl('en', d=d) }}", {}, "`d` must be a date, and is missing"),
        ("{{ p | formatMessage }}", {"p": "{n"}, "a brace has no partner"),
        ("{{ p | formatMessage }}", {"p": "x" * (MAX_PATTERN + 1)}, "characters long"),
        ("{{ p | formatMessage(n=1) }}", {"p": "{n, select, other{" * 30 + "}}" * 30}, "braces deep"),
        ("{{ p | formatMessage(a=a) }}", {"p": "{a}" * 2000, "a": "x" * 9000}, "limit: output"),
        ("{{#markdown}}{% for i in l %}{{ x }}{% endfor %}{{/markdown}}", {"l": [1] * 99, "x": "\n" * 999},
         "limit: output"),
    ],
)  # fmt: skip
def test_what_cannot_be_said_names_the_culprit(source: str, data: dict[str, Any], problem: str) -> None:
    with pytest.raises(ContentError) as caught:
        said(source, **data)
    assert problem in str(caught.value)


@pytest.mark.parametrize(
    ("source", "problem"),
    [
        ("a\n{{ '{n, plural, one{x}}' | formatMessage(n=n) }}", "line 2: filter `formatMessage`: not an ICU"),
        ('{{formatMessage "x" n=1}}', "write a filter"),
        ('{{#intl locales="de"}}x{{/intl}}', "|intl("),
    ],
)
def test_a_malformed_message_is_refused_before_it_is_sent(source: str, problem: str) -> None:
    with pytest.raises(ContentError) as caught:
        check(source)
    assert problem in str(caught.value)


@pytest.mark.parametrize(
    ("source", "html"),
    [
        ("{{ '<b>{x}</b>' | formatMessage(x=x) }}", "<b>&lt;i&gt;</b>"),
        ("{{ p | formatMessage(x=x) }}", "&lt;b&gt;&lt;i&gt;&lt;/b&gt;"),
    ],
)
def test_markup_is_the_authors_alone(source: str, html: str) -> None:
    assert said(source, escape=Escape.HTML, x="<i>", p="<b>{x}</b>") == html


def test_an_untranslated_key_that_came_as_a_value_is_a_value() -> None:
    tools = names({"data": {"key": "<b>%s"}}, strict=False, translate=lambda key, _count=None: key)
    assert render("{{ key | t('<i>') }}", tools, Escape.HTML, LIMITS) == "&lt;b&gt;&lt;i&gt;"
    assert render("{{ '<b>%s' | t('<i>') }}", tools, Escape.HTML, LIMITS) == "<b>&lt;i&gt;"


def test_a_block_of_markdown_is_what_stands_there() -> None:
    assert said(MARKDOWN, escape=Escape.HTML, x="<i>*a*") == (
        '<h1>&lt;i&gt;*a*</h1>\n<p><strong>b</strong> <a href="https://e.org">l</a></p>'
    )
    assert said(MARKDOWN, escape=Escape.PLAIN, x="<i>*a*") == "<i>*a*\n\nb l (https://e.org)"
    markdown = said(MARKDOWN, escape=Escape.MARKDOWN, x="<i>*a*")
    assert to_plain(markdown) == said(MARKDOWN, escape=Escape.PLAIN, x="<i>*a*")


@given(st.text(), st.text(max_size=50))
def test_any_pattern_is_said_or_refused(pattern: str, value: str) -> None:
    with suppress(ContentError):
        assert isinstance(say(pattern, {"x": value, "n": 3}, Budget(LIMITS)), str)


_SYNTAX = ["{", "}", "'", "#", ",", "n", "x", " plural", " select", "other", " date", " number", "=1", "::"]


@given(st.lists(st.sampled_from(_SYNTAX), max_size=40).map("".join), st.sampled_from(["en", "ar", "pl"]))
def test_any_soup_of_syntax_is_said_or_refused(pattern: str, locale: str) -> None:
    with suppress(ContentError):
        assert isinstance(say(pattern, {"x": "v", "n": 3}, Budget(LIMITS), locale=locale), str)


@given(st.text())
def test_a_value_in_a_message_stays_a_value(value: str) -> None:
    source = "{{ '{x} b' | formatMessage(x=x) }}"
    assert "<" not in said(source, escape=Escape.HTML, x=value)
    assert "<a" not in to_html(said(source, escape=Escape.MARKDOWN, x=value))
