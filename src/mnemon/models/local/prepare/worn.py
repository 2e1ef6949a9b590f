"""Worn: a prompt computed with an adapter on the model; its keys and values are never kept."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mnemon.models.local.prepare import Prepared
from mnemon.models.local.prepare.recompute import Recompute

if TYPE_CHECKING:
    from torch import Tensor
    from transformers import PreTrainedModel

    from mnemon.models.local.prompt import Prompt
    from mnemon.models.local.wearing import Wearing
    from mnemon.weights.seam import Deltas

__all__ = ["Worn"]


class Worn:
    """Computes one prompt and its answer, each pass with the adapter on."""

    exact = True

    def __init__(self, model: PreTrainedModel, wearing: Wearing, deltas: Deltas) -> None:
        self._model, self._wearing, self._deltas = model, wearing, deltas
        self._plain = Recompute(model, "recency", 1.0)

    def prepare(self, prompt: Prompt) -> Prepared:
        """Compute a prompt."""
        with self._wearing.worn(self._model, self._deltas):
            return self._plain.prepare(prompt)

    def feed(self, token: int) -> Tensor:
        """Compute one more token."""
        with self._wearing.worn(self._model, self._deltas):
            return self._plain.feed(token)

    def publish(self, prompt: Prompt) -> int:
        """Nothing is kept."""
        return 0

    def drop(self, prompt: Prompt) -> None:
        """Nothing was kept."""

    def close(self) -> None:
        """Let go of the prompt's cache."""
        self._plain.close()
