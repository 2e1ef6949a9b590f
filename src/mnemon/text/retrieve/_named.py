"""Whom a question names, among those who speak in a view."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from mnemon import analysis
from mnemon.store.view import View
from mnemon.text.query import Query


def named_speakers(view: View, query: Query) -> list[int]:
    """Codes of the speakers whose name, or a word of it, is among the query's words."""
    return [
        code
        for code in speakers(view)
        if query.words.intersection(analysis.names(view.names.text(code) or ""))
    ]


def speakers(view: View) -> list[int]:
    """Codes of everyone who speaks in a view, ascending."""
    counts = np.bincount(view.speakers + 1)  # 20 times np.unique; code -1 is nobody
    return [int(code) for code in np.flatnonzero(counts[1:])]


def without_names(view: View, query: Query, named: Sequence[int]) -> list[str]:
    """The query's terms less the names of those speakers, unless nothing else is left."""
    names = {term for code in named for term in analysis.terms(view.names.text(code) or "")}
    return [term for term in query.terms if term not in names] or list(query.terms)
