"""Processes that go on from a fork: what must not be the same in two of them is not."""

import os
import subprocess
import sys

_PROGRAM = """
import os, sys
from notify.local import warm
warm.load()
import threading
assert threading.active_count() == 1, threading.enumerate()
from notify import ids
from notify.store import db
assert not db.engine.cache_info().currsize
import random, secrets, uuid
for _ in range(2):
    if os.fork() == 0:
        print(ids.new().hex[-12:], random.random(), secrets.token_hex(4), uuid.uuid4().hex, flush=True)
        os._exit(0)
    os.wait()
"""


def test_forks_draw_numbers_of_their_own(environment: dict[str, str]) -> None:
    done = subprocess.run(
        [sys.executable, "-c", _PROGRAM],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    first, second = (line.split() for line in done.stdout.splitlines())
    assert all(one != other for one, other in zip(first, second, strict=True))
