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
from mnemon.text.facets import names_of_speakers
from mnemon.text.lexicon import joined, lexicon
from mnemon.text.query import Query, Ranking
from mnemon.text.retrieve._named import named_speakers
from mnemon.text.windows import windows

# Where a turn looks around itself: itself, 1 to 3 turns before, 1 and 2 after.
_BORROWED = np.array([1.0, 0.8, 0.6], dtype=np.float32)
_CLOSE = [0, 1, 4]  # itself, the turn before, the turn after

NAMES = (
    "words", "words_best", "meaning", "meaning_best", "meaning_before", "meaning_after",
    "window", "window_best", "answer", "answer_best", "wide", "wide_best", "onward",
    "burst", "burst_best",
    "session_words", "session_meaning", "late", "late_best", "late_near", "late_near_best",
    "late_least", "late_reverse", "coverage_near", "coverage_wide",
    "named", "named_before", "asks", "asks_before", "first_person", "specific", "length",
    "names", "when_time", "many_number", "where_place", "month", "day", "time", "time_best",
)  # fmt: skip


def signals(
    view: View, query: Query, rankings: Mapping[str, Ranking], candidates: np.ndarray
) -> np.ndarray:
    """float32 [C, len(NAMES)] for candidates int [C], given the channels' rankings."""
    if not len(candidates):
        return np.zeros((0, len(NAMES)), dtype=np.float32)
    around = _around(view, candidates)
    columns = {
        **_ranked(view, rankings, candidates),
        **windows(view, query, around),
        **_coverage(view, query, around),
        **_late(view, query, around),
        **_told(view, query, candidates, around),
    }
    return np.column_stack([columns[name] for name in NAMES]).astype(np.float32)


def _around(view: View, candidates: np.ndarray) -> np.ndarray:
    """int [C, 6]: each candidate and its neighbours; N where there is none."""
    first = view.before[candidates]
    second = view.before[first]
    after = view.after[candidates]
    return np.stack(
        [candidates, first, second, view.before[second], after, view.after[after]], axis=1
    )


def _ranked(
    view: View, rankings: Mapping[str, Ranking], candidates: np.ndarray
) -> dict[str, np.ndarray]:
    words, meaning = rankings["words"], rankings["meaning"]
    said = _dense(view, words, 1.0 / max(words.ceiling, 1e-6))
    meant = _dense(view, meaning, 1.0)
    then = _dense(view, rankings["time"], 1.0)
    return {
        "words": said[candidates],
        "words_best": said[candidates] / max(float(said.max(initial=0.0)), 1e-6),
        "meaning": meant[candidates],
        "meaning_best": meant[candidates] - float(meant.max(initial=0.0)),
        "time": then[candidates],
        "time_best": then[candidates] - float(then.max(initial=0.0)),
        "session_words": _session_best(view, words, said, candidates, relative=True),
        "session_meaning": _session_best(view, meaning, meant, candidates, relative=False),
    }


def _dense(view: View, ranking: Ranking, scale: float) -> np.ndarray:
    scores = np.zeros(len(view.rows), dtype=np.float32)
    scores[ranking.indices] = ranking.scores * scale
    return scores


def _session_best(
    view: View, ranking: Ranking, scores: np.ndarray, candidates: np.ndarray, relative: bool
) -> np.ndarray:
    """The best score in a candidate's session, compared with the best of all."""
    size = int(view.sessions.max(initial=-1)) + 1
    best = np.zeros(size + 1, dtype=np.float32)
    np.maximum.at(best, view.sessions[ranking.indices], scores[ranking.indices])
    best[-1] = 0.0  # of no session: a turn stands for itself
    own = np.maximum(best[view.sessions[candidates]], scores[candidates])
    top = float(scores.max(initial=0.0))
    compared: np.ndarray = own / max(top, 1e-6) if relative else own - top
    return compared


