"""Layers whose keys change most when a text is computed block by block keep more.

The layer budgets of EpiCache (see `episodic`): a layer's sensitivity is
one minus the cosine of its keys under causal attention and under attention within blocks; its
share of the budget is in proportion to the sensitivity to the power `alpha`, and a quarter of the
mean at least, as in the official code.
How ours differs: blocks see the first tokens of the text and themselves (the official code also
half of the block before); cosines are of one token's key in one head, not of stretches of a
hundred; sensitivities are not moved to start at 0 (the official code does, so that its least
sensitive layer depends on the floor alone); what the floor takes, the other layers give.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import torch
from torch.nn.functional import cosine_similarity

from mnemon.errors import InvalidInput
from mnemon.kv import seam
from mnemon.kv.apportion import by_layer
from mnemon.kv.cache import KVCache

if TYPE_CHECKING:
    from torch import Tensor
    from transformers import PreTrainedModel

    from mnemon.kv.needs import Need
    from mnemon.kv.view import LayerView

__all__ = ["Sensitivity"]

_FLOOR = 0.25
_SINKS = 4


@dataclass(frozen=True)
class Sensitivity:
    """Budgets by layer in proportion to `changes ** alpha`; heads of a layer keep the same.

    Attributes:
        changes: one number a compressed layer, 0 or more, as `measured` gives them.
        alpha: how sharply the budget follows; at 0 all layers keep the same.
    """

    changes: tuple[float, ...]
    alpha: float = 2.0

    needs: ClassVar[frozenset[Need]] = frozenset()
    ragged: ClassVar = False

    def __post_init__(self) -> None:
        object.__setattr__(self, "changes", tuple(self.changes))  # a list, where read from JSON
        if not self.changes or min(self.changes) < 0 or self.alpha < 0:
            raise InvalidInput(
                f"layers changed by {self.changes}, alpha {self.alpha}: give one number a layer,"
                " none below 0"
            )

    def allocate(self, views: Sequence[LayerView], scores: Sequence[Tensor], total: int) -> Tensor:
        """Counts `[B, L, Hkv]`.

        Raises:
            InvalidInput: the model has another number of layers.
        """
        if len(views) != len(self.changes):
            raise InvalidInput(
                f"{len(self.changes)} layers were measured, and {len(views)} are compressed:"
                " measure this model"
            )
        weights = torch.tensor(self.changes, dtype=torch.float64) ** self.alpha
        weights = weights.clamp(min=_FLOOR * float(weights.mean()))
        return by_layer(weights.expand(scores[0].shape[0], -1), views, scores, total)


def measured(model: PreTrainedModel, tokens: Tensor, block: int) -> tuple[float, ...]:
    """How much each layer's keys change when blocks of `block` tokens do not see each other.

    Args:
        tokens: `[T]` a text, longer than a block. It is computed twice, once as a whole.

    Returns:
        one minus the mean cosine over heads and tokens after the first block, layer by layer.

    Raises:
        InvalidInput: the text is not longer than one block and the sinks.
    """
    if block < 1 or len(tokens) <= block + _SINKS:
        raise InvalidInput(
            f"{len(tokens)} tokens in blocks of {block}: measuring layers takes a text of more than"
            f" one block and {_SINKS} tokens"
        )
    positions = torch.arange(len(tokens), device=tokens.device)
    whole = _keys(model, tokens, positions)
    changed = torch.zeros(len(whole), dtype=torch.float64)
    for begin in range(block, len(tokens), block):
        seen = torch.cat([positions[:_SINKS], positions[max(begin, _SINKS) : begin + block]])
        alone = _keys(model, tokens[seen], seen)
        for layer, (one, other) in enumerate(zip(whole, alone, strict=True)):
            pair = one[:, seen[_SINKS:]].float(), other[:, _SINKS:].float()
            changed[layer] += (1 - cosine_similarity(*pair, dim=-1)).mean(0).sum().double().cpu()
    return tuple((changed / (len(tokens) - block)).clamp(min=0).tolist())


def _keys(model: PreTrainedModel, tokens: Tensor, positions: Tensor) -> list[Tensor]:
    """Keys `[Hkv, T, D]` of each layer, at those positions."""
    cache = KVCache(model, "recency", 1.0)
    with torch.inference_mode():
        seam.forward(model, tokens[None], cache, position_ids=positions[None], logits_to_keep=1)
    return [layer.held[0][0] for layer in cache.compressed]
