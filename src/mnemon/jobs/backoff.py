"""When a failed job is tried again: later each time, and not all of them at once."""

from __future__ import annotations

import random

LONGEST_S = 300.0


def delay(attempts: int, first: float) -> float:
    """Seconds to wait after so many attempts: doubled each time up to five minutes, less up to
    half of it at random, so that what failed together does not come back together."""
    full = min(LONGEST_S, first * 2.0 ** min(attempts - 1, 30))
    return full * random.uniform(0.5, 1.0)
