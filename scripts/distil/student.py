"""The student: a row for each word-piece and one for each hash of two pieces in a row."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from distil.batches import Batch
from distil.teacher import Meanings, unit
from mnemon.models import static_model


class Student(nn.Module):
    """Rows `pieces` [V, D] and `bigrams` [B, D], and the layers `out` [D, D] and `late` [L, D].

    A token is the row of its piece and that of the bigram it ends, added up; through `late` it is
    what the token means. The sum of a text's tokens, through `out`, is what the text means.
    """

    def __init__(self, pieces: Tensor, bigrams: int, late: int) -> None:
        """Starts at `pieces`, with bigrams that change nothing."""
        super().__init__()
        dimension = pieces.shape[1]
        self.pieces = nn.Parameter(pieces.clone())
        self.bigrams = nn.Parameter(pieces.new_zeros(bigrams, dimension))
        self.out = nn.Linear(dimension, dimension, bias=False)
        self.late = nn.Linear(dimension, late, bias=False)
        nn.init.eye_(self.out.weight)
        self.to(pieces.device)

    def forward(self, batch: Batch) -> Meanings:
        rows = self.rows(batch)
        return Meanings(unit(self.sums(rows, batch.mask)), unit(self.late(rows)))

    def rows(self, batch: Batch) -> Tensor:
        """The row of each token, [N, T, D]."""
        pairs = self.bigrams[hashes(batch.ids, len(self.bigrams))] * batch.mask[:, 1:, None]
        return self.pieces[batch.ids] + functional.pad(pairs, (0, 0, 1, 0))

    def sums(self, rows: Tensor, mask: Tensor) -> Tensor:
        """The vector of each text, [N, D], before it is made unit."""
        found: Tensor = self.out((rows * mask[..., None]).sum(1))
        return found


def hashes(ids: Tensor, bigrams: int) -> Tensor:
    """For each two of `ids` [N, T] in a row their row of the bigrams, [N, T - 1]."""
    # As the written model looks them up.
    found: Tensor = static_model.hashes(ids, bigrams)
    return found


@torch.no_grad()
def folded(student: Student, columns: int) -> Student:
    """The same model with nothing left for `out` to do, on the CPU.

    Its bigrams have their leading `columns` only. The others hold little: the teacher's directions
    come in the order of how much they hold.
    """
    out = student.out
    found = Student(out(student.pieces).cpu(), len(student.bigrams), len(student.late.weight))
    found.bigrams[:, :columns] = out(student.bigrams)[:, :columns].cpu()
    inverse = torch.linalg.inv(out.weight.double().cpu())
    found.late.weight.copy_(student.late.weight.double().cpu() @ inverse)
    return found
