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
    from mnemon.weights.publishing import publish as publish
    from mnemon.weights.reading import Reader as Reader

_HOMES = {
    "Consolidated": "mnemon.weights.consolidation",
    "Reader": "mnemon.weights.reading",
    "consolidate": "mnemon.weights.consolidation",
    "publish": "mnemon.weights.publishing",
}
__all__ = ["Consolidated", "Reader", "consolidate", "publish"]


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
