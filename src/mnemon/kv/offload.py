"""Decoding with retrieval: the whole cache is elsewhere, and each step reads a selection.

When a block leaves the tail, its keys and values move to the slower place (see `slow`) and the
policy's retrieve method keeps an index of them. In each pass it then says what attention reads,
layer by layer: only that is fetched, and what the last step held is not fetched again. Sinks, the
tail and the heads that a method keeps whole stay resident.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import torch

from mnemon.kv import firsts, packed, viewing
from mnemon.kv.attention import join
from mnemon.kv.away import Away
from mnemon.kv.compress.drop import Drop
from mnemon.kv.plan import protected, token_bytes
from mnemon.kv.retrieve import Step
from mnemon.kv.stored import Stored, empty_like, stack

if TYPE_CHECKING:
    from torch import Tensor

    from mnemon.kv.cache import KVCache
    from mnemon.kv.layer import KVLayer
    from mnemon.kv.plan import Plan
    from mnemon.kv.view import LayerView


@dataclass
class Group:
    """Sequences that were offloaded together.

    Attributes:
        members: their numbers in the batch, rising. layers: one `Away` a compressed layer.
        sinks: resident tokens at the start of each. state: the method's notes.
        budget: candidates of each head that this step may read.
    """

    members: list[int]
    layers: list[Away]
    sinks: int
    state: dict[str, Any] = field(default_factory=dict)
    budget: int = 0

    def sequences(self, which: Sequence[int], members: list[int]) -> Group:
        """Of the sequences at these places, which are now numbered `members`."""
        return Group(members, [away.sequences(which) for away in self.layers], self.sinks)


class Offload:
    """What a cache keeps elsewhere.

    Attributes:
        groups: its sequences. fetches: reads of the slower place; fetched_nbytes: their bytes.
    """

    def __init__(self, cache: KVCache) -> None:
        self.cache = cache
        self.groups: list[Group] = []
        self.fetches = 0
        self.fetched_nbytes = 0

    @property
    def nbytes(self) -> int:
        """Bytes in the slower place."""
        slow = [away.slow for group in self.groups for away in group.layers]
        return sum(one.nbytes for one in slow if one is not None)

    def tensors(self) -> list[Tensor]:
        """What stays resident besides the layers' stores: indexes, what is held, notes."""
        found = [t for group in self.groups for away in group.layers for t in away.tensors()]
        notes = [note for group in self.groups for note in group.state.values()]
        flat = [one for note in notes for one in (note if isinstance(note, tuple) else (note,))]
        return found + [one for one in flat if isinstance(one, torch.Tensor)]

    def lengths(self, place: int, batch: int, heads: int) -> Tensor:
        """Tokens elsewhere of each sequence and head of a layer, `[B, Hkv]`."""
        found = torch.zeros(batch, heads, dtype=torch.int64)
        for group in self.groups:
            away = group.layers[place]
            for head in away.heads:
                found[group.members, head] = away.tokens
        return found

    def split(self, plans: Sequence[Plan]) -> list[Plan]:
        """The plans, cut so that each is of one group or of sequences that have none yet."""
        parts = []
        for plan in plans:
            wanted = set(plan.members)
            self.groups = [part for group in self.groups for part in _divided(group, wanted)]
            old = [group.members for group in self.groups if group.members[0] in wanted]
            new = sorted(wanted.difference(*old))
            parts += [replace(plan, members=members) for members in [*old, new] if members]
        return parts

    def take(self, plan: Plan, hidden: Tensor) -> list[list[Stored]]:
        """Move a plan's candidates away; what stays of them in the stores of each layer."""
        method = self.cache.policy.retrieve
        group = next((one for one in self.groups if one.members == plan.members), None)
        if group is None:
            group = Group(plan.members, [], min(plan.sinks, plan.candidates))
            self.groups.append(group)
        stored = []
        for place, layer in enumerate(self.cache.compressed):
            view = viewing.view(self.cache, layer, plan, hidden)
            whole = method.whole(view).tolist()
            if place == len(group.layers):
                heads = range(len(whole))
                away = tuple(head for head in heads if not whole[head])
                group.layers.append(Away(away, tuple(head for head in heads if whole[head])))
            kept = torch.tensor(whole)[None, :, None].repeat(len(plan.members), 1, plan.candidates)
            kept[..., : plan.sinks] = True
            stored.append(Drop().compress(view, kept.to(view.keys.device)))
            self._move(group.layers[place], firsts.without(view, plan.sinks))
        return stored

    def _move(self, away: Away, view: LayerView) -> None:
        candidates = view.tokens - view.window
        if candidates == 0:
            return
        away.index = self.cache.policy.retrieve.index(view, away.index)
        away.append(view.keys[:, :, :candidates], view.values[:, :, :candidates])

    def visible(self, layer: KVLayer, query: Tensor) -> list[Stored]:
        """The stores that attention reads in this pass: what is resident, and what was selected."""
        if not self.groups:
            return layer.stores
        place = self.cache.compressed.index(layer)
        parts = [self._selected(group, place, layer, query) for group in self.groups]
        members = [one for group in self.groups for one in group.members]
        idle = [one for one in range(query.shape[0]) if one not in members]
        if idle:
            parts.append(empty_like(parts[0], len(idle)))
        selected = parts[0]
        if len(parts) > 1:
            selected = stack(parts).sequences(torch.tensor(members + idle).argsort())
        return [store for store in [*layer.stores, selected] if int(store.lengths.sum())]

    def _selected(self, group: Group, place: int, layer: KVLayer, query: Tensor) -> Stored:
        """The selection of one group in one layer, fetched."""
        assert layer.keys is not None and layer.values is not None
        away = group.layers[place]
        if place == 0:
            group.budget = self._reads(group)
        picked = None
        if group.budget:
            step = self._step(group, away, layer, query)
            picked = self.cache.policy.retrieve.select(step, group.state)
        shape = (len(group.members), layer.keys.shape[1])
        lengths = torch.zeros(shape, dtype=torch.int64)
        parts = {"keys": layer.keys[0, 0, :0], "values": layer.values[0, 0, :0]}
        if away.heads and picked is not None:
            fetched = away.fetch(picked, layer.keys.shape[3])
            self.fetches += fetched > 0
            self.fetched_nbytes += fetched
            assert away.held is not None
            lengths[:, list(away.heads)] = away.held.lengths
            parts = {"keys": away.held.keys, "values": away.held.values}
        return Stored(Drop(), lengths, parts, dict.fromkeys(parts, 1), layer.keys.dtype, {})

    def _reads(self, group: Group) -> int:
        """Candidates a head that the budget lets a step read: what sinks and window leave of it."""
        cache = self.cache
        assert cache.real is not None
        real = int(cache.real[group.members].min())
        allowed = cache.budget.tokens(real, token_bytes(cache.compressed))
        _, window = protected(cache.policy, allowed)
        return max(0, min(int(allowed) - window - group.sinks, group.layers[0].tokens))

    def _step(self, group: Group, away: Away, layer: KVLayer, query: Tensor) -> Step:
        valid = None if self.cache.passing is None else self.cache.passing.valid
        count = query.shape[2]
        if valid is not None:
            count = int(valid[group.members].sum(1).min())
        asked = query[group.members][:, :, query.shape[2] - count :]
        keys = _whole_keys(group, away, layer) if away.whole else None
        return Step(
            place=self.cache.compressed.index(layer),
            layers=len(self.cache.compressed),
            queries=asked,
            budget=group.budget,
            tokens=away.tokens,
            kv_heads=len(away.heads) + len(away.whole),
            heads=away.heads,
            whole=away.whole,
            index=away.index,
            scaling=self.cache.scaling(layer.index),
            sinks=group.sinks,
            keys=keys,
            seen=None if keys is None else _seen(group, layer, count, keys.shape[2]),
        )

    def pick(self, indices: Tensor) -> None:
        """Sequence i becomes the old sequence `indices[i]`; methods' notes are forgotten."""
        now = indices.tolist()
        groups = []
        for group in self.groups:
            members = [new for new, old in enumerate(now) if old in group.members]
            which = [group.members.index(now[new]) for new in members]
            if members:
                groups.append(group.sequences(which, members))
        self.groups = groups

    def forget_notes(self) -> None:
        """Empty the methods' notes: a pass was taken back."""
        for group in self.groups:
            group.state = {}


