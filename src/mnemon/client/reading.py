"""The calls that read; each means what it means in `Memory`."""

from __future__ import annotations

import builtins
import json
from collections.abc import Mapping
from typing import Any

from mnemon.choosing import Kinds
from mnemon.client.calls import Calls, counted_of, kinds, moment, quoted
from mnemon.client.connection import Request, Steps
from mnemon.cube import Event, Hit, Link, MemCube, Recall
from mnemon.instant import Instant
from mnemon.wire.values import revive

_PAGE = 1000


class Reading(Calls):
    """Search, recall, and what lists."""

    def search(
        self,
        query: str,
        k: int = 10,
        *,
        namespace: str | None = None,
        kind: Kinds = None,
        speaker: str | None = None,
        session: str | None = None,
        since: Instant | None = None,
        until: Instant | None = None,
        as_of: Instant | None = None,
        valid_at: Instant | None = None,
        at: Instant | None = None,
        min_score: float = 0.0,
        explain: bool = False,
    ) -> builtins.list[Hit]:
        found: list[Hit] = self._post(
            "search", list[Hit], namespace, repeatable=True, query=query, k=k, kind=kinds(kind),
            speaker=speaker, session=session, since=moment(since), until=moment(until),
            as_of=moment(as_of), valid_at=moment(valid_at), at=moment(at), min_score=min_score,
            explain=explain,
        )  # fmt: skip
        return found

    def recall(
        self,
        query: str,
        budget: int = 1000,
        *,
        namespace: str | None = None,
        kind: Kinds = None,
        as_of: Instant | None = None,
        at: Instant | None = None,
        min_score: float = 0.0,
    ) -> Recall:
        found: Recall = self._post(
            "recall", Recall, namespace, repeatable=True, query=query, budget=budget,
            kind=kinds(kind), as_of=moment(as_of), at=moment(at), min_score=min_score,
        )  # fmt: skip
        return found

    def get(
        self,
        id: str,
        *,
        namespace: str | None = None,
        version: int | None = None,
        as_of: Instant | None = None,
    ) -> MemCube:
        found: MemCube = self._get(
            f"get/{quoted(id)}", MemCube, namespace, version=version, as_of=moment(as_of)
        )
        return found

    def list(
        self,
        *,
        namespace: str | None = None,
        kind: Kinds = None,
        speaker: str | None = None,
        session: str | None = None,
        metadata: Mapping[str, Any] | None = None,
        since: Instant | None = None,
        until: Instant | None = None,
        as_of: Instant | None = None,
        valid_at: Instant | None = None,
        after: str | None = None,
        limit: int = 100,
    ) -> builtins.list[MemCube]:
        of = {
            "kind": kinds(kind), "speaker": speaker, "session": session, "since": moment(since),
            "metadata": json.dumps(dict(metadata)) if metadata else None, "until": moment(until),
            "as_of": moment(as_of), "valid_at": moment(valid_at), "after": after,
        }  # fmt: skip
        found: builtins.list[MemCube] = self._connection.carry(
            self._pages("list", "cubes", MemCube, namespace, limit, of)
        )
        return found

    def _pages(
        self, call: str, name: str, kind: Any, namespace: str | None, limit: int,
        of: Mapping[str, Any],
    ) -> Steps[builtins.list[Any]]:  # fmt: skip
        """As many as were asked for, over as many pages as that takes; the journal's pages go back
        in time, so each of them belongs before the one that came before it."""
        found: list[Any] = []
        cursor, most = None, limit if limit >= 0 else None
        while most is None or len(found) < most:
            size = _PAGE if most is None else min(_PAGE, most - len(found))
            asked = {**of, "namespace": self._scope(namespace), "limit": size, "cursor": cursor}
            page = yield Request("GET", call, dict, query=asked, repeatable=True)
            part = [revive(kind, one) for one in page[name]]
            found = part + found if name == "events" else found + part
            cursor = page["next"]
            if cursor is None:
                break
        return found

    def find(self, ending: str, *, namespace: str | None = None) -> builtins.list[str]:
        found: list[str] = self._get("find", list[str], namespace, ending=ending)
        return found

    def count(self, *, namespace: str | None = None, kind: Kinds = None) -> int:
        counted: int = self._get("count", dict, namespace, counted_of, kind=kinds(kind))
        return counted

    def history(self, id: str, *, namespace: str | None = None) -> builtins.list[MemCube]:
        found: list[MemCube] = self._get(f"history/{quoted(id)}", list[MemCube], namespace)
        return found

    def links(
        self, id: str, *, namespace: str | None = None, as_of: Instant | None = None
    ) -> builtins.list[Link]:
        found: list[Link] = self._get(
            f"links/{quoted(id)}", list[Link], namespace, as_of=moment(as_of)
        )
        return found

    def expired(self, now: Instant, *, namespace: str | None = None) -> builtins.list[MemCube]:
        found: list[MemCube] = self._get("expired", list[MemCube], namespace, now=moment(now))
        return found

    def log(
        self, *, namespace: str | None = None, cube: str | None = None, after: int = 0,
        before: int | None = None, limit: int = 100,
    ) -> builtins.list[Event]:  # fmt: skip
        of = {"cube": cube, "after": after, "before": before}
        found: builtins.list[Event] = self._connection.carry(
            self._pages("log", "events", Event, namespace, limit, of)
        )
        return found
