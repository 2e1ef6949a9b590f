"""The first tokens of each chunk, where a text computed alone is off most, are computed anew.

A chunk's first token took the place of the first token of the text, on which models lay the
attention that they have no use for; computed anew it becomes a token like others.
EPIC: Efficient Position-Independent Caching for Serving Large Language Models (Hu et al., 2024),
section 4 (LegoLink-k), https://arxiv.org/abs/2410.15332; its code was not used.
How ours differs: no known difference. Chunks that were computed behind the head of the prompt
have little of that fault: there is less to gain.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mnemon.kv.reuse.blend_view import Blended, BlendView

__all__ = ["Epic"]


@dataclass(frozen=True)
class Epic:
    """The first `tokens` of each chunk (the paper's k)."""

    tokens: int = 16

    def blend(self, view: BlendView) -> Blended:
        """A pass over those and the question."""
        return view.computed(view.offset < self.tokens)
