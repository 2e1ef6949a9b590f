"""Fast decoding over stored keys and values: one captured graph, fused kernels.

    cache = KVCache(model, budget=0.25)
    model(prompt[:, :-1], past_key_values=cache)
    step = step_over(model, cache, room=256)
    tokens = generate(step, prompt[:, -1], 256)
    hand_back(step, cache)  # the cache now holds them too, all but the newest

For Llama, Mistral, Qwen2 and Qwen3 models. On a CUDA device Triton's kernels run; on the CPU the
same step runs in plain torch, which is what the kernels are tested against. Nothing is imported
before it is asked for.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mnemon.kv.decode.from_cache import step_over as step_over
    from mnemon.kv.decode.greedy import generate as generate
    from mnemon.kv.decode.handing import hand_back as hand_back
    from mnemon.kv.decode.step import GraphStep as GraphStep

_HOMES = {
    "GraphStep": "mnemon.kv.decode.step",
    "generate": "mnemon.kv.decode.greedy",
    "hand_back": "mnemon.kv.decode.handing",
    "step_over": "mnemon.kv.decode.from_cache",
}
__all__ = ["GraphStep", "generate", "hand_back", "step_over"]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'mnemon.kv.decode' has no attribute {name!r}")
    return getattr(importlib.import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
