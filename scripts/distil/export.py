"""Writing a student as the files that `mnemon.models.static_model` reads, all but the card."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from distil.student import Student

# Columns of the bigrams that are written: with all of them the model would not stay under 16 MB.
COLUMNS = 232


def write(folder: Path, student: Student, vocabulary: dict[str, int]) -> None:
    """Writes a `folded` student with the pieces in `vocabulary`, by their ids for the teacher."""
    ids = np.fromiter(vocabulary.values(), dtype=np.uint16)
    pieces, bigrams, late = (
        weights.detach().numpy()
        for weights in (student.pieces, student.bigrams, student.late.weight)
    )
    vectors, scales = int8_rows(pieces[ids])
    bigram_vectors, bigram_scales = int8_rows(np.ascontiguousarray(bigrams[:, :COLUMNS]))
    np.save(folder / "vectors.npy", vectors)
    np.save(folder / "scales.npy", scales)
    np.save(folder / "bigrams.npy", bigram_vectors)
    np.save(folder / "bigram_scales.npy", bigram_scales)
    np.save(folder / "numbers.npy", ids)
    np.save(folder / "words.npy", np.ascontiguousarray(late.T.astype(np.float16)))
    lines = "".join(f"{piece}\n" for piece in vocabulary)
    (folder / "vocabulary.txt").write_text(lines, "utf-8", newline="\n")


def int8_rows(table: NDArray[np.float32]) -> tuple[NDArray[np.int8], NDArray[np.float32]]:
    """`table` [R, W] as int8 [R, W] times float32 [R]."""
    scales = (np.abs(table).max(axis=1) / 127).astype(np.float32)
    scales[scales == 0] = 1
    return np.rint(table / scales[:, None]).astype(np.int8), scales
