"""Building the views that methods see, from what a cache holds."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import torch

from mnemon.errors import InvalidInput
from mnemon.kv import packed, seam
from mnemon.kv.attention import join
from mnemon.kv.needs import Need
from mnemon.kv.plan import shape_of
from mnemon.kv.view import LayerView

if TYPE_CHECKING:
    from torch import Tensor

    from mnemon.kv.cache import KVCache
    from mnemon.kv.layer import KVLayer
    from mnemon.kv.plan import Plan
    from mnemon.kv.stored import Stored


def view(cache: KVCache, layer: KVLayer, plan: Plan, hidden: Tensor) -> LayerView:
    """One layer's candidates and window, for the sequences of a plan."""
    assert layer.keys is not None and layer.values is not None and cache.positions is not None
    needs = cache.policy.needs
    keys, values = (_newest(one, plan) for one in (layer.keys, layer.values))
    positions = _newest(cache.positions[:, None], plan).expand(*keys.shape[:2], -1)
    wants_positions = bool(needs & {Need.PRE_ROPE, Need.POSITIONS})
    made = LayerView(
        layer=layer.index,
        layers=len(cache.compressed),
        place=cache.compressed.index(layer),
        keys=keys,
        values=values,
        window=plan.window,
        sinks=plan.sinks,
        seen=int(cache.real[plan.members[0]]) if cache.real is not None else 0,
        scaling=cache.scaling(layer.index),
        queries=_queries(cache, layer, plan),
        positions=positions if wants_positions else None,
        rope=seam.rope(cache.model, layer.index) if Need.PRE_ROPE in needs else None,
        output_weight=cache.output_weight(layer.index) if Need.OUTPUT in needs else None,
        projection=cache.projection(layer.index) if Need.PROJECTION in needs else None,
        profile=cache.profile if Need.PROFILE in needs else None,
    )
    if Need.STORES in needs:
        picked = [_sequences(store, plan) for store in layer.stores]
        made = replace(made, stores=tuple(picked))
    if layer.hidden is not None:
        made = replace(made, hidden=_newest(layer.hidden[:, None], plan)[:, 0])
    if Need.SURPRISAL in needs and cache.surprisal is not None:
        made = replace(made, surprisal=_newest(cache.surprisal[:, None], plan)[:, 0])
    if cache.rounds is not None:
        made = replace(made, rounds=_newest(cache.rounds[:, None], plan)[:, 0])
    if Need.BEFORE in needs:
        made = replace(made, before=torch.full(keys.shape[:3], float("nan"), device=keys.device))
    if hasattr(cache.policy.compress, "costs"):
        made = replace(made, costs=cache.policy.compress.costs(made, shape_of(cache, layer, plan)))
    return _with_stored(made, layer, plan) if plan.again else made


def rerotated(seen: LayerView, kept: Tensor) -> LayerView:
    """The view with its kept keys turned so that they stand next to each other and the window.

    Rotary embedding only tells distances, so the kept tokens move up to the window, and positions
    of new tokens go on as they would have.
    """
    if seen.rope is None or seen.positions is None:
        raise InvalidInput("rerotate needs rotary position embedding, which this model lacks")
    candidates = kept.shape[2]
    later = kept.flip(-1).cumsum(-1).flip(-1) - 1  # kept tokens after this one
    first = seen.positions[..., candidates : candidates + 1]
    target = torch.where(kept, first - 1 - later, seen.positions[..., :candidates])
    moved = seen.rope.shift(seen.keys[:, :, :candidates], target - seen.positions[..., :candidates])
    keys = torch.cat([moved, seen.keys[:, :, candidates:]], 2)
    positions = torch.cat([target, seen.positions[..., candidates:]], 2)
    return replace(seen, keys=keys, positions=positions)


def _newest(tensor: Tensor, plan: Plan) -> Tensor:
    """The real tail tokens of the plan's sequences: `[b, H, waiting, ...]`."""
    return _picked(tensor, plan)[:, :, tensor.shape[2] - plan.waiting :]


def _queries(cache: KVCache, layer: KVLayer, plan: Plan) -> Tensor | None:
    """The queries since these sequences were last compressed, as many as are remembered."""
    if layer.queries is None:
        return None
    held = layer.queries.shape[2]
    count = min(held, int(cache.fresh[plan.members[0]]))
    return _picked(layer.queries, plan)[:, :, held - count :]


def _picked(tensor: Tensor, plan: Plan) -> Tensor:
    if len(plan.members) == tensor.shape[0]:
        return tensor
    return tensor[torch.tensor(plan.members, device=tensor.device)]


def _sequences(store: Stored, plan: Plan) -> Stored:
    if len(plan.members) == store.lengths.shape[0]:
        return store
    return store.sequences(torch.tensor(plan.members))


def _with_stored(new: LayerView, layer: KVLayer, plan: Plan) -> LayerView:
    """The view with the stored tokens in front, rows of different lengths padded and masked."""
    picked = [_sequences(store, plan) for store in layer.stores]
    rows = join([store.read() for store in picked])
    width = plan.candidates + plan.window - plan.waiting
    there = torch.arange(width) < rows.lengths[..., None]
    keys, values = (_spread(one, there) for one in (rows.keys, rows.values))
    present = None
    if not bool(there.all()):
        newest = torch.ones(*there.shape[:2], plan.waiting, dtype=torch.bool)
        present = torch.cat([there, newest], 2).to(keys.device)
    made = replace(
        new,
        keys=torch.cat([keys, new.keys], 2),
        values=torch.cat([values, new.values], 2),
        present=present,
    )
    if rows.bias is not None:
        alone = rows.bias.new_zeros(*new.keys.shape[:3])
        made = replace(made, bias=torch.cat([_spread(rows.bias, there), alone], 2))
    lengths = [store.lengths for store in picked]
    if new.positions is not None:
        old = packed.concat([store.note("positions") for store in picked], lengths)
        made = replace(
            made,
            positions=torch.cat([_spread(old, there).to(new.positions.dtype), new.positions], 2),
        )
    if new.before is not None:
        old = packed.concat([store.meta["scores"] for store in picked], lengths)
        made = replace(made, before=torch.cat([_spread(old, there), new.before], 2))
    return made


def _spread(tensor: Tensor, there: Tensor) -> Tensor:
    """A packed tensor as `[B, H, n, ...]`, zeros where a row is shorter."""
    out = tensor.new_zeros(*there.shape, *tensor.shape[1:])
    out[there.to(tensor.device)] = tensor
    return out
