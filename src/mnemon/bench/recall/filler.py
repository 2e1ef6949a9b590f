"""Filler: an endless stream of words that answers no question.

A first-order Markov chain over function and content words with Zipf's frequencies. Runs of hex
values and look-alike phrases ("the secret code of") are strewn in, so that neither marks a planted
phrase.
"""

from __future__ import annotations

from functools import cache
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from mnemon.bench.recall import vocabulary
from mnemon.bench.recall.vocabulary import ids, phrase

Tokens = NDArray[np.int16]
"""Token ids, `[T]`."""

_SUCCESSORS = 24
_LOOK_ALIKES = (
    "the code for", "note that", "the secret code of", "VAR", "is now", "user : actually",
)  # fmt: skip
_LANGUAGE_SEED, _HELD_OUT_SEED, _STREAM = 11, 777, 99
_CHAINS, _STEPS = 1024, 2048


class Filler(Protocol):
    """What gives filler."""

    def take(self, count: int) -> Tokens:
        """`count` tokens, not to be changed."""
        ...


class Endless:
    """Filler for training: slices of a stream of two million tokens, made anew when worn out."""

    def __init__(self, rng: np.random.Generator) -> None:
        self._rng = rng
        self._renew()

    def take(self, count: int) -> Tokens:
        """`count` tokens from somewhere in the stream."""
        self._taken += count
        if self._taken > 4 * len(self._stream):
            self._renew()
        return _slice(self._stream, self._rng, count)

    def _renew(self) -> None:
        self._stream = stream(self._rng)
        self._taken = 0


class HeldOut:
    """Filler for evaluation: slices, at places that `rng` draws, of one stream never trained on."""

    def __init__(self, rng: np.random.Generator) -> None:
        self._rng = rng

    def take(self, count: int) -> Tokens:
        """`count` tokens from somewhere in the stream."""
        return _slice(_held_out(), self._rng, count)


def stream(rng: np.random.Generator, chains: int = _CHAINS, steps: int = _STEPS) -> Tokens:
    """`chains` times `steps` tokens: independent chains, one after the other."""
    flat = _walk(rng, chains, steps).T.reshape(-1).copy()
    _strew_values(rng, flat)
    _strew_phrases(rng, flat)
    return flat


class _Language(NamedTuple):
    states: NDArray[np.int64]
    cumulated: NDArray[np.float64]
    successors: NDArray[np.int64]
    weights: NDArray[np.float64]


@cache
def _language() -> _Language:
    rng = np.random.default_rng(_LANGUAGE_SEED)
    functions = vocabulary.function_words()
    some = [*ids("code note key list now"), *vocabulary.attributes()]
    states = np.concatenate([functions, np.array(some), vocabulary.content()])
    rng.shuffle(states[len(functions) :])
    chance = 1.0 / (np.arange(len(states)) + 4.0)
    chance /= chance.sum()
    size = (vocabulary.SIZE, _SUCCESSORS)
    successors = states[rng.choice(len(states), size=size, p=chance)]
    weights = 1.0 / (np.arange(_SUCCESSORS) + 1.5)
    return _Language(
        states, np.cumsum(chance), successors, np.cumsum(weights / weights.sum())
    )  # fmt: skip


def _walk(rng: np.random.Generator, chains: int, steps: int) -> Tokens:
    language, (dot,) = _language(), ids(".")
    walked = np.empty((steps, chains), np.int16)
    current = _anywhere(rng, language, chains)
    for step in range(steps):
        walked[step] = current
        following = language.successors[current, _index(language.weights, rng.random(chains))]
        chance = rng.random(chains)
        ended = current == dot
        jump = ended | (chance < 0.05)
        if jump.any():
            following[jump] = _anywhere(rng, language, int(jump.sum()))
        following[(chance > 0.92) & ~ended] = dot
        current = following
    return walked


def _anywhere(rng: np.random.Generator, language: _Language, count: int) -> NDArray[np.int64]:
    return language.states[_index(language.cumulated, rng.random(count))]


def _index(cumulated: NDArray[np.float64], chance: NDArray[np.float64]) -> NDArray[np.int64]:
    # Rounding may leave the last sum below one.
    return np.minimum(np.searchsorted(cumulated, chance), len(cumulated) - 1)


def _strew_values(rng: np.random.Generator, flat: Tokens) -> None:
    starts = np.flatnonzero(rng.random(len(flat)) < 0.008)
    for offset, kept in enumerate((1, 1, 0.7, 0.5)):
        places = starts + offset
        places = places[(places < len(flat)) & (rng.random(len(places)) < kept)]
        flat[places] = vocabulary.first_hex() + rng.integers(0, 256, len(places))


def _strew_phrases(rng: np.random.Generator, flat: Tokens) -> None:
    starts = np.flatnonzero(rng.random(len(flat)) < 0.003)
    starts = starts[starts < len(flat) - 8]
    which = rng.integers(0, len(_LOOK_ALIKES), len(starts))
    for number, look_alike in enumerate(_LOOK_ALIKES):
        for offset, token in enumerate(phrase(look_alike)):
            flat[starts[which == number] + offset] = token


def _slice(flat: Tokens, rng: np.random.Generator, count: int) -> Tokens:
    start = int(rng.integers(0, len(flat) - count))
    return flat[start : start + count]


@cache
def _held_out() -> Tokens:
    made: NDArray[Any] = stream(held_out_generator())
    made.setflags(write=False)
    return made


def held_out_generator() -> np.random.Generator:
    """The generator that the held-out stream is drawn from; training never seeds one so."""
    return np.random.default_rng([_HELD_OUT_SEED, _STREAM])
