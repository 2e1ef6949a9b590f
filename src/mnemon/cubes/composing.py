"""Composing: several cubes → a new one, whose sources they are. What they are stays."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, TypeAlias

from mnemon.cube import Draft, MemCube, Policy, Span
from mnemon.errors import InvalidInput

if TYPE_CHECKING:
    from mnemon.memory import Memory

Content: TypeAlias = "str | Callable[[Sequence[MemCube]], str]"
PRODUCER = "compose"


def compose(
    memory: Memory, ids: Sequence[str], content: Content | None = None, *, kind: str | None = None,
    between: str = "\n", namespace: str | None = None, **fields: Any,
) -> MemCube:  # fmt: skip
    """A new cube from others, in their order.

    It goes when one of them is purged, and an artifact of it does; as what a person wrote, it
    stays when one is updated or retired. It may be read, written and compiled by whom all of them
    may, is kept no longer than any, and is true while all are.

    Args:
        ids: of current cubes; two at least, none twice.
        content: of the new cube, or a function of the cubes; by default theirs, with `between`.
        kind: by default theirs, or `summary` if they differ.
        namespace: where they are, and it will be; the memory's own if None.
        fields: other fields of a `Draft`: `at`, `speaker`, `metadata`, `key` …

    Raises:
        NotFound: no such current cube. InvalidInput: fewer than two, or one twice; or they were
            never all true at once, and no `at` is given; or nobody may read, or write, them all.
    """
    cubes = read(memory, ids, namespace)
    draft = drafted(cubes, content, between, kind, PRODUCER, fields)
    return memory.add(draft, namespace=namespace)


def read(memory: Memory, ids: Sequence[str], namespace: str | None) -> list[MemCube]:
    """The current cubes of some ids.

    Raises:
        InvalidInput: fewer than two, or one twice.
    """
    if isinstance(ids, str) or len(ids) < 2 or len(set(ids)) < len(ids):
        raise InvalidInput(f"{ids!r} are not several cubes: give two ids at least, none twice")
    return [memory.get(one, namespace=namespace) for one in ids]


def drafted(
    cubes: Sequence[MemCube], content: Content | None, between: str, kind: str | None,
    producer: str, fields: dict[str, Any],
) -> Draft:  # fmt: skip
    """The draft of a cube whose sources are others."""
    if content is None:
        content = between.join(one.content for one in cubes)
    text = content if isinstance(content, str) else content(cubes)
    kinds = {one.kind for one in cubes}
    speakers, sessions = {one.speaker for one in cubes}, {one.session for one in cubes}
    told: dict[str, Any] = {
        "kind": kind or (kinds.pop() if len(kinds) == 1 else "summary"),
        "speaker": speakers.pop() if len(speakers) == 1 else None,
        "session": sessions.pop() if len(sessions) == 1 else None,
        "confidence": min(one.provenance.confidence for one in cubes),
        "policy": strictest([one.policy for one in cubes]),
        "spans": tuple(Span(one.id, one.version) for one in cubes), "producer": producer,
    }  # fmt: skip
    if "at" not in fields:
        told["at"], told["valid_to"] = _while_all(cubes)
    return Draft(text, **(told | fields))


def _while_all(cubes: Sequence[MemCube]) -> tuple[datetime, datetime | None]:
    began = max(one.valid_from for one in cubes)
    ends = [one.valid_to for one in cubes if one.valid_to is not None]
    ended = min(ends) if ends else None
    if ended is not None and ended <= began:
        raise InvalidInput(
            f"the cubes were never all true at once ({ended.isoformat()} is before "
            f"{began.isoformat()}): say when the new one is, with at="
        )
    return began, ended


def strictest(policies: Sequence[Policy]) -> Policy:
    """What all of some policies permit.

    Raises:
        InvalidInput: they leave no reader or no writer.
    """
    times = [one.retain_until for one in policies if one.retain_until is not None]
    return Policy(
        _shared([one.readers for one in policies], "read"),
        _shared([one.writers for one in policies], "write"),
        min(times) if times else None,
        all(one.compile for one in policies),
    )


def _shared(named: Sequence[tuple[str, ...]], verb: str) -> tuple[str, ...]:
    # Nobody named means everybody, so that nobody left must not come of it.
    some = [one for one in named if one]
    left = tuple(name for name in some[0] if all(name in one for one in some)) if some else ()
    if some and not left:
        raise InvalidInput(f"nobody may {verb} all of these cubes: nobody could {verb} one of them")
    return left
