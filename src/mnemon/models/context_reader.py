"""Texts read by the encoder of the embedder `context`, those of the same length together."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from threading import Lock
from typing import TYPE_CHECKING

from mnemon.models.context_encoder import WINDOW, Encoder
from mnemon.models.static_model import Rows

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_AT_ONCE = 256  # pieces: enough to share numpy's cost per call, little enough for a core's cache
_FIRST = 1024  # pieces for which there is room at first


class Reader:
    """An encoder, the rows that it reads, and what pieces that it met bring to a text.

    It passes over pieces without a row (scale 0): what it was never taught it would make up.
    """

    def __init__(self, rows: Rows, encoder: Encoder) -> None:
        import numpy as np

        self.rows, self.encoder = rows, encoder
        self._taught = (rows.scales > 0).tobytes()
        self._places = np.full(len(rows.scales), -1, np.intp)  # of pieces, in `_brought`
        wide = 3 * encoder.width + encoder.alone.shape[1]
        self._brought = np.empty((_FIRST, wide), np.float32)
        self._met = 0
        self._lock = Lock()

    def meanings(
        self, sums: NDArray[np.float32], texts: Sequence[list[int]]
    ) -> NDArray[np.float32]:
        """Vectors float32 [N, D] of texts, lists of ids, of which the sums of static rows are
        `sums` [N, D].

        The same text gives the same bits in any company.
        """
        import numpy as np

        taught = self._taught
        read = [[id for id in text if taught[id]] for text in texts]
        counts = np.fromiter(map(len, read), np.intp, len(read))
        return self.encoder.meanings(sums, self.read(read), counts)

    def read(self, texts: Sequence[list[int]]) -> NDArray[np.float32]:
        """What `Encoder.read` says of texts, lists of ids with rows: float32 [N, 2 * W + F].

        Texts are stacked with those of their own length only, which keeps their bits the same.
        """
        import numpy as np

        found = np.zeros((len(texts), len(self.encoder.last)), np.float32)
        for start in range(0, max(map(len, texts), default=0), WINDOW):
            windows = [text[start : start + WINDOW] for text in texts]
            for places in _alike(windows):
                ids = np.array([windows[place] for place in places], np.intp)
                found[places] += self.encoder.read(self.rows.take(ids), self._take(ids))
        return found

    def _take(self, ids: NDArray[np.intp]) -> NDArray[np.float32]:
        """What pieces bring, float32 [N, T, 3 * W + F] for `ids` [N, T]."""
        places = self._places.take(ids)
        if places.min() < 0:
            self._meet(ids[places < 0])
            places = self._places.take(ids)
        found: NDArray[np.float32] = self._brought.take(places, axis=0)
        return found

    def _meet(self, ids: NDArray[np.intp]) -> None:
        """Keep what pieces bring; those met take memory, and no others."""
        import numpy as np

        with self._lock:
            new = np.unique(ids[self._places.take(ids) < 0])  # another thread may have been here
            end = self._met + len(new)
            if end > len(self._brought):
                grown = np.empty((max(end, 2 * self._met), self._brought.shape[1]), np.float32)
                grown[: self._met] = self._brought[: self._met]
                self._brought = grown
            self._brought[self._met : end] = self.encoder.brought(self.rows.take(new))
            self._places[new] = np.arange(self._met, end)  # last: then others look
            self._met = end


def _alike(windows: Sequence[list[int]]) -> Iterator[list[int]]:
    """The places of windows of the same length, some `_AT_ONCE` pieces at a time."""
    places: defaultdict[int, list[int]] = defaultdict(list)
    for place, window in enumerate(windows):
        if window:
            places[len(window)].append(place)
    for count, every in places.items():
        together = max(1, _AT_ONCE // count)
        for start in range(0, len(every), together):
            yield every[start : start + together]
