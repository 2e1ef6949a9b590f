"""Searching: a question and a filter → hits, and hits → recalled text."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from mnemon import analysis, assembly
from mnemon.cube import Hit, MemCube, Reason, Recall
from mnemon.embedding import Embedding
from mnemon.errors import InvalidInput
from mnemon.intake import check_text
from mnemon.store import Store
from mnemon.store.rows import Filter
from mnemon.text import program as programs
from mnemon.text.query import Query

if TYPE_CHECKING:
    from mnemon.store.scope import Scope
    from mnemon.store.view import View

_SCOPE_BYTES = 512 * 1024 * 1024
_PENDING_READS = 1000
_TOKENS_A_CUBE = 12  # few lines are shorter: enough candidates to fill any budget


@dataclass(frozen=True, slots=True)
class _Moment:
    """The store at a journal sequence number: the active space, and who speaks where."""

    seq: int
    space: str | None
    speakers: dict[str, list[str]]


class Searcher:
    """Keeps the scopes of a store in memory and runs a program over them."""

    def __init__(
        self,
        store: Store,
        embedding: Embedding,
        program: programs.Program,
        count_tokens: assembly.Counter | None,
    ) -> None:
        self._store = store
        self._embedding = embedding
        self._program = program
        self._count_tokens = count_tokens
        self._scopes: OrderedDict[str, Scope] = OrderedDict()
        self._sizes: dict[str, int] = {}
        self._held = 0
        self._lock = threading.Lock()
        self._reads: dict[str, int] = {}
        self._moment = _Moment(-1, None, {})

    def search(
        self, query: str, k: int, chosen: Filter, min_score: float, explain: bool
    ) -> list[Hit]:
        """See `Memory.search`."""
        if k < 1:
            raise InvalidInput(f"k is {k}: ask for at least one hit")
        hits, _ = self._hits(query, k, chosen, min_score, explain)
        self._count_reads(hits)
        return hits

    def recall(self, query: str, budget: int, chosen: Filter, min_score: float) -> Recall:
        """See `Memory.recall`."""
        if budget < 1:
            raise InvalidInput(f"the budget is {budget} tokens: give at least one")
        started = time.perf_counter()
        k = max(20, budget // _TOKENS_A_CUBE)
        hits, trace = self._hits(query, k, chosen, min_score, explain=False)
        selected = assembly.choose(hits, budget, self.count)
        text, ids = assembly.render(selected)
        tokens = self.count([text])[0] if text else 0
        while tokens > budget:
            selected = selected[:-1]
            text, ids = assembly.render(selected)
            tokens = self.count([text])[0] if text else 0
        self._count_reads(selected)
        trace |= {
            "considered": len(hits),
            "cited": ids,
            "ms": round((time.perf_counter() - started) * 1000, 3),
        }
        return Recall(text, tuple(selected), tokens, trace)

    def count(self, texts: Sequence[str]) -> list[int]:
        """Tokens of each text, by the caller's counter or the bundled word-piece model."""
        if self._count_tokens is None:
            from mnemon.models.embed.static import StaticEmbedder

            self._count_tokens = StaticEmbedder().count_tokens
        return self._count_tokens(texts)

    def _hits(
        self, text: str, k: int, chosen: Filter, min_score: float, explain: bool
    ) -> tuple[list[Hit], dict[str, Any]]:
        if not isinstance(text, str):
            raise InvalidInput(f"a query is text, not {type(text).__name__}")
        check_text("the query", text)
        started = time.perf_counter()
        view, query = self.look(text, chosen)
        trace: dict[str, Any] = {
            "program": type(self._program).__name__.lower(),
            "terms": query.terms,
            "cubes": len(view.rows),
            "population": view.population,
            "regime": view.regime,
            "space": self._moment.space,
            "view_ms": round((time.perf_counter() - started) * 1000, 3),
        }
        outcome = programs.run(self._program, view, query, k, min_score)
        cubes = self._store.by_rows(int(view.rows[found.index]) for found in outcome.found)
        hits = [
            Hit(cube, found.score, _explained(found.reasons, cube, query.terms, explain))
            for found in outcome.found
            if (cube := cubes.get(int(view.rows[found.index])))
            and self._may_show(cube, chosen, view)
        ]
        return hits, trace | outcome.trace

    def look(self, text: str, chosen: Filter) -> tuple[View, Query]:
        """What the methods of a program are given for a question under a filter."""
        moment = self._now(chosen.namespace)
        names = moment.speakers[chosen.namespace]
        embed = None if moment.space is None else lambda said: self._embedding.query(said, names)
        query = programs.ask(text, embed)
        scope = self._scope(chosen.namespace)
        return scope.view(chosen, moment.space, query.terms, moment.seq, query.vector), query

    def _now(self, namespace: str) -> _Moment:
        """What does not change between journal entries, read again only after one."""
        seq = self._store.sequence()
        if seq != self._moment.seq:
            self._moment = _Moment(seq, self._embedding.space, {})
        moment = self._moment
        if namespace not in moment.speakers:
            moment.speakers[namespace] = self._store.speakers(namespace)
        return moment

    def _may_show(self, cube: MemCube, chosen: Filter, view: View) -> bool:
        # It may have been forgotten between ranking and reading: then it is gone.
        return chosen.as_of is not None or cube.retired_at is None

    def _scope(self, namespace: str) -> Scope:
        from mnemon.store.scope import Scope

        with self._lock:
            scope = self._scopes.get(namespace)
            if scope is None:
                scope = self._scopes[namespace] = Scope(self._store, namespace)
            self._scopes.move_to_end(namespace)
            # As each was when last asked for: summing over thousands would cost more than a search.
            self._held += scope.bytes - self._sizes.get(namespace, 0)
            self._sizes[namespace] = scope.bytes
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

    def flush(self) -> None:
        """Write the read counts that have gathered."""
        with self._lock:
            reads, self._reads = self._reads, {}
        if reads:
            self._store.count_reads(reads)


def _explained(
    reasons: Sequence[Reason], cube: MemCube, terms: Sequence[str], explain: bool
) -> tuple[Reason, ...]:
    if not explain:
        return tuple(reasons)
    matched = sorted(set(terms) & set(analysis.terms(cube.content)))
    return tuple(replace(reason, detail=_detail(reason, matched)) for reason in reasons)


def _detail(reason: Reason, matched: Sequence[str]) -> str:
    if reason.channel == "words":
        return "matches " + ", ".join(matched) if matched else "stands beside a match"
    return f"similarity {reason.score:.2f}"
