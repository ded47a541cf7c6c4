"""When to try again: one delivery's latest transient outcome in, the time of its next try or None out.

With something to fall back on, a provider has until its own and its channel's timeout, and is given up at
once when the next try would come after that, since waiting idle helps nobody. The last resort has until the
message's deadline.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from notify.model.call import Transient
from notify.model.plan import Leaf


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryPolicy:
    """``waits_s``: the wait after the first, second... try; the last one repeats.

    ``jitter``: up to this share of a wait is added, so that what failed together does not return together.
    """

    waits_s: tuple[float, ...] = (5, 10, 20, 40, 60, 120, 240, 480, 720, 900)
    jitter: float = 0.1

    def __post_init__(self) -> None:
        if not self.waits_s or min(self.waits_s) < 0 or self.jitter < 0:
            raise ValueError("a retry policy needs at least one wait, and no negative numbers")

    def wait_s(self, tries: int, retry_after_s: float | None, chance: float) -> float:
        """The wait after the given number of tries, never shorter than the provider asked for."""
        scheduled = self.waits_s[min(max(tries, 1), len(self.waits_s)) - 1]
        return max(scheduled, retry_after_s or 0.0) * (1 + self.jitter * chance)


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """A delivery so far. ``tries`` counts the one that just ended.

    ``channel_started_at``: when the first delivery of this leaf began.
    """

    leaf: Leaf
    candidate: int
    tries: int
    started_at: datetime
    channel_started_at: datetime


def retry_at(
    outcome: Transient,
    trial: Trial,
    *,
    policy: RetryPolicy,
    deadline: datetime,
    fallback: bool,
    now: datetime,
    chance: float,
) -> datetime | None:
    """When the same provider is tried again; None: this delivery has failed.

    Args:
        deadline: the message's own.
        fallback: whether anything else would take over (``advance.fallback_exists``).
        chance: in [0, 1), drawn anew for each call.
    """
    wait_s = policy.wait_s(trial.tries, outcome.retry_after_s, chance)
    left = min(deadline, _patience(trial)) - now if fallback else deadline - now
    # Compared as numbers: a provider may ask for more seconds than a datetime can hold.
    return now + timedelta(seconds=wait_s) if wait_s < left.total_seconds() else None


def _patience(trial: Trial) -> datetime:
    """Until when a delivery with a fallback may keep trying."""
    candidate = trial.leaf.candidates[trial.candidate]
    provider_end = trial.started_at + timedelta(milliseconds=candidate.timeout_ms)
    channel_end = trial.channel_started_at + timedelta(milliseconds=trial.leaf.timeout_ms)
    return min(provider_end, channel_end)
