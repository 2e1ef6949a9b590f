"""Nothing is computed anew: chunks stand at their places and never saw each other.

What one would do without thinking ("full KV reuse" in CacheBlend, Yao et al. 2024,
https://arxiv.org/abs/2405.16444; Prompt Cache, Gim et al. 2024, https://arxiv.org/abs/2311.04934,
does so by design). Keys are turned to their places, so positions are right. The measure below
which no other method should fall; fine where texts have nothing to do with each other.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from mnemon.kv.reuse.blend_view import Blended, BlendView

__all__ = ["Naive"]


@dataclass(frozen=True)
class Naive:
    """New tokens only."""

    def blend(self, view: BlendView) -> Blended:
        """A pass over the question."""
        return view.computed(torch.zeros_like(view.kept))
