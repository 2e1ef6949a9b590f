"""Room: keys and values with spare place behind them, so that a new token does not move the old."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor

_claiming = threading.Lock()


class Room:
    """Two buffers `[B, Hkv, C, D]` that fill up from the front.

    What was written is never written again: caches that share a room (forks) read the same tokens,
    and the first to go on has the place behind them; another moves to a room of its own.
    """

    def __init__(self, keys: Tensor, values: Tensor, tokens: int) -> None:
        """Make an empty room for so many tokens like these `[B, Hkv, T, D]`."""
        self.keys, self.values = (
            one.new_empty(*one.shape[:2], tokens, one.shape[3]) for one in (keys, values)
        )
        self.used = 0

    def append(
        self, held: tuple[Tensor, Tensor] | None, keys: Tensor, values: Tensor
    ) -> tuple[Tensor, Tensor] | None:
        """All keys and values with new ones behind those held; None if they cannot stand there.

        Args:
            held: those so far, views of this room; None at its beginning.
        """
        before = 0 if held is None else held[0].shape[2]
        end = before + keys.shape[2]
        if held is not None and not self._is_here(*held):
            return None
        with _claiming:
            if before != self.used or end > self.keys.shape[2]:
                return None
            self.used = end
        self.keys[:, :, before:end] = keys
        self.values[:, :, before:end] = values
        return self.keys[:, :, :end], self.values[:, :, :end]

    def _is_here(self, keys: Tensor, values: Tensor) -> bool:
        pairs = ((keys, self.keys), (values, self.values))
        return all(
            part.data_ptr() == whole.data_ptr() and part.stride() == whole.stride()
            for part, whole in pairs
        )


def together(parts: Sequence[tuple[Tensor, Tensor]], more: int) -> tuple[Room, Tensor, Tensor]:
    """A room with several keys and values in it, one behind the other, and place for more tokens.

    Args:
        parts: keys and values, `[B, Hkv, T_i, D]`; at least one pair.
    """
    count = sum(keys.shape[2] for keys, _ in parts)
    room = Room(*parts[0], count + more)
    held = None
    for keys, values in parts:
        held = room.append(held, keys, values)
        assert held is not None
    assert held is not None
    return room, *held


def spare(tokens: int) -> int:
    """How many more places a room for so many tokens has: a sixteenth, sixteen at least."""
    return max(16, tokens // 16)
