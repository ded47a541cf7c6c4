"""What the demo shows: progress, a timeline of each message, and what was expected against what came."""

from collections.abc import Sequence
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from notify.local.demo.play import Act
from notify.local.demo.scenes import Scene
from notify.local.demo.theatre import Theatre
from notify.local.timeline import line, timeline

_WIDTH = 120


class Report:
    """Prints to a terminal, or plainly to a file."""

    def __init__(self) -> None:
        self.console = Console(highlight=False)
        if not self.console.is_terminal:
            self.console.width = _WIDTH

    def title(self, text: str) -> None:
        self.console.print()
        self.console.rule(Text(text, style="bold"), align="left")

    def entry(self, scene: Scene, entry: dict[str, Any]) -> None:
        """One line of a message's log, as it appears."""
        self.console.print(Text.assemble((f"{scene.name:<13}", "bold"), line(entry)), soft_wrap=True)

    def broken(self, error: Exception) -> bool:
        """The API refused a call; nothing more can be shown."""
        self.console.print(Text(f"{type(error).__name__}: {error}", style="bold red"))
        return False

    def timelines(self, acts: Sequence[Act]) -> None:
        for act in acts:
            self.console.print(
                timeline(act.record, act.history, title=f"{act.scene.name}: {act.scene.story}")
            )

    def summary(self, theatre: Theatre, acts: Sequence[Act]) -> bool:
        """The verdict on each scene; True when all of them went as they should."""
        table = Table("", "scene", "took", "what was checked", box=None, header_style="dim")
        wrong = 0
        for act in acts:
            problems = differences(theatre, act)
            wrong += bool(problems)
            mark = Text("wrong", style="bold red") if problems else Text("ok", style="green")
            took = f"{act.ending.took_ms / 1000:.2f} s" if act.over else ""
            table.add_row(mark, act.scene.name, took, "\n".join(problems) or ", ".join(facts(theatre, act)))
        self.console.print(table)
        self.console.print(
            Text(f"\n{wrong} of {len(acts)} scenes went wrong.", style="bold red")
            if wrong
            else Text(f"\nAll {len(acts)} scenes went as they should.", style="bold green")
        )
        return not wrong


def facts(theatre: Theatre, act: Act) -> list[str]:
    """The names of what was compared."""
    return list(act.scene.facts(theatre, act.ending))


def differences(theatre: Theatre, act: Act) -> list[str]:
    """What is not as it should be."""
    if not act.over:
        return [f"not finished: {act.record.get('status', 'never seen')}"]
    found = act.scene.facts(theatre, act.ending).items()
    return [f"{what}: {is_!r}, expected {should!r}" for what, (is_, should) in found if is_ != should]
