"""The slot `weights.offload`: where weights and activations lie while a model is trained."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import Any, Protocol


class Offload(Protocol):
    """One way to hold less on the device. It goes together with any optimizer."""

    @property
    def restores(self) -> bool:
        """Whether the layers are as they were when it ends."""
        ...

    def during(self, layers: Sequence[Any]) -> AbstractContextManager[None]:
        """Train these decoder layers within this context; forward and backward passes both.

        Raises:
            WrongDevice: it has nothing to do where the layers are.
        """
        ...
