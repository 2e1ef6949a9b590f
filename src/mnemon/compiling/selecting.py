"""Selecting: what is to be compiled, as `list` and `search` choose it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sized
from typing import TYPE_CHECKING, Any

from mnemon.cube import Hit, MemCube
from mnemon.errors import InvalidInput

if TYPE_CHECKING:
    from mnemon.memory import Memory

Selection = str | Mapping[str, Any] | Iterable[str | MemCube | Hit]
_PAGE = 500


def pages(memory: Memory, selection: Selection, namespace: str | None) -> Iterator[list[MemCube]]:
    """The current cubes that a selection means and this actor may read, some at a time.

    Raises:
        InvalidInput: it is no selection, or `list` or `search` know no such argument.
    """
    if isinstance(selection, Mapping):
        given = {"namespace": namespace, **selection}
        yield from _searched(memory, given) if "query" in given else _listed(memory, given)
        return
    ids = [_id(one) for one in ([selection] if isinstance(selection, str) else selection)]
    for start in range(0, len(ids), _PAGE):
        some = tuple(dict.fromkeys(ids[start : start + _PAGE]))
        yield [cube for _, cube in memory._store.select(memory._chosen(namespace, ids=some))]


def total(memory: Memory, selection: Selection, namespace: str | None) -> int:
    """How many cubes a selection means, at most: for progress."""
    if not isinstance(selection, Mapping):
        return (
            1 if isinstance(selection, str) or not isinstance(selection, Sized) else len(selection)
        )
    if "query" in selection:
        return int(selection.get("k", 0))
    within = selection.get("namespace", namespace)
    return memory.count(namespace=within, kind=selection.get("kind"))


def _searched(memory: Memory, given: Mapping[str, Any]) -> Iterator[list[MemCube]]:
    try:
        hits = memory.search(**given)
    except TypeError as error:
        raise InvalidInput(f"a selection with a query takes what `search` takes: {error}") from None
    yield [hit.cube for hit in hits]


def _listed(memory: Memory, given: Mapping[str, Any]) -> Iterator[list[MemCube]]:
    left = int(given.get("limit", 0)) or None
    more = {name: value for name, value in given.items() if name != "limit"}
    while left is None or left > 0:
        try:
            page = memory.list(**more, limit=_PAGE if left is None else min(_PAGE, left))
        except TypeError as error:
            raise InvalidInput(f"a selection takes what `list` takes: {error}") from None
        yield page
        if len(page) < _PAGE:
            return
        left = None if left is None else left - len(page)
        more["after"] = page[-1].id


def _id(one: str | MemCube | Hit) -> str:
    if isinstance(one, str):
        return one
    cube = one.cube if isinstance(one, Hit) else one
    if not isinstance(cube, MemCube):
        raise InvalidInput(f"{type(one).__name__} is no cube, hit or id: choose what to compile")
    return cube.id
