"""The whole of a small memory: where all of it fits the budget, nothing needs to be searched.

Pakhomov et al. 2025, "ConvoMem Benchmark: Why Your First 150 Conversations Don't Need RAG",
https://arxiv.org/abs/2511.10523: while a history fits the context, giving all of it beats every
retrieval.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from mnemon.assembly.meter import Meter
from mnemon.assembly.reading import distinct
from mnemon.assembly.text import render
from mnemon.cube import MemCube
from mnemon.store.view import View
from mnemon.text import kinds

Read = Callable[[Sequence[int]], Mapping[int, MemCube]]
"""Rows → cubes."""

_WHOLE = ("whole", "chosen")  # views that have everything which they may show
_TERMS_A_TOKEN = 2.0
"""A term is half a token or more: a word is at least one, and scripts without spaces are indexed by
characters and pairs. Where that fails, a memory that would have fitted is searched instead."""


def everything(view: View, budget: int, meter: Meter, read: Read) -> list[MemCube] | None:
    """All that a view may show, if its text fits; None if it does not, or if there is nothing.

    Bounds before counts, counts before reading: a memory that is much too big costs nothing here.
    A record derived from what is shown with it is left out, and so is what says the same twice.
    """
    if view.regime not in _WHOLE:
        return None
    codes = [code for kind in kinds.RECORDS if (code := view.names.code(kind)) >= 0]
    derived = np.isin(view.kinds, codes) if codes else np.zeros(len(view.kinds), dtype=bool)
    derived &= view.eligible
    said = np.flatnonzero(view.eligible & ~derived)
    if len(said) > budget or float(view.lengths[said].sum()) > _TERMS_A_TOKEN * budget:
        return None
    told = meter.told(view, said.tolist())
    kept = distinct(view, said.tolist(), told)
    if sum(told[place].tokens for place in kept) > budget:
        return None
    shown = sorted([*said[kept].tolist(), *np.flatnonzero(derived).tolist()])
    cubes = underived(list(read(view.rows[shown].tolist()).values()))
    text, _ = render(cubes)
    return cubes if cubes and meter.count([text])[0] <= budget else None


def underived(cubes: Sequence[MemCube]) -> list[MemCube]:
    """Cubes less the records whose every source is among them."""
    ids = {cube.id for cube in cubes}
    return [
        cube
        for cube in cubes
        if not (
            cube.kind in kinds.RECORDS
            and cube.provenance.spans
            and ids.issuperset(span.cube for span in cube.provenance.spans)
        )
    ]
