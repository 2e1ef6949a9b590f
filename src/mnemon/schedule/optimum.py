"""A lower bound of what any policy costs on a trace, however much it knows beforehand.

Between two uses of a cube its keys and values stay in the host, or somewhere, or nowhere, and the
next use pays for it. As a linear program with the capacity of each tier at each moment this is the
flow relaxation of FOO: Berger, Beckmann and Harchol-Balter 2018, "Practical bounds on optimal
caching with variable object sizes", https://doi.org/10.1145/3224427. How ours differs: two tiers,
seconds instead of misses, writes (a cube that is ever on disk was written once), and keys and
values that are compiled just before they are used, in the background; and instead of solving the
program we relax its capacities with multipliers, a price of a byte in each tier at each moment.
For any prices of 0 or more, what each cube would pay at best, less the price of the budgets, is at
most the optimum: ascending the prices makes the bound tight, and it holds wherever one stops.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mnemon.schedule.trace import Flags, Floats, Ints, Trace
from mnemon.schedule.view import View

_STEPS = 150


def lower_bound(trace: Trace, view: View, *, ahead: bool = True, steps: int = _STEPS) -> float:
    """Seconds, as `Outcome.cost` counts them with the view's price.

    Args:
        ahead: whether policies may compile ahead; without it the bound is of those that do not.
        steps: of the ascent; more are tighter.
    """
    uses = _uses(trace)
    moments = len(trace.questions)
    budgets = np.array([view.host_bytes, view.disk_bytes])
    prices = np.zeros((2, moments))
    best = -np.inf
    # Prices begin at the scale of what a byte saves, spread over how long it is held.
    scale = float((view.compute / view.bytes).mean()) / uses.span
    mean, square = np.zeros_like(prices), np.zeros_like(prices)
    for step in range(1, steps + 1):
        bound, held = _relaxed(uses, view, prices, ahead)
        best = max(best, bound - float(budgets @ prices.sum(1)))
        slope = (held - budgets[:, None]) / budgets.max(initial=1.0)
        # Adam's steps: the prices' scale is not known, their signs are.
        mean = 0.9 * mean + 0.1 * slope
        square = 0.99 * square + 0.01 * slope**2
        size = scale * 0.3 / (1 + 10 * step / steps)
        toward = (mean / (1 - 0.9**step)) / (np.sqrt(square / (1 - 0.99**step)) + 1e-9)
        prices = np.maximum(0.0, prices + size * toward)
    return best


@dataclass(frozen=True)
class _Uses:
    """Each use: of which cube, when the cube was used before (`first`: never), and when now."""

    cube: Ints
    begin: Ints
    end: Ints
    first: Flags

    @property
    def span(self) -> float:
        """Questions between a use and the one before, typically."""
        again = (self.end - self.begin)[~self.first]
        return max(1.0, float(np.median(again))) if len(again) else 1.0


def _uses(trace: Trace) -> _Uses:
    cube = np.concatenate([*trace.questions, np.zeros(0, np.int64)])
    end = np.repeat(np.arange(len(trace.questions)), [len(one) for one in trace.questions])
    order = np.lexsort((end, cube))
    cube, end = cube[order], end[order]
    first = np.ones(len(cube), bool)
    first[1:] = cube[1:] != cube[:-1]
    begin = np.where(first, end, np.concatenate([[0], end[:-1]]))
    return _Uses(cube, begin, end, first)


def _relaxed(uses: _Uses, view: View, prices: Floats, ahead: bool) -> tuple[float, Floats]:
    """What all cubes pay at these prices, and the bytes they then hold, `[2, moments]`."""
    of, cheaper = uses.cube, np.minimum(prices[0], prices[1])
    rent = [np.concatenate([[0.0], np.cumsum(one)]) for one in (prices[0], cheaper)]
    in_host, anywhere = [view.bytes[of] * (one[uses.end] - one[uses.begin]) for one in rent]
    nowhere = view.compute[of]
    if ahead:
        nowhere = np.minimum(nowhere, view.from_host[of] + view.price * view.ahead[of])
    host = np.where(uses.first, np.inf, view.from_host[of] + in_host)
    disk = np.where(uses.first, np.inf, view.from_disk[of] + anywhere)
    without = np.minimum(nowhere, host)
    cubes = len(view.bytes)
    kept_off = np.bincount(of, without, cubes)
    written = np.bincount(of, np.minimum(without, disk), cubes) + view.price * view.write
    on_disk = written < kept_off
    by_disk = on_disk[of] & (disk < without)
    by_host = ~by_disk & (host < nowhere)
    held = _held(uses, view, by_host, len(prices[0]))
    either = _held(uses, view, by_disk, len(prices[0]))
    used = np.bincount(of, minlength=cubes) > 0
    cheap = prices[0] < prices[1]
    both = np.stack([held + either * cheap, either * ~cheap])
    return float(np.minimum(written, kept_off)[used].sum()), both


def _held(uses: _Uses, view: View, which: Flags, moments: int) -> Floats:
    """Bytes held at each moment by the uses `which`: from the use before until this one."""
    change = np.zeros(moments + 1)
    np.add.at(change, uses.begin[which], view.bytes[uses.cube[which]])
    np.add.at(change, uses.end[which], -view.bytes[uses.cube[which]])
    return np.cumsum(change)[:-1]
