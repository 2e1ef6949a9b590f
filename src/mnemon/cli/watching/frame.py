"""Frames: what a memory holds and does at a moment, from the journal, the sizes and the usage."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from mnemon.artifacts import Artifact
from mnemon.cube import Event
from mnemon.errors import AccessDenied, InvalidInput
from mnemon.memory import Memory

WINDOW = timedelta(seconds=60)
"""Rates are of this long."""

_SCOPES = 20
_EVENTS = 1000
_KEPT = 100
_NAMESPACES = 100


@dataclass(frozen=True, slots=True)
class Form:
    """One form of memory: how many, how many of them stale, and bytes."""

    form: str
    count: int
    stale: int
    bytes: int


@dataclass(frozen=True, slots=True)
class Rates:
    """Cubes a second over the last minute; `reads` since the frame before, None where unknown."""

    added: float
    changed: float
    forgotten: float
    reads: float | None


@dataclass(frozen=True, slots=True)
class Frame:
    """A moment. `cubes`, `forms`, `stale` (keys of artifacts), `namespaces` (the fullest first) and
    `events` (the newest first) are of what is watched; `sizes` are those of `Memory.size`, of the
    whole store; `untold` says what this memory does not tell."""

    at: datetime
    store: str
    namespace: str | None
    cubes: int
    sizes: Mapping[str, int]
    forms: tuple[Form, ...]
    stale: tuple[str, ...]
    namespaces: tuple[tuple[str, int], ...]
    rates: Rates
    events: tuple[Event, ...]
    untold: tuple[str, ...]


class Watch:
    """Takes frames of a memory; of one namespace, or of all that can be reached if it is None."""

    def __init__(self, memory: Memory, namespace: str | None) -> None:
        self._memory = memory
        self._namespace = namespace
        self._seen = 0
        self._events: deque[Event] = deque()
        self._forms: tuple[tuple[Form, ...], tuple[str, ...]] | None = None
        self._before: tuple[datetime, int] | None = None

    def frame(self) -> Frame:
        """One frame."""
        now = datetime.now(UTC)
        untold: list[str] = []
        namespaces = self._memory.namespaces()
        scopes = self._scopes(namespaces, untold)
        if self._follow(scopes, now) or self._forms is None:
            self._forms = self._artifacts(scopes)
        if self._forms is None:
            untold.append("artifacts: a server does not list them")
        sizes = self._sizes(untold)
        within = [one for one in namespaces if _inside(self._namespace, one[0])]
        ordered = sorted(within, key=lambda one: (-one[1], one[0]))
        forms, stale = self._forms or ((), ())
        return Frame(
            now, self._memory.path, self._namespace, sum(count for _, count in within), sizes,
            forms, stale, tuple(ordered[:_NAMESPACES]), self._rates(now, sizes.get("reads")),
            tuple(list(self._events)[: -_KEPT - 1 : -1]), tuple(untold),
        )  # fmt: skip

    def _scopes(self, namespaces: Sequence[tuple[str, int]], untold: list[str]) -> list[str]:
        """Namespaces that together hold all that is watched; a journal is read scope by scope."""
        if self._namespace is not None:
            return [self._namespace]
        roots: dict[str, int] = {}
        for path, count in namespaces:
            root = path.partition("/")[0]
            roots[root] = roots.get(root, 0) + count
        if roots and not self._reaches(next(iter(roots))):  # a key that reaches only some below
            roots = dict(namespaces)
        if len(roots) > _SCOPES:
            untold.append(f"the journal of {len(roots) - _SCOPES} smaller namespaces: name one")
        return sorted(roots, key=lambda root: (-roots[root], root))[:_SCOPES]

    def _reaches(self, scope: str) -> bool:
        try:
            self._memory.log(namespace=scope, limit=1)
        except AccessDenied:
            return False
        return True

    def _follow(self, scopes: Iterable[str], now: datetime) -> bool:
        """Take in what happened since the last frame; whether anything did."""
        found = {
            event.seq: event
            for scope in scopes
            for event in self._memory.log(namespace=scope, after=self._seen, limit=_EVENTS)
        }
        self._events.extend(found[seq] for seq in sorted(found))
        self._seen = max([self._seen, *found])
        while len(self._events) > _KEPT and self._events[0].at < now - WINDOW:
            self._events.popleft()
        return bool(found)

    def _artifacts(self, scopes: Iterable[str]) -> tuple[tuple[Form, ...], tuple[str, ...]] | None:
        """Sizes by form, and the stale keys; None where artifacts are not told."""
        try:
            listed = self._memory.artifacts
        except InvalidInput:
            return None
        found = [one for scope in scopes for one in listed.list(namespace=scope)]
        groups: dict[str, list[Artifact]] = {}
        for one in found:
            groups.setdefault(one.form, []).append(one)
        forms = tuple(
            Form(form, len(of), sum(not one.fresh for one in of), sum(one.size for one in of))
            for form, of in sorted(groups.items())
        )
        return forms, tuple(one.key for one in found if not one.fresh)

    def _sizes(self, untold: list[str]) -> dict[str, int]:
        try:
            return self._memory.size()
        except AccessDenied:
            untold.append("sizes and reads: they need a key for the whole store")
            return {}

    def _rates(self, now: datetime, reads: int | None) -> Rates:
        recent = [event for event in self._events if event.at >= now - WINDOW]
        before, self._before = self._before, None if reads is None else (now, reads)
        rate = None
        if reads is not None and before is not None:
            rate = (reads - before[1]) / max((now - before[0]).total_seconds(), 1e-3)
        return Rates(
            _rate(recent, "add", "import"), _rate(recent, "update", "restore"),
            _rate(recent, "forget", "purge"), rate,
        )  # fmt: skip


def _inside(scope: str | None, path: str) -> bool:
    return scope is None or path == scope or path.startswith(f"{scope}/")


def _rate(events: Iterable[Event], *verbs: str) -> float:
    cubes = sum(int(event.detail.get("cubes", 1)) for event in events if event.verb in verbs)
    return cubes / WINDOW.total_seconds()
