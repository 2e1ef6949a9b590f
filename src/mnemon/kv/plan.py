"""What a compression may keep: the budget turned into numbers of tokens."""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from mnemon.errors import InvalidInput
from mnemon.kv import firsts, packed
from mnemon.kv.compress import Shape

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mnemon.kv.cache import KVCache
    from mnemon.kv.layer import KVLayer
    from mnemon.kv.policy import Policy


@dataclass(frozen=True)
class Plan:
    """One compression of sequences of equal real length.

    Attributes:
        members: the sequences, by number. waiting: real tokens in the tail of each.
        window: how many of those stay in the tail. sinks: how many at the start are protected.
        apart: how many of the sinks are stored by themselves, as they are (see `firsts`).
        candidates: tokens that are up for storing, stored ones included if `again`. most: how many
            of them a codec is shown that keeps something of each; the best-scored ones.
        total: tokens that all heads of all layers may store together, a sequence; those `apart`
            come on top.
        again: whether stored tokens are chosen anew. A budget that stands still has to; under a
            fraction, what is stored stays, and each new block adds its own share.
    """

    members: list[int]
    waiting: int
    window: int
    sinks: int
    candidates: int
    total: int
    again: bool
    most: int = 0
    apart: int = 0


def token_bytes(layers: Sequence[KVLayer]) -> int:
    """Bytes of one uncompressed token over the layers."""
    return sum(
        layer.keys.shape[1]
        * (layer.keys.shape[3] + layer.values.shape[3])
        * layer.keys.dtype.itemsize
        for layer in layers
        if layer.keys is not None and layer.values is not None
    )


def plans(cache: KVCache, count: int) -> list[Plan]:
    """One plan for each real length in the batch, after a pass of `count` tokens.

    Sequences that fit as they are, or whose tail is not long enough yet, get none.
    """
    assert cache.real is not None
    notes = (cache.real, cache.waiting(), cache.started, cache.fresh)
    alike: dict[tuple[int, int, bool, int], list[int]] = {}
    for member, key in enumerate(zip(*(note.tolist() for note in notes), strict=True)):
        alike.setdefault(key, []).append(member)
    made = [_plan(cache, members, *key[:3], count) for key, members in alike.items()]
    return [plan for plan in made if plan is not None]


