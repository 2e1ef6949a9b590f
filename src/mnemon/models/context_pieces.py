"""Texts read by the encoder of the embedder `context`, those of the same length together."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from mnemon.models.context_encoder import WINDOW, Encoder
from mnemon.models.static_model import Rows

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_AT_ONCE = 512  # pieces: enough to share numpy's cost per call, little enough for a core's cache


class Reader:
    """An encoder, the rows that it reads, and what pieces that it met bring to a text."""

    def __init__(self, rows: Rows, encoder: Encoder) -> None:
        import numpy as np

        self.rows, self.encoder = rows, encoder
        shape = (len(rows.scales), 3 * encoder.width + encoder.alone.shape[1])
        self._brought = np.empty(shape, np.float32)  # pages not written to take no memory
        self._met = np.zeros(len(rows.scales), bool)

    def read(self, texts: Sequence[list[int]]) -> NDArray[np.float32]:
        """What `Encoder.read` says of texts, lists of ids: float32 [N, 2 * W + F].

        The same text gives the same bits in any company: texts are stacked with those of their own
        length only.
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
        import numpy as np

        new = ids[~self._met.take(ids)]
        if len(new):
            new = np.unique(new)
            self._brought[new] = self.encoder.brought(self.rows.take(new))
            self._met[new] = True  # last: another thread may be here too
        found: NDArray[np.float32] = self._brought.take(ids, axis=0)
        return found


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
