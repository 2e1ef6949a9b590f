"""Banks of the slot `weights.layer`: attached to a model, their tables elsewhere, saved, loaded.

method = methods.load("weights.layer", "engram")
bank = method.build(given(model, tokenizer))
with attach(model, bank):
    ...                             # train and ask the model as ever
save(bank, method, model, tokenizer, folder)
attach(model, load(folder, model, tokenizer))   # tables stay in the file
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mnemon.weights.bank.keeping import keep as keep
    from mnemon.weights.bank.keeping import kept as kept
    from mnemon.weights.bank.offloading import Traffic as Traffic
    from mnemon.weights.bank.offloading import offload as offload
    from mnemon.weights.bank.offloading import traffic as traffic
    from mnemon.weights.bank.saving import given as given
    from mnemon.weights.bank.saving import load as load
    from mnemon.weights.bank.saving import save as save
    from mnemon.weights.bank.seam import attach as attach

_HOMES = {
    "Traffic": "mnemon.weights.bank.offloading",
    "attach": "mnemon.weights.bank.seam",
    "given": "mnemon.weights.bank.saving",
    "keep": "mnemon.weights.bank.keeping",
    "kept": "mnemon.weights.bank.keeping",
    "load": "mnemon.weights.bank.saving",
    "offload": "mnemon.weights.bank.offloading",
    "save": "mnemon.weights.bank.saving",
    "traffic": "mnemon.weights.bank.offloading",
}
__all__ = ["Traffic", "attach", "given", "keep", "kept", "load", "offload", "save", "traffic"]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'mnemon.weights.bank' has no attribute {name!r}")
    from mnemon.models.extras import require

    for package in ("torch", "transformers", "safetensors"):
        require(package, package, "kv")
    import importlib

    return getattr(importlib.import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
