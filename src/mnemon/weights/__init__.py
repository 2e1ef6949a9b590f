"""Parametric memory: facts trained into adapters of a frozen model, and forgotten again.

    done = consolidate(memory, model, tokenizer)
    reader = Reader(memory, model, tokenizer)
    reader.answer("Q : what is the code for maiposhi ? A :").text
    promote(memory, model, tokenizer)

Needs the extra `[weights]` (torch, transformers, safetensors, peft), which is imported at the first
use of a name here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mnemon.weights.absorbing import Absorbed as Absorbed
    from mnemon.weights.absorbing import PoolReader as PoolReader
    from mnemon.weights.absorbing import absorb as absorb
    from mnemon.weights.consolidation import Consolidated as Consolidated
    from mnemon.weights.consolidation import consolidate as consolidate
    from mnemon.weights.pool._retriever import load_retriever as load_retriever
    from mnemon.weights.promotion.alias import history as history
    from mnemon.weights.promotion.alias import rollback as rollback
    from mnemon.weights.promotion.canary import Evidence as Evidence
    from mnemon.weights.promotion.canary import canary as canary
    from mnemon.weights.promotion.canary import settle as settle
    from mnemon.weights.promotion.gate import Gate as Gate
    from mnemon.weights.promotion.gate import Probes as Probes
    from mnemon.weights.promotion.promoting import promote as promote
    from mnemon.weights.publishing import publish as publish
    from mnemon.weights.reading import Reader as Reader
    from mnemon.weights.recalling import LatentReader as LatentReader
    from mnemon.weights.remembering import Remembered as Remembered
    from mnemon.weights.remembering import erase as erase
    from mnemon.weights.remembering import remember as remember
    from mnemon.weights.teaching import Taught as Taught
    from mnemon.weights.teaching import teach as teach

_HOMES = {
    "Absorbed": "mnemon.weights.absorbing",
    "Consolidated": "mnemon.weights.consolidation",
    "Evidence": "mnemon.weights.promotion.canary",
    "Gate": "mnemon.weights.promotion.gate",
    "LatentReader": "mnemon.weights.recalling",
    "PoolReader": "mnemon.weights.absorbing",
    "Probes": "mnemon.weights.promotion.gate",
    "Reader": "mnemon.weights.reading",
    "Remembered": "mnemon.weights.remembering",
    "Taught": "mnemon.weights.teaching",
    "absorb": "mnemon.weights.absorbing",
    "canary": "mnemon.weights.promotion.canary",
    "consolidate": "mnemon.weights.consolidation",
    "erase": "mnemon.weights.remembering",
    "history": "mnemon.weights.promotion.alias",
    "load_retriever": "mnemon.weights.pool._retriever",
    "promote": "mnemon.weights.promotion.promoting",
    "publish": "mnemon.weights.publishing",
    "remember": "mnemon.weights.remembering",
    "rollback": "mnemon.weights.promotion.alias",
    "settle": "mnemon.weights.promotion.canary",
    "teach": "mnemon.weights.teaching",
}
__all__ = [
    "Absorbed", "Consolidated", "Evidence", "Gate", "LatentReader", "PoolReader", "Probes",
    "Reader", "Remembered", "Taught", "absorb", "canary", "consolidate", "erase", "history",
    "load_retriever", "promote", "publish", "remember", "rollback", "settle", "teach",
]  # fmt: skip


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'mnemon.weights' has no attribute {name!r}")
    from mnemon.models.extras import require

    for package in ("torch", "transformers", "safetensors", "peft"):
        require(package, package, "weights")
    import importlib

    return getattr(importlib.import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
