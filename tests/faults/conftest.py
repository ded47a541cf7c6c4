"""One instance of real processes for all faults, and the check that follows each of them.

The long form of these tests is ``python -m benchmarks.faults``; docs/reliability.md explains both.
"""

import os
import random
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from benchmarks.faults.ledger import Ledger
from benchmarks.faults.options import Options
from benchmarks.faults.ours import Act, Length
from benchmarks.faults.provider import Behaviour
from benchmarks.faults.world import World, world

QUICK = {
    "NOTIFY_RETRY_WAITS_S": "0.3,0.5,1",
    "NOTIFY_LEASE_S": "3",
    "NOTIFY_RECONCILE_EVERY_S": "1",
    "NOTIFY_RECONCILE_GRACE_S": "1",
    "NOTIFY_DISPATCH_EVERY_S": "1",
    "NOTIFY_HTTP_TIMEOUT_S": "2",
    "NOTIFY_BREAKER_OPEN_S": "1",
    "NOTIFY_ACCEPT_TIMEOUT_S": "4",
    "NOTIFY_REQUEST_TIMEOUT_S": "6",
    # A busy machine is no fault that these tests are about.
    "NOTIFY_SHED": "false",
}
"""Settings that make recovery quick enough to be waited for."""

LENGTH = Length(freeze=4, database_freeze=4, spell=2)
MANY = 120
PER_S = 60
QUIET_S = 120
DISK_MB = 800


@dataclass(frozen=True, slots=True)
class Trial:
    """Messages under way while a fault happens, then the ledger."""

    world: World

    def __call__(self, act: Act, messages: int = MANY, per_s: float = PER_S) -> Ledger:
        sending = self.world.driver.begin(messages, per_s)
        act(self.world, random.Random(1), LENGTH)
        sending.result(timeout=QUIET_S)
        return self.settled(messages)

    def settled(self, messages: int) -> Ledger:
        """The ledger, once nothing is left to do: whatever the fault was, no promise is broken."""
        quiet = self.world.quiet(QUIET_S)
        ledger = self.world.settle()
        assert (ledger.broken, quiet) == ({}, True), (ledger.oddities, self.world.instance.said(3))
        assert (ledger.messages, ledger.unanswered) == (messages, 0)
        return ledger


@pytest.fixture(scope="package")
def faulty() -> Iterator[World]:
    """The instance; it is handled roughly."""
    with (
        tempfile.TemporaryDirectory(prefix="notify-faults-", ignore_cleanup_errors=True) as made,
        small_disk(Path(made)) as home,
        world(Options(settings=QUICK, beats=2), slow_s=3, longest_s=8, directory=home) as running,
    ):
        yield running


@contextmanager
def small_disk(directory: Path) -> Iterator[Path]:
    """A file system that can be filled, where we may mount one; else just the directory."""
    command = ["mount", "-t", "tmpfs", "-o", f"size={DISK_MB}m,mode=711", "tmpfs", str(directory)]
    mounted = os.geteuid() == 0 and subprocess.run(command, check=False).returncode == 0
    try:
        yield directory
    finally:
        if mounted:
            subprocess.run(["umount", "-l", str(directory)], check=True)


@pytest.fixture
def trial(faulty: World) -> Trial:
    """A fresh ledger over an instance in good health."""
    instance = faulty.instance
    instance.steer("points", None)
    for latch in instance.faults.glob("once-*"):
        latch.unlink()
    instance.outside.behave(Behaviour.OK)
    instance.until(instance.serving, "the instance serves")
    faulty.driver.forget()
    return Trial(faulty)
