"""Sheaf: what cubes say of a thing they share is compared; where it disagrees, a link says so.

A cellular sheaf over a graph gives every node a vector space, every edge another, and maps from its
two ends into it; where the data of the ends do not agree there, the coboundary is not 0. Here a
node is a claim of a cube (`text/claims.py`), its space has a dimension for each thing it is about,
an edge joins claims of one speaker that share things, its space is of these. The maps project on
what is shared and turn round what is denied, opposite, of another number or value. The squared
coboundary of an edge over twice the squared length of its ends, its share of the sheaf Laplacian's
energy, is then how much of the claims is about the same if they point opposite ways, else 0.
Bhardwaj 2026, "SuperLocalMemory V3", https://arxiv.org/abs/2603.14588; Hansen & Ghrist 2019,
"Toward a spectral theory of cellular sheaves", https://arxiv.org/abs/1808.01513. Official code
(qualixar/superlocalmemory, AGPL-3.0, `math/sheaf.py` at c1669e94): read, not used. How ours
differs: there nodes carry embeddings and both ends of an edge the same map, so that the
disagreement is a function of their cosine: it flags what is unlike. Nothing is retired.
The first cohomology group, by which the paper names contradictions, depends on who shares what and
not on what is said: it is the coboundary of the data, not a class of it, that finds them.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from mnemon.cube import Edit, Link, MemCube
from mnemon.text.claims import WAYS, Claim, agree, claims, overlap
from mnemon.text.maintain import _derived

__all__ = ["Sheaf"]

_Held = tuple[int, Claim]  # (index of the cube, what it claims)


@dataclass(frozen=True)
class Sheaf:
    """Options: `least` energy of an edge, in (0, 1], that makes a link; `by`, the ways of differing
    that turn a map round."""

    least: float = 0.7
    by: Sequence[str] = WAYS

    def maintain(self, memory: Any, namespace: str, now: datetime) -> Iterator[Edit]:
        """A `link` of type `contradicts`, weighted by energy, from the newer of two cubes to the
        older, unless there is one."""
        cubes = _derived.sources(memory, namespace, now)
        for (older, newer), energy in sorted(self.edges(cubes).items()):
            src, dst = cubes[newer].id, cubes[older].id
            known = {
                (link.src, link.type, link.dst) for link in memory.links(src, namespace=namespace)
            }
            if (src, "contradicts", dst) not in known:
                link = Link(src, "contradicts", dst, weight=round(energy, 6))
                yield Edit("link", f"they disagree by {energy:.2f}", link=link)

    def edges(self, cubes: Sequence[MemCube]) -> dict[tuple[int, int], float]:
        """(older, newer) indices of cubes → energy in [least, 1], of all pairs that have it."""
        groups: dict[tuple[object, ...], list[_Held]] = {}
        order = sorted(range(len(cubes)), key=lambda index: cubes[index].valid_from)
        for index in order:
            cube = cubes[index]
            held = groups.setdefault((cube.speaker, cube.policy.readers), [])
            held += ((index, claim) for claim in claims(cube.content))
        found: dict[tuple[int, int], float] = {}
        for group in groups.values():
            for (older, one), (newer, other) in self._sharing(group):
                if older != newer and not agree(one, other, self.by):
                    pair = (older, newer)
                    found[pair] = max(found.get(pair, 0.0), overlap(one, other))
        return found

    def _sharing(self, held: Sequence[_Held]) -> Iterator[tuple[_Held, _Held]]:
        """Pairs of claims, older first, that overlap by `least` or more, each once.

        Such a pair shares one of the few rarest things of either (Chaudhuri et al. 2006, "A
        Primitive Operator for Similarity Joins in Data Cleaning", ICDE): only these are looked up.
        """
        common = Counter(thing for _, claim in held for thing in claim.topic)
        share = self.least / (2.0 - self.least)  # Dice as Jaccard
        seen: dict[str, list[_Held]] = {}
        for one in held:
            rarest = sorted(one[1].topic, key=lambda thing: (common[thing], thing))
            few = rarest[: len(rarest) - math.ceil(share * len(rarest)) + 1]
            near = {id(other): other for thing in few for other in seen.get(thing, ())}
            for other in near.values():
                if overlap(one[1], other[1]) >= self.least:
                    yield other, one
            for thing in few:
                seen.setdefault(thing, []).append(one)
