"""Asking a compressed cache: every regime, in forward passes of one batch.

In the regimes of `regimes.PREFILL` nothing is compressed between question and answer, so greedy
decoding gives an answer exactly if every token of it is the model's first choice after the right
ones before it: one pass over question and answer tells, and it is checked that the pass left the
stored part of the cache alone. Elsewhere every token of an answer has a pass of its own.
"""

from __future__ import annotations

import operator
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import torch
from transformers.cache_utils import DynamicCache

from mnemon.bench.kv.cases import Case
from mnemon.bench.kv.cells import FULL
from mnemon.bench.kv.regimes import PREFILL
from mnemon.kv import checks, seam
from mnemon.kv.budget import Budget
from mnemon.kv.cache import KVCache
from mnemon.kv.policy import Policy

if TYPE_CHECKING:
    from torch import Tensor

_ROOM = 1 << 20
_STEP = 32


@dataclass(frozen=True)
class Told:
    """What a batch of cases gave.

    Attributes:
        right: whether each answer is exact, case by case (several a case in some regimes).
        held, full, offloaded: bytes of the cache after the prompt, of a full cache then, and what
            the policy keeps in a slower place, which is not in `held`.
        most: the greatest share of its budget that the cache held after any pass; None if that was
            not watched. nll, tokens: summed negative log-likelihood in nats, of so many tokens.
    """

    right: list[bool]
    held: int
    full: int
    offloaded: int
    most: float | None = None
    nll: float = 0.0
    tokens: int = 0


def budget_of(text: str) -> Budget:
    """A budget as the user writes it: `0.25`, `1024` or `512MB`."""
    if text.isdigit():
        return Budget.of(int(text))
    try:
        return Budget.of(float(text))
    except ValueError:
        return Budget.of(text)


def make_cache(model: Any, policy: str, budget: str, still: bool = False) -> Any:
    """A cache of the cell, or the model's own for `full`; `still`: later tokens stay as they are.

    Raises:
        InvalidInput: the model, policy and budget do not go together.
    """
    meant = settled(model, policy, budget)
    if meant is None:
        return DynamicCache(config=model.config)
    return KVCache(model, replace(meant, block=_ROOM) if still else meant, budget_of(budget))


def settled(model: Any, policy: str, budget: str) -> Policy | None:
    """The policy that is meant at that budget; None for `full`.

    Raises:
        InvalidInput: they do not go together.
    """
    return None if policy == FULL else checks.settle(policy, budget_of(budget), model)


class Asking:
    """Passes of one model over a cache."""

    def __init__(self, model: Any) -> None:
        self.model = model

    def run(self, cache: Any, ids: Tensor, keep: int = 1) -> Tensor:
        """A pass over `ids` `[B, Q]`: the logits of the last `keep`, `[B, keep, V]`."""
        told = seam.with_cache(self.model, {"use_cache": True, "logits_to_keep": keep}, cache)
        logits: Tensor = self.model(ids, **told).logits
        return logits

    def tensor(self, rows: Sequence[Sequence[int]]) -> Tensor:
        """Token ids on the model's device, `[B, Q]`."""
        return torch.tensor([list(row) for row in rows], device=self.model.device)


def ask(model: Any, regime: str, policy: str, budget: str, batch: Sequence[Case]) -> Told:
    """Ask cases of one shape under a policy and a budget.

    Raises:
        InvalidInput: the model, policy and budget do not go together.
    """
    asking = Asking(model)
    with torch.inference_mode():
        if regime == "perplexity":
            return _perplexity(asking, policy, budget, batch)
        if regime in PREFILL:
            return _prefilled(asking, policy, budget, batch, aware=regime == "aware")
        return _turns(asking, policy, budget, batch, late=regime == "decode")


