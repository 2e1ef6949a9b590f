"""How much a sentence tells: the rarity of its words, questions and short ones little."""

from __future__ import annotations

import math

from mnemon import analysis

_FEW = 3
_CAPTION = 0.5  # of a picture, in brackets, as the importers write it: shown, not said


def telling(sentence: str, named: frozenset[str]) -> float:
    """The weight of a sentence's words but for the names `named`, over the root of their number;
    0 for one that asks or says fewer than three words of content."""
    from mnemon.text.lexicon import lexicon

    words = lexicon()
    ids = words.ids(sentence, named)
    if len(ids) < _FEW or analysis.asks(sentence):
        return 0.0
    weight = float(words.weights(ids).sum()) / math.sqrt(len(ids) + 4)
    return weight * _CAPTION if sentence.startswith("[") else weight
