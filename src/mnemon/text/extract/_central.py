"""Which of some texts lie nearest to the middle of them all."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence

from mnemon import analysis


def central(texts: Sequence[str], most: int, overlap: float) -> list[int]:
    """Places of at most `most` texts, in their order, the heaviest in tf-idf over the texts
    themselves; none that shares more than `overlap` of its terms with one chosen before."""
    bags = [Counter(analysis.query_terms(text)) for text in texts]
    spread = Counter(term for bag in bags for term in bag)
    weight = {term: n * math.log(1 + len(texts) / n) for term, n in spread.items()}
    order = sorted(range(len(texts)), key=lambda i: (-_score(bags[i], weight), i))
    chosen: list[int] = []
    for i in order:
        if len(chosen) < most and not _repeats(bags[i], [bags[j] for j in chosen], overlap):
            chosen.append(i)
    return sorted(chosen)


def _repeats(bag: Counter[str], chosen: Sequence[Counter[str]], overlap: float) -> bool:
    size = max(1, len(bag))
    return any(len(bag.keys() & other.keys()) / size > overlap for other in chosen)


def _score(bag: Counter[str], weight: dict[str, float]) -> float:
    return sum(weight[term] for term in bag) / math.sqrt(len(bag) + 4)
