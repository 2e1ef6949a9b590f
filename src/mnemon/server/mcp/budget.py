"""Keeping an answer within a budget of tokens, whichever of its two forms a client shows the model.

Some clients give the model the text of an answer, others its structured form, so each fits.
"""

from __future__ import annotations

from collections.abc import Callable

from pydantic import BaseModel

from mnemon.errors import InvalidInput

DEFAULT = 1000
LEAST = 200  # that an id, a date and a few words fit in, with their frame
MOST = 20_000

Form = Callable[[int], tuple[str, BaseModel]]
"""How much to tell → the answer's text and structured form."""


def count(text: str) -> int:
    """Tokens of a text, as the bundled word-piece model counts them."""
    from mnemon.models.embed.static import StaticEmbedder

    (pieces,) = StaticEmbedder().count_tokens([text])
    return pieces


def cost(answer: tuple[str, BaseModel]) -> int:
    """Tokens of the larger of an answer's forms."""
    text, form = answer
    return max(count(text), count(form.model_dump_json(exclude_none=True)))


def most(form: Form, most: int, budget: int) -> int:
    """The largest amount up to `most` whose answer fits the budget; -1 if not even 0 does."""
    low, high = -1, most
    while low < high:
        middle = (low + high + 1) // 2
        if cost(form(middle)) <= budget:
            low = middle
        else:
            high = middle - 1
    return low


def too_small(budget: int) -> InvalidInput:
    """The error for a budget that not even an empty answer fits."""
    return InvalidInput(f"a budget of {budget} tokens is too small for any answer: ask for more")
