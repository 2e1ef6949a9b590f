"""What moves when, and at what price: costs, policies, a simulator; and the scheduler at work.

plan(memory, model="recall-lm", budgets={"kv": "2GB"}).apply()
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mnemon.schedule.live.plan import Plan as Plan
    from mnemon.schedule.live.plan import plan as plan
    from mnemon.schedule.live.rules import Rules as Rules

_HOMES = {
    "Plan": "mnemon.schedule.live.plan",
    "Rules": "mnemon.schedule.live.rules",
    "plan": "mnemon.schedule.live.plan",
}
__all__ = ["Plan", "Rules", "plan"]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'mnemon.schedule' has no attribute {name!r}")
    import importlib

    return getattr(importlib.import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
