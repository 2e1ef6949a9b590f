"""How long a tier keeps things."""

from __future__ import annotations

_WINDOW = 200
"""Questions over which the flow is averaged."""


class Tenure:
    """The bytes of a tier by the bytes a question that leave it."""

    def __init__(self, budget: float, step: int) -> None:
        self._budget, self._step = budget, step
        self._flow = self._lately = 0.0

    def left(self, nbytes: float) -> None:
        """So many bytes have left."""
        self._lately += nbytes

    def stepped(self) -> None:
        """A step is over."""
        self._flow += (self._lately / self._step - self._flow) * min(1.0, self._step / _WINDOW)
        self._lately = 0.0

    def questions(self, now: int) -> float:
        """Until something leaves; at most half of what has passed: the future is no longer."""
        longest = max(100.0, min(2000.0, now / 2))
        return max(20.0, min(longest, self._budget / self._flow if self._flow > 0 else longest))
