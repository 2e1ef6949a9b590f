"""Batches of texts of about the same length, cut and disturbed at random, all on the device."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain
from typing import NamedTuple

import torch
from torch import Tensor

# Texts are drawn for so many batches and sorted by length: a batch is one of the parts.
_PARTS = 8
MAX_TOKENS = 48
# Of longer texts the window of `MAX_TOKENS` comes from their start.
_KEPT_TOKENS = 62
CROPPED, SHORTEST_CROP = 0.2, 0.4
# In half of the texts 8% of the tokens are replaced: 4% in all.
DISTURBED, REPLACED = 0.5, 0.08


class Batch(NamedTuple):
    """The teacher's ids [N, T], zero where `mask`, bool [N, T], says that the text is over."""

    ids: Tensor
    mask: Tensor


class Corpus:
    """The tokens of all texts with more than one, end to end on a device."""

    def __init__(self, texts: Sequence[list[int]], device: torch.device) -> None:
        kept = [ids[:_KEPT_TOKENS] for ids in texts if len(ids) > 1]
        lengths = torch.tensor([len(ids) for ids in kept])
        self.device = device
        self.tokens = torch.tensor(list(chain.from_iterable(kept))).to(device)
        self.starts = (lengths.cumsum(0) - lengths).to(device)
        self.lengths = lengths.to(device)

    def counts(self, vocabulary: int) -> Tensor:
        """How often each id is among the tokens, [V]."""
        return torch.bincount(self.tokens, minlength=vocabulary)

    def frequency(self, vocabulary: int) -> Tensor:
        """The share of each id among the tokens, smoothed, [V]."""
        counts = self.counts(vocabulary).float()
        return (counts + 1) / counts.sum()


class Batches:
    """Draws batches of `size` texts of a corpus; the same ones for the same seed and device.

    In a share of them, `joined`, each text is followed by another of about its length.
    """

    def __init__(self, corpus: Corpus, size: int, seed: int, joined: float = 0.0) -> None:
        self._corpus, self._size, self._joined = corpus, size, joined
        self._dice = torch.Generator(corpus.device).manual_seed(seed)

    def draw(self) -> Batch:
        """The next batch."""
        found = self._texts(self._alike())
        if self._joined and float(self._random(1)) < self._joined:
            found = _followed(found, self._random(self._size).argsort())
        return Batch(self._disturbed(found.ids) * found.mask, found.mask)

    def _texts(self, texts: Tensor) -> Batch:
        whole = self._corpus.lengths[texts]
        lengths = self._cropped(whole)
        starts = self._corpus.starts[texts] + (self._random(len(texts)) * (whole - lengths)).long()
        places = torch.arange(int(lengths.max()), device=self._corpus.device)
        mask = places < lengths[:, None]
        last = len(self._corpus.tokens) - 1
        ids = self._corpus.tokens[(starts[:, None] + places).clamp(max=last)]
        return Batch(ids, mask)

    def _alike(self) -> Tensor:
        drawn = self._below(len(self._corpus.lengths), self._size * _PARTS)
        drawn = drawn[self._corpus.lengths[drawn].argsort(stable=True)]
        part = int(self._below(_PARTS, 1))
        return drawn[part * self._size : (part + 1) * self._size]

    def _cropped(self, whole: Tensor) -> Tensor:
        shares = SHORTEST_CROP + (1 - SHORTEST_CROP) * self._random(len(whole))
        chosen = self._random(len(whole)) < CROPPED
        lengths = torch.where(chosen, (whole * shares).long().clamp(min=2), whole)
        return lengths.clamp(max=MAX_TOKENS)

    def _disturbed(self, ids: Tensor) -> Tensor:
        texts = self._random(len(ids), 1) < DISTURBED
        others = self._corpus.tokens[self._below(len(self._corpus.tokens), *ids.shape)]
        return torch.where(texts & (self._random(*ids.shape) < REPLACED), others, ids)

    def _random(self, *shape: int) -> Tensor:
        return torch.rand(shape, generator=self._dice, device=self._corpus.device)

    def _below(self, end: int, *shape: int) -> Tensor:
        return torch.randint(end, shape, generator=self._dice, device=self._corpus.device)


def _followed(batch: Batch, order: Tensor) -> Batch:
    """Each text with the one that stands in its place in `order` after it, cut to `MAX_TOKENS`."""
    first, second = batch.mask.sum(1), batch.mask.sum(1)[order]
    length = (first + second).clamp(max=MAX_TOKENS)
    places = torch.arange(int(length.max()), device=order.device).expand(len(order), -1)
    mask, later = places < length[:, None], places - first[:, None]
    last = batch.ids.shape[1] - 1
    ids = torch.where(
        later < 0,
        batch.ids.gather(1, places.clamp(max=last)),
        batch.ids[order].gather(1, later.clamp(0, last)),
    )
    return Batch(ids * mask, mask)
