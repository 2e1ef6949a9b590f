"""Association: what is linked with the best of other channels, directly or over one step more.

Activation spreads from what was found over links between cubes, from a derived cube to its sources
and back, over rare words that cubes share, and a little within a conversation. It fades at every
step, and is divided among everything it may go to, so that a cube linked with all passes on nothing
much. What receives most is ranked first.

Collins & Loftus 1975, "A Spreading-Activation Theory of Semantic Processing", Psychological Review
82(6), https://doi.org/10.1037/0033-295X.82.6.407; the division by fan as in ACT-R: Anderson 1983,
"A Spreading Activation Theory of Memory", Journal of Verbal Learning and Verbal Behavior 22(3),
https://doi.org/10.1016/S0022-5371(83)90201-3. How ours differs: two steps instead of a fixed point;
links of every type go both ways at the weight that they have; and rare words are looked for in a
bounded number of the best, not in all cubes.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from mnemon import analysis
from mnemon.store.view import View
from mnemon.text import facets
from mnemon.text.lexicon import joined, lexicon
from mnemon.text.query import Query, Ranking
from mnemon.text.ranking import best, nothing
from mnemon.text.retrieve._seeds import seeds
from mnemon.text.retrieve._spelling import opening, spelled, texts_of

__all__ = ["Association"]

_WORDS = "shares words with"


@dataclass(frozen=True, slots=True)
class _Flow:
    """Activation on its way, P parts: from where (or the most of it), to where, how much; and over
    what, for people: one word for all, or one for each."""

    sources: np.ndarray
    targets: np.ndarray
    amounts: np.ndarray
    over: str | Sequence[str]


@dataclass(frozen=True)
class Association:
    """Options.

    Attributes:
        beside: the channels whose best are begun from.
        seeds: so many of these.
        steps: how far activation goes; in a conversation one step.
        decay: what is left of it after a step.
        words: how much goes over shared rare words, where 1.0 goes over links.
        session: how much to the whole of its conversation.
        pool: so many of the best are looked through for shared words.
        rare: this share of the pool's words is too common to link cubes; `fan`: how many of the
            pool may hold a word that does.
        most: at most so many cubes are returned.
    """

    beside: Sequence[str] = ("words", "meaning")
    seeds: int = 10
    steps: int = 2
    decay: float = 0.5
    words: float = 0.5
    session: float = 0.2
    pool: int = 100
    rare: float = 0.5
    fan: int = 6
    most: int = 200

    def expand(self, view: View, query: Query, rankings: Mapping[str, Ranking]) -> Ranking:
        """Cubes that activation reaches, the seeds among them only if others lead to them."""
        flows = list(self._flows(view, query, rankings))
        reached = np.zeros(len(view.rows), dtype=np.float64)
        for flow in flows:
            np.add.at(reached, flow.targets, flow.amounts)
        found = np.flatnonzero((reached > 0) & view.eligible)
        if not len(found):
            return nothing("association")
        why = partial(self._why, view, flows)
        scores = reached[found].astype(np.float32)
        return best("association", found, scores, self.most, np.inf, why)

    def _flows(self, view: View, query: Query, rankings: Mapping[str, Ranking]) -> Iterator[_Flow]:
        pool, weights = seeds(rankings, self.beside, self.pool, "association")
        shared = _Shared.of(view, query, pool, self.rare, self.fan) if len(pool) else None
        active = np.zeros(len(view.rows), dtype=np.float64)
        active[pool[: self.seeds]] = weights[: self.seeds]
        linked = True
        for step in range(self.steps):
            start, active = active * self.decay, np.zeros_like(active)
            over_links = list(_linked(view, start, 3 * self.seeds)) if linked else []
            linked = bool(over_links)  # where the best have no links, the next are not asked
            for flow in (
                *over_links,
                *(shared.flow(start * self.words) if shared else ()),
                *(_within_sessions(view, start * self.session) if step == 0 else ()),
            ):
                np.add.at(active, flow.targets, flow.amounts)
                yield flow

    def _why(self, view: View, flows: Sequence[_Flow], indices: Sequence[int]) -> list[str]:
        """Over what most activation came to each cube, and from where."""
        wanted, most = list(indices), dict.fromkeys(indices, (0.0, 0, ""))
        for flow in flows:
            here = np.flatnonzero(np.isin(flow.targets, wanted))
            for part in here.tolist():
                target, amount = int(flow.targets[part]), float(flow.amounts[part])
                if amount > most[target][0]:
                    over = flow.over if isinstance(flow.over, str) else flow.over[part]
                    most[target] = (amount, int(flow.sources[part]), over)
        sources = [source for _, source, _ in most.values()]
        texts = texts_of(view, [*indices, *sources])
        told = []
        for index in indices:
            _, source, over = most[index]
            if source == index:  # it gave most itself, and receives from the others
                told.append(f"{over} others that were found")
                continue
            if not view.eligible[source]:  # left out of this search: not to be quoted
                told.append(f"{over} a cube that is left out here")
                continue
            if over == _WORDS:
                over = f"shares {_rarest(texts[index], texts[source])} with"
            told.append(f"{over} {opening(texts[source])}")
        return told


def _rarest(text: str, other: str) -> str:
    """The rarest word of a text that another has too."""
    shared = spelled(text, set(analysis.query_terms(other)))
    words = list(shared.values())
    rarity = [float(lexicon().weights(lexicon().ids(word, frozenset())).sum()) for word in words]
    return f"“{words[int(np.argmax(rarity))]}”" if words else "a rare word"


def _linked(view: View, start: np.ndarray, most: int) -> Iterator[_Flow]:
    """Over links, and between a derived cube and its sources; both ways."""
    active = np.flatnonzero(start)
    active = active[np.argsort(-start[active], kind="stable")[:most]]
    edges = view.edges(active.tolist()) if len(active) else None
    if edges is None or not len(edges.src):
        return
    sources = np.concatenate([edges.src, edges.dst])
    targets = np.concatenate([edges.dst, edges.src])
    weights = np.maximum(np.concatenate([edges.weights, edges.weights]), 0.0)
    fan = np.bincount(sources, weights, minlength=len(start))
    amounts = start[sources] * weights / np.maximum(fan[sources], 1e-9)
    forth = ["a source of" if kind == "source" else f"{kind} ←" for kind in edges.types]
    back = ["derived from" if kind == "source" else f"{kind} →" for kind in edges.types]
    yield _Flow(sources, targets, amounts, [*forth, *back])


def _within_sessions(view: View, start: np.ndarray) -> Iterator[_Flow]:
    """To everything in the same conversation alike."""
    active = np.flatnonzero((start > 0) & (view.sessions >= 0))
    if not len(active):
        return
    codes = view.sessions[active]
    size = int(view.sessions.max()) + 1
    given = np.bincount(codes, start[active], minlength=size)
    strongest = np.zeros(size, dtype=np.int64)
    order = np.argsort(start[active], kind="stable")
    strongest[codes[order]] = active[order]  # the last one written stays
    members = np.flatnonzero((view.sessions >= 0) & (given[view.sessions] > 0))
    homes = view.sessions[members]
    amounts = (given[homes] - start[members]) / np.bincount(homes, minlength=size)[homes]
    yield _Flow(strongest[homes], members, amounts, "in one conversation with")


@dataclass(frozen=True, slots=True)
class _Shared:
    """Rare words that cubes of a pool share: cube `places` [P] holds the word `codes` [P] (each
    pair once), whose rarity is `weights` [P] and which `fans` [P] cubes hold."""

    places: np.ndarray
    codes: np.ndarray
    weights: np.ndarray
    fans: np.ndarray

    @classmethod
    def of(cls, view: View, query: Query, pool: np.ndarray, rare: float, fan: int) -> _Shared:
        lists = facets.words(view, pool.tolist())
        ids, starts = joined(lists)
        places = np.repeat(pool, np.diff(starts, append=len(ids)))
        known = lexicon().ids(query.text, facets.names_of_speakers(view))
        pairs = np.sort(places.astype(np.int64) << 32 | ids)
        pairs = pairs[np.append(True, pairs[1:] != pairs[:-1])]  # a tenth of np.unique's time
        places, ids = pairs >> 32, pairs & 0xFFFFFFFF
        weights = lexicon().weights(ids)
        holders = np.bincount(ids)
        fans = holders[ids]
        common = np.quantile(lexicon().weights(np.flatnonzero(holders)), rare)
        kept = (ids > 0) & (weights > common) & (fans > 1) & (fans <= fan)
        for word in known.tolist():
            kept &= ids != word
        return cls(places[kept], ids[kept], weights[kept], fans[kept])

    def flow(self, start: np.ndarray) -> Iterator[_Flow]:
        """From each cube to those that hold one of its words, the rarer the more."""
        held = np.bincount(self.places, self.weights, minlength=len(start))
        given = start[self.places] * self.weights / np.maximum(held[self.places], 1e-9)
        if not (given > 0).any():
            return
        received = (np.bincount(self.codes, given)[self.codes] - given) / (self.fans - 1)
        strongest = np.zeros(int(self.codes.max()) + 1, dtype=np.int64)
        order = np.argsort(given, kind="stable")
        strongest[self.codes[order]] = self.places[order]  # the last one written stays
        told = received > 1e-9
        sources = strongest[self.codes[told]]
        yield _Flow(sources, self.places[told], received[told], _WORDS)
