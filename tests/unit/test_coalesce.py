"""Group commit with a deadline: whoever has not left is taken back, whoever has learns that nobody knows."""

import asyncio
import threading
from collections.abc import Sequence

import pytest

from notify.api.coalesce import Bounds, Coalescer
from notify.errors import Unavailable

SOON = Bounds(size=2, waiting_max=3, timeout_s=0.05)


class Stuck:
    """A flush that hangs until it is let go, as on a frozen database."""

    def __init__(self) -> None:
        self.stored: list[int] = []
        self.go = threading.Event()

    def __call__(self, items: Sequence[int]) -> list[int]:
        self.go.wait(10)
        self.stored += items
        return list(items)


async def _submit(flush: Stuck, items: Sequence[int]) -> list[int | BaseException]:
    coalescer: Coalescer[int, int] = Coalescer(flush, SOON)
    first = asyncio.create_task(coalescer.submit(items[0]))
    await asyncio.sleep(0)  # it leaves, alone
    others = [asyncio.create_task(coalescer.submit(item)) for item in items[1:]]
    answers = await asyncio.gather(first, *others, return_exceptions=True)
    flush.go.set()
    await coalescer.close()
    return answers


def test_what_waits_too_long_is_taken_back_and_what_has_left_is_not_known() -> None:
    flush = Stuck()
    answers = asyncio.run(_submit(flush, [1, 2, 3]))
    assert all(isinstance(answer, Unavailable) and answer.retry_after_s > 0 for answer in answers)
    assert [("not known" in str(answer), "nothing was stored" in str(answer)) for answer in answers] == [
        (True, False),
        (False, True),
        (False, True),
    ]
    assert flush.stored == [1]


def test_more_than_may_wait_are_refused_at_once() -> None:
    flush = Stuck()
    answers = asyncio.run(_submit(flush, [1, 2, 3, 4, 5]))
    assert "Too many" in str(answers[-1])
    assert flush.stored == [1]


@pytest.mark.parametrize("count", [1, 5])
def test_in_time_each_gets_its_own_result(count: int) -> None:
    async def submit() -> list[int]:
        coalescer: Coalescer[int, int] = Coalescer(list, Bounds(size=2, waiting_max=9, timeout_s=5))
        results = await asyncio.gather(*map(coalescer.submit, range(count)))
        await coalescer.close()
        return list(results)

    assert asyncio.run(submit()) == list(range(count))
