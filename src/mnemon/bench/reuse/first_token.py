"""Time to the first token: all computed, from a warm host tier, and from disk.

From the prompt's tokens to the logits of the token after it, everything counted: keys, the ledger's
join, reading, checksums, putting the cache together, the pass over what is left. The three take
turns in changing order, so that a machine that is busy for a while is so for all of them.
"""

from __future__ import annotations

import gc
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from mnemon.bench.reuse.answers import First, computed, reused
from mnemon.bench.reuse.cold import cool
from mnemon.bench.reuse.plan import Bench
from mnemon.bench.reuse.sourced import Sourced, sourced
from mnemon.kv.reuse.prefix import PrefixCache
from mnemon.kv.tiers import CostModel, Tiers, Verdict

if TYPE_CHECKING:
    from mnemon.bench.recall.sampling import Sample

WAYS = ("full", "host", "disk")


@dataclass(frozen=True)
class FirstToken:
    """What was taken. All seconds are medians over the samples' medians.

    Attributes:
        tokens: of the prompt. reused: of them, not computed. nbytes: of their keys and values.
        full, host, disk: seconds to the first token.
        spread: for each of them, the fastest and the slowest single one.
        explained: what the tiers say of the first block in the host tier, and of it on disk.
    """

    tokens: int
    reused: int
    nbytes: int
    full: float
    host: float
    disk: float
    spread: dict[str, tuple[float, float]]
    explained: tuple[Verdict, Verdict]

    @property
    def ratio_host(self) -> float:
        """Of full; lower is better."""
        return self.host / self.full

    @property
    def ratio_disk(self) -> float:
        """Of full; lower is better."""
        return self.disk / self.full


def first_token(bench: Bench) -> FirstToken:
    """Measure."""
    costs = CostModel(skips=False)  # loads are measured, also where computing is quicker
    taken: list[dict[str, list[float]]] = []
    for number in range(bench.plan.samples):
        with sourced(bench.plan.sample(number), bench.folder) as given:
            one = _One(bench, given, bench.folder / f"ttft{number}", costs)
            taken.append(one.times())
    middle = {way: statistics.median(statistics.median(t[way]) for t in taken) for way in WAYS}
    every = {way: [second for t in taken for second in t[way]] for way in WAYS}
    return FirstToken(
        tokens=len(one.prompt),
        reused=one.reused,
        nbytes=one.nbytes,
        spread={way: (min(all_), max(all_)) for way, all_ in every.items()},
        explained=one.explained,
        **middle,
    )


class _One:
    """One sample: its prefix is kept, and then it is asked for again and again."""

    def __init__(self, bench: Bench, given: Sourced, folder: Path, costs: CostModel) -> None:
        self.bench, self.given, self.costs = bench, given, costs
        self.prompt, self.folder = list(given.sample.prompt()), folder
        self.reused = self.nbytes = 0
        self._keep(given.sample)

    def times(self) -> dict[str, list[float]]:
        """Seconds of each way, so many as there are repeats."""
        ways: dict[str, Callable[[], float]] = {
            "full": self._full, "host": self._host, "disk": self._disk,
        }  # fmt: skip
        with self._tiers() as self._warm:
            self.warm = self._prefixes(self._warm)
            for way in WAYS:
                ways[way]()  # what is made once, or read once, is not counted
            taken: dict[str, list[float]] = {way: [] for way in WAYS}
            for turn in range(self.bench.plan.repeats):
                for way in _turned(WAYS, turn):
                    gc.collect()
                    taken[way].append(ways[way]())
                    self.bench.step()
            self.explained = self._explain()
        return taken

    def _keep(self, sample: Sample) -> None:
        with self._tiers() as tiers:
            prefixes = self._prefixes(tiers)
            context = list(sample.context)
            began = time.perf_counter()
            first = reused(prefixes, context)
            seconds = time.perf_counter() - began
            prefixes.publish(first.cache, context, self.given.sources, seconds=seconds)
            tiers.flush()

    def _full(self) -> float:
        return _seconds(lambda: computed(self.bench.model, self.prompt))[0]

    def _host(self) -> float:
        return self._loaded(self.warm, "host")

    def _disk(self) -> float:
        with self._tiers() as tiers:
            self.nbytes = cool(self.folder)
            return self._loaded(self._prefixes(tiers), "disk")

    def _loaded(self, prefixes: PrefixCache, where: str) -> float:
        seconds, first = _seconds(lambda: reused(prefixes, self.prompt))
        prefixes.release(first.cache)
        self.reused = first.reused
        whole = len(self.given.sample.context) // self.bench.plan.block * self.bench.plan.block
        assert first.reused == whole, f"{first.reused} of {whole} tokens came from {where}"
        return seconds

    def _explain(self) -> tuple[Verdict, Verdict]:
        with self._tiers() as tiers:
            (key,) = self.given.keys(self._prefixes(tiers), 1)
            return self._warm.explain([key])[0], tiers.explain([key])[0]

    def _tiers(self) -> Tiers:
        return Tiers(host="4GB", disk=self.folder, costs=self.costs)

    def _prefixes(self, tiers: Tiers) -> PrefixCache:
        bench = self.bench
        return PrefixCache(
            bench.model, bench.tokenizer, tiers=tiers, ledger=self.given.ledger,
            size=bench.plan.block,
        )  # fmt: skip


def _seconds(work: Callable[[], First]) -> tuple[float, First]:
    began = time.perf_counter()
    first = work()
    return time.perf_counter() - began, first


def _turned(ways: Sequence[str], turn: int) -> Sequence[str]:
    start = turn % len(ways)
    return (*ways[start:], *ways[:start])
