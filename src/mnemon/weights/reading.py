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
from mnemon.weights.ask import Ask, own
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
        self._asks = {one.key: Ask(one.header["options"]["ask"]) for one in found.found}
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
        subject = subjects.named(self._bare(question), routes, self._salt)
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
            question: as a person asks it; it is put to the model as the adapter was taught, without
                one as the model is asked (see `mnemon.weights.ask`). Or put so already.
            adapter: the key of one to wear whatever the gate says: to measure what the gate does.
            session: see `route`.

        Raises:
            StaleArtifact: a fact in the question's shard has changed: consolidate again.
            NotFound: it was forgotten: open another reader.
        """
        key, why = self.route(question, context, session=session)
        if adapter is not None:
            key, why = adapter, "it was asked for"
        put = self._put(question, key)
        return self._answered(put.prompt(self._tokenizer, question, context), key, why, put, most)

    @torch.no_grad()
    def complete(self, text: str, *, most: int = 16) -> Answered:
        """What follows a text as it is, `most` tokens at most; the gate goes by its words.

        Raises as `answer` does.
        """
        key, why = self.route(text)
        put, prompt = self._put(text, key), prompt_ids(self._tokenizer, text)
        return self._answered(prompt, key, why, put, most)

    def _answered(
        self, prompt: list[int], key: str | None, why: str, put: Ask, most: int
    ) -> Answered:  # fmt: skip
        self.swap(key)
        ids = greedy(self._model, prompt, put.ends(self._tokenizer), most)
        text = self._tokenizer.decode(ids, skip_special_tokens=True)
        return Answered(text.strip(), tuple(ids), key, why)

    def _bare(self, question: str) -> str:
        """A question without the words that it is put with: they name nobody."""
        found = (one.bare(question) for one in set(self._asks.values()))
        return next((one for one in found if one is not None), question)

    def _put(self, question: str, key: str | None) -> Ask:
        """How a question is put: as an adapter was taught; where none answers as the model is
        asked, or as the question is put already."""
        if key is not None:
            return self._asks[key]
        known = (one for one in self._asks.values() if one.bare(question) is not None)
        return next(known, None) or own(self._tokenizer)

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
    model: Any, prompt: list[int], end: int | Collection[int] | None, most: int, cache: Any = None
) -> list[int]:
    """The tokens after a prompt, and what a cache begins with, up to `end` (a token, or one of
    several), which is left out."""
    ends = (end,) if isinstance(end, int) else end or ()
    given, out = torch.tensor([prompt], device=model.device), list[int]()
    cache = DynamicCache(config=model.config) if cache is None else cache
    for _ in range(most):
        logits = forward(model, given, cache, logits_to_keep=1)
        given = logits[:, -1].argmax(-1, keepdim=True)
        if (token := int(given)) in ends:
            break
        out.append(token)
    return out
