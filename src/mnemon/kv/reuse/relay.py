"""Relay: what sequences of a batch have in common is held once, and attended once for all of them.

RelayAttention (Zhu et al., 2024, https://arxiv.org/abs/2402.14808): attention over a shared system
prompt is one matrix product for the whole batch, each request attends to what is its own, and the
two are put together by their log-sum-exp. ChunkAttention (Ye et al., 2024,
https://arxiv.org/abs/2402.15220) does so over a tree of chunks, each for the sequences below it.

How ours differs: both phases are plain torch (the papers have fused kernels), over the layers of a
`KVCache`; the chunks are blocks, held by reference, so that a row's list of them is what
PagedAttention calls a block table. Exact up to rounding, not to the bit: sums have another order.
Cannot be combined with a budget: what is shared stays as it is.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import torch

from mnemon.errors import InvalidInput
from mnemon.kv import checks
from mnemon.kv.attention import tail_mask
from mnemon.kv.cache import KVCache
from mnemon.kv.layer import KVLayer
from mnemon.kv.reuse.block import Block
from mnemon.kv.reuse.seeding import check_reusable

if TYPE_CHECKING:
    from torch import Tensor, nn
    from transformers import PreTrainedModel

_LOGITS = 1 << 24
"""Attention logits that are held at a time."""


def shared(model: PreTrainedModel, block: Block, batch: int) -> Relay:
    """A cache of `batch` sequences that all begin with the block, held once."""
    return Relay(model, [[block]] * batch)


def laid_out(
    prompts: Sequence[Sequence[int]], begun: Sequence[int], pad: int = 0
) -> tuple[Tensor, Tensor]:
    """A batch as a `Relay` takes it: token ids and attention mask, `[B, N + M]`.

    Each row is padding up to N, the most tokens that any begins with; the tokens it begins with;
    padding up to M, the most that any goes on with; the rest. `generate` takes both; a plain call
    takes the last M ids, the whole mask, and positions, `(mask.cumsum(1) - 1)[:, N:]`.

    Args:
        begun: tokens that each begins with (`Relay.begun`). pad: the id that stands for nothing.
    """
    counts = [int(one) for one in begun]
    width = max(counts)
    longest = max(len(one) - count for one, count in zip(prompts, counts, strict=True))
    ids = torch.full((len(counts), width + longest), pad)
    mask = torch.zeros_like(ids)
    for row, (tokens, count) in enumerate(zip(prompts, counts, strict=True)):
        told = torch.as_tensor(tokens)
        for end, part in ((width, told[:count]), (width + longest, told[count:])):
            ids[row, end - len(part) : end] = part
            mask[row, end - len(part) : end] = 1
    return ids, mask


@dataclass(frozen=True)
class Chunk:
    """A block, and the sequences of the batch that it stands in.

    Attributes:
        rows: their numbers, rising.
    """

    block: Block
    rows: tuple[int, ...]

    def picked(self, indices: Sequence[int]) -> Chunk:
        """For a batch whose sequence i is the old sequence `indices[i]`."""
        served = set(self.rows)
        return Chunk(self.block, tuple(new for new, old in enumerate(indices) if old in served))


class Relay(KVCache):
    """A cache of a batch whose sequences begin with blocks, each block held once.

    Sequences may begin with more or fewer tokens. Then it has seen as many slots as the longest
    has, and those with fewer begin with padding: the attention mask has zeros there.

    Attributes:
        chunks: what is shared, and by which sequences. begun: tokens each began with, `[B]`.
    """

    apart = True

    def __init__(self, model: PreTrainedModel, chains: Sequence[Sequence[Block]]) -> None:
        """Begin a batch.

        Args:
            chains: the blocks that each sequence begins with, in order. A block that stands in
                several, the same object, is shared by them. An empty list: nothing.

        Raises:
            InvalidInput: no sequences, blocks that do not follow each other, or another model's.
        """
        check_reusable(model)
        super().__init__(model, policy="recency", budget=1.0)
        if not len(chains):
            raise InvalidInput("a batch has at least one sequence: give the blocks of each")
        for chain in chains:
            _check(chain, len(self.layers))
        self.chunks = _chunks(chains)
        self.begun = torch.tensor([sum(len(one) for one in chain) for chain in chains])
        self._start()

    def _start(self) -> None:
        self.layers = [_Relaying(self, index) for index in range(len(self.layers))]
        self.slots = int(self.begun.max())
        for layer in self.compressed:
            layer.seen, layer.is_initialized = self.slots, True
        self.real = self.begun.clone()
        self.fresh = self.begun.clone()
        self.started = torch.zeros(len(self.begun), dtype=torch.bool)

    def padding_of(self, mask: Tensor | None, batch: int, count: int) -> Tensor | None:
        """As of a `KVCache`, the slots of the blocks apart: there, padding stands in front."""
        if batch != len(self.begun):
            raise InvalidInput(
                f"this cache was begun for {len(self.begun)} sequences and is given {batch}: begin"
                " one for as many as the model is called with (each beam is one)"
            )
        width = int(self.begun.max())
        if mask is None or mask.dim() != 2 or mask.shape[1] != self.slots + count:
            if bool((self.begun < width).any()):
                raise InvalidInput(
                    f"sequences of this cache begin with {self.begun.tolist()} tokens: give an"
                    f" attention mask of {self.slots + count} slots that says which are padding"
                )
            return checks.padding(mask, batch, count, self.slots)
        before = torch.arange(width) >= width - self.begun[:, None]
        if not torch.equal(mask[:, :width].bool().cpu(), before):
            raise InvalidInput(
                f"the first {width} slots of the attention mask must hold, in front, one zero for"
                f" each token that a sequence has less than {width}: they begin with"
                f" {self.begun.tolist()}"
            )
        return checks.padding(mask[:, width:], batch, count, self.slots - width)

    def reset(self) -> None:
        """Forget all but the blocks: the cache is as new."""
        super().reset()
        self._start()

    def _pick(self, indices: Tensor) -> None:
        super()._pick(indices)
        self.begun = self.begun[indices.cpu()]
        picked = [chunk.picked(indices.tolist()) for chunk in self.chunks]
        self.chunks = [chunk for chunk in picked if chunk.rows]


class _Relaying(KVLayer):
    """A layer whose sequences see their blocks, then their own tokens."""

    cache: Relay

    def over_tail(self, module: nn.Module, query: Tensor, base: str, **kwargs: Any) -> Tensor:
        scaling = kwargs.get("scaling")
        asked = query * (query.shape[-1] ** -0.5 if scaling is None else scaling)
        softcap = kwargs.get("softcap")
        out, lse = _own(asked, *self.held, tail_mask(self, query), softcap)
        for chunk in self.cache.chunks:
            keys, values = chunk.block.keys[self.index], chunk.block.values[self.index]
            rows = slice(None) if len(chunk.rows) == len(query) else list(chunk.rows)
            _merge(out, lse, rows, *_common(asked[rows], keys, values, softcap))
        return out.to(query.dtype).transpose(1, 2).contiguous()

    def stored_lengths(self) -> Tensor:
        return super().stored_lengths() + self.cache.begun[:, None]

    def tensors(self) -> list[Tensor]:
        blocks = [chunk.block for chunk in self.cache.chunks]
        both = [(one.keys[self.index], one.values[self.index]) for one in blocks]
        return super().tensors() + [tensor for pair in both for tensor in pair]


def _common(query: Tensor, keys: Tensor, values: Tensor, softcap: float | None) -> Any:
    """All queries `[R, Hq, Q, D]` over the same `[Hkv, T, D]`: outputs and log-sum-exps, float32.

    The queries of all rows and of a key's query heads are one matrix, `[Hkv, R * G * Q, D]`.
    """
    heads, tokens = keys.shape[:2]
    grouped = query.unflatten(1, (heads, -1)).transpose(0, 1)  # [Hkv, R, G, Q, D]
    flat = grouped.flatten(1, 3)
    step = max(1, _LOGITS // (heads * tokens))
    parts = [
        _attend(torch.matmul(piece, keys.transpose(1, 2)).float(), values, softcap)
        for piece in flat.split(step, 1)
    ]
    shape = grouped.shape[:-1]
    out = torch.cat([out for out, _ in parts], 1).unflatten(1, shape[1:])
    lse = torch.cat([lse for _, lse in parts], 1).unflatten(1, shape[1:])
    return out.transpose(0, 1).flatten(1, 2), lse.transpose(0, 1).flatten(1, 2)


def _own(
    query: Tensor, keys: Tensor, values: Tensor, mask: Tensor, softcap: float | None
) -> tuple[Tensor, Tensor]:
    """Queries `[B, Hq, Q, D]` over each row's own `[B, Hkv, W, D]`, with a mask `[B, 1, Q, W]`."""
    grouped = query.unflatten(1, (keys.shape[1], -1))  # [B, Hkv, G, Q, D]
    logits = torch.matmul(grouped, keys[:, :, None].transpose(3, 4)).float()
    out, lse = _attend(logits, values[:, :, None], softcap, mask[:, :, None].float())
    return out.flatten(1, 2), lse.flatten(1, 2)


