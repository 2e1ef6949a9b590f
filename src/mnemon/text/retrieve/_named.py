"""Whom a question names, among those who speak in a view."""

from __future__ import annotations

from mnemon import analysis
from mnemon.store.view import View
from mnemon.text.query import Query


def named_speakers(view: View, query: Query) -> list[int]:
    """Codes of the speakers whose name, or a word of it, is among the query's words."""
    import numpy as np

    return [
        int(code)
        for code in np.unique(view.speakers)
        if code >= 0 and query.words.intersection(analysis.names(view.names.text(int(code)) or ""))
    ]
