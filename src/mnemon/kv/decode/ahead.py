"""Pages are fetched ahead: for later layers, while earlier ones are computed.

On a device the fetches stand on a stream of their own, which a captured graph takes in as a branch.
A layer waits for its pages before it attends to them, and pages wait until the last layer that
attends to the same room has done so: two rooms in turns hide the fetching of all layers but the
first, and layers with a room each are all fetched from the beginning of the step on.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import torch

from mnemon.errors import InvalidInput
from mnemon.kv.decode.attention import Rows
from mnemon.kv.decode.fetch import FetchedRows, fetch


class Ahead:
    """The fetches of one step, `layers` the segments of each layer.

    In every step: `begin`, then `ready` before and `done` after each layer's attention, in order.

    Raises `InvalidInput` for pages that are held in a room that another layer fetches into.
    """

    def __init__(self, layers: Sequence[Sequence[Rows]], device: torch.device) -> None:
        self._layers = [[one for one in rows if isinstance(one, FetchedRows)] for rows in layers]
        _refuse_lost(self._layers)
        self._after = waits(self._layers)
        self._apart = device.type == "cuda" and any(self._layers)
        if self._apart:
            # Its few programs shall not queue behind the thousands of a matrix.
            self._stream = torch.cuda.Stream(device, priority=-1)
            self._events = [torch.cuda.Event() for _ in self._layers]
        self._next = 0

    def begin(self) -> None:
        """Start fetching what finds room at once."""
        self._next = 0
        if self._apart:
            self._stream.wait_stream(torch.cuda.current_stream())
            self._go_on(-1)

    def ready(self, layer: int) -> None:
        """Have the current stream wait for the layer's pages."""
        if self._apart:
            if self._layers[layer]:
                torch.cuda.current_stream().wait_event(self._events[layer])
        else:
            for one in self._layers[layer]:
                fetch(one)

    def done(self, layer: int) -> None:
        """The layer has attended: what waits for its room may come."""
        if self._apart and layer in self._after[self._next :]:
            self._stream.wait_stream(torch.cuda.current_stream())
            self._go_on(layer)

    def _go_on(self, layer: int) -> None:
        """Fetch for the next layers, in order, up to one whose room is needed after `layer`."""
        with torch.cuda.stream(self._stream):
            while self._next < len(self._layers) and self._after[self._next] <= layer:
                for one in self._layers[self._next]:
                    fetch(one)
                self._events[self._next].record()
                self._next += 1


def waits(layers: Sequence[Sequence[FetchedRows]]) -> list[int]:
    """For each layer, which earlier one attends last to the same room; -1 if none does."""
    last: dict[int, int] = {}
    found = []
    for index, rows in enumerate(layers):
        rooms = [one.plain.keys.data_ptr() for one in rows]
        found.append(max((last.get(room, -1) for room in rooms), default=-1))
        last.update(dict.fromkeys(rooms, index))
    return found


def _refuse_lost(layers: Sequence[Sequence[FetchedRows]]) -> None:
    rooms = Counter(one.plain.keys.data_ptr() for rows in layers for one in rows)
    for index, rows in enumerate(layers):
        if any(one.held is not None and rooms[one.plain.keys.data_ptr()] > 1 for one in rows):
            raise InvalidInput(
                f"layer {index} holds pages in a room that others fetch into, and would read "
                "theirs: give it a `plain` of its own, or leave `held` out"
            )
