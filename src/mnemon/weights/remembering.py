"""Remembering: a namespace's texts into one latent state of a model, and out of it again."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import safetensors.torch

from mnemon import methods
from mnemon.errors import NotFound
from mnemon.weights import addresses, governance
from mnemon.weights.ask import asking
from mnemon.weights.associate import Associate, Segment, State
from mnemon.weights.consolidation import bases
from mnemon.weights.lesson import lesson, pairs, prompt_ids

if TYPE_CHECKING:
    from mnemon.artifacts import Artifact
    from mnemon.choosing import Kinds
    from mnemon.cube import MemCube
    from mnemon.memory import Memory
    from mnemon.weights.lesson import Pair

SLOT = "weights.associate"


@dataclass(frozen=True, slots=True)
class Remembered:
    """What was written.

    Attributes:
        state: the artifact; None if there is nothing to remember.
        added, erased: segments that went into the state, and out of it; what changed does both.
        crowded: whether it has more segments than the method keeps apart: they blur each other.
        unfit: ids of cubes for which their segment has no room.
        withheld: ids of those that may not become weights.
    """

    state: Artifact | None
    added: int
    erased: int
    crowded: bool
    unfit: tuple[str, ...]
    withheld: tuple[str, ...]


def remember(
    memory: Memory, model: Any, tokenizer: Any, *, method: str = "larimar", kind: Kinds = "fact",
    ask: str | None = None, **options: Any,
) -> Remembered:  # fmt: skip
    """Write a namespace's texts into one latent state; into the one there is, if it is fresh.

    All texts of a subject are one segment, oldest first; a text whose subject is not known is filed
    under its first three words.

    Args:
        model: of transformers; its weights are not changed.
        method: of the slot `weights.associate`, with its options.
        kind: of the cubes that are taken, or several: name all in one call, the state is of those
            alone. Left out is what is withheld (see `governance.withheld`).
        ask: how questions are put to this model (see `mnemon.weights.ask`); by default by its chat
            template, if it has one.

    Raises:
        UnknownName: no such method. InvalidInput: the model has other layers than full attention.
        StaleArtifact: a text changed meanwhile; remember again.
    """
    writer: Associate = methods.load(SLOT, method, **options)
    base = bases(model, tokenizer)
    cubes, withheld = governance.permitted(memory, kind)
    put = asking(tokenizer, ask).form
    made = _Writing(memory, model, tokenizer, writer, put, base["model"])
    return made.whole(sorted(cubes, key=lambda one: one.id), withheld)


def erase(memory: Memory, model: Any, tokenizer: Any, ids: Sequence[str]) -> list[Remembered]:
    """Take cubes out of a namespace's latent states for a model, before they are forgotten.

    Each state that was made of them gets a successor without them: by subtraction where the method
    is additive, else written anew from the others. Then `memory.forget(ids)` deletes the states
    that still have them; a cube that stays is written again by the next `remember`.

    Raises:
        NotFound: a cube is gone already: what had it is gone too, so `remember` again.
    """
    gone, done = set(ids), []
    if absent := gone - {one.id for one in _cubes_of(memory, gone)}:
        raise NotFound(
            f"cube {min(absent)} is not there, nor any state that was made of it: remember again"
        )
    for one in states(memory, bases(model, tokenizer)["model"]):
        sources = [source for source, _ in one.sources]
        if gone.isdisjoint(sources):
            continue
        told = dict(one.header["options"])
        ask, writer = told.pop("ask"), methods.load(SLOT, named(one), **told)
        assert one.model is not None
        made = _Writing(memory, model, tokenizer, writer, ask, one.model)
        done.append(
            made.whole([c for c in _cubes_of(memory, set(sources)) if c.id not in gone], [])
        )
    return done


def states(memory: Memory, model: str) -> list[Artifact]:
    """The fresh latent states of a namespace for a base, without payloads; of each method and its
    options the one with the most sources, the newest of those."""
    fullest: dict[tuple[str, str], Artifact] = {}
    for one in memory.artifacts.list(governance.LATENT):
        told = (one.method, json.dumps(one.header["options"], sort_keys=True))
        ours = one.fresh and one.model == model and one.method.startswith(f"method:{SLOT}/")
        if ours and (told not in fullest or len(one.sources) >= len(fullest[told].sources)):
            fullest[told] = one
    return list(fullest.values())


class _Writing:
    """One method's state of one namespace and model."""

    def __init__(
        self, memory: Memory, model: Any, tokenizer: Any, writer: Associate, ask: str, base: str
    ) -> None:
        self._memory, self._model, self._tokenizer = memory, model, tokenizer
        self._writer, self._ask, self._base = writer, ask, base
        self._maker = methods.producer(writer)
        self._told = {**asdict(writer), "ask": ask}  # type: ignore[call-overload]

    def whole(self, cubes: Sequence[MemCube], withheld: Sequence[str]) -> Remembered:
        """The state of exactly these cubes, from the one there is if it can be changed."""
        wanted, unfit = self._segments(cubes)
        sources = [one for one in cubes if one.id not in unfit]
        crowded = self._writer.room is not None and len(wanted) > self._writer.room
        rest = (crowded, tuple(unfit), tuple(withheld))
        before = self._before()
        if before is not None and [(one.id, one.version) for one in sources] == [*before.sources]:
            return Remembered(before, 0, 0, *rest)
        had, state = self._held(before)
        added = [one for at, one in wanted.items() if had.get(at) != one]
        erased = [one for at, one in had.items() if wanted.get(at) != one]
        if erased:
            state = self._writer.erase(self._model, state, erased)
        state = self._writer.write(self._model, state, added)
        made = self._derived(state, sources, len(wanted)) if sources else None
        self._drop_older(made, before)
        return Remembered(made, len(added), len(erased), *rest)

    def _before(self) -> Artifact | None:
        found = self._own(states(self._memory, self._base))
        return found[-1] if found else None

    def _own(self, found: Sequence[Artifact]) -> list[Artifact]:
        return [
            one for one in found
            if one.method == self._maker and one.header["options"] == self._told
        ]  # fmt: skip

    def _drop_older(self, made: Artifact | None, before: Artifact | None) -> None:
        """Let go of the states that the one before was written on: that one is left to go on from,
        where what is new is forgotten again, and to who reads it now."""
        if made is None or before is None:
            return
        listed = [one for one in self._memory.artifacts.list(governance.LATENT) if one.fresh]
        older = [
            one.key for one in self._own([one for one in listed if one.model == self._base])
            if one.key not in (made.key, before.key) and set(one.sources) <= set(before.sources)
        ]  # fmt: skip
        self._memory.artifacts.drop(older)

    def _held(self, before: Artifact | None) -> tuple[dict[str, Segment], State]:
        """What a state was written of, and its tensors; nothing if it must be written anew."""
        if before is None or not self._writer.additive:
            return {}, {}
        old = _cubes_of(self._memory, {source for source, _ in before.sources})
        return self._segments(old)[0], opened(self._memory, before.key)

    def _derived(self, state: State, cubes: Sequence[MemCube], segments: int) -> Artifact:
        payload = bytes(safetensors.torch.save(dict(state), {"format": "pt"}))
        header = {"segments": segments, "additive": self._writer.additive}
        return self._memory.artifacts.derive(
            governance.LATENT, cubes, payload, method=self._maker, model=self._base,
            options=self._told, header=header,
        )  # fmt: skip

    def _segments(self, cubes: Sequence[MemCube]) -> tuple[dict[str, Segment], list[str]]:
        """By address; and the ids of cubes that do not fit behind the others of their subject."""
        made: dict[str, Segment] = {}
        told: dict[str, list[MemCube]] = {}
        unfit: list[str] = []
        for cube in cubes:
            read, salt = lesson(cube), self._memory.namespace
            at = addresses.address(None if read is None else read.subject, cube.content, salt)
            together = [*told.get(at, []), cube]
            one = self._segment(at, together)
            if len(one.opening) + len(one.ids) > self._writer.tokens:
                unfit.append(cube.id)
            else:
                made[at], told[at] = one, together
        return made, unfit

    def _segment(self, at: str, cubes: Sequence[MemCube]) -> Segment:
        first = self._tokenizer.bos_token_id
        opening: tuple[int, ...] = () if first is None else (first,)
        ids = prompt_ids(self._tokenizer, " ".join(one.content for one in cubes))
        asked = [] if self._writer.additive else self._questions(cubes)
        return Segment(at, opening, tuple(ids[len(opening) :]), tuple(asked))

    def _questions(self, cubes: Sequence[MemCube]) -> Iterator[Pair]:
        for cube in cubes:
            if (read := lesson(cube)) is not None:
                yield pairs(read, self._tokenizer, self._ask)[0]


def opened(memory: Memory, key: str) -> State:
    """A state's tensors. Raises as `memory.artifacts.open` does."""
    return dict(safetensors.torch.load(memory.artifacts.open(key).payload or b""))


def _cubes_of(memory: Memory, ids: set[str]) -> list[MemCube]:
    found = (one for one in governance.current(memory, None) if one.id in ids)
    return sorted(found, key=lambda one: one.id)


def named(one: Artifact) -> str:
    """The name of the method that made a state."""
    return one.method.removeprefix(f"method:{SLOT}/").partition("@")[0]
