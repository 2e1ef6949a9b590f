"""How much more often than their states say cubes of a size are used."""

from __future__ import annotations

import numpy as np

from mnemon.schedule.trace import Flags, Floats, Ints

_OCTAVES = 10
_DOUBT = 20.0


class Sizes:
    """Uses by expected uses, for each octave of bytes, of cubes that were used before and others.

    Long texts are found more often than short ones.
    """

    def __init__(self, bytes: Floats, keep: float) -> None:
        octave = np.log2(np.maximum(bytes, 1.0) / max(1.0, float(bytes.min(initial=1e30))))
        self._octave = np.minimum(octave.astype(np.int64), _OCTAVES - 1)
        self._keep = keep
        self._expected = np.zeros(2 * _OCTAVES)
        self._used = np.zeros(2 * _OCTAVES)

    def learn(self, chances: Floats, used: Flags, known: Flags) -> None:
        """One step of every cube: the chance it had, whether it was used."""
        which = self._octave + _OCTAVES * known
        self._expected *= self._keep
        self._used *= self._keep
        self._expected += np.bincount(which, chances, 2 * _OCTAVES)
        self._used += np.bincount(which[used], minlength=2 * _OCTAVES)

    def times(self, cubes: Ints, known: Flags) -> Floats:
        """What to multiply the expected uses of some cubes by."""
        times: Floats = (self._used + _DOUBT) / (self._expected + _DOUBT)
        found: Floats = times[self._octave[cubes] + _OCTAVES * known]
        return found
