"""One full-attention layer's memory: stores of compressed tokens, and an uncompressed tail."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import torch
from transformers.cache_utils import CacheLayerMixin

from mnemon.errors import InvalidInput
from mnemon.kv import attention, packed, seam
from mnemon.kv.room import Room, spare, together
from mnemon.kv.stored import Stored, alias

if TYPE_CHECKING:
    from torch import Tensor, nn

    from mnemon.kv.cache import KVCache


class KVLayer(CacheLayerMixin):
    """What one layer holds.

    Attributes:
        keys, values: the tail, `[B, Hkv, W, D]`: the newest tokens, as the model made them.
        stores: compressed tokens, oldest first.
        queries: the newest queries `[B, Hq, Q, D]`, if the policy needs them, else None.
        hidden: the layer's input for the tail's tokens `[B, W, d]`, if needed, else None.
        room: what the tail is a view of, if it grows in place.
    """

    is_sliding = False

    def __init__(self, cache: KVCache, index: int) -> None:
        super().__init__()
        self.cache = cache
        self.index = index
        self.keys: Tensor | None = None
        self.values: Tensor | None = None
        self.stores: list[Stored] = []
        self.queries: Tensor | None = None
        self.hidden: Tensor | None = None
        self.room: Room | None = None
        self.seen = 0

    @property
    def held(self) -> tuple[Tensor, Tensor]:
        """Keys and values of the tail."""
        assert self.keys is not None and self.values is not None
        return self.keys, self.values

    @property
    def tail(self) -> int:
        """W: tokens of the tail."""
        return 0 if self.keys is None else self.keys.shape[2]

    def padding(self) -> Tensor | None:
        """`[B, W]` booleans, false where the tail holds padding; None if it holds none."""
        return self.cache.tail_padding()

    def mask(self, query: Tensor, base: str) -> Any:
        """What each of the newest queries `[B, Hq, Q, D]` sees of the tail, if nothing is stored.

        Args:
            base: the attention below ours, `sdpa` or `eager`.
        """
        return seam.causal_mask(base, query, query.shape[2], self.tail, self.padding())

    def over_tail(self, module: nn.Module, query: Tensor, base: str, **kwargs: Any) -> Tensor:
        """Attention of the newest queries if nothing is stored: `[B, Q, Hq, Dv]`."""
        return attention.plain(module, query, *self.held, self.mask(query, base), base, **kwargs)

    def visible(self, query: Tensor) -> list[Stored]:
        """The stores that attention reads for these queries: what a retrieve method selects."""
        elsewhere = self.cache.elsewhere
        return self.stores if elsewhere is None else elsewhere.visible(self, query)

    def lazy_initialization(self, key_states: Tensor, value_states: Tensor) -> None:
        """Nothing is allocated ahead."""
        self.is_initialized = True

    def update(
        self, key_states: Tensor, value_states: Tensor, *args: Any, **kwargs: Any
    ) -> tuple[Tensor, Tensor]:
        """Append new tokens `[B, Hkv, Q, D]` to the tail; attention reads the layer itself.

        Raises:
            InvalidInput: outside a pass of the cache's model, or another batch, type or device.
        """
        self.cache.require_pass()
        self.is_initialized = True
        if self.keys is None or self.values is None:
            self.keys, self.values = key_states, value_states
        else:
            self._check(key_states)
            self.append(key_states, value_states)
        self.seen += key_states.shape[2]
        return key_states, value_states

    def append(self, keys: Tensor, values: Tensor) -> None:
        """Put tokens `[B, Hkv, Q, D]` behind the tail.

        A tail that is never compressed grows long, and gets spare room.
        """
        held = self.held
        if self.cache.compresses or keys.requires_grad or held[0].requires_grad:
            self.keys, self.values = (
                torch.cat(pair, 2) for pair in zip(held, (keys, values), strict=True)
            )
            return
        longer = None if self.room is None else self.room.append(held, keys, values)
        if longer is None:
            parts = (held, (keys, values))
            self.room, *both = together(parts, spare(self.tail + keys.shape[2]))
            longer = (both[0], both[1])
        self.keys, self.values = longer

    def observe(self, query: Tensor) -> None:
        """Keep the newest queries, as many as the policy asks for."""
        wanted = self.cache.policy.queries
        if wanted == 0 or not self.cache.compresses:
            return
        if self.queries is not None:
            query = torch.cat([self.queries, query], 2)
        newest = query[:, :, max(0, query.shape[2] - wanted) :]
        # A view would hold on to the queries of the whole pass.
        self.queries = newest.clone() if newest.shape[2] < query.shape[2] else newest

    def observe_input(self, hidden: Tensor) -> None:
        """Keep the layer's input of the new tokens, `[B, Q, d]`."""
        self.hidden = hidden if self.hidden is None else torch.cat([self.hidden, hidden], 1)

    def stored_lengths(self) -> Tensor:
        """Compressed and offloaded tokens by sequence and head, `[B, Hkv]`."""
        assert self.keys is not None
        held = torch.zeros(self.keys.shape[:2], dtype=torch.int64)
        if self.cache.elsewhere is not None:
            place = self.cache.compressed.index(self)
            held = self.cache.elsewhere.lengths(place, *self.keys.shape[:2])
        return sum((store.lengths for store in self.stores), held)

    def trim(self, tokens: int, queries: int) -> None:
        """Keep the newest `tokens` of the tail and so many queries, in storage of their own."""
        if self.keys is not None and self.values is not None:
            start = self.tail - tokens
            self.keys = self.keys[:, :, start:].clone()
            self.values = self.values[:, :, start:].clone()
            if self.hidden is not None:
                self.hidden = self.hidden[:, start:].clone()
        if self.queries is not None:
            start = max(0, self.queries.shape[2] - queries)
            self.queries = self.queries[:, :, start:].clone() if queries else None

    def tensors(self) -> list[Tensor]:
        """Every tensor that the layer holds."""
        own = [
            one for one in (self.keys, self.values, self.queries, self.hidden) if one is not None
        ]
        if self.room is not None:
            own += [self.room.keys, self.room.values]
        return own + [tensor for store in self.stores for tensor in store.tensors()]

    @property
    def nbytes(self) -> int:
        """Bytes that those tensors hold."""
        return packed.storage_bytes(self.tensors())

    def get_seq_length(self) -> int:
        """Tokens seen (padding and dropped ones included): positions go on from here."""
        return self.seen

    def get_mask_sizes(self, query_length: int) -> tuple[int, int]:
        """As if nothing had been dropped; our attention masks by itself."""
        return self.seen + query_length, 0

    def get_max_length(self) -> int:
        """No maximum."""
        return -1

    def get_max_cache_shape(self) -> int:
        """No maximum (the name before transformers 5.24)."""
        return -1

    def reset(self) -> None:
        """Forget everything."""
        self.keys = self.values = self.queries = self.hidden = self.room = None
        self.stores = []
        self.seen = 0
        self.is_initialized = False

    def reorder_cache(self, beam_idx: Tensor) -> None:
        """Sequence i becomes the old sequence `beam_idx[i]`."""
        self.batch_select_indices(beam_idx)

    def batch_select_indices(self, indices: Tensor) -> None:
        """Keep the sequences `indices`, in that order."""
        if self.keys is None or self.values is None:
            return
        where = indices.to(self.keys.device)
        self.room = None
        self.keys, self.values = self.keys[where], self.values[where]
        self.queries = None if self.queries is None else self.queries[where]
        self.hidden = None if self.hidden is None else self.hidden[where]
        self.stores = [store.sequences(indices) for store in self.stores]

    def batch_repeat_interleave(self, repeats: int) -> None:
        """Each sequence `repeats` times."""
        if self.keys is not None:
            batch = torch.arange(self.keys.shape[0], device=self.keys.device)
            self.batch_select_indices(batch.repeat_interleave(repeats))

    def crop(self, tokens_to_remove: int) -> None:
        """Take back the newest tokens (a negative number), as assisted decoding does.

        Raises:
            InvalidInput: more than the tail holds: compressed tokens cannot be taken back.
        """
        count = abs(tokens_to_remove)
        if count == 0 or self.keys is None or self.values is None:
            return
        if count > self.tail:
            raise InvalidInput(
                f"{count} tokens cannot be taken back: the newest {self.tail} only are"
                " uncompressed; raise the policy's `window`"
            )
        self.keys = self.keys[:, :, : self.tail - count]
        self.values = self.values[:, :, : self.values.shape[2] - count]
        self.queries = None if self.queries is None else self.queries[:, :, :-count]
        self.hidden = None if self.hidden is None else self.hidden[:, :-count]
        self.seen -= count

    def _check(self, new: Tensor) -> None:
        held = self.keys
        assert held is not None
        for what, mine, theirs in (
            ("batch size", held.shape[0], new.shape[0]),
            ("dtype", held.dtype, new.dtype),
            ("device", held.device, new.device),
            ("heads and channels", held.shape[1::2], new.shape[1::2]),
        ):
            if mine != theirs:
                raise InvalidInput(
                    f"layer {self.index} of the cache holds {what} {mine}, the model now gives"
                    f" {theirs}: make a new KVCache"
                )


def share(layers: Sequence[KVLayer], before: Sequence[list[Stored]]) -> None:
    """Let layers that shared stored tensors `before` the same step share them again."""
    memo: dict[tuple[int, ...], Tensor] = {}
    for layer, old in zip(layers, before, strict=True):
        layer.stores = [
            alias(store, [source], memo) for store, source in zip(layer.stores, old, strict=True)
        ]
