"""Every fault, once and briefly: nothing is lost, stuck or untrue, and each duplicate has its one reason."""

import pytest

from benchmarks.faults.acts import KILLS, SPELLS
from tests.faults.conftest import Trial


@pytest.mark.parametrize("name", KILLS)
def test_what_is_killed_loses_nothing(trial: Trial, name: str) -> None:
    trial(KILLS[name][1])


_TESTED_CLOSER = {
    "rolling restart",
    "commits fail",
    "answers to commits lost",
    "killed around commits",
    "killed around publishing",
    "killed after the provider's answer",
}
"""Their tests are ``test_promises`` and ``test_points``."""


@pytest.mark.parametrize("name", [name for name in SPELLS if name not in _TESTED_CLOSER])
def test_a_bad_spell_loses_nothing(trial: Trial, name: str) -> None:
    trial(SPELLS[name])
