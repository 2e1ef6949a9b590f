"""What a KV method gets to see: one layer's tokens, and what it asked for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

import torch

from mnemon.errors import InvalidInput

if TYPE_CHECKING:
    from collections.abc import Iterator

    from torch import Tensor

    from mnemon.kv.profile import HeadProfile
    from mnemon.kv.projection import Projection
    from mnemon.kv.rope import Rope
    from mnemon.kv.stored import Stored


@dataclass(frozen=True)
class LayerView:
    """The tokens of one attention layer that are up for compression, and the newest after them.

    Methods never see padding: the core shows sequences of equal real length together. The last
    `window` tokens are kept whatever a method says (so are the first `sinks`).

    Attributes:
        layer: the layer's number in the model, from 0.
        layers: how many layers the policy compresses; `place` is this one's place among them.
        keys: `[B, Hkv, T, D]` after rotary embedding, values: `[B, Hkv, T, Dv]`.
        window: how many of the T tokens, at the end, are the protected newest.
        sinks: how many, at the start, are protected as attention sinks.
        seen: real tokens of the sequence so far, those dropped earlier included.
        scaling: what queries times keys is multiplied by before the softmax.
        queries: `[B, Hq, Q, D]` of the last Q tokens, if the policy needs queries.
        positions: `[B, Hkv, T]` original positions, if needed.
        hidden: `[B, T, d]` the layer's input, if needed. output_weight: `[Hq, Dv, d]`, if needed.
        surprisal: `[B, N]` of the newest N tokens, those not stored yet: minus the logarithm of the
            probability that the model gave each, nats; NaN where nothing predicted it. If needed.
        rounds: `[B, T]` the round of the dialogue of each token, counted up, if needed.
        before: `[B, Hkv, T]` the scorer's own earlier scores, NaN where it gave none, if needed.
        present: `[B, Hkv, T]` booleans, false where a row holds no token (rows of different
            lengths are padded with zero keys); None if every row is full.
        room: the share of the tokens outside the window that the budget has room for, in [0, 1].
        bias: `[B, Hkv, T]` what stored entries add to attention logits: the logarithm of how many
            tokens each stands for; None if each stands for itself.
        scores: `[B, Hkv, C]` that chose what is kept, for compress methods; None if all is kept.
        notes: `[B, Hkv, C]` each, what the policy itself must remember of kept tokens.
        stores: what the layer has stored of these sequences before, if needed.
        projection: the layer's own map from `hidden` to keys and values, if needed.
        profile: the model's head profile, if needed.
        costs: `[Hkv]` on the CPU, what a stored token of each head takes, in units of the budget;
            None if all take one.
    """

    layer: int
    layers: int
    place: int
    keys: Tensor
    values: Tensor
    window: int
    sinks: int
    seen: int
    scaling: float
    queries: Tensor | None = None
    positions: Tensor | None = None
    rope: Rope | None = None
    hidden: Tensor | None = None
    output_weight: Tensor | None = None
    surprisal: Tensor | None = None
    rounds: Tensor | None = None
    before: Tensor | None = None
    present: Tensor | None = None
    room: float = 1.0
    bias: Tensor | None = None
    scores: Tensor | None = None
    notes: Mapping[str, Tensor] = field(default_factory=dict, repr=False)
    stores: tuple[Stored, ...] = field(default=(), repr=False)
    projection: Projection | None = field(default=None, repr=False)
    profile: HeadProfile | None = field(default=None, repr=False)
    costs: Tensor | None = None

    @property
    def tokens(self) -> int:
        """T, window included."""
        return self.keys.shape[2]

    @property
    def groups(self) -> int:
        """Query heads a key-value head."""
        return 1 if self.queries is None else self.queries.shape[1] // self.keys.shape[1]

    @cached_property
    def pre_rope_keys(self) -> Tensor:
        """`[B, Hkv, T, D]`: the keys before rotary embedding."""
        if self.rope is None or self.positions is None:
            raise InvalidInput("pre-RoPE keys were not declared in the method's `needs`")
        return self.rope.unrotate(self.keys, self.positions)

    @cached_property
    def pre_rope_queries(self) -> Tensor:
        """`[B, Hq, Q, D]`: the queries before rotary embedding."""
        if self.rope is None or self.positions is None:
            raise InvalidInput("pre-RoPE queries were not declared in the method's `needs`")
        asked = self.asked()
        places = self.positions[:, 0, self.tokens - asked.shape[2] :]
        return self.rope.unrotate(asked, places)

    def attention(self, queries: int | None = None) -> Tensor:
        """The softmax weights that the newest queries give to the T tokens, causal.

        Computed anew for these queries only, so that the model itself keeps its fast kernels.

        Args:
            queries: how many of the newest; all that the view has by default.

        Returns:
            `[B, Hq, Q, T]`, float32.
        """
        return self._weights(self.asked(queries), 0)

    def attention_blocks(self, queries: int | None = None, size: int = 128) -> Iterator[Tensor]:
        """The rows of `attention`, oldest first, `size` at a time: `[B, Hq, at most size, T]`."""
        asked = self.asked(queries)
        count = asked.shape[2]
        for start in range(0, count, size):
            end = min(count, start + size)
            yield self._weights(asked[:, :, start:end], count - end)

    def _weights(self, asked: Tensor, later: int) -> Tensor:
        """Weights of consecutive queries, `later` tokens before the newest."""
        keys = self.keys.repeat_interleave(self.groups, 1)
        logits = torch.matmul(asked, keys.transpose(2, 3)).float() * self.scaling
        if self.bias is not None:
            logits += self.bias.repeat_interleave(self.groups, 1)[:, :, None]
        count, tokens = asked.shape[2], self.tokens
        hidden = torch.ones(count, tokens, dtype=torch.bool, device=keys.device)
        logits.masked_fill_(hidden.triu(tokens - later - count + 1), float("-inf"))
        if self.present is not None:
            there = self.present.repeat_interleave(self.groups, 1)[:, :, None]
            logits.masked_fill_(~there, float("-inf"))
        return logits.softmax(-1)

    def asked(self, queries: int | None = None) -> Tensor:
        """The newest queries, `[B, Hq, Q, D]`."""
        if self.queries is None:
            raise InvalidInput("queries were not declared in the method's `needs`")
        count = self.queries.shape[2] if queries is None else min(queries, self.queries.shape[2])
        return self.queries[:, :, self.queries.shape[2] - count :]

    def noted(self, kept: Tensor) -> dict[str, Tensor]:
        """The notes of the tokens where `kept` `[B, Hkv, C]` is true, packed: a store's `meta`."""
        return {name: note[kept] for name, note in self.notes.items()}

    def by_key_head(self, per_query_head: Tensor) -> Tensor:
        """The mean over each key-value head's query heads: `[B, Hq, ...]` to `[B, Hkv, ...]`."""
        return per_query_head.unflatten(1, (self.keys.shape[1], -1)).mean(2)
