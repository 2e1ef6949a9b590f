"""The sections of the bench, which of them are run by default, and how large they are."""

from __future__ import annotations

from dataclasses import dataclass

SECTIONS = ("lifecycle", "settings", "edits", "retention", "conflict")
DEFAULT = ("lifecycle", "settings", "edits")
"""Some three and a half minutes of one core; the others take one and a half each."""


@dataclass(frozen=True, slots=True)
class Sizes:
    """How many of what the sections beside `lifecycle` take.

    Attributes:
        settings: facts of `settings`.
        facts, edited: of `edits`: all, and those that change.
        batches, batch: of `retention`: how many batches, and facts of each.
        conflicts: facts of `conflict`: half to score heads by, half to read.
        probes: of each general task, at most.
    """

    settings: int = 30
    facts: int = 24
    edited: int = 4
    batches: int = 5
    batch: int = 8
    conflicts: int = 30
    probes: int = 2
