"""What authors see of templates: values, scopes, filters, escaping, and errors that say what to do."""

import re
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from notify.errors import ContentError
from notify.expression import Budget, Escape, Limits, check, evaluate, lookup, render, render_within, scope

LIMITS = Limits(timeout_ms=500, steps=1_000, output_bytes=10_000)
DATA: dict[str, Any] = {
    "name": "Ada",
    "n": 3,
    "price": 12.5,
    "whole": 3.0,
    "yes": True,
    "nothing": None,
    "items": [{"t": "Tea", "q": 2}, {"t": "Jam", "q": 1}],
    "keys": "not a method",
    "words": ["b", "A", "c", "b"],
    "at": 1_700_000_000_000,
    "event": "the data's",
}
ROOTS = {
    "data": DATA,
    "profile": {"email": "ada@x.org", "null": 1},
    "event": "the root's",
    "urls": {"unsubscribe": "https://u"},
}


def rendered(source: str, escape: Escape = Escape.PLAIN, **data: Any) -> str:
    return render(source, {**ROOTS, "data": {**DATA, **data}}, escape, LIMITS)


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("{{name}} {{data.name}} {{ $.data.name }} {$.data.name}", "Ada Ada Ada Ada"),
        ("{{n}} {{price}} {{whole}} {{yes}} [{{nothing}}]", "3 12.5 3 true []"),
        ("{{items}}", '[{"t":"Tea","q":2},{"t":"Jam","q":1}]'),
        ("{{items[1].t}} {{items.0.t}} {{items.length}} {{name.length}}", "Jam Tea 2 3"),
        ("{{keys}} {{data.items.length}} [{{data.get}}]", "not a method 2 []"),
        ("[{{missing}}] [{{missing.deep.er[3]}}] [{{name.first}}]", "[] [] []"),
        ("{{event}}", "the root's"),
        ("{$.urls.unsubscribe}?a={{profile.email}}", "https://u?a=ada@x.org"),
        ('body { color: red } {name} {"a": 1}', 'body { color: red } {name} {"a": 1}'),
        ("{% raw %}{{ $.x }}{#if}{% endraw %}", "{{ $.x }}{#if}"),
        ("a{# {{ not.rendered #}b", "ab"),
        ("{{ 'a $.b {$.c}' }}", "a $.b {$.c}"),
        ("{% if n > 2 %}many{% elif n %}few{% else %}none{% endif %}", "many"),
        ("{% for i in items %}{{loop.index}}{{i.t}}{{ '' if loop.last else '-' }}{% endfor %}", "1Tea-2Jam"),
        ("{% for k, v in items[0]|items %}{{k}}={{v}};{% endfor %}", "t=Tea;q=2;"),
        ("{% for i in missing %}x{% else %}none{% endfor %}", "none"),
        ("{% set total = n * price %}{{ total }}", "37.5"),
        ("{{ n + 1 }} {{ n / 2 }} {{ n // 2 }} {{ n % 2 }} {{ -n }} {{ 'a' + n }}", "4 1.5 1 1 -3 a3"),
        ("[{{ missing + 1 }}] [{{ nothing * 2 }}]", "[] []"),
        ("{{ 'yes' if missing == null else 'no' }}", "yes"),
        ("{{ words[1:3] }} {{ name[0] }} {{ name[::-1] }}", '["A","c"] A adA'),
        ("{{ [1, 'a', nothing] }} {{ {'a': n} }}", '[1,"a",null] {"a":3}'),
        ("{{ 1 if 'd' in name and 'b' in words and 't' in items[0] }}", "1"),
        ("{{ missing < 3 }} {{ name > 3 }} {{ 1 < n <= 3 }} {{ yes == 1 }}", "false false true false"),
        ("{% if missing is defined %}a{% endif %}{% if nothing is none %}b{% endif %}", "b"),
    ],
)  # fmt: skip
def test_rendering(source: str, text: str) -> None:
    assert rendered(source) == text


