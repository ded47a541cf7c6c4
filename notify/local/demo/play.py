"""Plays the scenes: sends everything, tells the message log as it grows, and waits for every end."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from notify.local.demo.scenes import Ending, Scene
from notify.local.demo.theatre import Theatre
from notify.model.status import FINAL

TIMEOUT_S = 100
_LOOK_EVERY_S = 0.2

Tell = Callable[[Scene, dict[str, Any]], None]


@dataclass(slots=True)
class Act:
    """A scene under way. ``ending`` is what is known, ``over`` whether it is final."""

    scene: Scene
    answers: list[str]
    record: dict[str, Any] = field(default_factory=dict)
    history: list[dict[str, Any]] = field(default_factory=list)
    over: bool = False

    @property
    def ending(self) -> Ending:
        return Ending(record=self.record, history=self.history, answers=self.answers)


def play(theatre: Theatre, scenes: Sequence[Scene], tell: Tell) -> list[Act]:
    """Play all scenes at once; ``tell`` gets each log entry of each as it appears."""
    acts = [Act(scene, scene.send(theatre)) for scene in scenes]
    deadline = time.monotonic() + TIMEOUT_S
    while not all(act.over for act in acts) and time.monotonic() < deadline:
        for act in acts:
            if not act.over:
                _look(theatre, act, tell)
        time.sleep(_LOOK_EVERY_S)
    return acts


def _look(theatre: Theatre, act: Act, tell: Tell) -> None:
    messages = theatre.client.messages
    # The record first: a log read after an end is complete.
    act.record = messages.retrieve(act.answers[0]).to_dict(mode="json")
    told = len(act.history)
    act.history = [dict(entry) for entry in messages.history(act.answers[0]).results]
    for entry in act.history[told:]:
        tell(act.scene, entry)
    act.over = _ended(act.record)


def _ended(record: dict[str, Any]) -> bool:
    """The status is final, and no branch of an ``all`` is still under way."""
    attempts = record.get("providers", [])
    return record["status"] in FINAL and all(attempt.get("status") for attempt in attempts)
