"""Asking a model that wears some adapters: whether it answers, and how a text surprises it."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING, Any

import torch
from torch.nn import functional

from mnemon.weights.lesson import prompt_ids
from mnemon.weights.reading import Reader, greedy

if TYPE_CHECKING:
    from mnemon.memory import Memory
    from mnemon.weights.promotion.probes import Fact

_LONGEST = 512
_MORE = 2


class Asking:
    """A reader that wears some adapters and no others, and the base below it."""

    def __init__(
        self, memory: Memory, model: Any, tokenizer: Any, keys: Collection[str]
    ) -> None:  # fmt: skip
        """Raises what a `Reader` of these keys does."""
        self._model, self._tokenizer = model, tokenizer
        self.reader = Reader(memory, model, tokenizer, keys=keys)

    def __enter__(self) -> Asking:
        return self

    def __exit__(self, *_: object) -> None:
        self.reader.close()

    def answers(self, one: Fact) -> bool:
        """Whether a fact is answered."""
        said = self.reader.answer(one.question, most=self._room(one.value)).text
        return begins(said, one.value)

    def right(self, prompt: str, answer: str) -> bool:
        """Whether what follows a prompt begins with the words of an answer."""
        return begins(self.reader.complete(prompt, most=self._room(answer)).text, answer)

    def base_right(self, prompt: str, answer: str) -> bool:
        """The same of the base alone."""
        self.reader.swap(None)
        ids = prompt_ids(self._tokenizer, prompt)
        said = greedy(self._model, ids, self._tokenizer.eos_token_id, self._room(answer))
        return begins(self._tokenizer.decode(said, skip_special_tokens=True), answer)

    def tells(self, question: str, values: Sequence[str], adapter: str | None = None) -> bool:
        """Whether what is said to a question begins with one of some values.

        Args:
            adapter: worn whatever the question names.
        """
        most = max(self._room(value) for value in values)
        said = self.reader.answer(question, most=most, adapter=adapter).text
        return any(begins(said, value) for value in values)

    @torch.no_grad()
    def nats(self, text: str, adapter: str | None) -> tuple[float, int]:
        """How a text surprises the model with an adapter, or none: nats in all, and tokens."""
        self.reader.swap(adapter)
        ids = torch.tensor([prompt_ids(self._tokenizer, text)[:_LONGEST]])
        given = ids.to(self._model.device)
        if given.shape[1] < 2:
            return 0.0, 0
        logits = self._model(given, use_cache=False).logits[0, :-1].float()
        return float(functional.cross_entropy(logits, given[0, 1:], reduction="sum")), len(logits)

    def _room(self, answer: str) -> int:
        return len(self._tokenizer(answer, add_special_tokens=False).input_ids) + _MORE


def begins(said: str, answer: str) -> bool:
    """Whether some words begin with others, whatever their case and the marks around them."""
    wanted = _words(answer)
    return bool(wanted) and _words(said)[: len(wanted)] == wanted


def _words(text: str) -> list[str]:
    return [bare for word in text.casefold().split() if (bare := word.strip(".,;:!?\"'"))]
