"""Filling a budget with the best of what was found, by a method of the slot `text.select`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from mnemon import methods
from mnemon.assembly import reading
from mnemon.assembly.meter import Meter
from mnemon.assembly.page import Page
from mnemon.store.view import View
from mnemon.text.program import Found


def fill(
    view: View,
    found: Sequence[Found],
    budget: int,
    meter: Meter,
    selection: tuple[str, dict[str, Any]],
    *,
    alone: bool = False,
) -> list[Found]:
    """What is taken, in the order of taking. Turns that come with what was found score 0; there are
    none if it is to stand `alone`."""
    if not found:
        return []
    read = reading.read(view, found, meter, alone=alone)
    page = Page(read.entries, budget, meter)
    name, options = selection
    methods.load("text.select", name, **options).select(read.lines, page)
    scored = {one.index: one for one in found}
    taken = [read.indices[place] for place in page.taken]
    return [scored.get(index) or Found(index, 0.0) for index in taken]