@pytest.mark.parametrize(
    ("expression", "text"),
    [
        ("missing|default('friend')", "friend"),
        ("nothing|default('friend')", "friend"),
        ("name|upper ~ name|lower ~ 'ada'|capitalize", "ADAadaAda"),
        ("'a long day\u2019s night'|title", "A Long Day\u2019s Night"),
        ("'  x '|trim", "x"),
        ("'one two three'|truncate(10)", "one..."),
        ("'one two three'|truncate(10, true, '')", "one two th"),
        ("words|length ~ words|first ~ words|last", "4bb"),
        ("words|unique|join('+')", "b+A+c"),
        ("words|sort|join", "Abbc"),
        ("words|sort(true, true)|join", "cbbA"),
        ("items|sort(attribute='q')|map(attribute='t')|join(' ')", "Jam Tea"),
        ("items|sum(attribute='q') ~ items|max(attribute='q') ~ words|min", "32A"),
        ("words|reverse|list|tojson", '["b","c","A","b"]'),
        ("'a-b-c'|replace('-', '+', 1)", "a+b-c"),
        ("2.5|round ~ ' ' ~ -1.5|round ~ ' ' ~ 1.005|round(2)", "3 -2 1.01"),
        ("7.1|round(0, 'ceil') ~ -3|abs", "83"),
        ("'12'|int + '1.5'|float + 'x'|int(7)", "20.5"),
        ("'1e999'|float(5) ~ ('9' ~ '9' * 0)|default('')", None),
        ("'a b&c/d'|urlencode", "a%20b%26c/d"),
        ("{'q': 'a b', 'n': 1}|urlencode", "q=a+b&n=1"),
        ("'<p>a &amp; <b>b</b></p>'|striptags", "a & b"),
        ("at|date", "2023-11-14"),
        ("at|date('%d %B %Y %H:%M', 'Europe/Berlin')", "14 November 2023 23:13"),
        ("'2024-02-29T12:00:00Z'|date('%-d.%-m.')", "29.2."),
        ("'2024-02-29T23:30:00-05:00'|date", "2024-03-01"),
        ("1234567.891|number", "1,234,567.89"),
        ("1234.5|number('%.1f') ~ ' ' ~ 5|number('03d') ~ ' ' ~ 0.25|number('.0%')", "1234.5 005 25%"),
        ("'Hello'.includes('ell') ~ 'Hello'.startsWith('He') ~ 'Hello'.toLowerCase()", "truetruehello"),
    ],
)
def test_filters(expression: str, text: str | None) -> None:
    if text is None:
        with pytest.raises(ContentError, match=r"`\*` needs two numbers, not a text and a number"):
            rendered(f"{{{{ {expression} }}}}")
    else:
        assert rendered(f"{{{{ {expression} }}}}") == text


@pytest.mark.parametrize(
    ("source", "problem"),
    [
        ("a\n{{#if paid}}", "line 2: Handlebars block `{{#if paid}}`; write `{% if paid %} ... {% endif %}`"),
        ("{{#each rows}}", "block `{{#each rows}}`; write `{% for item in rows %} ... {% endfor %}`"),
        ("{{/each}}", "line 1: Handlebars block end `{{/each}}`; write `{% endif %}` or `{% endfor %}`"),
        ("{{else}}", "line 1: Handlebars `{{else}}`; write `{% else %}`"),
        ("{{else if a}}", "line 1: Handlebars `{{else if a}}`; write `{% elif a %}`"),
        ("{{{ name }}}", "line 1: Handlebars `{{{ name }}}`; write `{{ name|safe }}`"),
        ("{{> footer}}", "Handlebars partial `{{> footer}}`; partials are not supported"),
        ("{{capitalize name}}", "helper `{{capitalize name}}`; write a filter, as in `{{ name|upper }}`"),
        ('{{default (path "x") "y"}}', "Handlebars helper `{{default (path"),
        ("{{@index}}", "Handlebars `{{@index}}`; in a loop the index is `{{ loop.index0 }}`"),
        ("{{this.name}}", "Handlebars `{{this.name}}`; name the loop's item, as in `{{ item.name }}`"),
        ("{{!-- note --}}", "Handlebars comment `{{!-- note --}}`; write `{# note #}`"),
        ("{{first-name}}", "`first-name` is no name: names hold letters, digits and `_`"),
        ("x\n\n{{ name|shout }}", "line 3: there is no filter `shout`"),
        ("{% if name is shouted %}{% endif %}", "line 1: there is no test `shouted`"),
        ("{% if name %}", "line 1: Unexpected end of template."),
    ],
)  # fmt: skip
def test_a_malformed_source_is_refused_before_it_is_sent(source: str, problem: str) -> None:
    with pytest.raises(ContentError) as caught:
        check(source)

    assert problem in str(caught.value)


