"""What was read from texts, kept with the scope: each version is read once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import islice
from typing import Generic, TypeVar
from weakref import WeakKeyDictionary

from mnemon.store.view import Names, View

_MOST = 50_000
T = TypeVar("T")


class Kept(Generic[T]):
    """Row → what `read` made of (text, microseconds of when it was said), the oldest dropped."""

    def __init__(self, read: Callable[[str, int], T]) -> None:
        self._read = read
        self._scopes: WeakKeyDictionary[Names, dict[int, T]] = WeakKeyDictionary()

    def of(self, view: View, indices: Sequence[int]) -> list[T]:
        """One for each index, in order."""
        kept = self._scopes.setdefault(view.names, {})
        rows = view.rows[list(indices)].tolist()
        unread = [place for place, row in enumerate(rows) if row not in kept]
        if unread:
            places = [int(indices[place]) for place in unread]
            said = view.valid_from[places].tolist()
            for place, text, at in zip(unread, view.texts(places), said, strict=True):
                kept[rows[place]] = self._read(text, at)
        found = [kept[row] for row in rows]
        if len(kept) > _MOST:
            for row in list(islice(kept, len(kept) - _MOST // 2)):
                kept.pop(row, None)
        return found
