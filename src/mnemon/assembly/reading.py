"""Reading what was found: versions of a view → lines that a selection may take."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np

from mnemon.assembly.meter import Meter, Told
from mnemon.assembly.page import Entry
from mnemon.assembly.text import heading, label, number, opening
from mnemon.store.view import View
from mnemon.text import facets
from mnemon.text.program import Found
from mnemon.text.select import Lines

FEW_WORDS = 2
"""A reply of so few content words says nothing by itself: "Yes, on Tuesday!"."""

_SHORT = 12  # terms: what is longer is no bare reply, and its words need not be read
_DAY = 86_400_000_000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Readings:
    """Lines by place: indices into the view, entries of a page, what a selection is told."""

    indices: list[int]
    entries: list[Entry]
    lines: Lines


def depth(budget: int, mean_length: float) -> int:
    """How many cubes to look at for a budget of tokens, where they have so many terms on average:
    what would fill it three times over."""
    return max(20, int(3 * budget / max(mean_length, 1.0)))


def read(view: View, found: Sequence[Found], meter: Meter, *, alone: bool = False) -> Readings:
    """What was found, and the turns beside it that it may need, unless it is to stand `alone`."""
    first = [one.index for one in found]
    bare = set() if alone else _bare(view, first)
    indices = first if alone else first + _beside(view, first, bare)
    told = meter.told(view, indices)
    kept = distinct(view, indices, told)
    indices, told = [indices[place] for place in kept], [told[place] for place in kept]
    entries = _entries(view, indices, told, meter)
    scores = np.zeros(len(view.rows), dtype=np.float32)
    scores[first] = [one.score for one in found]
    single = np.asarray([one.single for one in told], dtype=bool)
    lines = Lines(
        scores=scores[indices],
        bare=np.asarray([index in bare for index in indices], dtype=bool),
        asks=view.asks[indices] & single & _answered(view, indices),
        **_words(view, indices),
        **_priced(entries, meter),
        **_standing(view, indices),
    )
    return Readings(indices, entries, lines)


def distinct(view: View, indices: Sequence[int], told: Sequence[Told]) -> list[int]:
    """Places of the lines that say something which none before them says, by the same speaker. A
    bare reply may be said again: it answers something else."""
    seen: set[tuple[int, int]] = set()
    kept = []
    speakers = view.speakers[list(indices)].tolist()
    for place, (speaker, one) in enumerate(zip(speakers, told, strict=True)):
        mark = (speaker, one.mark)
        if one.mark != _NOTHING and (mark not in seen or _bare(view, [indices[place]])):
            seen.add(mark)
            kept.append(place)
    return kept


_NOTHING = hash("")  # what was purged between ranking and reading


def _bare(view: View, indices: Sequence[int]) -> set[int]:
    """Those that reply to someone else and have few content words."""
    total = len(view.rows)
    every = np.asarray(indices, dtype=np.intp)
    before = view.before.take(every)
    replies = view.speakers.take(before, mode="clip") != view.speakers.take(every)
    short = every[replies & (before < total) & (view.lengths.take(every) <= _SHORT)]
    if not len(short):
        return set()
    ids, starts = facets.of(view).words(view, short)
    counts = np.add.reduceat(ids != 0, starts, dtype=np.intp)
    return set(short[counts <= FEW_WORDS].tolist())


def _answered(view: View, indices: Sequence[int]) -> np.ndarray:
    """bool [C]: those that someone else follows."""
    after = view.after[indices]
    other = view.speakers.take(after, mode="clip") != view.speakers[indices]
    answered: np.ndarray = other & (after < len(view.rows))
    return answered


def _beside(view: View, first: Sequence[int], bare: set[int]) -> list[int]:
    """Turns before a bare reply, after a question, and beside one by the same speaker."""
    every = np.asarray(first, dtype=np.intp)
    replies = np.fromiter((index in bare for index in first), dtype=bool, count=len(first))
    found: list[int] = []
    for step, needed in ((view.before, replies), (view.after, view.asks.take(every))):
        beside = step.take(every)
        same = view.speakers.take(beside, mode="clip") == view.speakers.take(every)
        wanted = (same | needed) & view.eligible.take(beside, mode="clip")
        found += beside[wanted & (beside < len(view.rows))].tolist()
    known = set(first)
    return [place for place in dict.fromkeys(found) if place not in known]


def _entries(view: View, indices: Sequence[int], told: Sequence[Told], meter: Meter) -> list[Entry]:
    when, rows = view.valid_from[indices], view.rows[indices].tolist()
    days, which = np.unique(when // _DAY, return_inverse=True)
    headings = [heading((_EPOCH + timedelta(days=day)).date()) for day in days.tolist()]
    who = list(zip(view.speakers[indices].tolist(), view.kinds[indices].tolist(), strict=True))
    names = view.names.text
    labels = {(one, kind): label(names(one), names(kind) or "") for one, kind in set(who)}
    return [
        Entry(order, headings[day], labels[one], text.digit, text.tokens)
        for order, day, one, text in zip(
            zip(when.tolist(), rows, strict=True), which.tolist(), who, told, strict=True
        )
    ]


def _priced(entries: Sequence[Entry], meter: Meter) -> dict[str, np.ndarray]:
    """Tokens of lines, each as the first below its heading."""
    days = {text: day for day, text in enumerate(dict.fromkeys(e.heading for e in entries))}
    above = {text: meter.of(text) for text in days}
    before = meter.of(number(1))
    kinds = {(e.label, e.digit) for e in entries}
    opened = {kind: before + meter.of(opening(kind[0], "", kind[1])) for kind in kinds}
    costs = [opened[e.label, e.digit] + e.tokens for e in entries]
    return {
        "costs": np.asarray(costs, dtype=np.float32),
        "headings": np.asarray([above[e.heading] for e in entries], dtype=np.float32),
        "days": np.asarray([days[e.heading] for e in entries], dtype=np.int32),
    }


def _words(view: View, indices: Sequence[int]) -> dict[str, np.ndarray]:
    known = facets.of(view)
    ids, starts = known.words(view, indices)
    return {"words": ids, "starts": starts, "rarity": known.lexicon.weights(ids)}


def _standing(view: View, indices: Sequence[int]) -> dict[str, np.ndarray]:
    """Who says each line, and the places of those beside it."""
    total = len(indices)
    place = np.full(len(view.rows) + 1, total, dtype=np.int32)
    place[indices] = np.arange(total, dtype=np.int32)
    return {
        "speakers": view.speakers[indices],
        "before": place[view.before[indices]],
        "after": place[view.after[indices]],
    }
