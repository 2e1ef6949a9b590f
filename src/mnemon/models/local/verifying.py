"""Verifying: on a sample of turns, what kept keys and values give beside recomputation."""

from __future__ import annotations

import logging
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mnemon.errors import InvalidInput
from mnemon.models.local.prepare import Preparation, Prepared

if TYPE_CHECKING:
    from torch import Tensor

    from mnemon.models.local.prompt import Prompt

_log = logging.getLogger(__name__)
_TOLERANCES = {"torch.float32": 1e-3, "torch.float64": 1e-6}
_COARSE = 0.25  # logits of types with 8 or 11 bits of precision


@dataclass(frozen=True, slots=True)
class Checked:
    """A prepared prompt, the way that goes on with it, and how far it was from recomputation."""

    prepared: Prepared
    way: Preparation
    difference: float | None = None
    fell_back: bool = False


class Verifying:
    """Looks at a fraction of turns, evenly: 0.1 is every tenth. Shared by sessions.

    Attributes:
        counts: `looked` and `differed`, turns. largest: difference of a logit so far.
    """

    def __init__(self, fraction: float, tolerance: float | None) -> None:
        if not 0.0 <= fraction <= 1.0:
            raise InvalidInput(f"verify={fraction}: it is the fraction of turns, from 0 to 1")
        self.fraction, self.tolerance = fraction, tolerance
        self.counts = {"looked": 0, "differed": 0}
        self.largest = 0.0
        self._due = 0.0
        self._lock = threading.Lock()

    def due(self) -> bool:
        """Whether to look at this turn."""
        with self._lock:
            self._due += self.fraction
            now = self._due >= 1.0 - 1e-9
            self._due -= now
            return now

    def check(
        self, prompt: Prompt, prepared: Prepared, way: Preparation, plain: Preparation
    ) -> Checked:
        """Compare with recomputation; beyond the tolerance, go on with that, and drop the rest."""
        right = plain.prepare(prompt)
        difference = float((right.logits.float() - prepared.logits.float()).abs().max())
        bad = self._beyond(right.logits, prepared.logits, difference, way.exact)
        with self._lock:
            self.largest = max(self.largest, difference)
            self.counts["looked"] += 1
            self.counts["differed"] += bad
        _log.info("a logit differs from recomputation by %.2g at most", difference)
        if not bad:
            return Checked(prepared, way, difference)
        _log.warning(
            "kept keys and values gave logits that differ from recomputation by %.2g:"
            " they are dropped, and the prompt is computed", difference,
        )  # fmt: skip
        way.drop(prompt)
        return Checked(right, plain, difference, True)

    def _beyond(self, right: Tensor, found: Tensor, difference: float, exact: bool) -> bool:
        if self.tolerance is not None:
            return difference > self.tolerance
        if not exact:  # what is near by design must choose the same
            return int(right.argmax()) != int(found.argmax())
        return difference > _TOLERANCES.get(str(right.dtype), _COARSE)
