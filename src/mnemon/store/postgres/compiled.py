"""The store's calls on artifacts, and on the places where their bytes may lie."""

from __future__ import annotations

from collections.abc import Sequence

from mnemon.instant import now_micros
from mnemon.store.postgres import artifacts, freshness, places, promotions, withheld
from mnemon.store.postgres.opened import Opened
from mnemon.store.rows import ArtifactRow, Place, Promotion, Waiting


class Compiled(Opened):
    """See `PostgresStore`."""

    def write_artifact(self, row: ArtifactRow, actor: str) -> None:
        now = now_micros()
        self._write(row.namespace, lambda turn: artifacts.write(turn, row, actor, now))

    def artifact(self, scope: str, key: str) -> ArtifactRow | None:
        return self._in(scope, artifacts.read, scope, key)

    def artifacts(self, scope: str, form: str | None, cube: str | None) -> list[ArtifactRow]:
        return self._in(scope, artifacts.listing, scope, form, cube)

    def fresh_artifacts(self, scope: str, keys: Sequence[str]) -> set[str]:
        return self._in(scope, freshness.fresh_within, scope, keys)

    def unknown_artifacts(self, keys: Sequence[str]) -> set[str]:
        return self._whole(places.unknown, keys)

    def stale_sources(self, key: str) -> tuple[str, ...]:
        return self._whole(freshness.stale_sources, key)

    def sweep(self, scope: str, actor: str) -> list[str]:
        now = now_micros()
        return self._write(scope, lambda turn: artifacts.sweep(turn, scope, actor, now))

    def promotions(
        self, scope: str, alias: str | None = None, model: str | None = None
    ) -> list[Promotion]:
        return self._in(scope, promotions.known, scope, alias, model)

    def promote(self, move: Promotion, expected: int) -> Promotion:
        now = now_micros()
        return self._write(move.namespace, lambda turn: promotions.write(turn, move, expected, now))

    def outcomes(self, scope: str, keys: Sequence[str]) -> dict[str, tuple[int, int]]:
        return self._in(scope, promotions.outcomes, scope, keys)

    def withhold(self, namespace: str) -> list[str]:
        now = now_micros()
        return self._write(
            namespace,
            lambda turn: artifacts.delete_with(turn, withheld.put(turn, namespace, now)),
        )

    def drop_artifacts(self, scope: str, keys: Sequence[str], actor: str) -> list[str]:
        now = now_micros()
        return self._write(scope, lambda turn: artifacts.discard(turn, scope, keys, actor, now))

    def places(self) -> list[Place]:
        return self._whole(places.known)

    def add_place(self, address: str, host: str | None, mark: str) -> Place:
        return self._connections.write_whole(lambda c: places.add(c, address, host, mark))

    def leave_place(self, place: Place) -> int:
        return self._connections.write_whole(lambda c: places.leave(c, place.num))

    def waiting(self) -> list[Waiting]:
        return self._whole(places.waiting)

    def removed(self, one: Waiting) -> None:
        self._connections.write_whole(lambda c: places.done(c, one))

    def not_removed(self, place: Place) -> None:
        now = now_micros()
        self._connections.write_whole(lambda c: places.tried(c, place.num, now))
