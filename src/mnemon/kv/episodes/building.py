"""Building one episode's cache: the conversation block by block under the episode's prompt."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from time import perf_counter
from typing import TYPE_CHECKING, Any

import torch

from mnemon import methods
from mnemon.kv.budget import Budget
from mnemon.kv.episodes import storing
from mnemon.kv.episodes.prefill import Weights, at_once, policy_for, prefill, weights
from mnemon.kv.episodes.sensitivity import Sensitivity, measured
from mnemon.kv.reuse.fingerprint import fingerprint
from mnemon.kv.reuse.keys import following

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray
    from torch import Tensor
    from transformers import PreTrainedModel

    from mnemon.kv.tiers.blob import Blob

FORM = "kv-episode"
_SINKS = 4
_PIECES = 4  # that the measured head of a text is cut into


@dataclass(frozen=True)
class Building:
    """What the episodes of one conversation have in common.

    Attributes:
        tokens: of the conversation, int64 `[T]`. weights: what a token of the model takes.
        budget: tokens a cache holds. block: tokens that a pass weighs at most.
        allocate, compress: methods of the policy. parent: key that the episodes' keys follow.
        header: what each blob says besides.
    """

    model: PreTrainedModel
    tokens: Tensor
    weights: Weights
    budget: int
    block: int
    allocate: Any
    compress: Any
    parent: str
    header: Mapping[str, Any]

    def episode(
        self, prompt: Sequence[int], centroid: NDArray[np.float32]
    ) -> tuple[Blob, int, float]:
        """The episode's blob, the most bytes its cache held, and the seconds it took.

        Raises:
            InvalidInput: the prompt is too long for the block, or the budget too small.
        """
        began = perf_counter()
        asked = torch.tensor(prompt, device=self.tokens.device)
        step = at_once(self.weights, self.block, len(prompt))
        policy = policy_for(len(prompt), self.allocate, self.compress, _sinks(self.budget))
        cache, peak = prefill(self.model, self.tokens, asked, policy, self.budget, step)
        key = following(following(self.parent, self.tokens.tolist()), prompt)
        key = following(key, list(f"{policy.to_json()} {self.budget} {step}".encode()))
        seconds = perf_counter() - began
        header = {
            "form": FORM,
            "tokens": len(self.tokens),
            "budget": self.budget,
            "policy": policy.to_json(),
            "question": policy.question,
            "model": fingerprint(self.model).digest,
            "seconds": seconds,
            **self.header,
        }
        blob = storing.frozen(key, cache, header)
        more = {"centroid": torch.from_numpy(centroid), "ids": self.tokens.to("cpu", torch.int32)}
        return type(blob)(key, blob.header, {**blob.tensors, **more}), peak, seconds


def begun(
    model: PreTrainedModel, tokens: Tensor, budget: Budget | int | float | str, block: int,
    alpha: float, compress: Any, parent: str, header: Mapping[str, Any],
) -> Building:  # fmt: skip
    """Weigh the model's tokens, and measure its layers on the head of the text.

    Raises:
        InvalidInput: no such budget, or less than the protected first tokens.
    """
    weighed = weights(model)
    held = int(Budget.of(budget).tokens(len(tokens), weighed.token))
    Budget.of(held)  # refuses what holds nothing
    allocate = methods.load("kv.allocate", "uniform")
    head = tokens[: (held + block) * _PIECES // (_PIECES + 1)]  # itself and one piece at a time
    if alpha and len(tokens) > held and len(head) >= 2 * _PIECES:
        allocate = Sensitivity(measured(model, head, len(head) // _PIECES), alpha)
    kept = compress or methods.load("kv.compress", "drop")
    return Building(model, tokens, weighed, held, block, allocate, kept, parent, header)


def _sinks(budget: int) -> int:
    return min(_SINKS, budget // 8)
