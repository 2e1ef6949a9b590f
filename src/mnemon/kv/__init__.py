"""Activation memory: a KV cache for Hugging Face models that really frees memory.

    cache = KVCache(model, policy="snapkv", budget=0.25)
    model.generate(**inputs, past_key_values=cache)
    cache.nbytes        # what its tensors hold

Needs the extra `[kv]` (torch and transformers), which is imported at the first use of a name here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mnemon.kv.budget import Budget as Budget
    from mnemon.kv.cache import KVCache as KVCache
    from mnemon.kv.calibration import measure_heads as measure_heads
    from mnemon.kv.context import compressing as compressing
    from mnemon.kv.policy import Policy as Policy

_HOMES = {
    "Budget": "mnemon.kv.budget",
    "KVCache": "mnemon.kv.cache",
    "Policy": "mnemon.kv.policy",
    "compressing": "mnemon.kv.context",
    "measure_heads": "mnemon.kv.calibration",
}
__all__ = ["Budget", "KVCache", "Policy", "compressing", "measure_heads"]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'mnemon.kv' has no attribute {name!r}")
    from mnemon.models.extras import require

    require("torch", "torch", "kv")
    require("transformers", "transformers", "kv")
    import importlib

    return getattr(importlib.import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
