"""Running a program: channels, fusion, ranker, explanations. A program is data (`programs/`)."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from mnemon import analysis, methods
from mnemon.cube import Reason
from mnemon.store.view import View
from mnemon.text.query import Query, Ranking


class Program(Protocol):
    """A composition of methods, by name and options.

    It may have `select`, the method of `text.select` by which `recall` fills a budget: without one
    that is `covering`.
    """

    @property
    def represent(self) -> str: ...
    @property
    def channels(self) -> Sequence[tuple[str, float, dict[str, Any]]]:
        """(retrieve method, weight, options), in the order in which they run"""
        ...

    @property
    def fusion(self) -> tuple[str, dict[str, Any]]: ...
    @property
    def rerank(self) -> tuple[str, dict[str, Any]] | None: ...
    @property
    def maintain(self) -> Sequence[str]: ...


class Prepares(Protocol):
    """A method that can tell, and load, what it needs before the first question."""

    def prepare(self, space: str) -> None:
        """Load it, for vectors of an embedding space.

        Raises:
            InvalidInput: it cannot work on those.
            MissingExtra, EmbedderError: what it needs is not there.
        """
        ...


@dataclass(frozen=True, slots=True)
class Found:
    """One ranked version: its index in the view, and score in [0, 1]."""

    index: int
    score: float


Why = Callable[[Sequence[int]], Mapping[int, Sequence[Reason]]]
"""Indices that were found → which channels found each."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a search found, best first; why, for those that are shown; and how: channel → cubes
    found, milliseconds."""

    found: tuple[Found, ...]
    why: Why
    trace: dict[str, Any] = field(default_factory=dict)


def ask(text: str, embed: Callable[[str], Any] | None, at: int | None = None) -> Query:
    """Analyse a question; `at` microseconds is when it is asked, None for the view's `now`."""
    from mnemon.text import phrases  # patterns that only a search needs

    words = frozenset(analysis.names(text))
    terms = tuple(analysis.query_terms(text))
    vector = embed(text) if embed is not None else None
    extra = tuple(term for term in phrases.compounds(text) if term not in terms)
    return Query(text, terms, words, vector, extra, at)


def prepares(program: Program) -> list[Prepares]:
    """The methods of a program that need something before the first question; of most, none.

    Raises:
        UnknownName: the program names a method or an option that is not there.
    """
    composed = [
        *(("text.retrieve", name, options) for name, _, options in program.channels),
        ("text.fuse", *program.fusion),
        *([] if program.rerank is None else [("text.rerank", *program.rerank)]),
    ]
    made = [methods.load(slot, name, **options) for slot, name, options in composed]
    return [method for method in made if hasattr(method, "prepare")]


def run(
    program: Program,
    view: View,
    query: Query,
    k: int,
    min_score: float = 0.0,
    explain: bool = False,
) -> Outcome:
    """The k best eligible versions with at least `min_score`."""
    trace: dict[str, Any] = {}
    rankings, fused = candidates(program, view, query, trace)
    ranked = fused
    if program.rerank is not None:
        started = time.perf_counter()
        name, options = program.rerank
        ranked = methods.load("text.rerank", name, **options).rerank(view, query, rankings, fused)
        trace[name] = _timed(len(ranked.indices), started)
    scores = [score for score in ranked.scores[:k].tolist() if score >= min_score]
    indices = ranked.indices[: len(scores)].tolist()

    def why(shown: Sequence[int]) -> Mapping[int, Sequence[Reason]]:
        reasons = _reasons(list(rankings.values()), shown, explain)
        if explain and program.rerank is not None:
            _append_places(reasons, ranked, fused, shown)
        return reasons

    found = map(Found, indices, (min(1.0, score) for score in scores))
    return Outcome(tuple(found), why, trace)


def candidates(
    program: Program, view: View, query: Query, trace: dict[str, Any] | None = None
) -> tuple[dict[str, Ranking], Ranking]:
    """(each channel's ranking by its name, their fusion); what each took goes to `trace`.

    Channels run in the order of the program: one that expands is given the rankings before it.
    """
    trace = {} if trace is None else trace
    rankings: dict[str, Ranking] = {}
    for name, _, options in program.channels:
        started = time.perf_counter()
        method = methods.load("text.retrieve", name, **options)
        if hasattr(method, "expand"):  # an `Expand`; to ask for that takes as long as some channels
            rankings[name] = method.expand(view, query, dict(rankings))
        else:
            rankings[name] = method.retrieve(view, query)
        trace[name] = _timed(len(rankings[name].indices), started)
    started = time.perf_counter()
    fusion, options = program.fusion
    weights = [weight * rankings[name].trust for name, weight, _ in program.channels]
    fused = methods.load("text.fuse", fusion, **options).fuse(list(rankings.values()), weights)
    trace[fusion] = _timed(len(fused.indices), started)
    return rankings, fused


def _timed(count: int, started: float) -> dict[str, float]:
    return {"found": count, "ms": round((time.perf_counter() - started) * 1000, 3)}


def _reasons(
    rankings: Sequence[Ranking], indices: Sequence[int], explain: bool
) -> dict[int, list[Reason]]:
    """Which channels found each index, at which rank; with what matched if `explain`."""
    reasons: dict[int, list[Reason]] = {index: [] for index in indices}
    for ranking in rankings:
        ranks = _ranks(ranking, indices)
        told: dict[int, str] = {}
        if explain and ranking.why is not None and ranks:
            told = dict(zip(ranks, ranking.why(list(ranks)), strict=True))
        for index, rank in ranks.items():
            score = float(ranking.scores[rank - 1])
            reasons[index].append(Reason(ranking.channel, rank, score, told.get(index, "")))
    return reasons


def _append_places(
    reasons: dict[int, list[Reason]], ranked: Ranking, fused: Ranking, indices: Sequence[int]
) -> None:
    before = _ranks(fused, indices)
    for index, place in _ranks(ranked, indices).items():
        score = float(ranked.scores[place - 1])
        moved = "" if before[index] == place else f", was {_ordinal(before[index])}"
        told = f"probability {score:.2f}{moved}"
        reasons[index].append(Reason(ranked.channel, place, score, told))


def _ranks(ranking: Ranking, indices: Sequence[int]) -> dict[int, int]:
    """index → its rank from 1, of those that a ranking has."""
    import numpy as np  # not before something is ranked

    wanted = np.asarray(indices, dtype=ranking.indices.dtype)
    which, place = (wanted[:, None] == ranking.indices).nonzero()
    pairs = zip(which.tolist(), place.tolist(), strict=True)
    return {indices[one]: rank + 1 for one, rank in pairs}


def _ordinal(place: int) -> str:
    ending = "th" if place % 100 in (11, 12, 13) else {1: "st", 2: "nd", 3: "rd"}.get(place % 10)
    return f"{place}{ending or 'th'}"
