"""Decoding: logits → tokens, one after the other, until a stop or a limit."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Set
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from mnemon.errors import InvalidInput

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True, slots=True)
class Sampling:
    """How the next token is chosen.

    Attributes:
        temperature: 0 takes the likeliest. top_p: only of the likeliest tokens that together have
            this probability. seed: of the draws; None draws anew each time.
    """

    temperature: float = 0.0
    top_p: float = 1.0
    seed: int | None = None

    def __post_init__(self) -> None:
        if self.temperature < 0 or not 0 < self.top_p <= 1:
            raise InvalidInput(
                f"temperature={self.temperature}, top_p={self.top_p}: the temperature is 0 or more,"
                " and top_p lies above 0 and up to 1"
            )

    def chooser(self) -> Callable[[Tensor], int]:
        """A function from logits `[V]` to the token chosen."""
        if self.temperature == 0:
            return lambda logits: int(logits.argmax())
        maker = torch.Generator()
        maker.seed() if self.seed is None else maker.manual_seed(self.seed)
        return lambda logits: self._drawn(logits, maker)

    def _drawn(self, logits: Tensor, maker: torch.Generator) -> int:
        chances = (logits.float().cpu() / self.temperature).softmax(-1)
        likeliest, tokens = chances.sort(descending=True)
        before = likeliest.cumsum(-1) - likeliest
        likeliest[before >= self.top_p] = 0.0
        return int(tokens[torch.multinomial(likeliest, 1, generator=maker)])


def decoded(
    logits: Tensor,
    feed: Callable[[int], Tensor],
    sampling: Sampling,
    stops: Set[int],
    limit: int,
) -> Iterator[int]:
    """Tokens of an answer, without the one that ended it.

    Args:
        logits: `[V]` for the first. feed: gives a token to the model: the logits for the next.
        stops: tokens that end the answer. limit: the most tokens.
    """
    choose = sampling.chooser()
    for number in range(limit):
        token = choose(logits)
        if token in stops:
            return
        yield token
        if number + 1 < limit:
            logits = feed(token)
