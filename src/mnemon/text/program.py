"""Running a program: channels, fusion, explanations. A program itself is data (`programs/`)."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from mnemon import analysis, methods
from mnemon.cube import Reason
from mnemon.store.view import View
from mnemon.text.query import Query, Ranking


class Program(Protocol):
    """A composition of methods, by name and options."""

    @property
    def represent(self) -> str: ...
    @property
    def channels(self) -> Sequence[tuple[str, float, dict[str, Any]]]:
        """(retrieve method, weight, options)"""
        ...

    @property
    def fusion(self) -> tuple[str, dict[str, Any]]: ...
    @property
    def maintain(self) -> Sequence[str]: ...


@dataclass(frozen=True, slots=True)
class Found:
    """One ranked version: its index in the view, score in [0, 1], and which channels found it."""

    index: int
    score: float
    reasons: tuple[Reason, ...]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a search found, best first, and how: channel → cubes found, milliseconds."""

    found: tuple[Found, ...]
    trace: dict[str, Any] = field(default_factory=dict)


def ask(text: str, embed: Callable[[str], Any] | None) -> Query:
    """Analyse a question."""
    words = frozenset(analysis.names(text))
    vector = embed(text) if embed is not None else None
    return Query(text, tuple(analysis.query_terms(text)), words, vector)


def run(program: Program, view: View, query: Query, k: int, min_score: float) -> Outcome:
    """The k best eligible versions with at least `min_score`."""
    rankings, weights, trace = [], [], {}
    for name, weight, options in program.channels:
        started = time.perf_counter()
        ranking = methods.load("text.retrieve", name, **options).retrieve(view, query)
        rankings.append(ranking)
        weights.append(weight)
        trace[name] = _timed(len(ranking.indices), started)
    started = time.perf_counter()
    fusion, options = program.fusion
    fused = methods.load("text.fuse", fusion, **options).fuse(rankings, weights)
    found = tuple(_found(fused, rankings, k, min_score))
    trace[fusion] = _timed(len(fused.indices), started)
    return Outcome(found, trace)


def _timed(count: int, started: float) -> dict[str, float]:
    return {"found": count, "ms": round((time.perf_counter() - started) * 1000, 3)}


def _found(fused: Ranking, rankings: list[Ranking], k: int, min_score: float) -> list[Found]:
    places = [
        {int(index): rank for rank, index in enumerate(ranking.indices.tolist(), start=1)}
        for ranking in rankings
    ]
    results = []
    for index, score in zip(fused.indices[:k].tolist(), fused.scores[:k].tolist(), strict=True):
        if score < min_score:
            break
        reasons = tuple(
            Reason(ranking.channel, place[index], float(ranking.scores[place[index] - 1]))
            for ranking, place in zip(rankings, places, strict=True)
            if index in place
        )
        results.append(Found(index, min(1.0, float(score)), reasons))
    return results