def _coverage(view: View, query: Query, around: np.ndarray) -> dict[str, np.ndarray]:
    near = np.zeros(len(around), np.float32)
    wide = np.zeros(len(around), np.float32)
    total = 0.0
    for term in query.terms:
        holders = view.frequency[term]
        rarity = float(np.log1p((view.population - holders + 0.5) / (holders + 0.5)))
        total += rarity
        holds = np.zeros(len(view.rows) + 1, dtype=bool)
        holds[view.postings[term][0]] = True
        here = holds[around]
        near += rarity * here[:, _CLOSE].any(axis=1)
        wide += rarity * here.any(axis=1)
    return {"coverage_near": near / max(total, 1e-6), "coverage_wide": wide / max(total, 1e-6)}


@dataclass(frozen=True, slots=True)
class _Matches:
    """For rows [U]: each question word's best similarity [U, Q], and the turn's words' mean best
    similarity to the question, weighted by rarity [U]; `specific` is their mean rarity [U]."""

    best: np.ndarray
    reverse: np.ndarray
    specific: np.ndarray


def _matches(said: list[np.ndarray], asked_ids: np.ndarray) -> _Matches:
    ids, starts = joined(said)
    similar = lexicon().similarities(ids, asked_ids)
    best = np.maximum.reduceat(similar, starts, axis=0)
    rarity = lexicon().weights(ids)
    held = np.maximum(np.add.reduceat(rarity, starts), 1e-6)
    reverse = np.add.reduceat(rarity * similar.max(axis=1), starts) / held
    return _Matches(best, reverse, held / np.diff(starts, append=len(ids)))


def _late(view: View, query: Query, around: np.ndarray) -> dict[str, np.ndarray]:
    asked_ids = np.unique(lexicon().ids(query.text, names_of_speakers(view)))
    names = ("late", "late_near", "late_least", "late_reverse", "specific")
    if not len(asked_ids):
        nothing = {name: np.zeros(len(around), np.float32) for name in names}
        return {**nothing, "late_best": nothing["late"], "late_near_best": nothing["late"]}
    total = len(view.rows)
    close = around[:, _CLOSE]
    seen = np.zeros(total + 1, dtype=bool)
    seen[close] = True
    there = np.flatnonzero(seen[:total])
    place = np.full(total + 1, len(there), dtype=np.int32)  # the last is "no neighbour"
    place[there] = np.arange(len(there), dtype=np.int32)
    matches = _matches(facets.words(view, there.tolist()), asked_ids)
    padded = np.concatenate([matches.best, np.zeros((1, len(asked_ids)), np.float32)])
    best, own = padded[place[close]], place[close[:, 0]]
    rarity = lexicon().weights(asked_ids)
    share = rarity / max(float(rarity.sum()), 1e-6)
    late = best[:, 0] @ share
    near = (best * _BORROWED[None, :, None]).max(axis=1) @ share
    return {
        "late": late,
        "late_best": late - late.max(),
        "late_near": near,
        "late_near_best": near - near.max(),
        "late_least": best[:, 0].min(axis=1),
        "late_reverse": matches.reverse[own],
        "specific": matches.specific[own],
    }


def _told(
    view: View, query: Query, candidates: np.ndarray, around: np.ndarray
) -> dict[str, np.ndarray]:
    """What a turn says of itself, and whether it is the kind of thing the question is after."""
    told = facets.flags(view, candidates.tolist())
    wanted = asked.kind(query.text)
    speakers = np.append(view.speakers, -1)
    named = named_speakers(view, query)
    asks = np.append(view.asks, False)

    flags = dict(zip(facets.FLAGS, told.T, strict=True))
    unknown = 0.0 if named else 0.5
    return {
        "named": np.isin(speakers[candidates], named) + unknown,
        "named_before": np.isin(speakers[around[:, 1]], named) + unknown,
        "asks": asks[candidates],
        "asks_before": asks[around[:, 1]],
        "first_person": flags["first_person"],
        "length": np.log1p(view.lengths[candidates]),
        "names": flags["names"],
        "when_time": flags["time"] * wanted.when,
        "many_number": flags["number"] * wanted.many,
        "where_place": flags["place"] * wanted.where,
        "month": asked.month_matches(query.text, view.valid_from[candidates]),
        "day": asked.day_matches(query.text, view.valid_from[candidates]),
    }
