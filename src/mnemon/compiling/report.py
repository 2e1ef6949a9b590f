"""What compiling did."""

from __future__ import annotations

from dataclasses import dataclass

from mnemon.store.rows import Promotion


@dataclass(frozen=True, slots=True)
class CompileReport:
    """What became of the cubes that were chosen.

    Attributes:
        form: what they were compiled to.
        compiled, fresh: how many were compiled now, and were compiled already.
        skipped: (id, why) of those that were not.
        tokens, bytes: of what was compiled now.
        seconds: that it took in all, and computing alone.
        place: where it lies.
        promotion: of weights the line of the alias's past: it moved there, or was refused; None if
            there was nothing to move.
    """

    form: str
    compiled: int
    fresh: int
    skipped: tuple[tuple[str, str], ...]
    tokens: int
    bytes: int
    seconds: float
    computing: float
    place: str
    promotion: Promotion | None = None
