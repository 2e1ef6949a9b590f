"""The most common word of scattered lists (RULER's cwe): nothing to find, all of it to weigh.

    … list : leze tizo jairo leze . … list : leze lupiso foubiko leze . …
    Q : what is the most common word ? A : leze <eos>

Hsieh et al. 2024, https://arxiv.org/abs/2404.06654; HOW OURS DIFFERS: one word is asked, not ten;
it is 22 % of all, and no other word is more than half as common.
"""

from __future__ import annotations

from collections import Counter

from mnemon.bench.recall.planting import Draw, Phrase, Planted, question
from mnemon.bench.recall.vocabulary import phrase

_SHARE = 0.22
_A_LINE = 8


def lists(draw: Draw, count: int) -> Planted:
    """`count` words in lists of eight, and the one question there is."""
    kinds = max(2, count // 6)
    common, *others = draw.words(kinds + 1)
    most = max(2, int(count * _SHARE))
    rest = _capped(draw, others, count - most, max(1, most // 2))
    body: list[int] = draw.rng.permutation([*rest, *[common] * most]).tolist()
    starts = range(0, len(body), _A_LINE)
    told: list[Phrase] = [
        [*phrase("list :"), *body[start : start + _A_LINE], *phrase(".")] for start in starts
    ]
    return Planted([told], [question("cwe", phrase("what is the most common word"), [common])])


def _capped(draw: Draw, words: list[int], count: int, cap: int) -> list[int]:
    counted, chosen = Counter[int](), list[int]()
    for place in draw.rng.integers(0, len(words), count):
        word = words[place] if counted[words[place]] < cap else draw.words(1)[0]
        counted[word] += 1
        chosen.append(word)
    return chosen