def _attend(
    logits: Tensor, values: Tensor, softcap: float | None, mask: Tensor | None = None
) -> tuple[Tensor, Tensor]:
    if softcap is not None:
        logits = torch.tanh(logits / softcap) * softcap
    if mask is not None:
        logits = logits + mask
    lse = logits.logsumexp(-1)
    weights = (logits - lse[..., None]).exp().to(values.dtype)
    return torch.matmul(weights, values).float(), lse


def _merge(out: Tensor, lse: Tensor, rows: Any, more: Tensor, its: Tensor) -> None:
    """Put a part's outputs and log-sum-exps to those of `rows`, in place."""
    total = torch.logaddexp(lse[rows], its)
    old, new = (lse[rows] - total).exp(), (its - total).exp()
    out[rows] = out[rows] * old[..., None] + more * new[..., None]
    lse[rows] = total


def _chunks(chains: Sequence[Sequence[Block]]) -> list[Chunk]:
    rows: dict[int, list[int]] = {}
    blocks = {}
    for row, chain in enumerate(chains):
        for block in chain:
            blocks[id(block)] = block
            rows.setdefault(id(block), []).append(row)
    return [Chunk(block, tuple(rows[number])) for number, block in blocks.items()]


def _check(chain: Sequence[Block], layers: int) -> None:
    follows = all(before.end == after.start for before, after in pairwise(chain))
    if chain and (chain[0].start or not follows):
        raise InvalidInput(
            "a sequence begins with blocks that follow each other from 0 on, not with"
            f" {[(one.start, one.end) for one in chain]}"
        )
    if any(len(one.keys) != layers for one in chain):
        raise InvalidInput(f"a block of this model has {layers} layers, not another number")
