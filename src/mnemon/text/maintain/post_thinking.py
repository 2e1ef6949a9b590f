"""Post-thinking: thoughts that a later one contradicts are forgotten, those that repeat are merged.

Think-in-Memory looks over the thoughts of each hash bucket after an answer: contradicted ones are
removed, those on the same entity merged. Liu et al. 2023, "Think-in-Memory: Recalling and
Post-thinking Enable LLMs with Long-Term Memory", https://arxiv.org/abs/2311.08719. How ours
differs: an LLM decides there, and writes the thoughts it stores; here a thought is a turn as it was
said, the entity is its speaker, and rules decide: two thoughts contradict each other where one
denies the other, says an opposite, or gives another number or value of the same thing
(`text/claims.py`); they are one if the one has the other's words in their order. There are several
tables of buckets instead of one, which misses most pairs, and up to `few` thoughts are compared
without any. What is retired stays in the past.
In talk as it is most turns claim nothing lasting, so little is forgotten; and a rule that errs
forgets what was true.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np

from mnemon import analysis
from mnemon.cube import Edit, MemCube
from mnemon.models.embed.static import StaticEmbedder
from mnemon.text import hyperplanes
from mnemon.text.claims import WAYS, Claim, agree, claims, negations, overlap
from mnemon.text.maintain import _derived

__all__ = ["PostThinking"]

_PLAIN = 3  # words: fewer are an answer to what was said before, or stand in much else
_CROWD = 64  # entries of a bucket, about: more bits for more thoughts keep it so


@dataclass(frozen=True)
class PostThinking:
    """Options.

    Attributes:
        opposed: overlap in (0, 1] of two claims, from which pointing opposite ways is a
            contradiction.
        same: the share in (0, 1] of a thought's words that another has, from which they are one.
        forget, merge: whether to do either.
        by: the ways of differing that count.
        few: up to so many thoughts of a namespace all are compared, more only within buckets.
        alike: in a bucket, the cosine from which two thoughts are compared, by the bundled
            embedder, the mean of all taken off.
        tables, bits, seed: of the buckets.
    """

    opposed: float = 0.7
    same: float = 0.5
    forget: bool = True
    merge: bool = True
    by: Sequence[str] = WAYS
    few: int = 500
    alike: float = 0.4
    tables: int = 32
    bits: int = 8
    seed: int = 0

    def maintain(self, memory: Any, namespace: str, now: datetime) -> Iterator[Edit]:
        """A `retire` for each thought that a later one contradicts, then for each that another
        holds; not for what its policy keeps until later."""
        cubes = _derived.sources(memory, namespace, now)
        cubes.sort(key=lambda cube: cube.valid_from)
        said = [claims(cube.content) for cube in cubes]
        pairs = self._pairs(cubes)
        kept = {at for at, cube in enumerate(cubes) if (cube.policy.retain_until or now) > now}
        gone: set[int] = set()
        for older, newer in pairs if self.forget else ():
            if older not in gone | kept and self._contradict(said[older], said[newer]):
                gone.add(older)
                yield _retire(cubes[older], f"contradicted by {cubes[newer].id}")
        words = [analysis.terms(cube.content) for cube in cubes]
        denied = [negations(cube.content) for cube in cubes]
        for older, newer in pairs if self.merge else ():
            less, more = sorted((newer, older), key=lambda place: len(words[place]))
            both = not gone & {less, more} and denied[less] == denied[more]
            if both and less not in kept and self._holds(words[more], words[less]):
                gone.add(less)
                yield _retire(cubes[less], f"merged into {cubes[more].id}")

    def _contradict(self, older: Sequence[Claim], newer: Sequence[Claim]) -> bool:
        return any(
            overlap(one, other) >= self.opposed and not agree(one, other, self.by)
            for one in older
            for other in newer
        )

    def _holds(self, many: Sequence[str], few: Sequence[str]) -> bool:
        """Whether the longer of two lists has the other's words in order, and not much else."""
        rest = iter(many)
        enough = max(_PLAIN, self.same * len(many))
        return len(few) >= enough and all(word in rest for word in few)

    def _pairs(self, cubes: Sequence[MemCube]) -> list[tuple[int, int]]:
        """(older, newer) thoughts of one speaker to be compared, in order of time."""
        whose: dict[tuple[object, ...], list[int]] = {}
        for place, cube in enumerate(cubes):
            whose.setdefault((cube.speaker, cube.policy.readers), []).append(place)
        if len(cubes) <= self.few:
            return sorted(
                (older, newer)
                for own in whose.values()
                for at, newer in enumerate(own)
                for older in own[:at]
            )
        vectors = StaticEmbedder().embed([cube.content for cube in cubes])
        found: set[tuple[int, int]] = set()
        for own in whose.values():
            places = np.asarray(own)
            found.update(self._near(places, vectors[places]))
        return sorted(found)

    def _near(self, places: np.ndarray, vectors: np.ndarray) -> Iterator[tuple[int, int]]:
        """Pairs of places int [M], ascending, whose vectors float32 [M, D] share a bucket."""
        bits = min(16, max(self.bits, (len(places) // _CROWD).bit_length()))
        tables = hyperplanes.hashed(vectors, self.tables, bits, self.seed)
        centred = vectors - tables.centre
        centred /= np.maximum(np.linalg.norm(centred, axis=1, keepdims=True), 1e-6)
        for group in tables.together():
            near = np.triu(centred[group] @ centred[group].T >= self.alike, 1)
            older, newer = np.nonzero(near)
            yield from zip(
                places[group[older]].tolist(), places[group[newer]].tolist(), strict=True
            )


def _retire(cube: MemCube, reason: str) -> Edit:
    return Edit("retire", reason, cube=cube.id, version=cube.version)
