"""Evidence: how well each version of a view, or a text made of several, answers a question."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from mnemon.blas import with_vector
from mnemon.store.view import View
from mnemon.text.query import Query
from mnemon.text.retrieve.words import Words

_K1, _B = 1.2, 0.75


@dataclass(frozen=True, slots=True)
class Evidence:
    """By words and by meaning, float32 [N] each: 0 is none, 1 all that is asked. `matched` tells
    what the words of some versions matched."""

    words: np.ndarray
    meaning: np.ndarray
    matched: Callable[[Sequence[int]], Sequence[str]]

    def why(self, indices: Sequence[int]) -> list[str]:
        """What speaks for some versions."""
        parts = zip(self.matched(indices), self.meaning[list(indices)].tolist(), strict=True)
        return [f"{said}; likeness {like:.2f}" if said else f"likeness {like:.2f}"
                for said, like in parts]  # fmt: skip


def evidence(view: View, query: Query, asking: float = 0.8) -> Evidence:
    """What the channel `words` and `likeness` say of every version; `asking` is a factor on the
    likeness of turns that ask."""
    found = Words(most=len(view.rows) + 1).retrieve(view, query)
    by_words = np.zeros(len(view.rows), dtype=np.float32)
    by_words[found.indices] = found.scores / max(found.ceiling, 1e-9)
    by_meaning = np.zeros(len(view.rows), dtype=np.float32)
    if view.vectors is not None:
        by_meaning = likeness(view.vectors, query, view.eligible)
        by_meaning *= np.where(view.asks, np.float32(asking), np.float32(1.0))
    return Evidence(by_words, by_meaning, found.why or (lambda indices: [""] * len(indices)))


def mixed(by_words: np.ndarray, by_meaning: np.ndarray, share: float) -> np.ndarray:
    """`share` of the one and the rest of the other, float32."""
    return (share * by_words + (1.0 - share) * by_meaning).astype(np.float32)


def likeness(vectors: np.ndarray, query: Query, among: np.ndarray | None = None) -> np.ndarray:
    """How much nearer than the average each of `vectors` [M, D] is to the question: float32 [M],
    0 at the mean cosine (of those `among` bool [M]) and below, 1 for the same vector.

    In small models any two texts are alike to some degree; that degree says nothing.
    """
    if query.vector is None or not query.vector.any() or not len(vectors):
        return np.zeros(len(vectors), dtype=np.float32)
    cosine = with_vector(vectors, query.vector)
    usual = cosine if among is None or not among.any() else cosine[among]
    mean = min(float(usual.mean()), 0.99)
    return np.maximum((cosine - mean) / (1.0 - mean), 0.0).astype(np.float32)


def pooled_words(
    view: View, terms: Sequence[str], member: np.ndarray, unit: np.ndarray, units: int
) -> np.ndarray:
    """BM25 float32 [units] of texts made of several versions: 1 is all that is asked.

    `member` and `unit` int [E]: versions, and the text that each is part of. Statistics are those
    of these texts. Robertson & Zaragoza 2009, https://doi.org/10.1561/1500000019, section 3.4.
    """
    lengths = np.bincount(unit, view.lengths[member], units)
    norm = _K1 * (1.0 - _B + _B * lengths / max(float(lengths.mean()) if units else 0.0, 1.0))
    scores, ceiling = np.zeros(units), 0.0
    for term in terms:
        where, occurrences = view.postings[term]
        counts = np.zeros(len(view.rows), dtype=np.float32)
        counts[where] = occurrences
        held = np.bincount(unit, counts[member], units)
        holders = int(np.count_nonzero(held))
        rarity = float(np.log1p((units - holders + 0.5) / (holders + 0.5)))
        scores += rarity * held * (_K1 + 1.0) / (held + norm)
        ceiling += rarity * (_K1 + 1.0)
    return (scores / max(ceiling, 1e-9)).astype(np.float32)
