"""A sample whose context stands in a memory: what is kept of it has sources, and a ledger asks."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from mnemon.bench.recall.sampling import Sample
from mnemon.bench.recall.vocabulary import text
from mnemon.compiling import MemoryLedger
from mnemon.kv.reuse import keys
from mnemon.kv.reuse.ledger import Sources
from mnemon.kv.reuse.prefix import PrefixCache
from mnemon.memory import Memory

_CUBE = 256
"""Tokens of the context that are one cube."""


@dataclass(frozen=True)
class Sourced:
    """One sample; `cubes` are its context, `_CUBE` tokens each, with their versions."""

    sample: Sample
    ledger: MemoryLedger
    cubes: Sources

    def sources(self, begin: int, end: int) -> Sources:
        """The cubes that the tokens `begin … end` of the context come from."""
        return self.cubes[begin // _CUBE : -(-end // _CUBE)]

    def keys(self, prefixes: PrefixCache, count: int) -> list[str]:
        """The keys of the first blocks of the context."""
        tokens = self.sample.context[: count * prefixes.size]
        return keys.chain(prefixes.root(), tokens, prefixes.size)


@contextmanager
def sourced(sample: Sample, folder: Path) -> Iterator[Sourced]:
    """A sample, with a memory of its own in a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    context = sample.context
    with Memory(folder / "memory.db") as memory:
        cubes = memory.add(
            [text(context[begin : begin + _CUBE]) for begin in range(0, len(context), _CUBE)]
        )
        versions = tuple((cube.id, cube.version) for cube in cubes)
        yield Sourced(sample, MemoryLedger(memory), versions)
