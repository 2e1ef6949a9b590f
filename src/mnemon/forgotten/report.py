"""Report: where one looked for what was forgotten, and what was found there."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Look:
    """One place that was looked at.

    Attributes:
        where: `text`, `words`, `other text`, `store`, `places`, `bytes`; a form of artifacts; or of
            a model `recall`, `gate`, `adapters`.
        looked: how many things were looked at there. found: how many of them have it.
        what: ids, keys, files or rules that have it; never content.
        nats: of `gate` and `adapters`: how likely the answer was where it was likeliest, in nats a
            token (0 is certain). bare: how likely it is there by the bare base.
    """

    where: str
    looked: int
    found: int
    what: tuple[str, ...] = ()
    nats: float | None = None
    bare: float | None = None


@dataclass(frozen=True, slots=True)
class Report:
    """What was looked at after a forgetting. Never holds content.

    Attributes:
        ids: what was forgotten. purged: whether for good; else the past may have it.
        asked: how many questions a model was asked. unasked: ids of cubes whose form gives none.
    """

    ids: tuple[str, ...]
    purged: bool
    looks: tuple[Look, ...]
    asked: int
    unasked: tuple[str, ...]

    @property
    def clean(self) -> bool:
        """Whether nothing was found anywhere."""
        return not any(look.found for look in self.looks)
