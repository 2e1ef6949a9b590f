"""Dense key-value pairs, almost no filler: the worst case for what evicts by position or norm.

… x1c x77 : x3f xa0 x11 x9c ; x90 x02 : x5d x08 xee x41 ; …
Q : key x90 x02 ? A : x5d x08 xee x41 <eos>
"""

from __future__ import annotations

import numpy as np

from mnemon.bench.recall import vocabulary
from mnemon.bench.recall.planting import Draw, Planted, question
from mnemon.bench.recall.vocabulary import phrase

SIZE = 8
"""Tokens of a pair."""


def pairs(draw: Draw, count: int, asked: int) -> Planted:
    """`count` keys of two tokens, all different, with values of four; a question asks for one."""
    rng, hexes = draw.rng, vocabulary.first_hex()
    codes = rng.choice(256 * 256, size=count, replace=False)
    keys = np.stack([codes >> 8, codes & 255], 1) + hexes
    values = rng.integers(0, 256, (count, 4)) + hexes
    colon, semicolon = (np.full((count, 1), mark) for mark in phrase(": ;"))
    rows = np.concatenate([keys, colon, values, semicolon], 1)
    order = rng.permutation(count)[:asked]
    asking = [question("kv", [*phrase("key"), *keys[i]], values[i]) for i in order]
    return Planted([list(rows)], asking)
