"""Facts of one form, with a question each, as token ids; and text that has nothing to do with them.

foubiko 's city is leze .      Q : what is foubiko 's city now ? A : leze <eos>
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from mnemon.bench.recall import BOS, EOS, Filler, vocabulary
from mnemon.bench.recall.vocabulary import phrase

Ids = NDArray[np.int64]

VALUE = 2
"""Tokens of an answer, `<eos>` among them."""


class Facts(NamedTuple):
    """Token ids of n facts: `told` `[n, 7]`, and `asked` `[n, 14]`, a question and its answer."""

    told: Ids
    asked: Ids


def facts(rng: np.random.Generator, count: int) -> Facts:
    """Facts about different things: a name may return, with another attribute."""
    names, attributes = vocabulary.content(), np.array(vocabulary.attributes())
    drawn = rng.choice(len(names) * len(attributes), count, replace=False)
    name, attribute = names[drawn // len(attributes)], attributes[drawn % len(attributes)]
    value = names[rng.integers(0, len(names), (count, VALUE - 1))]
    told = [BOS, name, *phrase("'s"), attribute, *phrase("is"), *value.T, *phrase(".")]
    asked = [
        BOS, *phrase("Q : what is"), name, *phrase("'s"), attribute, *phrase("now ? A :"),
        *value.T, EOS,
    ]  # fmt: skip
    return Facts(_rows(told, count), _rows(asked, count))


def unrelated(rng: np.random.Generator, filler: Filler, rows: int, length: int) -> Ids:
    """Filler after `<bos>`, `[rows, length]`."""
    taken = np.stack([filler.take(length - 1) for _ in range(rows)]).astype(np.int64)
    return np.concatenate([np.full((rows, 1), BOS), taken], 1)


def _rows(parts: list[int | Ids], count: int) -> Ids:
    return np.stack([np.broadcast_to(one, count) for one in parts], 1)
