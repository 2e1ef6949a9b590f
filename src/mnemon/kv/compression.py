"""When and how a cache is compressed: score, allocate, store; the newest tokens stay."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import torch
from torch.nn import functional

from mnemon.kv import firsts, viewing
from mnemon.kv.needs import Need
from mnemon.kv.plan import Plan, plans
from mnemon.kv.stored import Stored, alias, empty_like, stack, without
from mnemon.kv.together import runs, stacked

if TYPE_CHECKING:
    from torch import Tensor

    from mnemon.kv.cache import KVCache
    from mnemon.kv.policy import Policy
    from mnemon.kv.view import LayerView


def run(cache: KVCache, count: int, hidden: Tensor) -> None:
    """Compress after a pass of `count` tokens, if it is time.

    A sequence is compressed at once after its first pass with several tokens; then tokens gather
    in its tail until that holds the policy's `block` beyond its window.
    """
    if cache.positions is None or not cache.compressed:
        return
    due = plans(cache, count)
    if cache.elsewhere is not None:
        made = [(plan, cache.elsewhere.take(plan, hidden)) for plan in cache.elsewhere.split(due)]
    else:
        apart = any(plan.apart for plan in due)
        made = [(plan, _compress(cache, plan, hidden, apart)) for plan in due]
    if made:
        _replace(cache, made)


def _compress(cache: KVCache, plan: Plan, hidden: Tensor, apart: bool) -> list[list[Stored]]:
    """The new stores of each layer for the plan's sequences.

    Args:
        apart: whether there is one of sinks in front; an empty one if this plan has none.
    """
    policy = cache.policy
    views = [viewing.view(cache, layer, plan, hidden) for layer in cache.compressed]
    views, chosen = _kept(policy, views, plan)
    if policy.rerotate:
        views = [viewing.rerotated(*pair) for pair in zip(views, chosen, strict=True)]
    if cache.budget.unit != "fraction":  # then stored tokens will be chosen anew
        views = [replace(view, notes=_notes(policy, view)) for view in views]
    rest = [firsts.without(view, plan.apart) for view in views]
    chosen = [kept[..., plan.apart :] for kept in chosen]
    if hasattr(policy.compress, "compress_layers"):
        stores: list[list[Stored]] = policy.compress.compress_layers(rest, chosen)
    else:
        stores = [policy.compress.compress(*pair) for pair in zip(rest, chosen, strict=True)]
    if not apart:
        return stores
    return [
        [firsts.exact(view, plan.apart), *some] for view, some in zip(views, stores, strict=True)
    ]


def _kept(
    policy: Policy, views: list[LayerView], plan: Plan
) -> tuple[list[LayerView], list[Tensor]]:
    """What each layer keeps of its candidates, `[B, Hkv, C]`, and the views with their scores."""
    costs = sum(_cost(view) for view in views)
    whole, total = costs * plan.candidates, plan.total + int(costs * plan.apart)
    group = policy.compress.group()
    views = [replace(view, room=min(1.0, total / whole)) for view in views]
    even = not (plan.candidates - plan.apart) % group
    fits = plan.total >= costs * (plan.candidates - plan.apart) and even
    if fits and all(view.present is None for view in views):
        return views, [_everything(view, plan) for view in views]
    scores = [_scores(policy, view, plan) for view in views]
    views = [_scored(view, score, plan) for view, score in zip(views, scores, strict=True)]
    scores = [view.scores for view in views if view.scores is not None]
    counts = policy.allocate.allocate(views, scores, total)
    counts = within((counts - plan.apart).clamp_min(0), views, plan.total)
    chosen = _chosen(views, [score[..., plan.apart :] for score in scores], counts, group)
    return views, [functional.pad(kept, (plan.apart, 0), value=True) for kept in chosen]


def _chosen(
    views: Sequence[LayerView], scores: Sequence[Tensor], counts: Tensor, group: int
) -> list[Tensor]:
    """What each layer keeps, small layers chosen together."""
    made: list[Tensor] = []
    for run in runs(views):
        few = counts[:, run].transpose(0, 1)
        made += choose(stacked(scores[run]), few, group).unbind()
    return made


def within(counts: Tensor, views: Sequence[LayerView], total: int) -> Tensor:
    """The counts `[B, L, Hkv]`, scaled down if heads cost so much that they exceed `total`."""
    costs = torch.stack(
        [torch.ones(counts.shape[2]) if view.costs is None else view.costs for view in views]
    )
    spent = (counts * costs).sum((1, 2), keepdim=True)
    return (counts * (total / spent).clamp_max(1.0)).long()


def _cost(view: LayerView) -> float:
    return view.keys.shape[1] if view.costs is None else float(view.costs.sum())


def _everything(view: LayerView, plan: Plan) -> Tensor:
    shape = (*view.keys.shape[:2], plan.candidates)
    return torch.ones(shape, dtype=torch.bool, device=view.keys.device)


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
        scores: `[..., C]`. counts: `[...]`, how many; what scores minus infinity never counts.
        group: rows keep multiples of this many.

    Returns:
        `[..., C]` booleans.
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
    members = [one for plan, _ in made for one in plan.members]
    idle = [one for one in range(len(cache.started)) if one not in members]
    anew = [one for plan, _ in made if plan.again for one in plan.members]
    order = torch.tensor(members + idle).argsort()
    memo: dict[tuple[int, ...], Tensor] = {}
    for place, layer in enumerate(cache.compressed):
        fresh = []
        pieces = list(zip(*(stores[place] for _, stores in made), strict=True))
        for kinds in pieces:
            parts = [*kinds, empty_like(kinds[0], len(idle))] if idle else list(kinds)
            fresh.append(parts[0] if len(parts) == 1 else stack(parts).sequences(order))
        old = [store for store in layer.stores if len(anew) < store.lengths.shape[0]]
        layer.stores = _appended(old, fresh, pieces, anew, memo)
    _trim(cache, made)


def _appended(
    old: list[Stored],
    new: list[Stored],
    pieces: Sequence[tuple[Stored, ...]],
    anew: list[int],
    memo: dict[tuple[int, ...], Tensor],
) -> list[Stored]:
    """New stores, made of `pieces`, joined to the newest old ones of the same kind if there are.

    Of the sequences `anew`, nothing old is left. What layers share, they go on sharing.
    """
    left = [alias(without(store, anew), [store], memo) for store in old]
    rest = len(left) - len(new)
    pairs = list(zip(left[rest:], new, strict=True)) if rest >= 0 else []
    if not pairs or not all(a.joins(b) for a, b in pairs):
        return left + [alias(one, some, memo) for one, some in zip(new, pieces, strict=True)]
    joined = [
        alias(a.join(b), (source, *some), memo)
        for (a, b), source, some in zip(pairs, old[rest:], pieces, strict=True)
    ]
    return left[:rest] + joined


def _trim(cache: KVCache, made: Sequence[tuple[Plan, list[list[Stored]]]]) -> None:
    """Cut the tails to what stays in them; sequences of a batch may keep different amounts."""
    assert cache.positions is not None
    left = cache.waiting()
    for plan, _ in made:
        left[plan.members] = plan.window
        cache.started[plan.members] = True
        cache.fresh[plan.members] = 0
    longest = int(left.max())
    for layer in cache.compressed:
        layer.trim(longest, int(cache.fresh.max()))
    start = cache.positions.shape[1] - longest
    cache.positions = cache.positions[:, start:].clone()
    if cache.surprisal is not None:
        cache.surprisal = cache.surprisal[:, start:].clone()
    if cache.rounds is not None:
        cache.rounds = cache.rounds[:, start:].clone()
    valid = torch.arange(longest)[None] >= (longest - left)[:, None]
    cache.valid = None if bool(valid.all()) else valid.to(cache.positions.device)
