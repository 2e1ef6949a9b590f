"""Rows ready to be written, as the memory would prepare them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from mnemon import analysis
from mnemon.cube import Span
from mnemon.identity import new_id
from mnemon.store import Store
from mnemon.store.rows import ArtifactRow, Filter, NewCube, Space, Vectors

ME = "user"
HOME = "acme/ana"


def new(content: str, **more: Any) -> NewCube:
    """A cube about to be added."""
    told = {"id": new_id(), "kind": "episode", "valid_from": 1_000, **more}
    return NewCube(content=content, terms=analysis.terms(content), **told)


def made_from(content: str, *sources: tuple[str, int]) -> NewCube:
    """A method's summary of other cubes."""
    spans = tuple(Span(id, version) for id, version in sources)
    return new(content, producer="method:text.extract/centroid@1", kind="summary", spans=spans)


def add(store: Store, *contents: str, namespace: str = HOME, **more: Any) -> list[str]:
    """Ids of cubes added in one call."""
    drafts = [new(content, **more) for content in contents]
    return [added.id for added in store.add(namespace, drafts, None, ME)]


def found(store: Store, namespace: str = HOME, **chosen: Any) -> list[str]:
    """Contents of what a filter chooses."""
    return [cube.content for _, cube in store.select(Filter(namespace, **chosen))]


def space(name: str, dimension: int = 3, state: str = "building") -> Space:
    """An embedding space."""
    return Space(name, name, "1", dimension, "null", state)


def vectors(name: str, rows: Sequence[Sequence[float]]) -> Vectors:
    """Vectors of a space, one for each row."""
    return Vectors(name, np.array(rows, np.float32))


def artifact(key: str, *sources: tuple[str, int], namespace: str = HOME) -> ArtifactRow:
    """A small artifact made from cubes."""
    return ArtifactRow(
        key, "summary", namespace, "method", None, "{}", 3, b"sum", b"abc", None, 0, sources
    )


def block(
    key: str, parent: str | None, *sources: tuple[str, int], namespace: str = HOME
) -> ArtifactRow:
    """An artifact whose bytes lie in places."""
    return ArtifactRow(
        key, "kv-block", namespace, "kv", None, "{}", 9, b"", None, None, 0, sources, parent=parent
    )
