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
    def rerank(self) -> tuple[str, dict[str, Any]] | None: ...
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
    trace: dict[str, Any] = {}
    rankings, best = candidates(program, view, query, trace)
    if program.rerank is not None:
        started = time.perf_counter()
        name, options = program.rerank
        best = methods.load("text.rerank", name, **options).rerank(view, query, rankings, best)
        trace[name] = _timed(len(best.indices), started)
    return Outcome(tuple(_found(best, list(rankings.values()), k, min_score)), trace)


def candidates(
    program: Program, view: View, query: Query, trace: dict[str, Any] | None = None
) -> tuple[dict[str, Ranking], Ranking]:
    """(each channel's ranking by its name, their fusion); what each took goes to `trace`."""
    trace = {} if trace is None else trace
    rankings: dict[str, Ranking] = {}
    for name, _, options in program.channels:
        started = time.perf_counter()
        rankings[name] = methods.load("text.retrieve", name, **options).retrieve(view, query)
        trace[name] = _timed(len(rankings[name].indices), started)
    started = time.perf_counter()
    fusion, options = program.fusion
    weights = [weight for _, weight, _ in program.channels]
    fused = methods.load("text.fuse", fusion, **options).fuse(list(rankings.values()), weights)
    trace[fusion] = _timed(len(fused.indices), started)
    return rankings, fused


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
