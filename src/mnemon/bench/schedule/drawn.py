"""Traces drawn at random: Zipf mixtures and drifting topics. The same seed draws the same."""

from __future__ import annotations

import numpy as np

from mnemon.errors import InvalidInput
from mnemon.schedule.trace import Floats, Ints, Trace

_USED = 6
"""Cubes of a question, at most: what is drawn twice counts once."""
_TYPICAL, _SPREAD = 4.2, 0.8
"""Of the logarithm of a cube's tokens: 67 in the middle, 330 for one in fifty."""


def zipf(
    seed: int = 0, *, cubes: int = 5000, questions: int = 3000, namespaces: int = 6, burst: int = 1
) -> Trace:
    """Several namespaces, each used by a Zipf law of its own, with exponents from 0.7 to 1.1.

    Which cubes are used often has nothing to do with their groups, their sizes or the time.

    Args:
        burst: questions to one namespace in a row, on average.
    """
    random = np.random.default_rng(seed)
    owner = np.sort(random.integers(0, namespaces, cubes))
    exponents = np.linspace(0.7, 1.1, namespaces)
    members = [random.permutation(np.flatnonzero(owner == one)) for one in range(namespaces)]
    laws = [_zipf(len(own), exponent) for own, exponent in zip(members, exponents, strict=True)]
    asked, one = [], 0
    for _ in range(questions):
        if random.random() < 1 / burst:
            one = int(random.integers(namespaces))
        asked.append(_drawn(random, members[one], laws[one]))
    facts = {"seed": seed, "exponents": [0.7, 1.1], "burst": burst}
    name = "zipf" if burst == 1 else "zipf-bursts"
    return Trace(name, _tokens(random, cubes), owner, np.arange(cubes) // 10 * 10, asked, facts)


def drifting(
    seed: int = 0, *, cubes: int = 5000, questions: int = 3000, topics: int = 50, dwell: int = 60
) -> Trace:
    """Three topics at a time are asked about, each by a Zipf law of 0.8; now and then one changes.

    Args:
        dwell: questions until the next change, on average.
    """
    random = np.random.default_rng(seed)
    topic = random.integers(0, topics, cubes)
    members = [random.permutation(np.flatnonzero(topic == one)) for one in range(topics)]
    laws = [_zipf(len(own), 0.8) for own in members]
    active, asked = random.choice(topics, 3, replace=False), []
    for _ in range(questions):
        if random.random() < 1 / dwell:
            active[random.integers(3)] = random.integers(topics)
        one = int(active[random.integers(3)])
        asked.append(_drawn(random, members[one], laws[one]))
    facts = {"seed": seed, "topics": topics, "dwell": dwell}
    return Trace("drift", _tokens(random, cubes), np.zeros(cubes, np.int64), topic, asked, facts)


def _zipf(count: int, exponent: float) -> Floats:
    weights = np.arange(1, count + 1) ** -exponent
    found: Floats = weights / weights.sum()
    return found


def _drawn(random: np.random.Generator, members: Ints, law: Floats) -> Ints:
    if not len(members):
        raise InvalidInput("a namespace or topic got no cube: ask for more cubes")
    return np.unique(random.choice(members, _USED, p=law))


def _tokens(random: np.random.Generator, cubes: int) -> Ints:
    return np.clip(random.lognormal(_TYPICAL, _SPREAD, cubes), 8, 1500).astype(np.int64)
