"""What loading costs on this machine, measured; whether it is worth it."""

from __future__ import annotations

import math
import threading
from collections.abc import Mapping
from dataclasses import dataclass, replace

_WEIGHT = 0.2
"""Of a new load in the running averages."""
_SMALL = 1 << 16
"""Loads below so many bytes tell of the latency, those above of the bytes a second."""


@dataclass(frozen=True)
class Speed:
    """How quickly a tier is read.

    Attributes:
        latency: seconds before the first byte.
        rate: bytes a second after it.
    """

    latency: float
    rate: float

    def seconds(self, nbytes: int) -> float:
        """Seconds to load so many bytes."""
        return self.latency + nbytes / self.rate


MEMORY = Speed(0.0, math.inf)
"""Of what lies where it is used: nothing is loaded."""


@dataclass(frozen=True)
class Verdict:
    """Why a blob would be loaded or computed.

    Attributes:
        tier: the fastest place that has it, or None.
        load_seconds: to load it from there, as measured; None: from nowhere.
        compute_seconds: to compute it, as `put` was told; None: not known.
        load: whether `get` loads it.
        break_even_tokens: so many tokens at least a text like this must have for loading to be
            quicker than computing: infinite if it never is, None if it is not known.
        break_even_bytes: the same in bytes.
    """

    key: str
    tier: str | None
    load_seconds: float | None
    compute_seconds: float | None
    load: bool
    break_even_tokens: float | None = None
    break_even_bytes: float | None = None


class CostModel:
    """Running averages of what loads took, by tier. Safe for several threads.

    Attributes:
        skips: whether a load that would take longer than computing is skipped.
        learns: whether loads change the averages.
    """

    def __init__(
        self, speeds: Mapping[str, Speed] | None = None, *, skips: bool = True, learns: bool = True
    ) -> None:
        """Begin with what is known.

        Args:
            speeds: by tier; a tier that is not in it is measured when it is first needed.
            learns: whether loads change the averages.
        """
        self.skips = skips
        self._speeds = dict(speeds or {})
        self.learns = learns
        self._lock = threading.Lock()

    def knows(self, tier: str) -> bool:
        """Whether anything was measured there."""
        return tier in self._speeds

    def speed(self, tier: str) -> Speed:
        """What is known of a tier; as quick as memory if nothing is."""
        return self._speeds.get(tier, MEMORY)

    def learn(self, tier: str, speed: Speed) -> None:
        """Take over what was measured elsewhere."""
        with self._lock:
            self._speeds[tier] = speed

    def observe(self, tier: str, nbytes: int, seconds: float) -> None:
        """Learn from a load of `nbytes` that took so many seconds."""
        if not self.learns:
            return
        with self._lock:
            known = self._speeds.get(tier)
            seconds = max(seconds, 1e-9)
            if known is None:
                first = (
                    Speed(seconds, math.inf) if nbytes < _SMALL else Speed(0.0, nbytes / seconds)
                )
                self._speeds[tier] = first
            elif nbytes < _SMALL:
                latency = known.latency + _WEIGHT * (seconds - known.latency)
                self._speeds[tier] = replace(known, latency=latency)
            else:
                self._speeds[tier] = replace(known, rate=_rate(known, nbytes, seconds))

    def verdict(
        self, key: str, tier: str | None, nbytes: int, seconds: float | None, tokens: int | None
    ) -> Verdict:
        """Load or compute.

        Args:
            nbytes: of the blob in that tier. seconds: to compute it. tokens: of its text.
        """
        if tier is None:
            return Verdict(key, None, None, seconds, False)
        speed = self.speed(tier)
        load = speed.seconds(nbytes)
        worth = seconds is None or load <= seconds or not self.skips
        if seconds is None:
            return Verdict(key, tier, load, None, worth)
        # Both grow with the text: seconds ÷ bytes against 1 ÷ rate, and the latency once.
        won = seconds / max(1, nbytes) - 1 / speed.rate
        even = speed.latency / won if won > 0 else math.inf
        each = None if not tokens else nbytes / tokens
        return Verdict(
            key, tier, load, seconds, worth, None if each is None else even / each, even
        )  # fmt: skip


def _rate(known: Speed, nbytes: int, seconds: float) -> float:
    """The running average of seconds a byte, as bytes a second."""
    now = max(seconds - known.latency, seconds / 10) / nbytes
    before = 1 / known.rate
    return 1 / (now if before == 0 else before + _WEIGHT * (now - before))
