"""The cases of every registered provider, as parameters of the contract suite."""

import pytest

from notify.model.call import HttpCall

from .cases import all_cases

ALL = all_cases()
EACH = pytest.mark.parametrize("cases", ALL, ids=lambda cases: cases.key)
HTTP = pytest.mark.parametrize(
    "cases",
    [cases for cases in ALL if isinstance(cases.call(cases.sends[0]), HttpCall)],
    ids=lambda cases: cases.key,
)
