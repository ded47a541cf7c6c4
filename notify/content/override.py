"""A channel's override laid over its finished output, after rendering.

In: the output and the sender's words for the channel. Out: the output as it is to be sent, and the words that
only a provider can understand, which go on to it like an override of its own. Checks of what may stand in a
header or URL are the adapters'.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from notify.content import urls
from notify.errors import ContentError
from notify.model.output import Button, ChatOutput, EmailOutput, InboxOutput, Output, PushOutput, SmsOutput

Words = dict[str, Any]

ENVELOPE = ("from", "reply_to", "cc", "bcc", "headers", "attachments")
_NOT_FOR_PROVIDERS = ("brand", "tracking")
MAX_ACTIONS = 20


def overridden(output: Output, override: Mapping[str, Any]) -> tuple[Output, Words]:
    """``output`` with ``override`` laid over it, and what is left of ``override``.

    Raises:
        ContentError: a word has a value of the wrong kind.
    """
    if not override:
        return output, {}
    words = dict(override)
    match output:
        case EmailOutput():
            return _email(output, words), words
        case SmsOutput():
            return replace(output, body=_text(words, "body", output.body)), words
        case PushOutput():
            return _push(output, words), words
        case InboxOutput():
            return _inbox(output, words), words
        case ChatOutput(raw=None):
            return _chat(output, words), words
    return output, words


def _email(output: EmailOutput, words: Words) -> EmailOutput:
    body = words.pop("body", None)
    if isinstance(body, Mapping):  # some examples put the words one level down
        words.update(body)
    elif body is not None:
        words = _plain(words, body)
    for word in _NOT_FOR_PROVIDERS:
        words.pop(word, None)
    return replace(
        output,
        subject=_text(words, "subject", output.subject),
        html=_text(words, "html", output.html),
        text=_text(words, "text", output.text),
        envelope={**output.envelope, **{word: words.pop(word) for word in ENVELOPE if word in words}},
    )


def _plain(words: Words, body: Any) -> Words:
    """A text for ``body`` is the whole mail: without HTML, unless that is given as well."""
    words["text"] = body
    words.setdefault("html", "")
    return words


def _push(output: PushOutput, words: Words) -> PushOutput:
    shown = words.pop("notification", None)
    if shown is not None and not isinstance(shown, Mapping):
        raise ContentError("override.notification must be an object")
    inner = dict(shown or {})
    title, body = _text(inner, "title", output.title), _text(inner, "body", output.body)
    if inner:
        words["notification"] = inner
    return replace(
        output,
        title=_text(words, "title", title),
        body=_text(words, "body", body),
        click_url=_text(words, "clickAction", output.click_url or "") or None,
    )


def _inbox(output: InboxOutput, words: Words) -> InboxOutput:
    actions = words.pop("actions", None)
    return replace(
        output,
        title=_text(words, "title", output.title),
        body=_text(words, "body", output.body),
        actions=output.actions if actions is None else _buttons(actions),
    )


def _buttons(actions: Any) -> tuple[Button, ...]:
    if not isinstance(actions, list) or len(actions) > MAX_ACTIONS:
        raise ContentError(f"override.actions must be a list of at most {MAX_ACTIONS}")
    return tuple(map(_button, actions))


def _button(action: Any) -> Button:
    if not isinstance(action, Mapping):
        raise ContentError("override.actions must be objects with content and href")
    words = dict(action)
    return Button(
        label=_text(words, "content", ""),
        url=urls.allowed(_text(words, "href", ""), urls.LINKS) or "",
        style=_text(words, "style", "button"),
    )


def _chat(output: ChatOutput, words: Words) -> ChatOutput:
    """A text replaces all there is to see: the blocks say what was rendered."""
    title = _text(words, "title", output.title)
    if not {"text", "body"} & words.keys():
        return replace(output, title=title)
    body = _text(words, "body", "")
    return replace(output, title=title, text=_text(words, "text", body), blocks=())


def _text(words: Words, word: str, default: str) -> str:
    value = words.pop(word, default)
    if not isinstance(value, str):
        raise ContentError(f"override.{word} must be a text")
    return value
