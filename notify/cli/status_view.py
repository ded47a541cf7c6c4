"""``notify status`` as it is drawn."""

from collections.abc import Sequence

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from notify.manage.status import MINUTES, Line, ProviderState, Snapshot
from notify.model.plan import DeliveryState

_LATE_S = 30.0


def render(found: Snapshot) -> RenderableType:
    """All of it, top to bottom by how much it matters."""
    parts: list[RenderableType] = [_head(found), *_paused(found), _queues(found.lines)]
    if found.providers:
        parts += ["", _providers(found.providers)]
    if found.failures:
        parts += ["", _failures(found)]
    return Group(*parts)


def _head(found: Snapshot) -> Text:
    late = found.dispatch_age_s is None or found.dispatch_age_s > _LATE_S
    beat = "never" if found.dispatch_age_s is None else f"{found.dispatch_age_s:.0f} s ago"
    line = Text.assemble(
        (f"{found.accepted_per_s:g}/s", "bold"),
        " accepted   ",
        (f"{len(found.workers)} workers", "bold" if found.workers else "bold red"),
        "   dispatcher ",
        (beat, "red" if late else "green"),
    )
    for song in found.canaries:
        told = f"{song.latency_s or 0:.1f} s" if song.ok else song.problem or "failed"
        told += f", late: {song.age_s:.0f} s ago" if song.late else ""
        line.append(f"   canary {song.lane} ").append(told, style="green" if song.well else "red")
    if found.refused:
        line.append(f"\n{found.refused} messages of Celery tasks refused: see ", style="yellow")
        line.append("notify refusals", style="bold yellow")
    return line


def _paused(found: Snapshot) -> list[Text]:
    lines = [
        Text(
            f"{'resuming' if one.resuming else 'PAUSED'} {one.what} ({one.world}) holds {one.held}"
            f", by {one.by}{': ' + one.reason if one.reason else ''}",
            style="yellow",
        )
        for one in found.pauses
    ]
    return [*lines, Text()]


def _queues(lines: Sequence[Line]) -> Table:
    table = Table("queue", box=None, header_style="dim")
    for name in ("ready", "oldest", "held", "lost", "later", "paused", "workers"):
        table.add_column(name, justify="right")
    idle = 0
    for line in lines:
        if not any(line.depth.values()) and line.workers:
            idle += 1
            continue
        later = line.depth["later"] + line.depth["parked"]
        numbers = (line.depth["held"], line.depth["lost"], later, line.depth["paused"])
        table.add_row(
            line.name,
            str(line.depth["ready"] or ""),
            _age(line.oldest_s),
            *(str(number or "") for number in numbers),
            Text(str(line.workers), style="" if line.workers else "bold red"),
        )
    table.add_row(Text(f"{idle} queues are empty and served" if idle else "", style="dim"))
    return table


def _age(seconds: float) -> Text:
    shown = "" if seconds < 0.5 else f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:.0f} min"
    return Text(shown, style="red" if seconds > _LATE_S else "")


def _providers(found: Sequence[ProviderState]) -> Table:
    table = Table(f"provider, last {MINUTES} min", "world", "circuit", "limit", box=None, header_style="dim")
    for state in DeliveryState:
        table.add_column(state, justify="right")
    for one in found:
        circuit = Text("open", style="bold red") if one.circuit_open else Text("closed", style="green")
        counts = (str(one.outcomes.get(state) or "") for state in DeliveryState)
        table.add_row(one.name, one.world, circuit, _limit(one), *counts)
    return table


def _limit(one: ProviderState) -> str:
    if one.limit is None:
        return ""
    return f"{one.limit}, {one.line_s:.1f} s ahead" if one.line_s else one.limit


def _failures(found: Snapshot) -> Table:
    table = Table("latest failures", "world", "status", "error", box=None, header_style="dim")
    for one in found.failures:
        table.add_row(one.id, one.world, Text(one.status, style="red"), one.error or "")
    return table
