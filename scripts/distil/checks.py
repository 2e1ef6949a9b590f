"""Whether a written model does at run time what the student does."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from distil.batches import Batch
from distil.student import Student, hashes
from distil.tokens import Tokens
from mnemon.models.embed.static import StaticEmbedder

PROBES = (
    "I went to a support group yesterday and it was so powerful.",
    "The cat sat on the mat.",
    "memory",
    "E=mc², naïve café, user_id=42; https://example.org/a?b=c",
    "日本 語 and 😀 emoji with ordinary words",
    "antidisestablishmentarianism " * 40,
)
MAX_BYTES = 16_000_000
# The columns cut from the bigrams cost this much at most; rounding is checked number by number.
MIN_COSINE = 0.95
# Of float32 sums, beyond what rounding to int8 explains; and of late vectors of the same rows by
# a float16 layer, as a share of the largest number.
ROW_ERROR, LATE_ERROR = 1e-5, 1e-2


def wrong(
    folder: Path, student: Student, written: Student, tokens: Tokens, texts: Sequence[str]
) -> Iterator[str]:
    """What is wrong with the model in `folder`, in words; nothing when all is well.

    Args:
        folder: with all files of the model.
        student: as it was trained, on the CPU.
        written: the same `folded`, of which the files were made.
        tokens: the teacher's.
        texts: of which the ids are compared, besides those of the probes.
    """
    size = sum(file.stat().st_size for file in folder.iterdir())
    if size >= MAX_BYTES:
        yield f"its files have {size} bytes, not under {MAX_BYTES}"
    embedder = StaticEmbedder(folder=str(folder))
    yield from _wrong_ids(embedder, tokens, [*PROBES, *texts])
    for text, ids in zip(PROBES, tokens.ids(PROBES), strict=True):
        known = torch.tensor([[id for id in ids if id != tokens.unknown]])
        batch = Batch(known, torch.ones_like(known, dtype=torch.bool))
        for problem in _wrong_vectors(embedder, student, written, text, batch):
            yield f"{text[:40]!r}: {problem}"


def _wrong_ids(embedder: StaticEmbedder, tokens: Tokens, texts: Sequence[str]) -> Iterator[str]:
    folder = Path(str(embedder.folder))
    numbers = np.load(folder / "numbers.npy").tolist()
    lines = (folder / "vocabulary.txt").read_text("utf-8").removesuffix("\n").split("\n")
    if dict(zip(lines, numbers, strict=True)) != tokens.kept():
        yield "its vocabulary is not the teacher's"
    ours, counts = embedder.token_ids(texts), embedder.count_tokens(texts)
    for text, ids, count, theirs in zip(texts, ours, counts, tokens.ids(texts), strict=True):
        if [numbers[id] for id in ids] != theirs or count != len(theirs):
            yield f"{text[:40]!r}: its {count} tokens are not those of the teacher"


@torch.no_grad()
def _wrong_vectors(
    embedder: StaticEmbedder, student: Student, written: Student, text: str, batch: Batch
) -> Iterator[str]:
    cosine = embedder.embed_query(text) @ student(batch).texts[0].numpy()
    if cosine < MIN_COSINE:
        yield f"its cosine with the student's vector is {cosine:.4f}, under {MIN_COSINE}"
    rows = embedder.token_vectors(text)
    errors = np.abs(rows - written.rows(batch)[0].numpy())
    if (errors > _rounding(embedder, batch) + ROW_ERROR).any():
        yield f"a row is off by {errors.max():.2g}, which is more than rounding does"
    late = written.late(torch.from_numpy(rows)).numpy()
    if (gap := np.abs(embedder.late_vectors(text) - late).max() / np.abs(late).max()) > LATE_ERROR:
        yield f"a late vector is off by a share of {gap:.2g}, over {LATE_ERROR}"


def _rounding(embedder: StaticEmbedder, batch: Batch) -> NDArray[np.float32]:
    """How far each row of a text may be off by rounding, [T, 1]: half a step of each part."""
    folder = Path(str(embedder.folder))
    numbers = np.load(folder / "numbers.npy")
    places = np.searchsorted(numbers, batch.ids[0].numpy())
    steps: NDArray[np.float32] = np.load(folder / "scales.npy").take(places)
    bigrams = np.load(folder / "bigram_scales.npy")
    steps[1:] += bigrams.take(hashes(batch.ids, len(bigrams))[0].numpy())
    steps /= 2
    return steps[:, None]
