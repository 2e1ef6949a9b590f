"""The store: LangGraph's operations as calls of a memory."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

from anyio import to_thread
from langgraph.store.base import (
    BaseStore,
    GetOp,
    Item,
    ListNamespacesOp,
    Op,
    PutOp,
    Result,
    SearchItem,
    SearchOp,
    TTLConfig,
    validate_op_namespace,
)

from mnemon import namespace as paths
from mnemon import standing
from mnemon.cube import Draft, MemCube
from mnemon.errors import (
    AccessDenied,
    InvalidInput,
    NotFound,
    StoreReadOnly,
    VersionConflict,
)
from mnemon.instant import from_micros, now_micros
from mnemon.integrations.langgraph import filters, labels, values
from mnemon.memory import Memory

_ALL = -1
_DEEPER = 4
Scored = tuple[MemCube, float | None]


class MnemonStore(BaseStore):
    """A LangGraph store whose items are cubes of a memory.

    Args:
        memory: a `Memory`, of a file or a server.
        namespace: the Mnemon namespace that all items live below; default: `langgraph` inside the
            memory's own.
        fields: what of a value a query searches, as LangGraph's paths (`["text", "tags[*]"]`);
            default: all of it.
        ttl: LangGraph's `TTLConfig`; what has expired is never given out, whatever `omit_expired`
            says.
        min_score: leave out what a query finds with a lower score, in [0, 1].
    """

    supports_ttl = True

    def __init__(
        self,
        memory: Memory,
        *,
        namespace: str | None = None,
        fields: Sequence[str] | None = None,
        ttl: TTLConfig | None = None,
        min_score: float = 0.0,
    ) -> None:
        self.memory = memory
        self.namespace = paths.check(namespace or f"{memory.namespace}/langgraph")
        self.ttl_config = ttl
        self._fields = fields
        self._min_score = min_score
        self._lock = threading.Lock()

    def batch(self, ops: Iterable[Op]) -> list[Result]:
        """Carry out operations; reads see what was there before the batch's own writes.

        Of several puts of one item the last one counts. Several items of a batch are not one
        transaction.
        """
        asked = list(ops)
        for op in asked:
            validate_op_namespace(op)
        puts = {(tuple(op.namespace), op.key): op for op in asked if isinstance(op, PutOp)}
        drafts = {
            place: values.draft(op, self._fields)
            for place, op in puts.items()
            if op.value is not None
        }
        results = [self._read(op) for op in asked]
        with self._lock:  # between looking for an item and writing it
            self._write(list(puts), drafts)
        return results

    async def abatch(self, ops: Iterable[Op]) -> list[Result]:
        """The same in a thread."""
        return await to_thread.run_sync(self.batch, list(ops))

    def sweep_ttl(self) -> int:
        """Forget the items whose time is over; how many. `memory.reflect()` does it too."""
        now = from_micros(now_micros())
        over = [
            cube.id
            for cube in self.memory.expired(now, namespace=self.namespace)
            if cube.kind in values.KINDS
        ]
        return self.memory.forget(over, namespace=self.namespace).cubes if over else 0

    def _read(self, op: Op) -> Result:
        if isinstance(op, GetOp):
            return self._get(op)
        if isinstance(op, SearchOp):
            return self._search(op)
        if isinstance(op, ListNamespacesOp):
            return self._namespaces(op)
        if isinstance(op, PutOp):
            return None
        raise InvalidInput(f"a store has no operation {type(op).__name__}")

    def _get(self, op: GetOp) -> Item | None:
        known = [cube for cube in self._known(op.namespace, op.key) if not values.expired(cube)]
        if not known:
            return None
        cube = known[-1]
        if op.refresh_ttl:
            self._prolong(cube)
        return Item(
            value=values.value_of(cube),
            key=op.key,
            namespace=tuple(op.namespace),
            created_at=cube.valid_from,
            updated_at=values.updated_at(cube),
        )

    def _search(self, op: SearchOp) -> list[SearchItem]:
        wanted = op.offset + op.limit
        if op.limit <= 0:
            return []
        depth = wanted
        while True:
            found = self._candidates(op, depth)
            kept = [
                one
                for one in found
                if not values.expired(one[0])
                and filters.matches(values.value_of(one[0]), op.filter)
            ]
            if len(kept) >= wanted or len(found) < depth:
                break
            depth *= _DEEPER
        page = kept[op.offset : wanted]
        if op.refresh_ttl:
            for cube, _ in page:
                self._prolong(cube)
        return [self._item(cube, score) for cube, score in page]

    def _candidates(self, op: SearchOp, depth: int) -> list[Scored]:
        path = labels.path(self.namespace, op.namespace_prefix)
        if not op.query:
            found = self.memory.list(namespace=path, kind=values.KINDS, limit=depth)
            return [(cube, None) for cube in found]
        hits = self.memory.search(
            op.query, depth, namespace=path, kind=values.FOUND, min_score=self._min_score
        )
        return [(hit.cube, hit.score) for hit in hits]

    def _item(self, cube: MemCube, score: float | None) -> SearchItem:
        namespace = labels.labels(self.namespace, cube.namespace)
        assert namespace is not None
        return SearchItem(
            namespace, values.key_of(cube), values.value_of(cube), cube.valid_from,
            values.updated_at(cube), score,
        )  # fmt: skip

    def _namespaces(self, op: ListNamespacesOp) -> list[tuple[str, ...]]:
        known = [
            namespace
            for path, cubes in self.memory.namespaces()
            if cubes and (namespace := labels.labels(self.namespace, path)) is not None
        ]
        return labels.listed(known, op)

    def _known(self, namespace: Sequence[str], key: str) -> list[MemCube]:
        """The current cubes of an item: one, or none."""
        return self.memory.list(
            namespace=labels.path(self.namespace, namespace), kind=values.KINDS,
            session=values.identity(namespace, key), limit=_ALL,
        )  # fmt: skip

    def _prolong(self, cube: MemCube) -> None:
        if not values.fading(cube):
            return
        put = {**cube.metadata, "updated_at": values.updated_at(cube).isoformat()}
        lasting = values.lasting(cube.metadata["ttl"])
        # Somebody put or deleted it meanwhile: that decides how long it lives. Who may only read
        # may read it, and does not make it live longer.
        with contextlib.suppress(VersionConflict, NotFound, AccessDenied, StoreReadOnly):
            self.memory.update(
                cube.id, version=cube.version, namespace=cube.namespace, metadata=put,
                policy=lasting,
            )  # fmt: skip

    def _write(
        self,
        places: Iterable[tuple[tuple[str, ...], str]],
        drafts: dict[tuple[tuple[str, ...], str], Draft],
    ) -> None:
        fresh: dict[str, list[Draft]] = {}
        for namespace, key in places:
            known = self._known(namespace, key)
            draft = drafts.get((namespace, key))
            path = labels.path(self.namespace, namespace)
            if draft is None:
                self._forget(known)
            elif known:
                self._revise(known[-1], draft)
                self._forget(known[:-1])
            else:
                fresh.setdefault(path, []).append(draft)
        for path, new in fresh.items():
            self._add(path, new)

    def _add(self, path: str, drafts: Sequence[Draft]) -> None:
        again = []
        for draft, cube in zip(drafts, standing.add(self.memory, drafts, path), strict=True):
            if cube.retired_at is not None:  # it was deleted once: this is another item
                again.append(replace(draft, key=None))
            elif cube.metadata != draft.metadata:  # somebody put it a moment ago
                self._revise(cube, draft)
        if again:
            self.memory.add(again, namespace=path)

    def _revise(self, cube: MemCube, draft: Draft) -> None:
        changes: dict[str, Any] = {
            "kind": draft.kind, "metadata": draft.metadata, "policy": draft.policy
        }  # fmt: skip
        if values.expired(cube):
            changes["at"] = from_micros(now_micros())
        while True:
            try:
                self.memory.update(cube.id, draft.content, namespace=cube.namespace, **changes)
                return
            except VersionConflict:
                continue  # another process put it in between: the last one to come counts
            except NotFound:  # or deleted it
                self.memory.add(replace(draft, key=None), namespace=cube.namespace)
                return

    def _forget(self, cubes: Sequence[MemCube]) -> None:
        if cubes:
            self.memory.forget([cube.id for cube in cubes], namespace=cubes[0].namespace)