def _prefilled(
    asking: Asking, policy: str, budget: str, batch: Sequence[Case], aware: bool
) -> Told:
    cache = make_cache(asking.model, policy, budget, still=True)
    prompts = [one.context for one in batch]
    if aware:
        prompts = [one.context + one.turns[0].question[: -one.turns[0].cue] for one in batch]
    asking.run(cache, asking.tensor(prompts))
    weight = weighed(cache)
    right = []
    for place in range(len(batch[0].turns)):
        turns = [one.turns[place] for one in batch]
        cue = turns[0].cue if aware else 0  # [-0:] is all of it
        ids = asking.tensor([one.question[-cue:] + one.answer for one in turns])
        ending = len(turns[0].answer)
        before, tail = _stored(cache), _tail(cache)
        logits = asking.run(cache, ids[:, :-1], ending)
        after = _stored(cache)
        same = len(after) == len(before) and all(map(operator.is_, after, before))
        assert same and _tail(cache) in (tail + ids.shape[1] - 1, 0), "compressed in an answer"
        right += (logits.argmax(-1) == ids[:, -ending:]).all(1).tolist()
        if place + 1 < len(batch[0].turns):
            cache.crop(-(ids.shape[1] - 1))
    return Told(right, *weight)


def _turns(asking: Asking, policy: str, budget: str, batch: Sequence[Case], late: bool) -> Told:
    cache = make_cache(asking.model, policy, budget)
    asking.run(cache, asking.tensor([one.context for one in batch]))
    weight = weighed(cache)
    right: list[bool] = []
    most = share_of_budget(cache)
    count = len(batch[0].turns)
    for place in range(count):
        turns = [one.turns[place] for one in batch]
        answers = asking.tensor([one.answer for one in turns])
        logits = asking.run(cache, asking.tensor([one.question for one in turns]))
        most = max(most, share_of_budget(cache))
        exact = torch.ones(len(batch), dtype=torch.bool, device=answers.device)
        for token in answers.T:
            exact &= logits[:, -1].argmax(-1) == token
            logits = asking.run(cache, token[:, None])
            most = max(most, share_of_budget(cache))
        if not late or place >= count * 2 // 3:
            right += exact.tolist()
    return Told(right, *weight, most)


def _perplexity(asking: Asking, policy: str, budget: str, batch: Sequence[Case]) -> Told:
    cache = make_cache(asking.model, policy, budget)
    ids = asking.tensor([one.context for one in batch])
    half = ids.shape[1] // 2
    asking.run(cache, ids[:, :half])
    weight = weighed(cache)
    nll, most = 0.0, share_of_budget(cache)
    for start in range(half, ids.shape[1] - 1, _STEP):
        piece = ids[:, start : start + _STEP + 1]
        logp = asking.run(cache, piece[:, :-1], piece.shape[1] - 1).float().log_softmax(-1)
        nll -= float(logp.gather(-1, piece[:, 1:, None]).sum())
        most = max(most, share_of_budget(cache))
    scored = ids.shape[0] * (ids.shape[1] - 1 - half)
    return Told([], *weight, most, nll, scored)


def weighed(cache: Any) -> tuple[int, int, int]:
    """Bytes that a cache holds, that a full one would, and that it keeps in a slower place."""
    if isinstance(cache, KVCache):
        return cache.nbytes, cache.full_nbytes, getattr(cache, "offloaded_nbytes", 0)
    held = 0
    for layer in cache.layers:
        for one in (layer.keys, layer.values):
            held += one.untyped_storage().nbytes() if one is not None else 0
    return held, held, 0


def share_of_budget(cache: Any) -> float:
    """Bytes held by those that the budget allows; 1 for a full cache."""
    if not isinstance(cache, KVCache) or cache.real is None:
        return 1.0
    seen: list[int] = cache.real.tolist()
    one = cache.full_nbytes // sum(seen)
    allowed = sum(min(cache.budget.tokens(count, one), count) for count in seen)
    return cache.nbytes / (allowed * one)


def _stored(cache: Any) -> list[Any]:
    if not isinstance(cache, KVCache):
        return []
    return [store for layer in cache.compressed for store in layer.stores]


def _tail(cache: Any) -> int:
    """Uncompressed tokens; 0 for a cache that compresses nothing."""
    return cache.compressed[0].tail if isinstance(cache, KVCache) else 0
