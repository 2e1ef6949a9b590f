"""Preparing: a prompt → a cache that has seen it, and the logits of what comes next.

A file is a way: `recompute`, `prefix`, `blend`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from torch import Tensor

    from mnemon.models.local.prompt import Prompt


@dataclass(frozen=True, slots=True)
class Prepared:
    """A prompt that the model has seen.

    Attributes:
        logits: `[V]` of the token after the last.
        reused: tokens that were not computed, by where they lay. computed: those that were.
        recomputed: those of them that were there, but computed for another place.
    """

    logits: Tensor
    reused: Mapping[str, int] = field(default_factory=dict)
    computed: int = 0
    recomputed: int = 0


class Preparation(Protocol):
    """One conversation's way to make its prompts ready. For one thread at a time."""

    exact: bool
    """Whether what it prepares is what recomputation would give."""

    def prepare(self, prompt: Prompt) -> Prepared:
        """Make a cache that has seen a prompt."""
        ...

    def feed(self, token: int) -> Tensor:
        """Give the model one more token: the logits `[V]` of what comes next."""
        ...

    def publish(self, prompt: Prompt) -> int:
        """Keep what was computed of a prompt for later ones; how many blocks are new.

        Args:
            prompt: what the cache has seen, or begins with, with the cubes it was made from.
        """
        ...

    def drop(self, prompt: Prompt) -> None:
        """Let go of all that is kept of a prompt: it is in doubt."""
        ...

    def close(self) -> None:
        """Let go of the conversation's own cache; it can go on."""
        ...
