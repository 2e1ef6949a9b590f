"""Greedy decoding with a step that is captured once."""

from __future__ import annotations

from torch import Tensor

from mnemon.errors import InvalidInput
from mnemon.kv.decode.step import GraphStep


def generate(step: GraphStep, token: Tensor, count: int, *, stop: int | None = None) -> Tensor:
    """The `count` likeliest tokens after `token` int64 [B], one by one: int64 [B, count].

    `token` is the last one known, whose keys and values are not stored yet. With `stop`, a token's
    number, a sequence that made it repeats it, and decoding ends when all have. Whether they have
    costs a wait for the device, so it is asked for every 16 tokens. Raises `InvalidInput` where the
    tail has no room for `count` tokens.
    """
    first = step.filled
    if count > step.room - first:
        raise InvalidInput(
            f"the tail has room for {step.room - first} more tokens, not {count}: build the step "
            "with more room"
        )
    step.place.token.copy_(token)
    for index in range(count):
        step.advance()
        made = step.place.made[:, first : step.filled]
        if stop is not None and index % 16 == 15 and bool((made == stop).any(-1).all()):
            break
    made = step.place.made[:, first : step.filled].clone()
    if stop is not None:
        made[(made == stop).long().cumsum(-1) > 0] = stop
    return made
