"""Mnemon: a memory operating system for language models.

    from mnemon import Memory

    memory = Memory(":memory:")
    memory.add("Ana moved to Lisbon in March.", speaker="Ana")
    print(memory.search("Where does Ana live?")[0].cube.content)

Names load on first use, so that importing the package costs next to nothing.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mnemon.artifacts import Artifact
    from mnemon.async_memory import AsyncMemory
    from mnemon.cube import (
        Document,
        Draft,
        Edit,
        Event,
        Hit,
        Link,
        MemCube,
        Policy,
        Provenance,
        Reason,
        Recall,
        Receipt,
        Span,
        Usage,
    )
    from mnemon.errors import MnemonError
    from mnemon.job import Job
    from mnemon.memory import Memory
    from mnemon.persons import PersonReceipt

__version__ = "0.1.0"

_HOMES = {
    "Memory": "memory",
    "AsyncMemory": "async_memory",
    "Artifact": "artifacts",
    "MnemonError": "errors",
    "Job": "job",
    "PersonReceipt": "persons",
    **dict.fromkeys(
        (
            "Document",
            "Draft",
            "Edit",
            "Event",
            "Hit",
            "Link",
            "MemCube",
            "Policy",
            "Provenance",
            "Reason",
            "Recall",
            "Receipt",
            "Span",
            "Usage",
        ),
        "cube",
    ),
}

__all__ = [
    "Artifact",
    "AsyncMemory",
    "Document",
    "Draft",
    "Edit",
    "Event",
    "Hit",
    "Job",
    "Link",
    "MemCube",
    "Memory",
    "MnemonError",
    "PersonReceipt",
    "Policy",
    "Provenance",
    "Reason",
    "Recall",
    "Receipt",
    "Span",
    "Usage",
    "__version__",
]


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(importlib.import_module(f"mnemon.{_HOMES[name]}"), name)
    raise AttributeError(f"module 'mnemon' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
