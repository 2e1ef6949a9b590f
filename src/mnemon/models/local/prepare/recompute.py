"""Recompute: every prompt is computed in full."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING

import torch

from mnemon.kv import seam
from mnemon.kv.cache import KVCache
from mnemon.models.local.prepare import Prepared

if TYPE_CHECKING:
    from torch import Tensor
    from transformers import PreTrainedModel
    from transformers.cache_utils import Cache

    from mnemon.kv.budget import Budget
    from mnemon.kv.policy import Policy
    from mnemon.models.local.prompt import Prompt

__all__ = ["Recompute"]


class Recompute:
    """Computes all of it, each time."""

    exact = True

    def __init__(
        self, model: PreTrainedModel, policy: Policy | str, budget: Budget | float | int | str
    ) -> None:
        self._model, self._policy, self._budget = model, policy, budget
        self._cache = self._fresh()
        known = inspect.signature(model.forward).parameters
        self._last = {"logits_to_keep": 1} if "logits_to_keep" in known else {}

    def prepare(self, prompt: Prompt) -> Prepared:
        """Compute a prompt."""
        self._cache = self._fresh()
        tokens = prompt.tokens
        return Prepared(self._forward(tokens), {}, len(tokens))

    def feed(self, token: int) -> Tensor:
        """Compute one more token."""
        return self._forward([token])

    def publish(self, prompt: Prompt) -> int:
        """Nothing is kept."""
        return 0

    def drop(self, prompt: Prompt) -> None:
        """Nothing was kept."""

    def close(self) -> None:
        """Let go of the newest prompt's cache."""
        self._cache = self._fresh()

    def _fresh(self) -> Cache:
        full = any(seam.is_full(layer) for layer in seam.native_layers(self._model))
        if not full and self._budget == 1.0:
            return seam.native_cache(self._model)  # such a cache is bounded as it is
        return KVCache(self._model, self._policy, self._budget)

    def _forward(self, tokens: list[int]) -> Tensor:
        ids = torch.tensor([tokens], device=self._model.device)
        with torch.no_grad():
            logits = seam.forward(self._model, ids, self._cache, **self._last)
        return logits[0, -1]
