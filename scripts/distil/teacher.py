"""A teacher: all-MiniLM-L6-v2 or all-mpnet-base-v2, what it answers, and what of that the student
is to give.

The student's vectors are shorter than the teacher's. The directions kept are the leading ones of
the teacher's own answers, not centred: a centred PCA loses recall on LoCoMo.
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional
from transformers import AutoModel

from distil.batches import Batch, Batches
from distil.tokens import CLS, SEP

# Tokens of a batch that count towards the directions of tokens: one in so many.
_THINNED = 8
_ALONE_AT_ONCE = 4096


class Meanings(NamedTuple):
    """Unit rows: one for each text, [N, D], and one for each token, [N, T, L]."""

    texts: Tensor
    tokens: Tensor


class Directions(NamedTuple):
    """What is kept of the teacher's answers: [W, D] of texts and [W, L] of tokens."""

    texts: Tensor
    tokens: Tensor

    def cut(self, meanings: Meanings) -> Meanings:
        """The teacher's answers in the student's dimensions."""
        return Meanings(unit(meanings.texts @ self.texts), unit(meanings.tokens @ self.tokens))


class Frame(NamedTuple):
    """What a network's ids are: the first one and the last one of a text, and how far its
    word-pieces, which are BERT's, stand behind BERT's."""

    first: int
    last: int
    shift: int


_FRAMES = {"bert": Frame(CLS, SEP, 0), "mpnet": Frame(0, 2, 4)}


class Teacher:
    """The network in `folder`, in bfloat16 on a GPU."""

    def __init__(self, folder: Path, device: torch.device) -> None:
        precision = torch.float32 if device.type == "cpu" else torch.bfloat16
        network = AutoModel.from_pretrained(folder, dtype=precision)
        self._network = network.to(device).eval()
        self._frame = _FRAMES[network.config.model_type]

    @torch.no_grad()
    def __call__(self, batch: Batch) -> Meanings:
        """The mean output of each text with [CLS] and [SEP], and those of its tokens: W wide."""
        ids, lengths = batch.ids, batch.mask.sum(1)
        framed = functional.pad(ids + self._frame.shift, (1, 1))
        framed[:, 0] = self._frame.first
        framed[torch.arange(len(ids), device=ids.device), lengths + 1] = self._frame.last
        mask = torch.arange(framed.shape[1], device=ids.device) < (lengths + 2)[:, None]
        outputs = self._outputs(framed, mask)
        means = (outputs * mask[..., None]).sum(1) / mask.sum(1, keepdim=True)
        return Meanings(unit(means), unit(outputs[:, 1:-1]))

    def directions(self, batches: Batches, count: int, texts: int, tokens: int) -> Directions:
        """The leading `texts` and `tokens` directions of answers to `count` batches."""
        means, outputs = [], []
        for _ in range(count):
            batch = batches.draw()
            answer = self(batch)
            means.append(answer.texts)
            outputs.append(answer.tokens[batch.mask][::_THINNED])
        return Directions(_leading(torch.cat(means), texts), _leading(torch.cat(outputs), tokens))

    @torch.no_grad()
    def alone(self, vocabulary: int) -> Tensor:
        """The answer to each word-piece as a text of its own, [V, W]."""
        device = self._network.device
        rows = []
        for pieces in torch.arange(vocabulary, device=device).split(_ALONE_AT_ONCE):
            mask = torch.ones_like(pieces, dtype=torch.bool)[:, None]
            rows.append(self(Batch(pieces[:, None], mask)).texts)
        return torch.cat(rows)

    def _outputs(self, ids: Tensor, mask: Tensor) -> Tensor:
        answer = self._network(input_ids=ids, attention_mask=mask.long())
        outputs: Tensor = answer.last_hidden_state.float()
        return outputs


def unit(rows: Tensor) -> Tensor:
    """`rows` made Euclidean length one along the last axis."""
    found: Tensor = functional.normalize(rows, dim=-1)
    return found


def _leading(rows: Tensor, count: int) -> Tensor:
    wide = rows.double()
    found = torch.linalg.eigh(wide.T @ wide).eigenvectors.flip(1)[:, :count]
    # Eigenvectors come with either sign: fix it, or two machines make two models.
    largest = found.gather(0, found.abs().argmax(0, keepdim=True))
    signed: Tensor = found * largest.sign()
    return signed.to(rows.dtype)
