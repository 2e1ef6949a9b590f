"""What is trained: each memory, and beside it what has as many parameters or operations."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import torch

from mnemon import methods
from mnemon.bench.layers.beside import Dense, Experts
from mnemon.errors import UnknownName

if TYPE_CHECKING:
    from mnemon.weights.layer import Bank, Given

_BOTH = (0, 1)


@dataclass(frozen=True, slots=True)
class Variant:
    """A memory, or what stands beside it.

    Attributes:
        name: in tables. method: of `weights.layer`, or `dense`, `experts` or nothing.
        options: of it. rate: of its tables, times that of all else.
        beside: the memory that it is measured against, and in what it equals that one.
    """

    name: str
    method: str
    options: Mapping[str, Any] = field(default_factory=dict)
    rate: float = 1.0
    beside: str = ""

    def build(self, given: Given, seed: int) -> Bank | None:
        """A fresh bank; None for the decoder alone."""
        if not self.method:
            return None
        if self.method in methods.names("weights.layer"):
            made: Bank = methods.load(
                "weights.layer", self.method, seed=seed, **self.options
            ).build(given)
            return made
        torch.manual_seed(seed)
        kind = {"dense": Dense, "experts": Experts}[self.method]
        bank: Bank = kind(given.hidden, **self.options)
        return bank


VARIANTS = (
    Variant("no memory", ""),
    Variant("engram", "engram", {
        "engram_vocab_size": 1024, "n_embed_per_ngram": 32, "n_head_per_ngram": 2,
    }, rate=5.0),
    Variant(
        "experts as engram", "experts", {"layers": (1,), "experts": 24, "neurons": 16},
        beside="engram: equal parameters and operations",
    ),
    Variant("hierarchical-memories", "hierarchical-memories", {
        "levels": 2, "neurons": (16, 16), "embedding": 64,
    }),
    Variant(
        "generic memory", "dense", {"layers": _BOTH, "neurons": 32},
        beside="hierarchical-memories: equal parameters at run time",
    ),
    Variant("ultramem-v2", "ultramem-v2", {
        "knum": 24, "kdim": 8, "knn": 16, "vdim": 32, "pre_vdim": 32,
    }, rate=4.0),
    Variant(
        "dense FFN as ultramem-v2", "dense", {"layers": _BOTH, "neurons": 40},
        beside="ultramem-v2: equal operations",
    ),
    Variant(
        "experts as ultramem-v2", "experts", {"layers": _BOTH, "experts": 14, "neurons": 16},
        beside="ultramem-v2: equal parameters and operations",
    ),
)  # fmt: skip


def named(only: Sequence[str] | None) -> list[Variant]:
    """Those of these names, in our order; all if None.

    Raises:
        UnknownName: nothing is called so.
    """
    known = [one.name for one in VARIANTS]
    for name in only or ():
        if name not in known:
            raise UnknownName(f"nothing is called {name!r}: {methods.nearest(name, known)}")
    return [one for one in VARIANTS if only is None or one.name in only]
