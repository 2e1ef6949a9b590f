"""Everything is computed anew: exact, and what the others are measured against.

It keeps nothing but an exact prefix, and equals a plain pass to the last bit.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from mnemon.kv.reuse.blend_view import Blended, BlendView

__all__ = ["Full"]


@dataclass(frozen=True)
class Full:
    """All tokens behind the prefix."""

    def blend(self, view: BlendView) -> Blended:
        """A plain pass."""
        return view.computed(torch.ones_like(view.kept))
