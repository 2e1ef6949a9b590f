"""Samples for training: any mixture of tasks at any density, many questions after one context."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

import numpy as np

from mnemon.bench.recall import assembling, needles
from mnemon.bench.recall.assembling import Assembled
from mnemon.bench.recall.common_words import lists
from mnemon.bench.recall.dialogue import facts
from mnemon.bench.recall.filler import Filler
from mnemon.bench.recall.pairs import SIZE, pairs
from mnemon.bench.recall.planting import Draw, Planted
from mnemon.bench.recall.variables import chains

SHARES: Mapping[str, float] = {
    "niah": 0.16, "multivalue": 0.13, "multiquery": 0.13, "vt": 0.14, "kv": 0.22, "dialogue": 0.18,
    "cwe": 0.04,
}  # fmt: skip
"""How often a context holds one family; they need not sum to one."""

_MIXED = 0.25  # of all contexts hold several families
_MOST_QUESTIONS = 40
_TRIES = 30


class _Room(NamedTuple):
    """What one family may take: tokens of phrases, and questions."""

    tokens: int
    asked: int

    @property
    def fewer(self) -> int:
        """Questions, where answers are long."""
        return max(1, self.asked // 2)


def training_sample(
    rng: np.random.Generator, filler: Filler, length: int, shares: Mapping[str, float] = SHARES
) -> Assembled:
    """Tokens `[length]` and which of them are answers."""
    draw, asked = Draw(rng), _asked(rng, length)
    for _ in range(_TRIES):
        draw.restart()
        planted = _mixture(draw, length, asked, shares)
        if _trimmed(planted, length):
            break
    else:
        draw.restart()
        planted = needles.needles(draw, 2, 1)
    phrases = assembling.merged(rng, planted.sequences)
    again = rng.random() < 0.15
    return assembling.assemble(rng, filler, length, phrases, planted.questions, repeat=again)


def _asked(rng: np.random.Generator, length: int) -> int:
    most = max(1, min(_MOST_QUESTIONS, length // 48))
    asked = int(rng.integers(1, most + 1))
    return max(asked, most // 2) if rng.random() < 0.6 else asked


def _mixture(draw: Draw, length: int, asked: int, shares: Mapping[str, float]) -> Planted:
    rng, names = draw.rng, list(shares)
    tokens = int((length - 40) * (1 - min(0.45, 160 / length) if length <= 512 else 0.72))
    if rng.random() < _MIXED:
        count = int(rng.integers(2, 5))
        # All but the last: the most common word is none among other families' words.
        chosen = [names[i] for i in rng.choice(len(names) - 1, size=count, replace=False)]
        tokens //= count + 1
    else:
        chance = np.array(list(shares.values()))
        chosen = [names[rng.choice(len(names), p=chance / chance.sum())]]
    room = _Room(tokens, max(1, asked // len(chosen)))
    planted = [_FAMILIES[name](draw, room) for name in chosen]
    questions = [one for each in planted for one in each.questions]
    rng.shuffle(questions)
    return Planted([one for each in planted for one in each.sequences], questions[:asked])


def _trimmed(planted: Planted, length: int) -> bool:
    """Leave questions out until the sample fits; whether it does, with one at least."""
    phrases = [one for sequence in planted.sequences for one in sequence]
    while len(planted.questions) > 1 and assembling.room(length, phrases, planted.questions) < 0:
        planted.questions.pop()
    return bool(planted.questions) and assembling.room(length, phrases, planted.questions) >= 0


def _niah(draw: Draw, room: _Room) -> Planted:
    single = draw.rng.random() < 0.25
    count = 1 if single else min(300, _size(draw.rng, 2, room.tokens // 12))
    return needles.needles(draw, count, room.asked)


def _multiquery(draw: Draw, room: _Room) -> Planted:
    return needles.several(draw, min(300, _size(draw.rng, 4, room.tokens // 12)), room.fewer)


def _multivalue(draw: Draw, room: _Room) -> Planted:
    return needles.valued(draw, min(80, _size(draw.rng, 1, room.tokens // 38)), room.fewer)


def _vt(draw: Draw, room: _Room) -> Planted:
    return chains(draw, min(80, _size(draw.rng, 1, room.tokens // 28)), room.asked)


def _kv(draw: Draw, room: _Room) -> Planted:
    return pairs(draw, _size(draw.rng, 2, room.tokens // SIZE), room.asked)


def _dialogue(draw: Draw, room: _Room) -> Planted:
    count = min(300, _size(draw.rng, 1, room.tokens // 26))
    return facts(draw, count, room.asked, float(draw.rng.choice([0, 0.5, 0.9])))


def _cwe(draw: Draw, room: _Room) -> Planted:
    return lists(draw, _size(draw.rng, 12, min(int(room.tokens * 0.8), 1200)))


_FAMILIES: Mapping[str, Callable[[Draw, _Room], Planted]] = {
    "niah": _niah, "multivalue": _multivalue, "multiquery": _multiquery, "vt": _vt, "kv": _kv,
    "dialogue": _dialogue, "cwe": _cwe,
}  # fmt: skip


def _size(rng: np.random.Generator, least: int, most: int) -> int:
    """A count, log-uniform: small ones are as likely as large ones."""
    return int(np.exp(rng.uniform(np.log(least), np.log(max(least, most) + 1))))
