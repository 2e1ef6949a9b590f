"""Answering from adapters: a gate that looks for known subjects, and hot swap."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from transformers import DynamicCache

from mnemon.errors import InvalidInput
from mnemon.kv.seam import forward
from mnemon.weights import layout, subjects
from mnemon.weights.consolidation import bases
from mnemon.weights.lesson import prompt_ids
from mnemon.weights.promotion.alias import CURRENT, history
from mnemon.weights.promotion.wearable import Wearable, wearable
from mnemon.weights.seam import Worn

if TYPE_CHECKING:
    from mnemon.memory import Memory


@dataclass(frozen=True, slots=True)
class Answered:
    """Text, its token ids, the key of the adapter that was worn (None: the base alone), and why."""

    text: str
    ids: tuple[int, ...]
    adapter: str | None
    why: str


class Reader:
    """Answers questions by a model with a memory's adapters, one at a time.

    Those answer that the alias promotes, as it says when it is asked; while there is no alias
    `current`, all that are fresh and learnt. What is stale or forgotten never answers.

    The gate opens for a question that names a subject some adapter knows; else the base answers
    alone. What a context tells of the subject goes before what weights hold. An adapter stays on
    the model until the next question, or until the reader is closed.
    """

    def __init__(
        self, memory: Memory, model: Any, tokenizer: Any, *, alias: str = CURRENT,
        keys: Collection[str] | None = None,
    ) -> None:  # fmt: skip
        """Open one.

        Args:
            alias: which set of adapters answers.
            keys: of adapters that answer instead, whatever any alias says: to measure them.

        Raises:
            InvalidInput: the model wears adapters already. NotFound: no such alias or adapter.
        """
        self._memory, self._salt = memory, memory.namespace
        self._model, self._tokenizer = model, tokenizer
        self._base = bases(model, tokenizer)["model"]
        self._alias, self._keys = alias, keys
        self._worn: Worn | None = None
        self._load(wearable(memory, self._base, alias, keys))
        self.active: str | None = None

    def _load(self, found: Wearable) -> None:
        if self._worn is not None:
            self._worn.close()
        self._may = found
        self._scales = {one.key: layout.scale(one.header["adapter_config"]) for one in found.found}
        modules = dict(self._model.named_modules())
        layers = {
            name for one in found.found
            for name in layout.layers(one.header["adapter_config"], modules)
        }  # fmt: skip
        self._worn, self.active = Worn({name: modules[name] for name in layers}), None

    def _follow(self) -> None:
        """Take notice of what the alias was moved to meanwhile."""
        if self._keys is None and self._worn is not None:
            past = history(self._memory, self._alias, self._base)
            if (past[-1].num if past else 0) != self._may.num:
                self._load(wearable(self._memory, self._base, self._alias))

    @property
    def keys(self) -> frozenset[str]:
        """Of the adapters that answer."""
        return frozenset((*self._may.routes.values(), *self._may.tried.values()))

    def digest(self, subject: str) -> str:
        """What stands for a subject in this memory's adapters."""
        return subjects.digest(subject, self._salt)

    def route(
        self, question: str, context: str = "", *, session: str | None = None
    ) -> tuple[str | None, str]:
        """The key of the adapter for a question, and why it is that one or None.

        Args:
            session: a canary takes all questions of one, or none; each by itself if None.
        """
        self._follow()
        tried = self._may.takes(question if session is None else session)
        routes = self._may.tried if tried else self._may.routes
        subject = subjects.named(question, routes, self._salt)
        if subject is None:
            return None, "no adapter knows a subject of the question"
        if context and subjects.named(context, {subject}, self._salt):
            return None, "the context tells of the subject"
        return routes[subject], f"an adapter{' of the canary' * tried} knows the subject"

    def swap(self, key: str | None) -> None:
        """Wear one adapter, or none; it is opened, and so asked whether it is fresh, each time.

        Raises:
            StaleArtifact: a fact in it has changed. NotFound: it was forgotten.
            InvalidInput: the reader is closed.
        """
        if self._worn is None:
            raise InvalidInput("the reader is closed: open another one")
        deltas = None
        if key is not None:
            payload = self._memory.artifacts.open(key).payload or b""
            deltas = layout.deltas(payload, self._scales[key], next(self._model.parameters()))
        self._worn.wear(deltas)
        self.active = key

    @torch.no_grad()
    def answer(
        self, question: str, context: str = "", *, most: int = 16, adapter: str | None = None,
        session: str | None = None,
    ) -> Answered:  # fmt: skip
        """The model's greedy answer, of `most` tokens at most.

        Args:
            adapter: the key of one to wear whatever the gate says: to measure what the gate does.
            session: see `route`.

        Raises:
            StaleArtifact: a fact in the question's shard has changed: consolidate again.
            NotFound: it was forgotten: open another reader.
        """
        key, why = self.route(question, context, session=session)
        if adapter is not None:
            key, why = adapter, "it was asked for"
        self.swap(key)
        prompt = prompt_ids(self._tokenizer, f"{context} {question}".strip())
        ids = greedy(self._model, prompt, self._tokenizer.eos_token_id, most)
        text = self._tokenizer.decode(ids, skip_special_tokens=True)
        return Answered(text, tuple(ids), key, why)

    def close(self) -> None:
        """Make the model as it was."""
        if self._worn is not None:
            self._worn.close()
        self._worn, self.active = None, None

    def __enter__(self) -> Reader:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def greedy(
    model: Any, prompt: list[int], end: int | None, most: int, cache: Any = None
) -> list[int]:  # fmt: skip
    """The tokens after a prompt, and what a cache begins with, up to `end`, which is left out."""
    given, out = torch.tensor([prompt], device=model.device), list[int]()
    cache = DynamicCache(config=model.config) if cache is None else cache
    for _ in range(most):
        logits = forward(model, given, cache, logits_to_keep=1)
        given = logits[:, -1].argmax(-1, keepdim=True)
        if (token := int(given)) == end:
            break
        out.append(token)
    return out