def protected(policy: Policy, allowed: float) -> tuple[int, int]:
    """Sinks and window under a budget of `allowed` tokens.

    Raises:
        InvalidInput: the policy sets them, and they do not fit.
    """
    window = policy.window if policy.window is not None else max(1, min(32, int(allowed) // 4))
    sinks = policy.sinks if policy.sinks is not None else min(4, int(allowed) // 8)
    if sinks + window > max(1, int(allowed)):
        raise InvalidInput(
            f"a budget of {int(allowed)} tokens is below sinks + window ({sinks} + {window}): "
            "give a larger budget, or a smaller window"
        )
    return sinks, window


def _plan(
    cache: KVCache, members: list[int], real: int, waiting: int, started: bool, count: int
) -> Plan | None:
    layers, policy = cache.compressed, cache.policy
    allowed = cache.budget.tokens(real, token_bytes(layers))
    if allowed >= real:
        return None
    sinks, window = protected(policy, allowed)
    patient = window + (policy.block if started or count == 1 else 1)
    if waiting < patient:
        return None
    again = cache.budget.unit != "fraction" and started and policy.retrieve is None
    stored = _stored(layers, members) if again else 0
    candidates = waiting + stored - window
    sinks = min(sinks, candidates) if again or not started else 0
    apart = firsts.number(policy, sinks)
    plan = Plan(members, waiting, window, sinks, candidates, 0, again, apart=apart)
    if policy.retrieve is not None:  # nothing is dropped: the budget bounds what a step reads
        return replace(plan, total=sum(_heads(layer) for layer in layers) * plan.candidates)
    return _fitted(cache, plan, allowed)


def _fitted(cache: KVCache, plan: Plan, allowed: float) -> Plan | None:
    """The plan with its `total`; what a group-wise codec leaves over waits in the tail."""
    layers, policy = cache.compressed, cache.policy
    heads = sum(_heads(layer) for layer in layers)
    grouped = plan.candidates - plan.apart
    left = grouped % policy.compress.group()
    if left and plan.waiting >= plan.window + left:
        longer = replace(plan, window=plan.window + left, candidates=plan.candidates - left)
        total = _total(cache, longer, allowed)
        # Where heads cost differently, only the allocator can say what fits: nothing may be left.
        if total >= heads * (grouped - left) or (total >= 0 and hasattr(policy.compress, "costs")):
            fits = replace(longer, total=total, most=longer.candidates)
            return fits if longer.waiting > longer.window else None
    most = _most(cache, plan, allowed)
    total = _total(cache, replace(plan, candidates=most), allowed)
    if total < (plan.sinks - plan.apart) * heads:
        raise InvalidInput(
            f"budget {cache.budget} cannot hold {cache.policy}: after the {plan.window} newest"
            f" tokens there is room for {max(0, total) // heads} stored tokens a head, and"
            f" {plan.sinks} sinks are protected; give a larger budget, or another form of storage"
        )
    return replace(plan, total=max(0, total), most=most)


def _most(cache: KVCache, plan: Plan, allowed: float) -> int:
    """How many candidates a codec can be shown that keeps something of each of them."""
    codec = cache.policy.compress
    if not hasattr(codec, "least"):
        return plan.candidates

    def holds(count: int) -> bool:
        fewer = replace(plan, candidates=count)
        wanted = sum(
            _heads(layer) * max(plan.sinks, codec.least(shape_of(cache, layer, fewer)))
            for layer in cache.compressed
        )
        return bool(_total(cache, fewer, allowed) >= wanted)

    if holds(plan.candidates):
        return plan.candidates
    return bisect_left(range(plan.candidates), True, key=lambda count: not holds(count + 1))


def _total(cache: KVCache, plan: Plan, allowed: float) -> int:
    layers, codec = cache.compressed, cache.policy.compress
    one = token_bytes(layers)
    inputs = [layer.hidden for layer in layers if layer.hidden is not None]
    newest = one + sum(hidden.shape[2] * hidden.dtype.itemsize for hidden in inputs)
    room = allowed * one - plan.window * newest
    room -= 0 if plan.again else _held(layers, plan.members)
    heads, each = 0, 0.0
    for layer in layers:
        shape = shape_of(cache, layer, plan)
        heads += _heads(layer)
        each += _heads(layer) * codec.token_bytes(shape)
        room -= _heads(layer) * (codec.fixed_bytes(shape) + plan.apart * shape.nbytes)
    return int(room / (each / heads) + 1e-6)


def shape_of(cache: KVCache, layer: KVLayer, plan: Plan) -> Shape:
    """What a codec is told of a layer before it stores anything."""
    assert layer.keys is not None and layer.values is not None
    layers = cache.compressed
    return Shape(
        layer.keys.shape[3],
        layer.values.shape[3],
        layer.keys.dtype,
        layers.index(layer),
        len(layers),
        plan.candidates,
        stored=0 if plan.again else _stored([layer], plan.members),
        heads=_heads(layer),
        hidden=0 if layer.hidden is None else layer.hidden.shape[2],
    )


def _heads(layer: KVLayer) -> int:
    return 0 if layer.keys is None else layer.keys.shape[1]


def _stored(layers: Sequence[KVLayer], members: list[int]) -> int:
    """The longest row that is stored of one of these sequences."""
    return max(int(layer.stored_lengths()[members].max()) for layer in layers)


def _held(layers: Sequence[KVLayer], members: list[int]) -> float:
    """Bytes that one of these sequences has in the stores (positions and scores apart)."""
    held = 0.0
    counted: set[int] = set()
    for store in (store for layer in layers for store in layer.stores):
        fresh = [part for part in store.parts.values() if part.data_ptr() not in counted]
        counted.update(part.data_ptr() for part in fresh)
        whole = int(store.lengths.sum())
        share = float(store.lengths[members].float().mean(0).sum())
        held += packed.storage_bytes(fresh) * share / whole if whole else 0.0
    return held
