"""What a run has shown: a table for people, a line of JSON for scripts."""

import json
from collections.abc import Sequence
from typing import Any

from rich.console import Console
from rich.table import Table

from benchmarks.faults.ledger import Ledger, by_kind
from benchmarks.faults.world import World


def percentile(values: Sequence[float], share: float) -> float | None:
    """The value that ``share`` of the sorted values do not exceed."""
    return round(values[min(len(values) - 1, int(len(values) * share))], 2) if values else None


def summary(world: World, ledger: Ledger, *, seed: int, seconds: float) -> dict[str, Any]:
    """All figures of the run."""
    added, served = world.recovery.added(), world.recovery.added(served=True)
    some = world.recovery.added(served=True, some=True)
    latencies = world.latencies()
    stalls, answers = sorted(world.recovery.stalls), sorted(world.driver.fates.answer_s)
    return {
        "seed": seed,
        "seconds": round(seconds),
        "kills": len(world.journal.kills),
        "killed": by_kind(world.journal),
        "faults": dict(sorted(world.journal.counts.items())),
        **ledger.describe(),
        "provider_requests": world.records.requests,
        "answers": dict(world.driver.fates.answers),
        "recovered": len(added),
        "recovery_s": _shape(added),
        "recovery_served_s": _shape(served),
        "recovered_of_some": len(some),
        "recovery_of_some_s": _shape(some),
        "slowest": world.recovery.slowest(3),
        "stalls": len(stalls),
        "stalls_s": _shape(stalls),
        "latency_s": _shape(latencies),
        "answer_s": _shape(answers),
        "memory_mb": {p.name: p.memory() >> 20 for p in world.instance.processes.like("")},
    }


def _shape(values: Sequence[float]) -> dict[str, float | None]:
    return {"p50": percentile(values, 0.5), "p99": percentile(values, 0.99), "max": percentile(values, 1)}


def _line(shape: dict[str, float | None]) -> str:
    return ", ".join(map(str, shape.values()))


def show(figures: dict[str, Any]) -> None:
    """Print the table and the line."""
    console = Console()
    faults = Table(title="Faults")
    faults.add_column("what")
    faults.add_column("times", justify="right")
    for name, count in figures["faults"].items():
        faults.add_row(name, str(count))
    console.print(faults)
    table = Table(title=f"Ledger of {figures['seconds']} s, seed {figures['seed']}")
    table.add_column("what")
    table.add_column("figure", justify="right")
    for name, value in _rows(figures):
        table.add_row(name, value)
    console.print(table)
    for line in [*figures["oddities"], *figures["slowest"]]:
        console.print(line, style="yellow", highlight=False, markup=False, soft_wrap=True)
    print(json.dumps(figures), flush=True)


def _rows(figures: dict[str, Any]) -> list[tuple[str, str]]:
    latency = figures["latency_s"]
    names = (
        "messages",
        "sends",
        "unanswered",
        "kills",
        "lost",
        "stuck",
        "untrue",
        "stored_twice",
        "duplicated",
    )
    return [
        *((name.replace("_", " "), str(figures[name])) for name in names),
        *((f"  {why}", str(count)) for why, count in figures["explained"].items()),
        ("  unexplained", str(figures["unexplained"])),
        ("  the provider could tell, by its key", str(figures["same_key"])),
        ("twice although at most once", str(figures["once_duplicated"])),
        ("held, or set aside: may have been sent", str(figures["held"])),
        ("killed work under way again: pieces", str(figures["recovered"])),
        ("  after s: p50, p99, max", _line(figures["recovery_s"])),
        ("  after s, while the servers were there", _line(figures["recovery_served_s"])),
        ("  the same, where not all had died", _line(figures["recovery_of_some_s"])),
        ("accepted to sent, s: p50, p99", f"{latency['p50']}, {latency['p99']}"),
        ("statuses", ", ".join(f"{name} {count}" for name, count in figures["statuses"].items())),
        ("answers", ", ".join(f"{name} {count}" for name, count in figures["answers"].items())),
    ]
