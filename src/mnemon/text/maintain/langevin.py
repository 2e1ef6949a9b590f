"""Langevin: each cube wanders in a ball; use holds it near the middle, at the rim it is retired.

SuperLocalMemory V3 lets a memory's place in the Poincaré ball follow Riemannian Langevin dynamics:
drift down a potential, noise, and the push outward of a space that grows with the radius; near the
middle a memory is active, then warm, cold, archived. Bhardwaj 2026,
https://arxiv.org/abs/2603.14588. Official code (qualixar/superlocalmemory, AGPL-3.0,
`math/langevin.py` at 2979d765): read, not used. How ours differs: the potential is a times the
squared hyperbolic radius, a = alpha + beta log(1 + reads) + delta helpfulness - gamma idle days
(in that code it is the Euclidean radius, which is bounded in a ball of infinite volume, so that no
stationary distribution exists, and age moves a by at most 0.005 of 3); a recall brings a cube back
to the middle; and places are not stored: the path since the last recall, a step a day, is walked
again at each run, with noise that the cube's id decides, so that nothing is written for cubes that
stay. `temperature=0` walks without noise.
It keeps nearly what a plain forgetting curve of equal size keeps (`maintain/forgetting_curve.py`),
with chance added: cubes of equal use are retired on different days.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import numpy as np

from mnemon.cube import Edit, MemCube
from mnemon.text.maintain import _derived

__all__ = ["Langevin"]

_LONGEST = 3650  # days walked: beyond ten years nothing changes
_RIM = 0.99
_TOGETHER = 64  # cubes walked at once, to bound the noise held in memory


@dataclass(frozen=True)
class Langevin:
    """Options.

    Attributes:
        alpha: confinement of a cube just recalled.
        beta: confinement that a factor e of reads adds.
        gamma: confinement lost with every idle day.
        delta: confinement that a helpful judgement alone adds (an unhelpful one takes).
        temperature: of the noise; 0 for none.
        step: how far a day goes.
        rim: the radius, in (0, 1), at which a cube is retired.
        dimensions: of the ball.
        seed: of the noise, with each cube's id.
        spared: kinds that are never retired. A cube whose policy keeps it until later never is.
    """

    alpha: float = 1.0
    beta: float = 1.0
    gamma: float = 1.0 / 30.0
    delta: float = 0.5
    temperature: float = 0.02
    step: float = 0.2
    rim: float = 0.8
    dimensions: int = 8
    seed: int = 0
    spared: Sequence[str] = ("profile",)

    def maintain(self, memory: Any, namespace: str, now: datetime) -> Iterator[Edit]:
        """A `retire` for each cube that has reached the rim, in recording order."""
        cubes = [
            cube
            for cube in _derived.sources(memory, namespace, now)
            if cube.kind not in self.spared and (cube.policy.retain_until or now) <= now
        ]
        for start in range(0, len(cubes), _TOGETHER):
            some = cubes[start : start + _TOGETHER]
            for cube, radius in zip(some, self.radii(some, now).tolist(), strict=True):
                if radius >= self.rim:
                    yield Edit("retire", "archived", cube=cube.id, version=cube.version)

    def radii(self, cubes: Sequence[MemCube], now: datetime) -> np.ndarray:
        """The farthest radius float64 [M], in [0, 1), that each cube came to since its last
        recall."""
        idle = np.asarray([_idle(cube, now) for cube in cubes], dtype=np.int64)
        held = np.asarray([self._held(cube) for cube in cubes])
        places, noise = self._start(cubes, int(idle.max(initial=0)))
        farthest: np.ndarray = np.linalg.norm(places, axis=1)
        for day in range(int(idle.max(initial=0))):
            walking = np.flatnonzero((idle > day) & (farthest < self.rim))
            if not len(walking):
                break
            confined = held[walking] - self.gamma * day
            moved = self.moved(places[walking], confined[:, None], noise[walking, day])
            places[walking] = moved
            farthest[walking] = np.maximum(farthest[walking], np.linalg.norm(moved, axis=1))
        return farthest

    def moved(self, places: np.ndarray, confined: np.ndarray, noise: np.ndarray) -> np.ndarray:
        """One Euler-Maruyama step of places float64 [M, d] with potentials `confined` [M, 1]."""
        radius = np.clip(np.linalg.norm(places, axis=1, keepdims=True), 1e-9, _RIM)
        inverse = (1.0 - radius**2) / 2.0  # of the metric's scale
        slope = 2.0 * confined * 2.0 * np.arctanh(radius) * places / radius / inverse
        outward = self.temperature * (self.dimensions - 2) * inverse * places
        drift = (outward - inverse**2 * slope) * self.step
        after = places + drift + np.sqrt(2.0 * self.temperature * self.step) * inverse * noise
        result: np.ndarray = after * np.minimum(
            1.0, _RIM / np.maximum(np.linalg.norm(after, axis=1, keepdims=True), 1e-9)
        )
        return result

    def _held(self, cube: MemCube) -> float:
        used = cube.usage
        judged = (used.helpful - used.unhelpful) / (used.helpful + used.unhelpful + 1.0)
        return self.alpha + self.beta * float(np.log1p(used.reads)) + self.delta * 2.0 * judged

    def _start(self, cubes: Sequence[MemCube], days: int) -> tuple[np.ndarray, np.ndarray]:
        """(places float64 [M, d] a little off the middle, noise float64 [M, days, d])."""
        drawn = np.stack(
            [
                np.random.default_rng((self.seed, zlib.crc32(cube.id.encode()))).standard_normal(
                    (days + 1, self.dimensions)
                )
                for cube in cubes
            ]
        )
        first = drawn[:, 0]
        return 0.05 * first / np.linalg.norm(first, axis=1, keepdims=True), drawn[:, 1:]


def _idle(cube: MemCube, now: datetime) -> int:
    """Whole days since a cube was recorded or last read."""
    since = max(cube.usage.last_read or cube.recorded_at, cube.recorded_at)
    return min(_LONGEST, max(0, (now - since) // timedelta(days=1)))
