"""What speaks of something that another text, or the question, speaks of is computed anew.

A token changes most by texts before it if they name the same: there is something to look up. Which
tokens do is known without the model: those whose id stands in an earlier segment. What the question
names comes first, with what follows it (there stands what is told of it); then the rarest others,
as a chain of things leads over words that the question does not have.
Ours, not of a paper. That the question should steer what is computed anew is ProphetKV's idea (Wang
et al. 2026, https://arxiv.org/abs/2602.02579), which goes by its attention over kept keys.
It sees words, not meanings: a text that says the same in other words is missed. Without a question
(all segments have blocks) only the rarest repeated tokens are computed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from mnemon.errors import InvalidInput

if TYPE_CHECKING:
    from torch import Tensor

    from mnemon.kv.reuse.blend_view import Blended, BlendView

__all__ = ["Mentions"]


@dataclass(frozen=True)
class Mentions:
    """At most `recompute` of the kept tokens, with `window` tokens behind what was asked for."""

    recompute: float = 0.15
    window: int = 8

    def __post_init__(self) -> None:
        if not 0 <= self.recompute <= 1 or self.window < 0:
            raise InvalidInput(
                f"recompute={self.recompute}, window={self.window}: a share from 0 to 1, and 0"
                " tokens or more"
            )

    def blend(self, view: BlendView) -> Blended:
        """A pass over those tokens and the question."""
        _, word = view.tokens.unique(return_inverse=True)
        words = int(word.max()) + 1
        first = torch.full((words,), len(view.tokens), device=word.device)
        first = first.scatter_reduce(0, word, view.segment, "amin")[word]
        again = view.kept & (first < view.segment)
        number = torch.bincount(word[view.kept], minlength=words)
        # Of words that are told as often, the later in the vocabulary is the rarer elsewhere.
        rarity = (number * words - torch.arange(words, device=word.device))[word]
        count = int(self.recompute * int(view.kept.sum()))
        chosen = self._asked_for(view, rarity, again, count)
        return view.computed(_rarest(chosen, again & ~chosen, rarity, count))

    def _asked_for(self, view: BlendView, rarity: Tensor, again: Tensor, count: int) -> Tensor:
        """Mentions of the question's words, rarest first; a word that does not fit is left out.

        Words that are everywhere do not fit, and say little.
        """
        chosen = torch.zeros_like(again)
        for word in rarity[view.new].unique():  # sorted
            mentions = again & (rarity == word)
            more = chosen | (_followed(mentions, self.window) & view.kept)
            if int(more.sum()) <= count:
                chosen = more
        return chosen


def _followed(places: Tensor, window: int) -> Tensor:
    """Those places, and so many behind each."""
    found = places.clone()
    for step in range(1, min(window, len(places) - 1) + 1):
        found[step:] |= places[:-step]
    return found


def _rarest(chosen: Tensor, others: Tensor, rarity: Tensor, count: int) -> Tensor:
    """The chosen tokens, and of the others those of the rarest words, until there are `count`."""
    places = torch.nonzero(others)[:, 0]
    rare = rarity[places].argsort(stable=True)[: count - int(chosen.sum())]
    chosen = chosen.clone()
    chosen[places[rare]] = True
    return chosen
