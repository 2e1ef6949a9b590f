"""An associative memory of fixed size: latents written by least squares, read by address, erased.

Das et al. 2024, "Larimar: Large Language Models with Episodic Memory Control",
https://arxiv.org/abs/2403.11901 (code: https://github.com/IBM/larimar at 6044174, Apache-2.0), and
Nelson et al. 2024, "Needle in the Haystack for Memory Based Large Language Models",
https://arxiv.org/abs/2407.01437: M = W+ Z for addresses W and latents Z, with the running
covariance C = W'W; a segment is taken out by the same update with a minus sign.

HOW OURS DIFFERS: there is no trained encoder, decoder or scope detector. A latent is the keys and
values that the frozen model makes of a segment, and what is read goes before the question as its
cache. An address is not the encoder's but a fixed sign vector of the words that a segment is filed
under; a question tries all that it names, and the leverage of an address, w inv(C) w', says which
the memory knows (the scope detector's part): at most 1 if it was written, else far more. Kept are
C and C M, on a grid, instead of C and M: then erasing is a subtraction, exact to the last bit.
Cannot be combined with sliding-window or recurrent layers.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch

from mnemon.errors import InvalidInput
from mnemon.weights import addresses, grid, latents
from mnemon.weights.associate import Recalled, Segment, State

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["Larimar"]

_AT_ONCE = 32
"""Segments whose latents are held at a time."""


@dataclass(frozen=True)
class Larimar:
    """Kanerva-style memory of latents.

    Attributes:
        slots: rows of the memory: so many segments are kept apart, more blur each other.
        tokens: that a segment has at most, the tokenizer's first one included.
        bits: after the point, of each number in a latent.
        ridge: added to the covariance before it is inverted.
        known: leverage up to which an address counts as written; one that is cannot exceed 1.
    """

    slots: int = 256
    tokens: int = 32
    bits: int = 7
    ridge: float = 1e-4
    known: float = 1.0

    def __post_init__(self) -> None:
        if self.slots < 2 or self.tokens < 2 or self.ridge <= 0:
            raise InvalidInput(
                f"slots={self.slots}, tokens={self.tokens}, ridge={self.ridge}: take 2 slots and 2 "
                "tokens or more, and a ridge above 0"
            )

    @property
    def additive(self) -> bool:
        """Always."""
        return True

    @property
    def room(self) -> int:
        """The slots."""
        return self.slots

    def write(self, model: Any, state: State, segments: Sequence[Segment]) -> State:
        """Sums `[slots, C]`, covariance `[slots, slots]`, layout `[L, 3]` and how many `[1]`."""
        return self._changed(model, state, segments, 1)

    def erase(self, model: Any, state: State, segments: Sequence[Segment]) -> State:
        """As if they had never been written, byte for byte (on the machine that wrote them)."""
        return self._changed(model, state, segments, -1)

    def read(self, model: Any, state: State, addresses: Sequence[str]) -> Recalled | None:
        """The latent under the first address that the memory knows, as a cache."""
        if not state or not addresses:
            return None
        weights, leverage, scores = self._looked(state["covariance"], addresses)
        if not len(known := (leverage <= self.known).nonzero()):
            return None
        weights, score = weights[known[0, 0]], float(scores[known[0, 0]])
        cache = latents.cache_of(model, weights @ state["sums"].double(), state["layout"])
        start = cache.get_seq_length()
        return Recalled(cache, start, score) if start else None

    def _changed(self, model: Any, state: State, segments: Sequence[Segment], sign: int) -> State:
        for start in range(0, len(segments), _AT_ONCE):  # exact, so that it is as if all at once
            state = self._with(model, state, segments[start : start + _AT_ONCE], sign)
        return state

    def _with(self, model: Any, state: State, segments: Sequence[Segment], sign: int) -> State:
        made = [latents.encoded(model, (*one.opening, *one.ids)) for one in segments]
        rows = torch.stack(
            [grid.rounded(latents.flat(one, self.tokens), self.bits) for one in made]
        )
        at = addresses.signs([one.address for one in segments], self.slots)
        state = state or self._empty(rows.shape[1], latents.layout(made[0]))
        fine = addresses.scale(self.slots)
        told = {
            "sums": grid.added(state["sums"], sign * (at.T @ rows), self.bits + fine),
            "covariance": grid.added(state["covariance"], sign * (at.T @ at), 2 * fine),
            "layout": state["layout"], "written": state["written"] + sign * len(segments),
        }  # fmt: skip
        return told if int(told["written"]) else {}

    def _empty(self, width: int, layout: Tensor) -> State:
        return {
            "sums": torch.zeros(self.slots, width),
            "covariance": torch.zeros(self.slots, self.slots),
            "layout": layout, "written": torch.zeros(1, dtype=torch.long),
        }  # fmt: skip

    def _looked(self, covariance: Tensor, asked: Sequence[str]) -> tuple[Tensor, ...]:
        """Of each address, what the rows of sums are weighed by `[N, slots]`, its leverage `[N]`,
        and the share of it that lies within those written `[N]`."""
        at = addresses.signs(asked, self.slots)
        lower = torch.linalg.cholesky(covariance.double() + self.ridge * torch.eye(self.slots))
        solved = torch.cholesky_solve(at.T, lower).T
        leverage = (at * solved).sum(1)
        within = 1 - self.ridge * leverage / (at * at).sum(1)
        return solved, leverage, within.clamp(0, 1)