def _divided(group: Group, wanted: set[int]) -> list[Group]:
    """The group, or its members inside and outside of `wanted` as two."""
    sides: tuple[list[int], list[int]] = ([], [])
    for place, member in enumerate(group.members):
        sides[member in wanted].append(place)
    if not all(sides):
        return [group]
    return [group.sequences(side, [group.members[place] for place in side]) for side in sides]


def _whole_keys(group: Group, away: Away, layer: KVLayer) -> Tensor:
    """All keys of the heads that stay whole: `[b, Hw, sinks + N + W, D]`."""
    assert layer.keys is not None
    rows = join([store.read() for store in layer.stores])
    heads = rows.lengths.shape[1]
    owned = [member * heads + head for member in group.members for head in away.whole]
    stored = packed.unpack(rows.keys, rows.lengths, owned)
    tail = layer.keys[group.members][:, list(away.whole)]
    return torch.cat([torch.unflatten(stored, 0, tail.shape[:2]), tail], 2)


def _seen(group: Group, layer: KVLayer, queries: int, tokens: int) -> Tensor:
    """Which of `tokens` resident tokens each of the newest queries sees."""
    assert layer.keys is not None
    seen = torch.ones(queries, tokens, dtype=torch.bool, device=layer.keys.device)
    seen = seen.tril(tokens - queries)[None, None, None]
    if (valid := layer.padding()) is None:
        return seen
    there = torch.ones(len(group.members), tokens, dtype=torch.bool, device=seen.device)
    there[:, tokens - layer.tail :] = valid[group.members]
    return seen & there[:, None, None, None]
