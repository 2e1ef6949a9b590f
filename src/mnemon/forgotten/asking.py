"""Asking: whether a model still tells what was forgotten, by what is recalled or by any adapter.

Two things tell: the greedy answer has the value, or the value is likely though it is not said. Both
count only where the bare base does not tell by itself. Any adapter moves the likelihood of answers
that look like its own facts by several nats a token, so the measure is how likely the value is, and
not by how much more.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any, NamedTuple

import torch

from mnemon.forgotten.report import Look
from mnemon.forgotten.states import States
from mnemon.models.local.wearing import wearing_of
from mnemon.weights import Reader, layout
from mnemon.weights.ask import Ask, asking
from mnemon.weights.consolidation import adapters, bases
from mnemon.weights.lesson import pairs
from mnemon.weights.reading import greedy

if TYPE_CHECKING:
    from mnemon.artifacts import Artifact
    from mnemon.memory import Memory
    from mnemon.weights.lesson import Lesson, Pair
    from mnemon.weights.seam import Deltas

_MORE = 4  # tokens that an answer may have beyond those of the value


class _Said(NamedTuple):
    """Whether the value was answered, and how likely it is, in nats a token (0 is certain)."""

    told: bool
    nats: float


class _Beside(NamedTuple):
    """What an adapter says, and the bare base."""

    key: str
    said: _Said
    bare: _Said

    def tells(self, likely: float) -> bool:
        """Whether it tells the value, and the base does not."""
        likelier = self.said.nats > likely > self.bare.nats
        return (self.said.told and not self.bare.told) or likelier


class Asking:
    """A model, bare and with each of a memory's adapters."""

    def __init__(self, memory: Memory, model: Any, tokenizer: Any, ask: str | None) -> None:
        self._memory, self._model, self._tokenizer = memory, model, tokenizer
        self._put = asking(tokenizer, ask)
        self._wearing = wearing_of(model)
        self._states = States(memory, model, tokenizer, self._put, self._wearing)
        with self._wearing.alone():
            self._adapters = adapters(memory, bases(model, tokenizer)["model"])
            with Reader(memory, model, tokenizer) as reader:
                self._routes = reader

    def looks(self, lessons: Sequence[Lesson], likely: float) -> Iterator[Look]:
        """What is told by what is recalled, by the adapter that the gate opens for, and by each
        adapter whatever the gate says."""
        bare = {self._put: [self._said(one, self._put) for one in lessons]}
        yield self._recall(lessons, bare[self._put])
        routes = [self._routes.route(one.question)[0] for one in lessons]
        gated, every = list[_Beside](), list[_Beside]()
        for adapter in self._adapters:
            put = Ask(adapter.header["options"]["ask"])
            if put not in bare:
                bare[put] = [self._said(one, put) for one in lessons]
            said = self._each(adapter, put, lessons)
            beside = list(map(_Beside, [adapter.key] * len(said), said, bare[put]))
            every += beside
            pairs = zip(beside, routes, strict=True)
            gated += [one for one, route in pairs if route == one.key]
        yield _look("gate", gated, likely)
        yield _look("adapters", every, likely)
        hidden = [one for one, base in zip(lessons, bare[self._put], strict=True) if not base.told]
        yield from self._states.looks(hidden, [self._most(one) for one in hidden])

    def _recall(self, lessons: Sequence[Lesson], bare: Sequence[_Said]) -> Look:
        found = []
        for one, base in zip(lessons, bare, strict=True):
            hits = self._memory.recall(one.question).hits
            context = " ".join(hit.cube.content for hit in hits)
            with self._wearing.bare():
                if not base.told and one.value in self._answer(one, self._put, context):
                    every = [hit.cube for hit in hits]  # the answer may come from several together
                    having = [cube for cube in every if one.value in cube.content] or every
                    found += [cube.id for cube in having]
        what = tuple(dict.fromkeys(found))
        return Look("recall", len(lessons), len(what), what)

    def _each(self, adapter: Artifact, put: Ask, lessons: Sequence[Lesson]) -> list[_Said]:
        payload = self._memory.artifacts.open(adapter.key).payload or b""
        scale = layout.scale(adapter.header["adapter_config"])
        deltas = layout.deltas(payload, scale, next(self._model.parameters()))
        return [self._said(one, put, deltas) for one in lessons]

    def _said(self, lesson: Lesson, put: Ask, deltas: Deltas | None = None) -> _Said:
        pair = pairs(lesson, self._tokenizer, put.form)[0]
        with self._on(deltas):
            return _Said(lesson.value in self._answer(lesson, put), self._likelihood(pair))

    def _on(self, deltas: Deltas | None) -> AbstractContextManager[None]:
        return self._wearing.bare() if deltas is None else self._wearing.worn(self._model, deltas)

    def _answer(self, lesson: Lesson, put: Ask, context: str = "") -> str:
        prompt, ends = (
            put.prompt(self._tokenizer, lesson.question, context),
            put.ends(self._tokenizer),
        )
        with torch.no_grad():
            ids = greedy(self._model, prompt, ends, self._most(lesson))
        return str(self._tokenizer.decode(ids, skip_special_tokens=True))

    def _most(self, lesson: Lesson) -> int:
        return len(self._tokenizer(lesson.value, add_special_tokens=False).input_ids) + _MORE

    def _likelihood(self, pair: Pair) -> float:
        """Nats a token of a target after its prompt; higher is likelier."""
        ids = torch.tensor([[*pair.prompt, *pair.target]], device=self._model.device)
        with torch.no_grad():
            logits = self._model(ids, use_cache=False).logits[0, len(pair.prompt) - 1 : -1]
        chances = logits.float().log_softmax(-1)
        return float(chances.gather(-1, ids[0, len(pair.prompt) :, None]).mean())


def _look(where: str, worn: Sequence[_Beside], likely: float) -> Look:
    having = [one.key for one in worn if one.tells(likely)]
    found = tuple(dict.fromkeys(having))
    most = max(worn, key=lambda one: one.said.nats, default=None)
    if most is None:
        return Look(where, 0, 0)
    return Look(where, len(worn), len(found), found, most.said.nats, most.bare.nats)
