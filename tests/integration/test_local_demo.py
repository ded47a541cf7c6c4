"""``notify demo`` succeeds, and says so only when every outcome is the expected one."""

import subprocess
import sys
from typing import cast

from notify.local.demo.play import Act
from notify.local.demo.report import Report, differences
from notify.local.demo.scenes import SCENES, Ending, Facts, Scene
from notify.local.demo.theatre import Theatre

THEATRE = cast(Theatre, None)
WRONG = "status: 'UNDELIVERABLE', expected 'SENT'"


def test_the_demo_plays() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "notify.cli", "demo"], capture_output=True, text=True, timeout=400
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"All {len(SCENES)} scenes went as they should." in done.stdout


def _act(status: str, *, over: bool) -> Act:
    def facts(_: Theatre, ending: Ending) -> Facts:
        return {"status": (ending.record["status"], "SENT")}

    scene = Scene("one", "", lambda theatre: [], facts)
    return Act(scene, ["1-a"], record={"status": status, "enqueued": 0}, over=over)


def test_a_wrong_outcome_is_named() -> None:
    assert differences(THEATRE, _act("UNDELIVERABLE", over=True)) == [
        "status: 'UNDELIVERABLE', expected 'SENT'"
    ]
    assert differences(THEATRE, _act("SENT", over=True)) == []


def test_a_message_that_never_ends_is_wrong() -> None:
    assert differences(THEATRE, _act("ROUTED", over=False)) == ["not finished: ROUTED"]


def test_one_wrong_scene_fails_the_demo() -> None:
    report = Report()
    assert report.summary(THEATRE, [_act("SENT", over=True)])
    assert not report.summary(THEATRE, [_act("SENT", over=True), _act("UNROUTABLE", over=True)])
