"""Where kept keys and values lie: accelerator, host, disk, remote; a byte budget each.

    tiers = Tiers(host="2GB", disk="/var/lib/mnemon/kv", remote="redis://cache:6379/0")
    tiers.put(blob, seconds=0.8)
    tiers.get(blob.key)

Needs the extra `[kv]`, which is imported at the first use of a name here; `mnemon.kv.tiers.places`
does without.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mnemon.kv.tiers.blob import Blob as Blob
    from mnemon.kv.tiers.costs import CostModel as CostModel
    from mnemon.kv.tiers.costs import Speed as Speed
    from mnemon.kv.tiers.costs import Verdict as Verdict
    from mnemon.kv.tiers.tiers import Tiers as Tiers

_HOMES = {
    "Blob": "mnemon.kv.tiers.blob",
    "CostModel": "mnemon.kv.tiers.costs",
    "Speed": "mnemon.kv.tiers.costs",
    "Tiers": "mnemon.kv.tiers.tiers",
    "Verdict": "mnemon.kv.tiers.costs",
}
__all__ = ["Blob", "CostModel", "Speed", "Tiers", "Verdict"]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'mnemon.kv.tiers' has no attribute {name!r}")
    from mnemon.models.extras import require

    require("torch", "torch", "kv")
    import importlib

    return getattr(importlib.import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
