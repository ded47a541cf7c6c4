"""What a render may cost: limits go in, a budget counts against them and raises when one is used up."""

from dataclasses import dataclass
from time import perf_counter, thread_time
from typing import Any

from notify.errors import ContentError

MAX_BITS = 1024
MAX_ITEMS = 100_000


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds of one render: its computing time, its loop steps in all, and the bytes it may write."""

    timeout_ms: int
    steps: int
    output_bytes: int


class Budget:
    """What is left of the limits. Several renders that belong together may share one."""

    __slots__ = ("_bytes", "_computed_from", "_deadline", "_limits", "_steps")

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._steps = limits.steps
        self._bytes = limits.output_bytes
        self._computed_from = thread_time()
        self._deadline = perf_counter() + limits.timeout_ms / 1000

    def tick(self) -> None:
        """Raises ContentError when the time is up."""
        if perf_counter() > self._deadline:
            self._confirm_timeout()

    def _confirm_timeout(self) -> None:
        # On a crowded machine a thread waits for its turn; only its own computing may fail a message.
        left = self._limits.timeout_ms / 1000 - (thread_time() - self._computed_from)
        if left <= 0:
            raise ContentError(f"rendering takes longer than {self._limits.timeout_ms} ms (limit: time)")
        self._deadline = perf_counter() + left

    def step(self) -> None:
        """Counts one turn of a loop; raises ContentError beyond the limit."""
        self._steps -= 1
        if self._steps < 0:
            raise ContentError(f"more than {self._limits.steps} loop steps (limit: steps)")
        self.tick()

    def write(self, text: str) -> str:
        """Counts and returns what is written; raises ContentError beyond the limit."""
        self._bytes -= len(text) if text.isascii() else len(text.encode(errors="surrogatepass"))
        if self._bytes < 0:
            raise self._oversized()
        return text

    def fits(self, length: int) -> None:
        """Raises ContentError when a text of this length would be too large to hold."""
        if length > self._limits.output_bytes:
            raise self._oversized()

    def hold(self, value: Any) -> Any:
        """Returns a computed value; raises ContentError when it is too large to compute on with."""
        if isinstance(value, str):
            self.fits(len(value))
        elif isinstance(value, int) and value.bit_length() > MAX_BITS:
            raise ContentError("a number is too large")
        elif isinstance(value, list | tuple | dict):
            _count(value, MAX_ITEMS)
        return value

    def _oversized(self) -> ContentError:
        return ContentError(f"the text is larger than {self._limits.output_bytes} bytes (limit: output)")


def _count(value: Any, left: int) -> None:
    # Lists within lists count each time they occur: comparing or printing them costs as much.
    pending = [value]
    while pending:
        item = pending.pop()
        if isinstance(item, dict):
            pending.extend(item.values())
        elif isinstance(item, list | tuple):
            pending.extend(item)
        left -= 1
        if left < len(pending):
            raise ContentError(f"a list of more than {MAX_ITEMS} items (limit: items)")
