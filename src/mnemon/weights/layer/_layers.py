"""Which layers of a decoder an option names."""

from __future__ import annotations

from mnemon.errors import InvalidInput


def chosen(layer_ids: tuple[int, ...] | None, layers: int) -> tuple[int, ...]:
    """The layers that are named, or all of a decoder's `layers` if None.

    Raises:
        InvalidInput: none, or one that the decoder does not have.
    """
    found = tuple(range(layers)) if layer_ids is None else tuple(layer_ids)
    if not found or not all(0 <= one < layers for one in found):
        raise InvalidInput(f"layer_ids {found} cannot be: the decoder has layers 0 to {layers - 1}")
    return found
