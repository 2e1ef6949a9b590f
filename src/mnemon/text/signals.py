"""Signals: what a ranker knows about a candidate, as numbers. A column each, larger is not better.

Late interaction follows ColBERT (Khattab & Zaharia 2020, https://arxiv.org/abs/2004.12832): each
word of the question looks for its most similar word in the turn. How ours differs: word vectors are
static, words are weighted by rarity, and a turn may borrow the words of its neighbours.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from mnemon.store.view import View
from mnemon.text import asked, facets
from mnemon.text.lexicon import lexicon
from mnemon.text.query import Query, Ranking
from mnemon.text.retrieve._named import named_speakers, said_by
from mnemon.text.unheard import unheard
from mnemon.text.windows import windows

# Where a turn looks around itself: itself, 1 to 3 turns before, 1 and 2 after.
_BITS = 14  # terms that are looked for at once: the bits of an int16 but for its sign
_CLOSE = [0, 1, 4]  # itself, the turn before, the turn after,
_BEFORE, _AFTER = np.float32(0.8), np.float32(0.6)  # and what their words are worth to it

UNKNOWN = 0.5
"""What `named` and `named_before` are where the question names no speaker."""

NAMES = (
    "words", "words_best", "meaning", "meaning_best", "meaning_before", "meaning_after",
    "window", "window_best", "answer", "answer_best", "wide", "wide_best", "onward",
    "burst", "burst_best",
    "session_words", "session_meaning", "late", "late_best", "late_near", "late_near_best",
    "late_least", "late_reverse", "coverage_near", "coverage_wide",
    "named", "named_before", "asks", "asks_before", "first_person", "specific", "length",
    "names", "when_time", "many_number", "where_place", "month", "day", "time", "time_best",
    "unheard", "stranger",
)  # fmt: skip


def signals(
    view: View, query: Query, rankings: Mapping[str, Ranking], candidates: np.ndarray
) -> np.ndarray:
    """float32 [C, len(NAMES)] for candidates int [C], given the channels' rankings."""
    if not len(candidates):
        return np.zeros((0, len(NAMES)), dtype=np.float32)
    around = _around(view, candidates)
    close = _close(view, around)
    columns = {
        **_ranked(view, rankings, candidates),
        **windows(view, query, around, rankings["meaning"].cosines),
        **_coverage(view, query, around),
        **_late(view, query, close),
        **_told(view, query, candidates, around[:, 1], close),
    }
    found = np.empty((len(NAMES), len(candidates)), dtype=np.float32)
    for row, name in zip(found, NAMES, strict=True):
        row[:] = columns[name]
    return np.ascontiguousarray(found.T)


def _around(view: View, candidates: np.ndarray) -> np.ndarray:
    """int [C, 6]: each candidate and its neighbours; N where there is none."""
    first = view.before.take(candidates)
    second = view.before.take(first)
    after = view.after.take(candidates)
    beside = [candidates, first, second, view.before.take(second), after, view.after.take(after)]
    return np.stack(beside, axis=1)


def _ranked(
    view: View, rankings: Mapping[str, Ranking], candidates: np.ndarray
) -> dict[str, np.ndarray]:
    words, meaning, time = rankings["words"], rankings["meaning"], rankings["time"]
    said, most_said = _scores(view, words, candidates)
    meant, most_meant = _scores(view, meaning, candidates)
    then, most_then = _scores(view, time, candidates)
    ceiling = max(words.ceiling, 1e-6)
    most_said = max(most_said, 1e-6 * ceiling)
    return {
        "words": said / ceiling,
        "words_best": said / most_said,
        "meaning": meant,
        "meaning_best": meant - most_meant,
        "time": then,
        "time_best": then - most_then,
        "session_words": _session_best(view, words, said, candidates) / most_said,
        "session_meaning": _session_best(view, meaning, meant, candidates) - most_meant,
    }


def _scores(view: View, ranking: Ranking, candidates: np.ndarray) -> tuple[np.ndarray, float]:
    """What a channel says of candidates, 0 where it has none, and the most it says of any."""
    scores = np.zeros(len(view.rows), dtype=np.float32)
    scores[ranking.indices] = ranking.scores
    return scores.take(candidates), float(ranking.scores.max(initial=0.0))


def _session_best(
    view: View, ranking: Ranking, own: np.ndarray, candidates: np.ndarray
) -> np.ndarray:
    """The best score in a candidate's session; of none, a turn stands for itself."""
    sessions = view.sessions.take(ranking.indices)
    best = np.zeros(len(view.names) + 1, dtype=np.float32)
    best[sessions[::-1]] = ranking.scores[::-1]  # of equal places the last, here the best, stays
    best[-1] = 0.0
    found: np.ndarray = np.maximum(best[view.sessions.take(candidates)], own)
    return found