def test_an_error_while_rendering_names_its_line_and_culprit() -> None:
    with pytest.raises(ContentError, match=r"^line 3: filter `date`: `Ada` is not a date"):
        rendered("one\ntwo\n{{ name|date }}")


def test_a_date_without_a_zone_is_utc_wherever_the_machine_stands(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    time.tzset()
    try:
        assert rendered("{{ '2024-01-01T00:00'|date('%H:%M') }}") == "00:00"
    finally:
        monkeypatch.undo()
        time.tzset()


def test_checking_accepts_what_needs_other_data() -> None:
    check("{{ a.b|date }} {% for x in y %}{{ x / 0 }}{% endfor %}")


def test_the_strict_scope_reads_data_by_its_name_only() -> None:
    strict = scope(ROOTS, DATA, strict=True)

    assert render("[{{name}}] {{data.name}} {{ $.data.name }}", strict, Escape.PLAIN, LIMITS) == "[] Ada Ada"


def test_data_wins_over_roots_that_the_format_does_not_know() -> None:
    roots = {"data": {"extra": "data"}, "extra": "root", "profile": "root"}

    assert render("{{extra}} {{profile}}", scope(roots, roots["data"]), Escape.PLAIN, LIMITS) == "data root"


def test_a_loop_variable_hides_data_of_its_name() -> None:
    inner = scope({"data": {"item": "data"}}, {"item": "data"}).bind(item={"n": 1}, index=0)

    assert render("{{item.n}} {{ $.item.n }} {{ $.index }}", inner, Escape.PLAIN, LIMITS) == "1 1 0"


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("data.items", DATA["items"]),
        ("items", DATA["items"]),
        ("{{items}}", DATA["items"]),
        ("{{ $.data.items }}", DATA["items"]),
        ("$.data.items[1].t", "Jam"),
        ("items.0['t']", "Tea"),
        ("profile.email", "ada@x.org"),
        ("data.missing.deeper", None),
        ("data.nothing", None),
        ("name.upper", None),
    ],
)
def test_lookup(path: str, value: object) -> None:
    assert lookup(path, ROOTS) == value


@pytest.mark.parametrize("path", ["", "a b", "data.", "items|sort", "a..b"])
def test_what_is_no_path_is_refused(path: str) -> None:
    with pytest.raises(ContentError, match="is not a path"):
        lookup(path, ROOTS)


@pytest.mark.parametrize(
    ("condition", "holds"),
    [
        ("data.n === 3", True),
        ("data.n !== 3", False),
        ("data.name == 'Ada' && profile.email == \"ada@x.org\"", True),
        ("data.missing || data.yes", True),
        ("!data.missing && !(data.n > 5)", True),
        ("!data.missing == true", True),
        ("!data.n == 4", False),
        ("profile.null === 1", True),
        ("!data.items.length", False),
        ("data.items.length >= 2", True),
        ("data.missing == null && data.nothing === undefined && data.a.b.c == null", True),
        ("data.missing != 'x'", True),
        ("data.missing > 0 || data.missing <= 0", False),
        ("data.name < 5 || data.n == '3' || data.yes == 1", False),
        ("data.n > 2 ? data.n < 4 : data.missing", True),
        ("data.missing ? true : data.n == 4 ? true : false", False),
        ("data.words.includes('A') && data.name.startsWith('A')", True),
        ("data.name === 'a && b || !c ? d : e'", False),
        ("$.data.n + 1 == 4 and not data.missing", True),
        ("{{ data.n == 3 }}", True),
        ("'it\\'s' == \"it's\"", True),
        ("data['name'] == 'Ada'", True),
        ("name == 'Ada'", True),
        ("[1, 2].includes(data.n ? 2 : 3)", True),
        ("true", True),
        ("false || null", False),
    ],
)
def test_conditions(condition: str, holds: bool) -> None:
    assert evaluate(condition, ROOTS, LIMITS) is holds


