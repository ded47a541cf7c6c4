"""For every test: the fixtures of real servers, which start when the first test asks for one.

Side by side (``make test``), tests that share something dear stay together: a file's, or those of a directory
whose tests share a whole instance.
"""

from pathlib import PurePosixPath
from typing import Any

from hypothesis import settings
from xdist.scheduler import LoadFileScheduling

pytest_plugins = ["tests.stack"]

# How long an example takes is the machine's affair.
settings.register_profile("notify", deadline=None)
settings.load_profile("notify")

_ONE_INSTANCE = {"tests/acceptance", "tests/faults"}


class _Together(LoadFileScheduling):
    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.partition("::")[0]
        directory = str(PurePosixPath(file).parent)
        return directory if directory in _ONE_INSTANCE else file


def pytest_xdist_make_scheduler(config: Any, log: Any) -> _Together:
    return _Together(config, log)
