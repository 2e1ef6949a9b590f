"""The usage state of a cube: how long ago and how often it was used, and those around it."""

from __future__ import annotations

import numpy as np

from mnemon.schedule.trace import Flags, Floats, Ints
from mnemon.schedule.view import View

_AGES, _STRENGTHS = 11, 8
_GROUP_AGES = np.array([1, 4, 16, 64, 256])
_NAMESPACE_AGES = np.array([4, 32, 256])
_AROUND = (len(_GROUP_AGES) + 1) * (len(_NAMESPACE_AGES) + 1)
_LONG_AGO = -(10**9)
_NEVER = 1e-3

ITEMS = 1 + _AGES * _STRENGTHS
"""States of a cube by its own use; 0 is that of one that never was."""
STATES = ITEMS * _AROUND
"""All: state // (STATES // ITEMS) is the one by its own use."""


def unlearned(step: int) -> Floats:
    """The chance of being used in a step of some questions, by own state, if nothing is known.

    The longer not used, the longer it may take again; what never was is hardly ever.
    """
    ages = np.repeat(2.0 ** np.arange(_AGES), _STRENGTHS)
    return np.concatenate([[_NEVER * step], 0.5 * step / (ages + step)])


class States:
    """What cubes' headers say of their use, as a number of a state each.

    A cube's own use: the age of the last one, in octaves of questions, and the strength, the number
    of uses, each fading over `memory` questions. Around it: ages of the last use of anything in its
    group and in its namespace.
    """

    def __init__(self, view: View, memory: float) -> None:
        cubes = len(view.bytes)
        self._view, self._memory = view, memory
        self._last = np.full(cubes, -1)
        self._strength = np.zeros(cubes)
        self._groups = np.full(int(view.groups.max(initial=0)) + 1, _LONG_AGO)
        self._namespaces = np.full(int(view.namespaces.max(initial=0)) + 1, _LONG_AGO)

    def used(self, cubes: Ints, now: int) -> None:
        """These were used."""
        faded = np.exp((self._last[cubes] - now) / self._memory)
        self._strength[cubes] = self._strength[cubes] * faded + 1
        self._last[cubes] = now
        self._groups[self._view.groups[cubes]] = now
        self._namespaces[self._view.namespaces[cubes]] = now

    def known(self) -> Flags:
        """Which cubes were ever used, `[N]`."""
        return self._last >= 0

    def at(self, now: int, cubes: Ints) -> Ints:
        """The states of some cubes."""
        last = self._last[cubes]
        ages = np.minimum(np.log2(np.maximum(now - last, 0) + 1).astype(np.int64), _AGES - 1)
        strength = self._strength[cubes] * np.exp((last - now) / self._memory)
        steps = np.floor(1.5 * np.log2(np.maximum(strength, 0.5))).astype(np.int64) + 2
        own = np.where(last < 0, 0, 1 + ages * _STRENGTHS + np.clip(steps, 0, _STRENGTHS - 1))
        groups = np.searchsorted(_GROUP_AGES, now - self._groups)[self._view.groups[cubes]]
        spaces = np.searchsorted(_NAMESPACE_AGES, now - self._namespaces)
        around = groups * (len(_NAMESPACE_AGES) + 1) + spaces[self._view.namespaces[cubes]]
        found: Ints = own * _AROUND + around
        return found

    def beside(self, now: int, cubes: Ints) -> tuple[Ints, Floats]:
        """What to add to the states of some cubes to get those of the next age, or of the one
        before, whichever is nearer; and how near it is, from 0 to 0.5."""
        last = self._last[cubes]
        age = np.log2(np.maximum(now - last, 0) + 1)
        into = age % 1.0 - 0.5
        way = np.where(into > 0, 1, -1)
        there = age.astype(np.int64) + way
        inside = (last >= 0) & (there >= 0) & (there < _AGES)
        return np.where(inside, way * _STRENGTHS * _AROUND, 0), np.abs(into)

    def told(self, cube: int, now: int) -> str:
        """A cube's use in words."""
        group = now - int(self._groups[self._view.groups[cube]])
        around = "" if group > now else f", its group {group} questions ago"
        if self._last[cube] < 0:
            return f"never used{around}"
        faded = float(np.exp((self._last[cube] - now) / self._memory))
        times = self._strength[cube] * faded
        return f"used {now - int(self._last[cube])} questions ago, strength {times:.1f}{around}"