@pytest.mark.parametrize(
    "condition", ["", "data.n ===", "data.n = 3", "(data.n", "a b", "a ? b", "data.n.toFixed(1)", "{% if %}"]
)
def test_a_malformed_condition_is_named(condition: str) -> None:
    with pytest.raises(ContentError) as caught:
        evaluate(condition, ROOTS, LIMITS)

    assert f"condition `{condition}`" in str(caught.value)


def test_renders_that_share_a_budget_share_its_limits() -> None:
    budget = Budget(Limits(timeout_ms=500, steps=10, output_bytes=1000))
    source = "{% for w in words %}{{w}}{% endfor %}"
    render_within(source, ROOTS, Escape.PLAIN, budget)
    render_within(source, ROOTS, Escape.PLAIN, budget)

    with pytest.raises(ContentError, match="limit: steps"):
        render_within(source, ROOTS, Escape.PLAIN, budget)


def test_text_without_tags_counts_as_output() -> None:
    with pytest.raises(ContentError, match="limit: output"):
        rendered("x" * 10_001)


# --- escaping ------------------------------------------------------------------------------------


def test_html_escapes_values_and_leaves_the_authors_text() -> None:
    text = rendered("<b>{{ x }}</b> {{ x|safe }} {{ x|safe|upper }} {{ x|escape }}", Escape.HTML, x="<i>&\"'")

    assert text == (
        "<b>&lt;i&gt;&amp;&quot;&#x27;</b> <i>&\"' &lt;I&gt;&amp;&quot;&#x27; &lt;i&gt;&amp;&quot;&#x27;"
    )


def test_ordinary_values_stay_readable_in_markdown() -> None:
    value = "Ada's order 12-34_56 of 2024-05-01, ada@x.org, https://x.org/a_b?c=1&d=2. 50% off + more: yes"

    assert rendered("**{{ x }}**", Escape.MARKDOWN, x=value) == f"**{value}**"


@pytest.mark.parametrize(
    "value",
    [
        "[a](https://evil.example)", "![a](https://evil.example/x.png)", "<https://evil.example>",
        "# Heading", "- item", "+ item", "* item", "1. item", "1) item", "> quote", "***", "---",
        "a\n===", "a\n---", "```\ncode", "    code", "\tcode", "a\n\n    code", "`code`", "**bold**", "_em_",
        "~~gone~~", "<script>alert(1)</script>", "&lt;b&gt;", "&#60;", "[x]: https://evil.example", "a  \nb",
        "a\\", "\\*", "x\r# Heading", "| a |\n|---|", "!", "(https://evil.example)", "a]",
        ": https://evil.example",
    ],
)  # fmt: skip
@pytest.mark.parametrize(
    "around", ["{{x}}", "# {{x}}", "- {{x}}", "> {{x}}", "text {{x}} [a](https://b) {{x}}"]
)
def test_a_value_forms_no_markdown(value: str, around: str) -> None:
    # Of several paragraphs only the first stands in the author's heading, item or quote.
    words = re.sub(r"[^\r\n]+", "word", value)

    assert structure(rendered(around, Escape.MARKDOWN, x=value)) == structure(
        rendered(around, Escape.MARKDOWN, x=words)
    )


def structure(markdown: str) -> list[str]:
    tokens = [token for block in MarkdownIt().parse(markdown) for token in (block, *(block.children or ()))]
    return [token.type for token in tokens if token.type not in {"softbreak", "hardbreak", "text"}]


@given(st.text(alphabet="ab1 \n\r\t\\`*_{}[]()<>#+-.!|~&;:=\"'$^/@", max_size=12))
def test_no_value_forms_markup(value: str) -> None:
    html = MarkdownIt().render(rendered("a {{x}} b", Escape.MARKDOWN, x=value))

    inside = html.replace("<p>", "").replace("</p>", "").replace("<br />", "")
    assert "<" not in inside, inside


@pytest.mark.parametrize("source", ["[a]{{x}}", "[a]({{x}})", "![a]{{x}}", "`{{x}}`", "{{x}}[a](https://b)"])
def test_a_value_beside_the_authors_marks_makes_no_link_of_its_own(source: str) -> None:
    html = MarkdownIt().render(rendered(source, Escape.MARKDOWN, x="(javascript:alert(1))!"))

    assert 'href="javascript' not in html
    assert "<img" not in html
