"""Recognises Handlebars and other foreign syntax: a tag goes in, advice on how to write it comes out."""

import re

_ARGUMENT = r"""(?:[A-Za-z_$@][\w.$-]*|"[^"]*"|'[^']*'|\d+|\(.*)"""
_JINJA_WORD = r"(?:if|in|is|not|and|or|else)\b"

_BLOCKS = {
    "if": "{% if ARG %} ... {% endif %}",
    "unless": "{% if not ARG %} ... {% endif %}",
    "each": "{% for item in ARG %} ... {% endfor %}",
    "with": "{% set it = ARG %}",
    "intl": '{{ "..."|intl("de") }}',
}

_FORMS = (
    (r"\{\{\{(.*?)\}\}\}?", "Handlebars `TAG`; write `{{ ARG|safe }}`"),
    (r"\{\{~?/\s*([\w-]+)\s*~?\}\}", "Handlebars block end `TAG`; write `{% endif %}` or `{% endfor %}`"),
    (r"\{\{~?\s*else\s+if\s+(.*?)~?\}\}", "Handlebars `TAG`; write `{% elif ARG %}`"),
    (r"\{\{~?\s*(else|\^)\s*~?\}\}", "Handlebars `TAG`; write `{% else %}`"),
    (r"\{\{~?\^\s*(.*?)\}\}", "Handlebars `TAG`; write `{% if not ARG %} ... {% endif %}`"),
    (r"\{\{~?>(.*)", "Handlebars partial `TAG`; partials are not supported, put its text in place"),
    (r"\{\{!-*(.*?)-*\}\}", "Handlebars comment `TAG`; write `{# ARG #}`"),
    (r"\{\{\s*@(\w+).*", "Handlebars `TAG`; in a loop the index is `{{ loop.index0 }}`"),
    (r"\{\{\s*(this\b|\.\.?/).*", "Handlebars `TAG`; name the loop's item, as in `{{ item.name }}`"),
    (
        rf"\{{\{{~?\s*(formatMessage|intl)\s+(?!{_JINJA_WORD}){_ARGUMENT}.*",
        'Handlebars helper `TAG`; write a filter, as in `{{ "{n, plural, one{#} other{#}}"|ARG(n=count) }}`',
    ),
    (
        rf"\{{\{{\s*(?!not\b)([A-Za-z][\w-]*)\s+(?!{_JINJA_WORD}){_ARGUMENT}(?:\s.*)?\}}\}}",
        "Handlebars helper `TAG`; write a filter, as in `{{ name|upper }}`",
    ),
    (
        r"\{\{\s*((?:[A-Za-z_]\w*\.)*[A-Za-z_]\w*-[A-Za-z][\w.-]*)\s*\}\}",
        "`ARG` is no name: names hold letters, digits and `_`; a minus has spaces around it",
    ),
)

_BLOCK = re.compile(r"\{\{~?#\s*([\w-]*)\s*(.*?)~?\}\}", re.DOTALL)
_FOREIGN = [(re.compile(pattern, re.DOTALL), advice) for pattern, advice in _FORMS]


def advice(tag: str) -> str | None:
    """What to write instead of this tag, None when it may well be Jinja."""
    if block := _BLOCK.match(tag):
        form = _BLOCKS.get(block[1], "{% if ... %} or {% for ... %}")
        return f"Handlebars block `{_short(tag)}`; write `{form.replace('ARG', block[2].strip())}`"
    for pattern, text in _FOREIGN:
        if found := pattern.match(tag):
            return text.replace("TAG", _short(tag)).replace("ARG", _short(found[1]))
    return None


def _short(text: str) -> str:
    return " ".join(text.split())[:80]
