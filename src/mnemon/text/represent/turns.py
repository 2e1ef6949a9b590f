"""Turns: one record for each thing said, verbatim.

Raw turns match or beat extracted facts as the records of a conversation memory (LoCoMo, Maharana
et al. 2024, https://arxiv.org/abs/2402.17753, gives the data). No known difference.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from mnemon.cube import Draft

__all__ = ["Turns"]


@dataclass(frozen=True)
class Turns:
    """No options."""

    def represent(self, items: Sequence[Draft]) -> Sequence[Draft]:
        """The drafts as they are."""
        return items
