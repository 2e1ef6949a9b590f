"""The first tokens stored by themselves, as they are, where a codec works in groups.

A head that keeps no whole group would lose the attention sinks; and sinks, being outliers, would
widen the range of the group that they are in.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import torch

from mnemon.kv.compress.drop import Drop
from mnemon.kv.needs import Need
from mnemon.kv.stored import Stored

if TYPE_CHECKING:
    from torch import Tensor

    from mnemon.kv.policy import Policy
    from mnemon.kv.view import LayerView


def number(policy: Policy, sinks: int) -> int:
    """How many of the sinks are stored by themselves under a policy."""
    codec = policy.compress
    return sinks if codec.group() > 1 and Need.STORES not in codec.needs else 0


def exact(view: LayerView, count: int) -> Stored:
    """A store of the view's first `count` tokens in all heads (none: an empty one)."""
    parts = {
        name: one[:, :, :count].flatten(0, 2).clone()
        for name, one in (("keys", view.keys), ("values", view.values))
    }
    lengths = torch.full(view.keys.shape[:2], count)
    notes = {name: note[..., :count].flatten().clone() for name, note in view.notes.items()}
    return Stored(Drop(), lengths, parts, dict.fromkeys(parts, 1), view.keys.dtype, notes)


def without(view: LayerView, count: int) -> LayerView:
    """The view from its token `count` on."""
    if count == 0:
        return view

    def cut(note: Tensor | None, dim: int = 2) -> Tensor | None:
        if note is None:
            return None
        missing = view.tokens - note.shape[dim]  # some are of new tokens only
        start = max(0, count - missing)
        return note.narrow(dim, start, note.shape[dim] - start)

    return replace(
        view,
        keys=view.keys[:, :, count:],
        values=view.values[:, :, count:],
        sinks=max(0, view.sinks - count),
        positions=cut(view.positions),
        hidden=cut(view.hidden, 1),
        surprisal=cut(view.surprisal, 1),
        rounds=cut(view.rounds, 1),
        before=cut(view.before),
        present=cut(view.present),
        bias=cut(view.bias),
        scores=cut(view.scores),
        notes={name: note[..., count:] for name, note in view.notes.items()},
    )
