"""Parametric memory: facts trained into adapters of a frozen model, and forgotten again.

    done = consolidate(memory, model, tokenizer)
    reader = Reader(memory, model, tokenizer)
    reader.answer("Q : what is the code for maiposhi ? A :").text

Needs the extra `[weights]` (torch, transformers, safetensors, peft), which is imported at the first
use of a name here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mnemon.weights.consolidation import Consolidated as Consolidated
    from mnemon.weights.consolidation import consolidate as consolidate
    from mnemon.weights.pool._retriever import load_retriever as load_retriever
    from mnemon.weights.publishing import publish as publish
    from mnemon.weights.reading import Reader as Reader
    from mnemon.weights.remembering import PoolReader as PoolReader
    from mnemon.weights.remembering import Remembered as Remembered
    from mnemon.weights.remembering import remember as remember

_HOMES = {
    "Consolidated": "mnemon.weights.consolidation",
    "PoolReader": "mnemon.weights.remembering",
    "Reader": "mnemon.weights.reading",
    "Remembered": "mnemon.weights.remembering",
    "consolidate": "mnemon.weights.consolidation",
    "load_retriever": "mnemon.weights.pool._retriever",
    "publish": "mnemon.weights.publishing",
    "remember": "mnemon.weights.remembering",
}
__all__ = [
    "Consolidated",
    "PoolReader",
    "Reader",
    "Remembered",
    "consolidate",
    "load_retriever",
    "publish",
    "remember",
]


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
