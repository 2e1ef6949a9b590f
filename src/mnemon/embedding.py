"""Embedding for a store: which space is active, which model fills it, what text it is given."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from mnemon import methods
from mnemon.errors import DimensionMismatch, EmbedderError
from mnemon.store.protocol import Store
from mnemon.store.rows import Space, Vectors

if TYPE_CHECKING:
    import numpy as np

    from mnemon.models.embed import Embedder

DEFAULT = "context"
_ROLES = frozenset({"user", "assistant", "system", "tool", "human", "ai", "bot"})


class Embedding:
    """The embedder of a store, loaded when first needed."""

    def __init__(self, store: Store, wanted: Embedder | str | None) -> None:
        self._store = store
        self._wanted = wanted
        self._embedder: Embedder | None = None
        self._space: str | None = None

    @property
    def embedder(self) -> Embedder:
        """The one that was asked for; else the store's; else the bundled one.

        Raises:
            EmbedderError: the one asked for is not the one whose vectors the store holds.
        """
        if self._embedder is None:
            active = self._store.active_space()
            if self._wanted is None:
                self._embedder = _remembered(active)
            else:
                self._embedder = made(self._wanted)
                if active is not None and space_of(self._embedder).name != active.name:
                    raise EmbedderError(
                        f"the store's vectors are from {active.name}, not from "
                        f"{space_of(self._embedder).name}: open it without embedder=, "
                        "then move it with reindex(embedder)"
                    )
        return self._embedder

    @property
    def space(self) -> str | None:
        """The active space's name, if the store has vectors at all."""
        active = self._store.active_space()
        if active is not None and self._space not in (None, active.name):
            self.forget()  # another process reindexed
        self._space = active.name if active else None
        return self._space

    def forget(self, wanted: Embedder | None = None) -> None:
        """Look again which space is active and which model belongs to it (or use this one)."""
        self._wanted = wanted
        self._embedder = self._space = None

    def vectors(self, texts: Sequence[str], names: Iterable[str]) -> Vectors:
        """Vectors of texts for the active space; makes that space on first use."""
        (made,) = self.vectors_each([(texts, names)])
        return made

    def vectors_each(self, asked: Sequence[tuple[Sequence[str], Iterable[str]]]) -> list[Vectors]:
        """`vectors` of several (texts, names), embedded in one call."""
        if self.space is None:
            described = space_of(self.embedder)
            self._store.create_space(Space(**{**_fields(described), "state": "active"}))
            self._space = described.name
        patterns = [_pattern(tuple(names)) for _, names in asked]
        parts = zip(asked, patterns, strict=True)
        stripped = [[_strip(text, pattern) for text in texts] for (texts, _), pattern in parts]
        matrix = _embedded(self.embedder, [text for texts in stripped for text in texts])
        found, start = [], 0
        for texts in stripped:
            found.append(Vectors(self._space or "", matrix[start : start + len(texts)]))
            start += len(texts)
        return found

    def query(self, text: str, names: Iterable[str]) -> np.ndarray:
        """The vector of a question, float32 [D].

        Raises:
            DimensionMismatch: the model answered another length than its own D.
        """
        vector = self.embedder.embed_query(without_names(text, names))
        if vector.shape != (self.embedder.dimension,):
            raise DimensionMismatch(
                self.embedder.model, self.embedder.dimension, vector.shape[-1] if vector.ndim else 0
            )
        return vector


def made(wanted: Embedder | str) -> Embedder:
    """An embedder by method name, or the instance itself."""
    if isinstance(wanted, str):
        return methods.load("models.embed", wanted)  # type: ignore[no-any-return]
    return wanted


def _remembered(active: Space | None) -> Embedder:
    if active is None:
        return made(DEFAULT)
    told = json.loads(active.embedder)
    if told is None:
        raise EmbedderError(
            f"the store's vectors are from {active.name}, an embedder of your own: "
            "open it with Memory(path, embedder=...)"
        )
    embedder: Embedder = methods.load("models.embed", told["name"], **told["options"])
    if space_of(embedder).name != active.name:
        options = "".join(f" --option {name}={one}" for name, one in told["options"].items())
        raise EmbedderError(
            f"the store's vectors are from {active.name}, this Mnemon has "
            f"{space_of(embedder).name}: move it with `mnemon reindex --embedder {told['name']}"
            f"{options}`, or with Memory.reindex and that embedder"
        )
    return embedder


def space_of(embedder: Embedder) -> Space:
    """The space an embedder's vectors live in."""
    try:
        told: dict[str, Any] | None = methods.describe(embedder)
        if told is not None and not told["slot"].startswith("models."):
            told = None  # an instance of the caller's own: it cannot be made again by name
    except TypeError:
        told = None
    name = f"{embedder.model}@{embedder.revision or 'unknown'}/{embedder.dimension}"
    return Space(
        name, embedder.model, embedder.revision, embedder.dimension, json.dumps(told), "building"
    )


def embedded(embedder: Embedder, texts: Sequence[str], names: Iterable[str]) -> np.ndarray:
    """Vectors float32 [N, D] of texts with participants' names taken out.

    Raises:
        DimensionMismatch, EmbedderError: the model did not answer [N, D].
    """
    pattern = _pattern(tuple(names))
    return _embedded(embedder, [_strip(text, pattern) for text in texts])


def _embedded(embedder: Embedder, texts: Sequence[str]) -> np.ndarray:
    import numpy as np

    matrix = np.asarray(embedder.embed(texts), np.float32)
    if matrix.ndim != 2 or len(matrix) != len(texts):
        raise EmbedderError(
            f"{embedder.model} answered an array of shape {matrix.shape} for {len(texts)} texts"
        )
    if matrix.shape[1] != embedder.dimension:
        raise DimensionMismatch(embedder.model, embedder.dimension, matrix.shape[1])
    return matrix


def without_names(text: str, names: Iterable[str]) -> str:
    """A text without participants' names: they attract every question about the person.

    A text of nothing but names stays as it is.
    """
    return _strip(text, _pattern(tuple(names)))


@lru_cache(maxsize=64)
def _pattern(names: tuple[str, ...]) -> re.Pattern[str] | None:
    said = sorted({name for name in names if name.lower() not in _ROLES}, key=len, reverse=True)
    if not said:
        return None
    return re.compile(rf"\b(?:{'|'.join(map(re.escape, said))})\b(?:'s\b)?", re.IGNORECASE)


def _strip(text: str, pattern: re.Pattern[str] | None) -> str:
    if pattern is None:
        return text
    left = pattern.sub(" ", text)
    return left if any(char.isalnum() for char in left) else text


def _fields(space: Space) -> dict[str, Any]:
    return {name: getattr(space, name) for name in Space.__dataclass_fields__}
