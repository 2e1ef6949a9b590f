"""Wearing: an adapter is on a model for one pass at a time, and nobody else computes meanwhile.

What is worn is state of the model, which conversations on several threads share. Passes of the bare
model go side by side; one with an adapter is alone. Between two passes the model is always bare: an
answer that somebody is slow to take holds up no other, and all that is kept is the bare model's.
"""

from __future__ import annotations

import threading
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from mnemon.weights.seam import Deltas, Worn

if TYPE_CHECKING:
    from torch import nn

_models: weakref.WeakKeyDictionary[nn.Module, Wearing] = weakref.WeakKeyDictionary()
_finding = threading.Lock()


class Wearing:
    """One model's passes: many bare ones, or one with an adapter. Not to be taken twice at once."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._bare, self._alone, self._waiting = 0, False, 0

    @contextmanager
    def bare(self) -> Iterator[None]:
        """No adapter is worn while this lasts."""
        with self._changed:
            # Who waits to be alone goes first, or many bare conversations would keep it waiting.
            self._changed.wait_for(lambda: not self._alone and not self._waiting)
            self._bare += 1
        try:
            yield
        finally:
            with self._changed:
                self._bare -= 1
                self._changed.notify_all()

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Nothing else is computed while this lasts."""
        with self._changed:
            self._waiting += 1
            try:
                self._changed.wait_for(lambda: not self._alone and not self._bare)
                self._alone = True
            finally:
                self._waiting -= 1
                self._changed.notify_all()
        try:
            yield
        finally:
            with self._changed:
                self._alone = False
                self._changed.notify_all()

    @contextmanager
    def worn(self, model: Any, deltas: Deltas) -> Iterator[None]:
        """An adapter is worn while this lasts.

        Raises:
            InvalidInput: somebody else's reader is open on the model.
        """
        with self.alone():
            on = Worn({name: model.get_submodule(name) for name in deltas})
            try:
                on.wear(deltas)
                yield
            finally:
                on.close()


def wearing_of(model: nn.Module) -> Wearing:
    """The one of a model, whoever asks."""
    with _finding:
        return _models.setdefault(model, Wearing())