def _coverage(view: View, query: Query, around: np.ndarray) -> dict[str, np.ndarray]:
    near, wide = np.zeros((2, len(around)))
    holders = np.array([view.frequency[term] for term in query.terms], dtype=np.float64)
    rarity = np.log1p((view.population - holders + 0.5) / (holders + 0.5))
    for start in range(0, len(query.terms), _BITS):
        some = slice(start, start + _BITS)
        holds = np.zeros(len(view.rows) + 1, dtype=np.int16)  # a bit for each term
        bits = np.left_shift(1, np.arange(len(query.terms[some])), dtype=np.int16)
        for term, bit in zip(query.terms[some], bits.tolist(), strict=True):
            holds[view.postings[term][0]] |= bit
        itself, first, second, third, after, last = holds.take(around.T)
        close = itself | first | after
        near += rarity[some] @ ((close & bits[:, None]) != 0)
        wide += rarity[some] @ (((close | second | third | last) & bits[:, None]) != 0)
    total = max(float(rarity.sum()), 1e-6)
    return {"coverage_near": near / total, "coverage_wide": wide / total}


@dataclass(frozen=True, slots=True)
class _Close:
    """The turns [U] that candidates and those beside them are: `ids` of their words one after the
    other, `starts` [U] where each begins, `flags` [U, …]; and for candidates, the turns before and
    those after, which of them it is: `places` [3, C], U where there is none."""

    ids: np.ndarray
    starts: np.ndarray
    flags: np.ndarray
    places: np.ndarray


def _close(view: View, around: np.ndarray) -> _Close:
    total, close = len(view.rows), around[:, _CLOSE].T
    seen = np.zeros(total + 1, dtype=bool)
    seen[close] = True
    there = np.flatnonzero(seen[:total])
    place = np.full(total + 1, len(there), dtype=np.int32)
    place[there] = np.arange(len(there), dtype=np.int32)
    return _Close(*facets.of(view).read(view, there), place.take(close))


def _late(view: View, query: Query, close: _Close) -> dict[str, np.ndarray]:
    asked_ids = facets.of(view).asked(query.text, view)
    names = ("late", "late_near", "late_least", "late_reverse", "specific")
    if not len(asked_ids):
        nothing = {name: np.zeros(close.places.shape[1], np.float32) for name in names}
        return {**nothing, "late_best": nothing["late"], "late_near_best": nothing["late"]}
    similar = lexicon().similarities(close.ids, asked_ids).T  # [Q, W]
    best = np.zeros((len(asked_ids), len(close.starts) + 1), np.float32)  # no neighbour: nothing
    np.maximum.reduceat(similar, close.starts, axis=1, out=best[:, :-1])
    itself, before, after = (best.take(places, axis=1) for places in close.places)
    rarity = lexicon().weights(asked_ids)
    share = rarity / max(float(rarity.sum()), 1e-6)
    late = share @ itself
    near = share @ np.maximum(itself, np.maximum(_BEFORE * before, _AFTER * after))
    weights, own = lexicon().weights(close.ids), close.places[0]
    held = np.maximum(np.add.reduceat(weights, close.starts), 1e-6)
    reverse = np.add.reduceat(weights * similar.max(axis=0), close.starts) / held
    specific = held / (np.append(close.starts[1:], len(close.ids)) - close.starts)
    return {
        "late": late,
        "late_best": late - late.max(),
        "late_near": near,
        "late_near_best": near - near.max(),
        "late_least": itself.min(axis=0),
        "late_reverse": reverse.take(own),
        "specific": specific.take(own),
    }


def _told(
    view: View, query: Query, candidates: np.ndarray, before: np.ndarray, close: _Close
) -> dict[str, np.ndarray]:
    """What a turn says of itself, and whether it is the kind of thing the question is after."""
    wanted = asked.kind(query.text)
    named = named_speakers(view, query)
    flags = dict(zip(facets.FLAGS, close.flags.take(close.places[0], axis=0).T, strict=True))
    unknown = 0.0 if named else UNKNOWN
    strange, stranger = unheard(view, query)
    return {
        "unheard": strange,
        "stranger": stranger,
        "named": said_by(view, candidates, named) + unknown,
        "named_before": said_by(view, before, named) + unknown,
        "asks": view.asks.take(candidates),
        "asks_before": view.asks.take(before, mode="clip") & (before < len(view.rows)),
        "first_person": flags["first_person"],
        "length": np.log1p(view.lengths[candidates]),
        "names": flags["names"],
        "when_time": flags["time"] * wanted.when,
        "many_number": flags["number"] * wanted.many,
        "where_place": flags["place"] * wanted.where,
        "month": asked.month_matches(query.text, view.valid_from[candidates]),
        "day": asked.day_matches(query.text, view.valid_from[candidates]),
    }
