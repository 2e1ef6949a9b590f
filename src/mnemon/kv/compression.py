"""When and how a cache is compressed: score, allocate, store; the newest stay as they are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import torch

from mnemon.kv import viewing
from mnemon.kv.needs import Need
from mnemon.kv.plan import Plan, plans
from mnemon.kv.stored import Stored, alias, empty_like, stack

if TYPE_CHECKING:
    from torch import Tensor

    from mnemon.kv.cache import KVCache
    from mnemon.kv.policy import Policy
    from mnemon.kv.view import LayerView


def run(cache: KVCache, count: int, hidden: Tensor) -> None:
    """Compress after a pass of `count` tokens, if it is time.

    The first pass with several tokens is compressed at once; then tokens gather in the tail until
    it holds the policy's `block` beyond its window.
    """
    layers = cache.compressed
    if not layers or cache.positions is None:
        return
    first = count > 1 and not layers[0].stores
    window = 32 if cache.policy.window is None else cache.policy.window
    if not first and cache.positions.shape[1] < window + cache.policy.block:
        return
    made = [(plan, _compress(cache, plan, hidden)) for plan in plans(cache)]
    made = [(plan, stores) for plan, stores in made if stores is not None]
    if made:
        _replace(cache, made)


def _compress(cache: KVCache, plan: Plan, hidden: Tensor) -> list[list[Stored]] | None:
    """The new stores of each layer for the plan's sequences; None if they stay as they are."""
    if plan.candidates <= 0:
        return None
    policy = cache.policy
    views = [viewing.view(cache, layer, plan, hidden) for layer in cache.compressed]
    heads = sum(view.keys.shape[1] for view in views)
    group = policy.compress.group()
    fits = plan.total >= heads * plan.candidates and plan.candidates % group == 0
    if fits and all(view.present is None for view in views):
        chosen = [
            torch.ones(*view.keys.shape[:2], plan.candidates, dtype=torch.bool).to(view.keys.device)
            for view in views
        ]
    else:
        scores = [_scores(policy, view, plan) for view in views]
        views = [_scored(view, score, plan) for view, score in zip(views, scores, strict=True)]
        scores = [view.scores for view in views if view.scores is not None]
        counts = policy.allocate.allocate(views, scores, plan.total)
        chosen = [choose(score, counts[:, place], group) for place, score in enumerate(scores)]
    if policy.rerotate:
        views = [viewing.rerotated(*pair) for pair in zip(views, chosen, strict=True)]
    views = [replace(view, notes=_notes(policy, view)) for view in views]
    if hasattr(policy.compress, "compress_layers"):
        stores: list[list[Stored]] = policy.compress.compress_layers(views, chosen)
        return stores
    return [policy.compress.compress(*pair) for pair in zip(views, chosen, strict=True)]


def _scores(policy: Policy, view: LayerView, plan: Plan) -> Tensor:
    scores: Tensor = policy.score.score(view)[..., : plan.candidates].float()
    if view.present is not None:
        scores = scores.masked_fill(~view.present[..., : plan.candidates], float("-inf"))
    if view.sinks:
        scores = scores.clone()
        scores[..., : view.sinks] = float("inf")
    return scores


def _scored(view: LayerView, scores: Tensor, plan: Plan) -> LayerView:
    """The view with its scores; the lowest go as if they were not there if not all can be shown."""
    if plan.most < plan.candidates:
        there = choose(scores, torch.full(scores.shape[:2], plan.most))
        scores = scores.masked_fill(~there, float("-inf"))
        newest = there.new_ones(*there.shape[:2], view.tokens - plan.candidates)
        view = replace(view, present=torch.cat([there, newest], 2))
    return replace(view, scores=scores)


def choose(scores: Tensor, counts: Tensor, group: int = 1) -> Tensor:
    """The best-scored entries of each row; the earlier of equals.

    Args:
        scores: `[B, H, C]`. counts: `[B, H]`, how many; what scores minus infinity never counts.
        group: rows keep multiples of this many.

    Returns:
        `[B, H, C]` booleans.
    """
    order = scores.argsort(dim=-1, descending=True, stable=True)
    rank = torch.empty_like(order)
    places = torch.arange(scores.shape[-1], device=scores.device).expand_as(order)
    rank.scatter_(-1, order, places)
    there = (scores > float("-inf")).sum(-1)
    most = torch.minimum(counts.to(scores.device), there) // group * group
    return rank < most[..., None]


def _notes(policy: Policy, view: LayerView) -> dict[str, Tensor]:
    """What the policy itself must remember of each kept token: `[B, Hkv, C]`."""
    wanted: dict[str, Tensor] = {}
    candidates = view.tokens - view.window
    if view.positions is not None and (policy.rerotate or _outlives(policy)):
        wanted["positions"] = view.positions[..., :candidates].to(torch.int32)
    if Need.BEFORE in policy.needs:
        none = view.keys.new_full((*view.keys.shape[:2], candidates), float("nan")).float()
        wanted["scores"] = none if view.scores is None else view.scores
    return wanted


def _outlives(policy: Policy) -> bool:
    """Whether positions of stored tokens will be asked for at a later compression."""
    return bool(policy.needs & {Need.PRE_ROPE, Need.POSITIONS})


def _replace(cache: KVCache, made: Sequence[tuple[Plan, list[list[Stored]]]]) -> None:
    """Put the new stores in place and let the compressed part of the tails go."""
    assert cache.positions is not None and cache.real is not None
    batch = len(cache.real)
    members = [one for plan, _ in made for one in plan.members]
    idle = [one for one in range(batch) if one not in members]
    order = torch.tensor(members + idle).argsort()
    again = made[0][0].again
    memo: dict[tuple[int, ...], Tensor] = {}
    for place, layer in enumerate(cache.compressed):
        pieces = [stores[place] for _, stores in made]
        fresh = []
        for number, kinds in enumerate(zip(*pieces, strict=True)):
            parts = list(kinds)
            if idle and again:  # what they have stays
                parts.append(layer.stores[number].sequences(torch.tensor(idle)))
            elif idle:
                parts.append(empty_like(kinds[0], len(idle)))
            whole = stack(parts) if len(parts) == 1 else stack(parts).sequences(order)
            fresh.append(alias(whole, kinds, memo))
        layer.stores = fresh if again else _appended(layer.stores, fresh, memo)
    _trim(cache, made)


def _appended(
    old: list[Stored], new: list[Stored], memo: dict[tuple[int, ...], Tensor]
) -> list[Stored]:
    """New stores joined to the newest old ones, where they are of the same kind."""
    last = old[len(old) - len(new) :]
    pairs = list(zip(last, new, strict=True)) if len(last) == len(new) else []
    if pairs and all(a.joins(b) for a, b in pairs):
        return old[: -len(new)] + [alias(a.join(b), (a, b), memo) for a, b in pairs]
    return old + new


def _trim(cache: KVCache, made: Sequence[tuple[Plan, list[list[Stored]]]]) -> None:
    assert cache.positions is not None and cache.real is not None
    waiting = cache.positions.shape[1]
    left = torch.full((len(cache.real),), waiting)
    if cache.valid is not None:
        left = cache.valid.sum(1).cpu()
    for plan, _ in made:
        left[plan.members] = plan.window
    longest = int(left.max())
    for layer in cache.compressed:
        layer.trim(longest)
    cache.positions = cache.positions[:, waiting - longest :].clone()
    places = torch.arange(longest)
    valid = places[None] >= (longest - left)[:, None]
    cache.valid = None if bool(valid.all()) else valid.to(cache.positions.device)
