"""Adapters: what a namespace's adapters know, and whether one answers a question.

The gate of `mnemon.weights` opens for a question that names a subject. It stays shut where text
says otherwise: whatever would stand in the prompt and tells of the subject, unless it is what the
adapter was trained on, says the same, or only asks.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mnemon import analysis
from mnemon.client import RemoteMemory
from mnemon.errors import InvalidInput, NotFound, StaleArtifact
from mnemon.models.local.wording import Source, mark

if TYPE_CHECKING:
    from mnemon.artifacts import Artifact
    from mnemon.cube import MemCube
    from mnemon.memory import Memory
    from mnemon.models.local.reading import Reading
    from mnemon.models.local.wearing import Wearing
    from mnemon.weights import Reader
    from mnemon.weights.seam import Deltas

STALE = "the adapter is stale: a fact in it has changed"
GONE = "the adapter is gone: a fact in it was forgotten"


@dataclass(frozen=True, slots=True)
class Adapter:
    """One that answers a question: its key, the versions that it was trained on, its deltas, the
    tokens of the question as it was taught to be asked, and those that end an answer."""

    key: str
    sources: tuple[Source, ...]
    deltas: Deltas
    asked: tuple[int, ...]
    ends: frozenset[int]


class Adapters:
    """The adapters of a memory's namespace for one model. Shared by sessions and threads."""

    def __init__(
        self, memory: Memory, model: Any, tokenizer: Any, wearing: Wearing,
        alias: str | None = None,
    ) -> None:  # fmt: skip
        """Those that an alias promotes, by default `current`.

        Raises InvalidInput for a memory behind a server, NotFound without that alias, MissingExtra.
        """
        if isinstance(memory, RemoteMemory):
            raise InvalidInput(
                "weights= need the store itself, which has the adapters, and this memory is at"
                f" {memory.path}: leave it out, or open the store beside the model"
            )
        self._memory, self._model, self._tokenizer = memory, model, tokenizer
        self._wearing = wearing
        self._alias: dict[str, str] = {} if alias is None else {"alias": alias}
        self._reader()  # refuses now what cannot work later

    def choose(
        self, reading: Reading, question: str, beside: Sequence[MemCube]
    ) -> tuple[Adapter | None, str]:
        """The adapter that answers a question, and why it is that one or None.

        Args:
            beside: the cubes that would stand in the prompt if text answered.
        """
        reader = self._reader()
        key, why = reader.route(question)
        if key is None:
            return None, STALE if self._was_known(question) else why
        try:
            artifact = self._memory.artifacts.open(key)
        except StaleArtifact:
            return None, STALE
        except NotFound:
            return None, GONE
        other = _other(reading, artifact, beside)
        key, why = reader.route(question, "\n".join(cube.content for cube in other))
        return (None if key is None else self._adapter(artifact, question)), why

    def _was_known(self, question: str) -> bool:
        from mnemon.weights import subjects
        from mnemon.weights.promotion.wearable import FORM

        listed = [one for one in self._memory.artifacts.list(FORM) if not one.fresh]
        once = {subject for one in listed for subject in one.header.get("subjects", ())}
        return subjects.named(question, once, self._memory.namespace) is not None

    def _adapter(self, artifact: Artifact, question: str) -> Adapter:
        from mnemon.weights import layout
        from mnemon.weights.ask import Ask

        scale = layout.scale(artifact.header["adapter_config"])
        like = next(self._model.parameters())
        deltas = layout.deltas(artifact.payload or b"", scale, like)
        put = Ask(artifact.header["options"]["ask"])
        asked = tuple(put.prompt(self._tokenizer, question))
        return Adapter(artifact.key, artifact.sources, deltas, asked, put.ends(self._tokenizer))

    def _reader(self) -> Reader:
        """The routes to the adapters that may answer now. It is opened for each question, and asked
        for routes only: what it puts on the model comes off at once."""
        from mnemon.weights import Reader

        with (
            self._wearing.alone(),
            Reader(self._memory, self._model, self._tokenizer, **self._alias) as reader,
        ):
            return reader


def _other(reading: Reading, artifact: Artifact, beside: Sequence[MemCube]) -> list[MemCube]:
    """Those of some cubes that tell something, and may tell other than an adapter's own facts."""
    from mnemon.weights.lesson import lesson

    facts = [cube for one in artifact.sources if (cube := reading.version(one)) is not None]
    known = {(told.question, told.value) for cube in facts if (told := lesson(cube)) is not None}
    found = []
    for cube in beside:
        told = lesson(cube)
        same = analysis.asks(cube.content) if told is None else (told.question, told.value) in known
        if not same and mark(cube) not in artifact.sources:
            found.append(cube)
    return found
