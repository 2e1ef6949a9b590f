"""What a compress method makes of a layer's tokens, and what attention reads of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Protocol

import torch

from mnemon.kv import packed

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class Rows:
    """Keys and values in the model's own precision, packed (see `packed`).

    Attributes:
        keys: `[N, Dk]`, after rotary embedding.
        values: `[N, Dv]`.
        lengths: tokens a row, `[B, Hkv]`, on the CPU.
        bias: `[N]` added to the attention logits of each entry (the logarithm of how many tokens
            an entry stands for), or None.
    """

    keys: Tensor
    values: Tensor
    lengths: Tensor
    bias: Tensor | None = None


class Codec(Protocol):
    """How stored parts become keys and values again."""

    def read(self, stored: Stored) -> Rows:
        """The rows, decoded into fresh tensors (or the stored ones where nothing is encoded)."""
        ...


@dataclass(frozen=True)
class Stored:
    """Some tokens of one layer, in the form that a codec gave them.

    Attributes:
        codec: what reads it.
        lengths: tokens a row, `[B, Hkv]`, on the CPU.
        parts: the tensors by name. Their first dimension runs over what `spans` says.
        spans: for each part, how many tokens of a row one entry covers (1: an entry a token; 32:
            one for each 32 tokens of a row); 0: one entry a row that its tokens are written
            in (a basis, a list of channels); -1: one entry a row that is not read, but tells the
            next compression where this one stood (a running threshold).
        dtype: the model's precision, which `read` gives back.
        meta: extra parts for the policy's own use, an entry a token: `positions`, `scores`.
    """

    codec: Codec
    lengths: Tensor
    parts: Mapping[str, Tensor]
    spans: Mapping[str, int]
    dtype: torch.dtype
    meta: Mapping[str, Tensor]

    def read(self) -> Rows:
        """Keys and values of the tokens, decoded."""
        return self.codec.read(self)

    def note(self, name: str) -> Tensor:
        """A note of `meta`, or of `parts` where the codec itself needs it."""
        return self.meta[name] if name in self.meta else self.parts[name]

    def tensors(self) -> list[Tensor]:
        """Every tensor it holds."""
        return [*self.parts.values(), *self.meta.values()]

    @property
    def nbytes(self) -> int:
        """Bytes that its tensors hold."""
        return packed.storage_bytes(self.tensors())

    @property
    def payload_nbytes(self) -> int:
        """Bytes of keys and values alone, scales included, the policy's notes not."""
        return packed.storage_bytes(list(self.parts.values()))

    def entries(self, span: int) -> Tensor:
        """Entries a row of a part with that span, `[B, Hkv]`."""
        return torch.ones_like(self.lengths) if span <= 0 else self.lengths // span

    def joins(self, other: Stored) -> bool:
        """Whether `other` can be appended to this one, row by row: the rows' bases are the same."""
        if self.codec != other.codec or self.spans != other.spans:
            return False
        both = ((self.lengths > 0) & (other.lengths > 0)).reshape(-1)
        return all(
            torch.equal(self.parts[name][both], other.parts[name][both])
            for name, span in self.spans.items()
            if span == 0
        )

    def join(self, other: Stored) -> Stored:
        """Both, row by row, this one's tokens first."""
        parts = {name: self._joined(name, other) for name in self.parts}
        meta = {
            name: packed.concat([part, other.meta[name]], [self.lengths, other.lengths])
            for name, part in self.meta.items()
        }
        return replace(self, lengths=self.lengths + other.lengths, parts=parts, meta=meta)

    def _joined(self, name: str, other: Stored) -> Tensor:
        part, added, span = self.parts[name], other.parts[name], self.spans[name]
        if span > 0:
            return packed.concat([part, added], [self.entries(span), other.entries(span)])
        newer = (other.lengths > 0) if span else (self.lengths == 0)
        newer = newer.reshape(-1, *[1] * (part.dim() - 1)).to(part.device)
        return torch.where(newer, added, part)

    def sequences(self, indices: Tensor) -> Stored:
        """Of a batch whose sequence i is the old sequence `indices[i]`."""
        parts = {
            name: packed.select_sequences(part, self.entries(self.spans[name]), indices)
            for name, part in self.parts.items()
        }
        meta = {
            name: packed.select_sequences(part, self.lengths, indices)
            for name, part in self.meta.items()
        }
        return replace(self, lengths=self.lengths[indices.cpu()], parts=parts, meta=meta)


def stack(pieces: list[Stored]) -> Stored:
    """One store of a batch from the stores of its sequences, in order (equal codecs and spans)."""
    first = pieces[0]
    if len(pieces) == 1:
        return first
    return replace(
        first,
        lengths=torch.cat([piece.lengths for piece in pieces]),
        parts={name: torch.cat([piece.parts[name] for piece in pieces]) for name in first.parts},
        meta={name: torch.cat([piece.meta[name] for piece in pieces]) for name in first.meta},
    )


def alias(made: Stored, sources: Sequence[Stored], memo: dict[tuple[int, ...], Tensor]) -> Stored:
    """`made` of `sources`, with the parts that an earlier call made of the very same tensors.

    So layers that share tensors go on sharing them after the same step was done to each.
    """
    parts = {
        name: memo.setdefault(tuple(id(source.parts[name]) for source in sources), part)
        for name, part in made.parts.items()
    }
    return replace(made, parts=parts)


def empty_like(stored: Stored, sequences: int) -> Stored:
    """A store of the same form in which so many sequences hold nothing."""
    heads = stored.lengths.shape[1]
    parts = {
        name: part.new_zeros(0 if stored.spans[name] > 0 else sequences * heads, *part.shape[1:])
        for name, part in stored.parts.items()
    }
    meta = {name: note[:0] for name, note in stored.meta.items()}
    lengths = torch.zeros(sequences, heads, dtype=stored.lengths.dtype)
    return replace(stored, lengths=lengths, parts=parts, meta=meta)


def without(stored: Stored, members: list[int]) -> Stored:
    """The store with nothing left of the sequences `members`."""
    if not members:
        return stored
    count = stored.lengths.shape[0]
    stay = [one for one in range(count) if one not in members]
    parts = [stored.sequences(torch.tensor(stay)), empty_like(stored, len(members))]
    return stack(parts).sequences(torch.tensor(stay + members).argsort())
