"""Mnemon itself, by its public calls: `add`, `reflect`, `search`, and `recall` under a budget.

A memory in RAM for each conversation, with the upkeep of its program done. Recalled text has dates
and numbers, which count. A record that a program derived stands for the turns whose words it
quotes: all of a turn, or the stretch of it that the record cites as its source. On a
conversation that the bundled ranker and embedder were fitted on, those of a fold that never saw it
take their place (`bench/folds/`, made by `scripts/tune_embedder.py`, `scripts/train_ranker.py` and
`scripts/train_setrank.py`).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar

from mnemon import methods
from mnemon.bench.case import Turn
from mnemon.cube import Hit, MemCube, Span
from mnemon.embedding import DEFAULT
from mnemon.errors import InvalidInput
from mnemon.memory import Memory
from mnemon.text.rerank import listnet, setrank

__all__ = ["Mnemon"]


_FOLDS = Path(__file__).parent.parent / "folds"


@dataclass(frozen=True)
class Mnemon:
    """Options.

    Attributes:
        program: a method of the slot `text.programs`.
        embedder: a method of the slot `models.embed`.
        model, base: the embedder's option of that name, where it has one; "" for its own; a
            cross-encoder has the same base.
        device: the embedder's option of that name; "" for its own.
        weights: a file of weights for the program's ranker; None for the bundled ones.
        together: one for what looks at the ranker's best together; None for the bundled one.
        tuning: the embedder's option of that name; None for the bundled one, "" for none.
        reading: a cross-encoder's tuning, for a program with one; None for the bundled one.
        change: options of the program's methods to change, as `method.option=value`, several joined
            by `+`: `granularities.router=uniform+granularities.damping=0`. For ablations.
    """

    program: str = "default"
    embedder: str = DEFAULT
    model: str = ""
    base: str = ""
    device: str = ""
    weights: str | None = None
    together: str | None = None
    tuning: str | None = None
    reading: str | None = None
    change: str = ""

    needs: ClassVar[tuple[str, ...]] = ()

    def unseen(self, case: str) -> Mnemon:
        """This system as far as nothing in it was fitted on a conversation.

        Raises:
            InvalidInput: the bundled ranker saw it and no fold is without it.
        """
        kind = listnet.kind(self.embedding().model)
        if case not in listnet.load(listnet.file(kind)).fitted_on:
            return self
        for fold in sorted(_FOLDS.glob(f"listnet_{kind}-?.json")):
            if case not in listnet.load(fold).fitted_on:
                weights = str(fold) if self.weights is None else self.weights
                tuning = self.tuning
                number = int(fold.stem[-1])
                if tuning is None:
                    tuning = self._tuned(number)
                reading = self.reading
                if reading is None:
                    reading = str(_FOLDS / f"cross_encoder-{number}.safetensors")
                together = self.together
                if together is None and self.weights is None and setrank.bundled(kind):
                    together = str(_FOLDS / f"setrank_{kind}-{number}.npz")
                return replace(
                    self, weights=weights, together=together, tuning=tuning, reading=reading
                )
        raise InvalidInput(f"every ranker was fitted on {case}: run scripts/train_ranker.py")

    def of_fold(self, fold: int) -> Any:
        """The embedder as it was tuned on all other folds; as it is, if it is not one of those."""
        return replace(self, tuning=self._tuned(fold)).embedding()

    def _tuned(self, fold: int) -> str | None:
        if listnet.kind(self.embedding().model) == listnet.UNTUNED:
            return self.tuning
        for path in _FOLDS.glob(f"{self.embedder}-{fold}.*"):
            return str(path)
        raise InvalidInput(
            f"the tuning {self.embedder}-{fold} is not in this installation: run the bench from a "
            "clone of Mnemon, or make it with scripts/tune_embedder.py"
        )

    def embedding(self) -> Any:
        """The embedder by its options here."""
        told = {
            "model": self.model or None, "base": self.base or None, "tuning": self.tuning,
            "device": self.device or None,
        }  # fmt: skip
        options = {name: value for name, value in told.items() if value is not None}
        return methods.load("models.embed", self.embedder, **options)

    def _fitted(self, program: Any) -> Any:
        """A program whose ranker has the weights that are named here."""
        if program.rerank is not None:
            name, options = program.rerank
            named = {"weights": self.weights}
            if name == "setrank":
                named = {"first": self.weights, "weights": self.together}
            if name == "cross-encoder":
                named |= {"tuning": self.reading, "base": self.base or None}
            given = {option: value for option, value in named.items() if value is not None}
            program = replace(program, rerank=(name, {**options, **given}))
        return changed(program, self.change)

    def ingest(self, turns: Sequence[Turn]) -> Remembered:
        """One batch, as an import makes it."""
        program = self._fitted(methods.load("text.programs", self.program))
        memory = Memory(":memory:", program=program, embedder=self.embedding())
        named = {turn.draft.key: turn.id for turn in turns}
        cubes = memory.add([turn.draft for turn in turns])
        memory.reflect()
        said = {cube.id: (named[cube.key], cube.content) for cube in cubes if cube.key in named}
        return Remembered(memory, said)


def changed(program: Any, change: str) -> Any:
    """A program with options of its methods changed; see `Mnemon.change`.

    Raises:
        InvalidInput: a change that cannot be read, or of a method that the program has not.
    """
    for one in change.split("+") if change else ():
        place, equals, value = one.partition("=")
        method, dot, option = place.partition(".")
        if not (equals and dot):
            raise InvalidInput(f"cannot read the change {one!r}: write it as method.option=value")
        program = _changed(program, method, option, _value(value))
    return program


def _changed(program: Any, method: str, option: str, value: Any) -> Any:
    known = [name for name, _, _ in program.channels]
    if method in known:
        channels = tuple(
            (name, weight, {**options, option: value} if name == method else options)
            for name, weight, options in program.channels
        )
        return replace(program, channels=channels)
    for role in ("fusion", "rerank", "select"):
        if (step := getattr(program, role, None)) is not None:
            known.append(step[0])
            if step[0] == method:
                return replace(program, **{role: (method, {**step[1], option: value})})
    raise InvalidInput(f"the program has no method {method!r}: {methods.nearest(method, known)}")


def _value(told: str) -> Any:
    try:
        return json.loads(told)
    except ValueError:
        return told


@dataclass(frozen=True)
class Remembered:
    """A memory; `turns`: cube → (the turn it is, what it says)."""

    memory: Memory
    turns: dict[str, tuple[str, str]]

    def rank(self, question: str, k: int) -> list[str]:
        return self._ids(self.memory.search(question, k))[:k]

    def within(self, question: str, tokens: int) -> list[str]:
        return self._ids(self.memory.recall(question, budget=tokens).hits)

    def confidence(self, question: str) -> float:
        return max((hit.score for hit in self.memory.search(question, 1)), default=0.0)

    def hits(self, question: str, k: int) -> list[tuple[list[str], float]]:
        found = self.memory.search(question, k)
        return [(self._stands_for(hit.cube), hit.score) for hit in found]

    def close(self) -> None:
        self.memory.close()

    def _ids(self, hits: Iterable[Hit]) -> list[str]:
        """Turns in the order of hits; a cube that a program derived stands for what it quotes."""
        return list(dict.fromkeys(id for hit in hits for id in self._stands_for(hit.cube)))

    def _stands_for(self, cube: MemCube) -> list[str]:
        if cube.id in self.turns:
            return [self.turns[cube.id][0]]
        shown = _squeezed(cube.content)
        return [
            self.turns[span.cube][0]
            for span in self._sources(cube)
            if _squeezed(self.turns[span.cube][1][span.start : span.end]) in shown
        ]

    def _sources(self, cube: MemCube) -> Iterator[Span]:
        """The stretches of turns that a record was made from, directly or by way of others."""
        for span in cube.provenance.spans:
            if span.cube in self.turns:
                yield span
            else:
                yield from self._sources(self.memory.get(span.cube))


def _squeezed(text: str) -> str:
    return " ".join(text.split())
