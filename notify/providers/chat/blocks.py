"""Block Kit (https://docs.slack.dev/reference/block-kit/blocks) from channel-neutral chat blocks.

In: a ``ChatOutput``. Out: the ``blocks`` part of a Slack message, within Slack's limits.
"""

from collections.abc import Iterable, Iterator, Mapping
from itertools import groupby
from typing import Any

from notify.errors import ContentError
from notify.model.output import ChatOutput
from notify.providers.chat.mrkdwn import from_markdown

MAX_BLOCKS = 50
MAX_SECTION = 3000
MAX_HEADER = 150
MAX_LABEL = 75
MAX_URL = 3000
MAX_ALT = 2000
MAX_BUTTONS = 25
_STYLES = {"button": "primary"}

Block = dict[str, Any]


def build(output: ChatOutput) -> dict[str, list[Block]]:
    """``{"blocks": [...]}``, or nothing when the output has no blocks (the text alone is the message).

    Raises:
        ContentError: more blocks than Slack takes, or an address longer than it takes.
    """
    built = [block for kind, group in groupby(output.blocks, _kind) for block in _blocks(kind, list(group))]
    if len(built) > MAX_BLOCKS:
        raise ContentError(f"slack takes at most {MAX_BLOCKS} blocks, the message has {len(built)}")
    return {"blocks": built} if built else {}


def own(raw: Mapping[str, Any]) -> dict[str, Any]:
    """An author's own message; ``slackBlocks`` is Elemental's name for its ``blocks``."""
    return {"blocks" if name == "slackBlocks" else name: value for name, value in raw.items()}


def _kind(block: Mapping[str, str]) -> str:
    return block.get("type", "text")


def _blocks(kind: str, group: list[dict[str, str]]) -> Iterator[Block]:
    match kind:
        case "action":
            yield from _actions(group)
        case "divider":
            yield from ({"type": "divider"} for _ in group)
        case "header":
            yield from (_header(block) for block in group if block.get("text"))
        case "image":
            yield from map(_image, group)
        case "quote":
            yield from _sections(f"> {line}" for block in group for line in _lines(block))
        case _:
            yield from (section for block in group for section in _sections(_lines(block)))


def _lines(block: Mapping[str, str]) -> list[str]:
    return from_markdown(block.get("text", "")).split("\n")


def _sections(lines: Iterable[str]) -> Iterator[Block]:
    text = "\n".join(lines)
    while text.strip():
        cut = _cut(text)
        # verbatim: a bare address or name in a data value stays text.
        yield {"type": "section", "text": {"type": "mrkdwn", "text": text[:cut], "verbatim": True}}
        text = text[cut:].lstrip("\n")


def _cut(text: str) -> int:
    """Where a section ends: at a line or word, and never inside an entity or link."""
    if len(text) <= MAX_SECTION:
        return len(text)
    head = text[:MAX_SECTION]
    return next((at for at in (head.rfind("\n"), head.rfind(" "), head.rfind("&")) if at > 0), MAX_SECTION)


def _header(block: Mapping[str, str]) -> Block:
    return {"type": "header", "text": _plain(block.get("text", ""), MAX_HEADER)}


def _plain(text: str, limit: int) -> Block:
    short = text if len(text) <= limit else text[: limit - 1] + "…"
    return {"type": "plain_text", "text": short, "emoji": True}


def _image(block: Mapping[str, str]) -> Block:
    alt_text = block.get("text") or "image"
    return {"type": "image", "image_url": _url(block), "alt_text": alt_text[:MAX_ALT]}


def _actions(group: list[dict[str, str]]) -> Iterator[Block]:
    buttons = [_button(block, at) for at, block in enumerate(group) if block.get("url")]
    for at in range(0, len(buttons), MAX_BUTTONS):
        yield {"type": "actions", "elements": buttons[at : at + MAX_BUTTONS]}


def _button(block: Mapping[str, str], at: int) -> Block:
    button = {
        "type": "button",
        "text": _plain(block.get("text") or "Open", MAX_LABEL),
        "url": _url(block),
        "action_id": f"action_{at}",
    }
    style = _STYLES.get(block.get("style", "button"))
    return {**button, "style": style} if style else button


def _url(block: Mapping[str, str]) -> str:
    url = block.get("url", "")
    if len(url) > MAX_URL:
        raise ContentError(f"slack takes addresses of at most {MAX_URL} characters")
    return url
