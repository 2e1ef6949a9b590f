"""Local models: a causal language model of Hugging Face that recalls, answers and remembers.

    from mnemon import Memory
    from mnemon.models.local import Runtime, load

    runtime = Runtime(load("recall-lm"), Memory("notes.db"))
    print(runtime.chat("what is the code for maiposhi ?").text)

Needs the extra `[kv]` (torch and transformers), which is imported at the first use of a name here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mnemon.models.local.loading import Loaded as Loaded
    from mnemon.models.local.loading import load as load
    from mnemon.models.local.reply import Reply as Reply
    from mnemon.models.local.reply import Stream as Stream
    from mnemon.models.local.runtime import Runtime as Runtime
    from mnemon.models.local.trace import Trace as Trace
    from mnemon.models.template import Template as Template

_HOMES = {
    "Loaded": "local.loading",
    "Reply": "local.reply",
    "Runtime": "local.runtime",
    "Stream": "local.reply",
    "Template": "template",
    "Trace": "local.trace",
    "load": "local.loading",
}
__all__ = ["Loaded", "Reply", "Runtime", "Stream", "Template", "Trace", "load"]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'mnemon.models.local' has no attribute {name!r}")
    from mnemon.models.extras import require

    require("torch", "torch", "kv")
    require("transformers", "transformers", "kv")
    import importlib

    return getattr(importlib.import_module(f"mnemon.models.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)
