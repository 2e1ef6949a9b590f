"""Variable tracking (RULER's vt): chains of assignments, each in its order.

    … VAR tizo = x3f xa0 x11 . … VAR leze = VAR tizo . … VAR lupiso = VAR leze . …
    Q : which VAR holds x3f xa0 x11 ? A : tizo leze lupiso <eos>

Hsieh et al. 2024, https://arxiv.org/abs/2404.06654; HOW OURS DIFFERS: the names are asked in the
order of the chain. In training a chain is sometimes traced back from a name to its value
(`vt_back`).
"""

from __future__ import annotations

from itertools import pairwise

from mnemon.bench.recall.planting import Draw, Phrase, Planted, Question, question
from mnemon.bench.recall.vocabulary import phrase

_TRACED_BACK = 0.35


def chains(draw: Draw, count: int, asked: int, hops: int | None = None) -> Planted:
    """`count` chains of `hops` assignments after the first (else one to four, some traced back)."""
    planted, questions = list[list[Phrase]](), list[Question]()
    for _ in range(count):
        length = hops or int(draw.rng.integers(1, 5))
        names, value = draw.words(length + 1), draw.values(3)
        planted.append(_assignments(names, value))
        back = draw.rng.random() < _TRACED_BACK and not hops
        questions.append(_back(draw, names, value) if back else _forward(names, value))
    draw.rng.shuffle(questions)
    return Planted(planted, questions[:asked])


def _assignments(names: list[int], value: list[int]) -> list[Phrase]:
    (var, equals, dot) = phrase("VAR = .")
    first: Phrase = [var, names[0], equals, *value, dot]
    later = ([var, name, equals, var, before, dot] for before, name in pairwise(names))
    return [first, *later]


def _forward(names: list[int], value: list[int]) -> Question:
    return question("vt", [*phrase("which VAR holds"), *value], names)


def _back(draw: Draw, names: list[int], value: list[int]) -> Question:
    place = int(draw.rng.integers(0, len(names)))
    return question(
        "vt_back", [*phrase("trace VAR"), names[place]], [*names[:place][::-1], *value]
    )  # fmt: skip
