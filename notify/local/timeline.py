"""A message as a person reads it: its record and its log, as the API gives them."""

import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

_GOOD = {"SENT", "DELIVERED", "OPENED", "CLICKED"}
_BAD = {"UNDELIVERABLE", "UNROUTABLE", "UNMAPPED"}
_HELD = {"DELAYED", "DIGESTED", "RETRYING", "ESCALATED", "CANCELED", "FILTERED", "THROTTLED", "SKIPPED"}
# Contents and profiles are long, and another command shows them.
_NOT_SHOWN = {
    "ts", "type", "event", "recipient", "channel", "integration", "output", "data", "profile", "override",
    "received_profile", "stored_profile", "merged_profile",
}  # fmt: skip
_TIMESTAMP = re.compile(r"\d{4}-\d\d-\d\dT")
_EMPTY: tuple[object, ...] = (None, "", [], {})


def style(word: str) -> str:
    """The colour of a status or of a kind of log line."""
    groups = (("green", _GOOD), ("red", _BAD), ("yellow", _HELD))
    return next((colour for colour, words in groups if word in words), "cyan")


def status(record: Mapping[str, Any]) -> Text:
    """The status of a message, with its reason."""
    word = str(record.get("status", "?"))
    reason = record.get("reason")
    return Text(f"{word} ({reason})" if reason else word, style=style(word))


def timeline(
    record: Mapping[str, Any], history: Iterable[Mapping[str, Any]], title: str = ""
) -> RenderableType:
    """Everything that happened to a message, oldest first."""
    parts: list[RenderableType] = [_head(record), _log(history)]
    if record.get("providers"):
        parts.append(_providers(record["providers"]))
    return Panel(Group(*parts), title=title or str(record.get("id", "")), title_align="left")


def line(entry: Mapping[str, Any]) -> Text:
    """One entry of a log: kind, channel and provider, details."""
    kind = str(entry.get("type", "?"))
    return Text.assemble((f"{kind:<15}", style(kind)), f"{_place(entry):<22}", _detail(entry))


def _head(record: Mapping[str, Any]) -> Text:
    head = Text.assemble(status(record), "  to ", (str(record.get("recipient") or "?"), "bold"))
    if record.get("error"):
        head.append(f"\n{record['error']}", style="red")
    return head


def _log(history: Iterable[Mapping[str, Any]]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="dim")
    table.add_column("after", justify="right")
    for name in ("what", "where", ""):
        table.add_column(name, overflow="fold")
    entries = list(history)
    first = entries[0].get("ts", 0) if entries else 0
    for entry in entries:
        kind = str(entry.get("type", "?"))
        after = f"+{(entry.get('ts', 0) - first) / 1000:.3f} s"
        table.add_row(after, Text(kind, style=style(kind)), _place(entry), _detail(entry))
    return table


def _providers(providers: Iterable[Mapping[str, Any]]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="dim", title="Providers", title_justify="left")
    for name in ("channel", "provider", "status", "when", ""):
        table.add_column(name, overflow="fold")
    for one in providers:
        word = str(one.get("status", "?"))
        when = clock_time(one.get("delivered") or one.get("sent"))
        note = one.get("error") or _compact(one.get("reference"))
        table.add_row(
            _channel(one.get("channel")), one.get("provider", ""), Text(word, style=style(word)), when, note
        )
    return table


def clock_time(milliseconds: object) -> str:
    """Epoch milliseconds as a time of day, or nothing."""
    if not isinstance(milliseconds, int | float):
        return ""
    return _of_day(datetime.fromtimestamp(milliseconds / 1000, UTC))


def _of_day(moment: datetime) -> str:
    return moment.astimezone().strftime("%H:%M:%S.%f")[:-3]


def _place(entry: Mapping[str, Any]) -> str:
    integration = entry.get("integration")
    provider = integration.get("provider") if isinstance(integration, Mapping) else integration
    return " ".join(str(part) for part in (_channel(entry.get("channel")), provider) if part)


def _channel(channel: object) -> str:
    if isinstance(channel, Mapping):
        return str(channel.get("key") or channel.get("name") or "")
    return str(channel or "")


def _detail(entry: Mapping[str, Any]) -> str:
    shown = {key: value for key, value in entry.items() if key not in _NOT_SHOWN and value not in _EMPTY}
    parts = [str(shown.pop(key)) for key in ("error_message",) if key in shown]
    if leaves := shown.pop("leaves", None):
        parts.append(_leaves(leaves, str(shown.pop("method", ""))))
    return ", ".join([*parts, *(f"{key}: {_compact(value)}" for key, value in shown.items())])


def _leaves(leaves: Iterable[Mapping[str, Any]], method: str) -> str:
    """A plan in words: ``email by smtp, then sms by twilio or twilio:backup``."""
    ways = (f"{leaf.get('channel')} by {' or '.join(leaf.get('providers', ()))}" for leaf in leaves)
    return (" and " if method == "all" else ", then ").join(ways)


def _compact(value: object) -> str:
    if isinstance(value, Mapping):
        return " ".join(f"{key}={_compact(inner)}" for key, inner in value.items() if inner not in _EMPTY)
    if isinstance(value, list):
        return "; ".join(_compact(inner) for inner in value)
    return "" if value is None else _moment(str(value))


def _moment(text: str) -> str:
    """An ISO timestamp as a time of day; anything else as it is."""
    try:
        return _of_day(datetime.fromisoformat(text)) if _TIMESTAMP.match(text) else text
    except ValueError:
        return text
