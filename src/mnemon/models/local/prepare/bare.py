"""Bare: another way, while no adapter is on the model."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mnemon.models.local.prepare import Preparation, Prepared

if TYPE_CHECKING:
    from torch import Tensor

    from mnemon.models.local.prompt import Prompt
    from mnemon.models.local.wearing import Wearing

__all__ = ["Bare"]


class Bare:
    """Does what its way does; each pass waits for those with an adapter to end."""

    def __init__(self, way: Preparation, wearing: Wearing) -> None:
        self.way, self._wearing, self.exact = way, wearing, way.exact

    def prepare(self, prompt: Prompt) -> Prepared:
        """Make a cache that has seen a prompt."""
        with self._wearing.bare():
            return self.way.prepare(prompt)

    def feed(self, token: int) -> Tensor:
        """Give the model one more token."""
        with self._wearing.bare():
            return self.way.feed(token)

    def publish(self, prompt: Prompt) -> int:
        """Keep what was computed; the model's digest is looked at, so it is bare now too."""
        with self._wearing.bare():
            return self.way.publish(prompt)

    def drop(self, prompt: Prompt) -> None:
        """Let go of all that is kept of a prompt."""
        with self._wearing.bare():
            self.way.drop(prompt)

    def close(self) -> None:
        """Let go of the conversation's own cache."""
        self.way.close()
