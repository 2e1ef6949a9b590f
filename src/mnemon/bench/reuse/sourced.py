"""A sample whose context stands in a memory: what is kept of it has sources, and a ledger asks."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from mnemon.bench.recall.sampling import Sample
from mnemon.bench.reuse.plan import Bench
from mnemon.kv.reuse import keys
from mnemon.kv.reuse.ledger import Ledger, Sources, Trusting
from mnemon.kv.reuse.prefix import PrefixCache


@dataclass(frozen=True)
class Sourced:
    """One sample and who knows its sources."""

    sample: Sample
    ledger: Ledger

    def sources(self, begin: int, end: int) -> Sources:
        """The cubes that the tokens `begin … end` of the context come from."""
        return ()

    def keys(self, prefixes: PrefixCache, count: int) -> list[str]:
        """The keys of the first blocks of the context."""
        tokens = self.sample.context[: count * prefixes.size]
        return keys.chain(prefixes.root(), tokens, prefixes.size)


@contextmanager
def sourced(bench: Bench, number: int) -> Iterator[Sourced]:
    """The sample of that number."""
    yield Sourced(bench.plan.sample(number), Trusting())
