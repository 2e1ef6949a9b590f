"""Searching: a question and a filter → hits, and hits → recalled text."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mnemon.assembly import Counter
from mnemon.assembly.text import render
from mnemon.cube import Hit, MemCube, Reason, Recall
from mnemon.embedding import Embedding, space_of
from mnemon.errors import InvalidInput
from mnemon.intake import check_text
from mnemon.stages import stage
from mnemon.store import Store
from mnemon.store.rows import Filter
from mnemon.text import program as programs
from mnemon.text.program import Found
from mnemon.text.query import Query

if TYPE_CHECKING:
    from mnemon.assembly.meter import Meter
    from mnemon.store.index.building import Builds
    from mnemon.store.scope import Scope
    from mnemon.store.view import View

_SCOPE_BYTES = 512 * 1024 * 1024
_PENDING_READS = 1000
_MOST_MOMENTS = 10_000  # namespaces whose speakers are remembered
_SELECTION: tuple[str, dict[str, Any]] = ("covering", {})  # of a program that names none


@dataclass(frozen=True, slots=True)
class _Moment:
    """A namespace at a journal sequence number: the active space, and who speaks there."""

    seq: int
    space: str | None
    speakers: list[str]


class Searcher:
    """Keeps the scopes of a store in memory and runs a program over them."""

    def __init__(
        self,
        store: Store,
        embedding: Embedding,
        program: programs.Program,
        count_tokens: Counter | None,
    ) -> None:
        self._store = store
        self._embedding = embedding
        self._program = program
        self._count_tokens = count_tokens
        self._measure: Meter | None = None
        self._scopes: OrderedDict[str, Scope] = OrderedDict()
        self._sizes: dict[str, int] = {}
        self._held = 0
        self._builds: Builds | None = None
        self._lock = threading.Lock()
        self._reads: dict[str, int] = {}
        self._moments: dict[str, _Moment] = {}

    def prepare(self) -> None:
        """Load what the program needs, if it is a program that needs anything, and the embedder; so
        what is lacking is told before anything is asked.

        Raises:
            UnknownName, InvalidInput, MissingExtra, EmbedderError: it cannot work here.
        """
        if wanting := programs.prepares(self._program):
            # A store without vectors yet will have those of its embedder.
            space = self._embedding.space or space_of(self._embedding.embedder).name
            for method in wanting:
                method.prepare(space)
            self._embedding.query("Where?", ())  # it too loads with the first question

    def search(
        self,
        query: str,
        k: int,
        chosen: Filter,
        min_score: float = 0.0,
        explain: bool = False,
        at: int | None = None,
    ) -> list[Hit]:
        """See `Memory.search`."""
        if k < 1:
            raise InvalidInput(f"k is {k}: ask for at least one hit")
        with stage("search") as told:
            hits, trace = self._hits(query, k, chosen, min_score, explain, at)
            told.tell(regime=trace["regime"], cubes=trace["cubes"], hits=len(hits))
        self._count_reads(hits)
        return hits

    def recall(
        self,
        query: str,
        budget: int,
        chosen: Filter,
        min_score: float = 0.0,
        at: int | None = None,
    ) -> Recall:
        """See `Memory.recall`."""
        if budget < 1:
            raise InvalidInput(f"the budget is {budget} tokens: give at least one")
        _check(query)
        started = time.perf_counter()
        with stage("recall") as told:
            whole = None if min_score > 0.0 else self._everything(chosen, budget)
            hits, trace = whole or self._fitting(query, budget, chosen, min_score, at)
            told.tell(regime=trace["regime"], cubes=trace["cubes"], hits=len(hits))
        text, ids = render([hit.cube for hit in hits])
        tokens = self.count([text])[0] if text else 0
        while tokens > budget:  # a counter for which lines together are more than their sum
            hits = hits[:-1]
            text, ids = render([hit.cube for hit in hits])
            tokens = self.count([text])[0] if text else 0
        self._count_reads(hits)
        trace |= {"cited": ids, "ms": round((time.perf_counter() - started) * 1000, 3)}
        return Recall(text, tuple(sorted(hits, key=lambda hit: -hit.score)), tokens, trace)

    def _everything(
        self, chosen: Filter, budget: int, view: View | None = None
    ) -> tuple[list[Hit], dict[str, Any]] | None:
        """All that a filter leaves, oldest first, if its text fits; None if it does not."""
        from mnemon.assembly.whole import everything

        if view is None:
            moment, scope = self._now(chosen.namespace), self._scope(chosen.namespace)
            if scope.big:
                return None
            view = scope.view(chosen, moment.space, (), moment.seq)
        cubes = everything(view, budget, self._meter(), self._store.by_rows)
        if cubes is None:
            return None
        shown = [Hit(cube, 0.0) for cube in cubes if self._may_show(cube, chosen, view)]
        return shown, {**self._told(view), "regime": "everything", "considered": len(shown)}

    def _fitting(
        self, text: str, budget: int, chosen: Filter, min_score: float, at: int | None
    ) -> tuple[list[Hit], dict[str, Any]]:
        """What the program's selection takes of what was found, in the order of taking."""
        from mnemon.assembly.filling import fill
        from mnemon.assembly.reading import depth
        from mnemon.assembly.whole import underived

        view, query, trace = self._asked(text, chosen, at)
        alone = min_score > 0.0  # a turn that only belongs to a hit scores less
        told = None
        if view.regime == "chosen" and not alone:
            told = self._everything(chosen, budget, view)
        if told is not None:
            return told
        k = depth(budget, view.mean_length)
        with stage("search.rank"):
            outcome = programs.run(self._program, view, query, k, min_score)
        started = time.perf_counter()
        selection = getattr(self._program, "select", _SELECTION)
        taken = fill(view, outcome.found, budget, self._meter(), selection, alone=alone)
        took = round((time.perf_counter() - started) * 1000, 3)
        trace |= outcome.trace | {"considered": len(outcome.found)}
        trace[selection[0]] = {"found": len(taken), "ms": took}
        shown = {one.index for one in outcome.found}.intersection(one.index for one in taken)
        hits = self._read(view, taken, outcome.why(sorted(shown)), chosen)
        kept = {cube.id for cube in underived([hit.cube for hit in hits])}
        return [hit for hit in hits if hit.cube.id in kept], trace

    def _meter(self) -> Meter:
        from mnemon.assembly.meter import Meter

        if self._measure is None:
            self._measure = Meter(self.count)
        return self._measure

    def count(self, texts: Sequence[str]) -> list[int]:
        """Tokens of each text, by the caller's counter or the bundled word-piece model."""
        if self._count_tokens is None:
            from mnemon.models.embed.static import StaticEmbedder

            self._count_tokens = StaticEmbedder().count_tokens
        return self._count_tokens(texts)

    def _hits(
        self,
        text: str,
        k: int,
        chosen: Filter,
        min_score: float,
        explain: bool,
        at: int | None = None,
    ) -> tuple[list[Hit], dict[str, Any]]:
        _check(text)
        view, query, trace = self._asked(text, chosen, at)
        with stage("search.rank"):
            outcome = programs.run(self._program, view, query, k, min_score, explain)
        why = outcome.why([one.index for one in outcome.found])
        return self._read(view, outcome.found, why, chosen), trace | outcome.trace

    def _asked(
        self, text: str, chosen: Filter, at: int | None
    ) -> tuple[View, Query, dict[str, Any]]:
        started = time.perf_counter()
        with stage("search.look"):
            view, query = self.look(text, chosen, at)
        took = round((time.perf_counter() - started) * 1000, 3)
        return view, query, {**self._told(view), "terms": query.terms, "view_ms": took}

    def _told(self, view: View) -> dict[str, Any]:
        return {
            "program": type(self._program).__name__.lower(),
            "cubes": len(view.rows),
            "population": view.population,
            "regime": view.regime,
            "space": view.space,
        }

    def _read(
        self,
        view: View,
        ranked: Sequence[Found],
        why: Mapping[int, Sequence[Reason]],
        chosen: Filter,
    ) -> list[Hit]:
        rows = view.rows[[found.index for found in ranked]].tolist()
        cubes = self._store.by_rows(rows)
        return [
            Hit(cube, found.score, tuple(why.get(found.index, ())))
            for row, found in zip(rows, ranked, strict=True)
            if (cube := cubes.get(row)) and self._may_show(cube, chosen, view)
        ]

    def look(self, text: str, chosen: Filter, at: int | None = None) -> tuple[View, Query]:
        """What the methods of a program are given for a question under a filter; `at` microseconds
        is when it is asked."""
        moment = self._now(chosen.namespace)
        names = moment.speakers
        embed = None if moment.space is None else lambda said: self._embedding.query(said, names)
        query = programs.ask(text, embed, at)

        def days(now: int) -> Sequence[tuple[int, int]]:
            from mnemon.text.retrieve._asked_time import days_named

            return days_named(query, now)

        view = self._scope(chosen.namespace).view(
            chosen, moment.space, query.terms, moment.seq, query.vector,
            compounds=query.compounds, days=days,
        )  # fmt: skip
        return view, query

    def _now(self, namespace: str) -> _Moment:
        """What does not change between journal entries, read again only after one."""
        seq = self._store.sequence(namespace)
        moment = self._moments.get(namespace)
        if moment is None or moment.seq != seq:
            moment = _Moment(seq, self._embedding.space, self._store.speakers(namespace))
            if len(self._moments) >= _MOST_MOMENTS:
                self._moments.clear()
            self._moments[namespace] = moment
        return moment

    def _may_show(self, cube: MemCube, chosen: Filter, view: View) -> bool:
        # It may have been forgotten between ranking and reading: then it is gone.
        return chosen.as_of is not None or cube.retired_at is None

    def _scope(self, namespace: str) -> Scope:
        from mnemon.store.index.building import Builds
        from mnemon.store.scope import Scope

        with self._lock:
            self._builds = self._builds or Builds()
            scope = self._scopes.get(namespace)
            if scope is None:
                scope = self._scopes[namespace] = Scope(self._store, namespace, self._builds)
            self._scopes.move_to_end(namespace)
            # As each was when last asked for: summing over thousands would cost more than a search.
            now = scope.bytes
            self._held += now - self._sizes.get(namespace, 0)
            self._sizes[namespace] = now
            while self._held > _SCOPE_BYTES and len(self._scopes) > 1:
                self._held -= self._sizes.pop(self._scopes.popitem(last=False)[0])
            return scope

    def _count_reads(self, hits: Sequence[Hit]) -> None:
        if self._store.read_only:
            return
        with self._lock:
            for hit in hits:
                self._reads[hit.cube.id] = self._reads.get(hit.cube.id, 0) + 1
            full = len(self._reads) >= _PENDING_READS
        if full:
            self.flush()

    def close(self) -> None:
        """Write the read counts, and wait for an index that is being made, if it will be kept."""
        try:
            self.flush()
        finally:
            if self._builds is not None:
                self._builds.close(wait=self._store.index is not None and not self._store.read_only)

    def settle(self) -> None:
        """Wait for indexes that are being made in the background."""
        if self._builds is not None:
            self._builds.wait()

    def flush(self) -> None:
        """Write the read counts that have gathered."""
        with self._lock:
            reads, self._reads = self._reads, {}
        if reads:
            self._store.count_reads(reads)


def _check(query: str) -> None:
    if not isinstance(query, str):
        raise InvalidInput(f"a query is text, not {type(query).__name__}")
    check_text("the query", query)
