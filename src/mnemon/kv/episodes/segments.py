"""A conversation as token ids, and cut into segments of a few turns."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

from mnemon.errors import InvalidInput


@dataclass(frozen=True)
class Segment:
    """Turns that follow each other.

    Attributes:
        text: of all of them. tokens: their ids. first, last: the turns' numbers, `last` after them.
    """

    text: str
    tokens: tuple[int, ...]
    first: int
    last: int


def segments(
    tokenizer: Any, turns: Sequence[str], window: int, separator: str = "\n"
) -> list[Segment]:
    """Segments of `window` turns each, the last perhaps shorter.

    Each turn is tokenized by itself with `separator` after it, so that a turn's tokens do not
    depend on its neighbours.

    Raises:
        InvalidInput: no turns, one of them empty, or a window below 1.
    """
    if window < 1:
        raise InvalidInput(f"a segment of {window} turns: give at least 1")
    spoken = [tuple(_ids(tokenizer, f"{turn}{separator}")) for turn in turns]
    if not spoken or not all(spoken):
        raise InvalidInput("a conversation has one turn or more, and none without any token")
    cuts = range(0, len(turns), window)
    return [
        Segment(
            separator.join(turns[cut : cut + window]),
            tuple(chain.from_iterable(spoken[cut : cut + window])),
            cut,
            min(cut + window, len(turns)),
        )
        for cut in cuts
    ]


def conversation(tokenizer: Any, parts: Sequence[Segment]) -> list[int]:
    """Token ids of the whole, after the token that begins a text if the tokenizer has one."""
    begin = getattr(tokenizer, "bos_token_id", None)
    return [*([] if begin is None else [begin]), *chain.from_iterable(one.tokens for one in parts)]


def _ids(tokenizer: Any, text: str) -> list[int]:
    ids: list[int] = tokenizer(text, add_special_tokens=False).input_ids
    return ids
