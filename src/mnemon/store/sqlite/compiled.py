"""The store's calls on artifacts, and on the places where their bytes may lie."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from mnemon.instant import now_micros
from mnemon.store.rows import ArtifactRow, Place, Promotion, Waiting
from mnemon.store.sqlite import artifacts, freshness, places, promotions, withheld
from mnemon.store.sqlite.beside import Beside
from mnemon.store.sqlite.tenancy import Tenancy


class Compiled(Beside, Tenancy):
    """See `mnemon.store.protocol.Store` for what each method promises."""

    def _unlink(self, names: Iterable[str]) -> None:
        artifacts.unlink(self.blobs, names)

    def _orphans(self) -> set[str]:
        return self._read(lambda c: artifacts.orphans(c, self.blobs))

    def write_artifact(self, row: ArtifactRow, actor: str) -> None:
        now = now_micros()
        self._writer.run(lambda c: artifacts.write(c, row, actor, now))

    def artifact(self, scope: str, key: str) -> ArtifactRow | None:
        return self._read(lambda c: artifacts.read(c, scope, key))

    def artifacts(self, scope: str, form: str | None, cube: str | None) -> list[ArtifactRow]:
        return self._read(lambda c: artifacts.listing(c, scope, form, cube))

    def fresh_artifacts(self, scope: str, keys: Sequence[str]) -> set[str]:
        return self._read(lambda c: freshness.fresh_within(c, scope, keys))

    def unknown_artifacts(self, keys: Sequence[str]) -> set[str]:
        return self._read(lambda c: places.unknown(c, keys))

    def stale_sources(self, key: str) -> tuple[str, ...]:
        return self._read(lambda c: freshness.stale_sources(c, key))

    def sweep(self, scope: str, actor: str) -> list[str]:
        now = now_micros()
        keys, files = self._writer.run(lambda c: artifacts.sweep(c, scope, actor, now))
        self._unlink(files)
        return keys

    def promotions(
        self, scope: str, alias: str | None = None, model: str | None = None
    ) -> list[Promotion]:
        return self._read(lambda c: promotions.known(c, scope, alias, model))

    def promote(self, move: Promotion, expected: int) -> Promotion:
        now = now_micros()
        return self._writer.run(lambda c: promotions.write(c, move, expected, now))

    def outcomes(self, scope: str, keys: Sequence[str]) -> dict[str, tuple[int, int]]:
        return self._read(lambda c: promotions.outcomes(c, scope, keys))

    def withhold(self, namespace: str) -> list[str]:
        now = now_micros()
        gone = self._writer.run(lambda c: artifacts.delete_with(c, withheld.put(c, namespace, now)))
        self._unlink(blob for _, blob in gone if blob)
        return [key for key, _ in gone]

    def drop_artifacts(self, scope: str, keys: Sequence[str], actor: str) -> list[str]:
        now = now_micros()
        gone, files = self._writer.run(lambda c: artifacts.discard(c, scope, keys, actor, now))
        self._unlink(files)
        return gone

    def places(self) -> list[Place]:
        return self._read(places.known)

    def add_place(self, address: str, host: str | None, mark: str) -> Place:
        return self._writer.run(lambda c: places.add(c, address, host, mark))

    def leave_place(self, place: Place) -> int:
        return self._writer.run(lambda c: places.leave(c, place.num))

    def waiting(self) -> list[Waiting]:
        return self._read(places.waiting)

    def removed(self, one: Waiting) -> None:
        self._writer.run(lambda c: places.done(c, one))

    def not_removed(self, place: Place) -> None:
        now = now_micros()
        self._writer.run(lambda c: places.tried(c, place.num, now))
