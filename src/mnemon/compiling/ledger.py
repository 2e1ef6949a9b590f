"""MemoryLedger: a memory says which kept blocks may still be used."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol

from mnemon import namespace as paths
from mnemon import places
from mnemon.errors import PlaceFailed
from mnemon.kv.reuse.ledger import Sources
from mnemon.kv.tiers.places import checked, is_key
from mnemon.store.rows import ArtifactRow

if TYPE_CHECKING:
    from mnemon.memory import Memory

log = logging.getLogger("mnemon.compiling")


class Held(Protocol):
    """What a ledger asks of where blobs lie (`mnemon.kv.tiers.Tiers` has it)."""

    @property
    def addresses(self) -> Sequence[str]:
        """Folders and URLs where blobs may lie outside of this process."""
        ...

    def flush(self) -> None:
        """Until what is written in the background is durable."""

    def delete(self, keys: Iterable[str]) -> int:
        """Delete blobs wherever they are; how many."""
        ...


class MemoryLedger:
    """The ledger of blocks whose tokens come from a memory's cubes.

    A block is a row of the store, without the bytes. It is fresh as long as the versions that it
    was made from are current, and those of all that it continues; asked at every use. When its
    sources are forgotten, in whatever process, its bytes go from every place of the store.

    Attributes:
        namespace: where rows are written.
        salt: for `PrefixCache` and keys: the namespace's tenant (its first part), so that tenants
            never share a block. To let them share some, give both a ledger of one namespace.
    """

    def __init__(
        self,
        memory: Memory,
        namespace: str | None = None,
        *,
        salt: str | None = None,
        tiers: Held | None = None,
    ) -> None:
        """Keep a ledger in a memory's store.

        Args:
            namespace: the memory's own if None.
            tiers: where the blobs lie; see `attach`.
        """
        self.namespace = memory.namespace if namespace is None else paths.check(namespace)
        self._tenant = self.namespace.partition("/")[0]
        self.salt = self._tenant if salt is None else salt
        self._store, self._actor = memory._store, memory.actor
        self._tiers: list[Held] = []
        memory.artifacts.watch(self._forgotten)
        if tiers is not None:
            self.attach(tiers)

    def attach(self, tiers: Held) -> None:
        """Blobs lie in these tiers: the store takes note of their folder and remote, and what is
        forgotten in this process goes from their memory too. Keep the ledger as long as them.

        Raises:
            StoreError: the folder cannot be made.
        """
        for address in tiers.addresses:
            places.add(self._store, address)
        self._tiers.append(tiers)

    def fresh(self, keys: Sequence[str]) -> set[str]:
        """Those that are known to the tenant, and all of whose sources are current."""
        return self._store.fresh_artifacts(self._tenant, keys) if keys else set()

    def known(self, keys: Sequence[str]) -> dict[str, ArtifactRow]:
        """The rows of those that are fresh."""
        rows = (self._store.artifact(self._tenant, key) for key in self.fresh(keys))
        return {row.key: row for row in rows if row is not None and row.fresh}

    def record(
        self, key: str, *, form: str, parent: str | None, sources: Sources,
        header: Mapping[str, Any], size: int,
    ) -> None:  # fmt: skip
        """See `mnemon.kv.reuse.ledger.Ledger`; first waits until the bytes are durable.

        Raises:
            StaleArtifact: a source, or what the block continues, changed meanwhile.
        """
        for tiers in self._tiers:
            # Bytes that come after the row might come after a forgetting, which had not found them.
            tiers.flush()
        row = ArtifactRow(
            key=checked(key),
            form=form,
            namespace=self.namespace,
            method=str(header.get("method", "kv")),
            model=header.get("model"),
            header=json.dumps(dict(header), sort_keys=True, default=str),
            size=size,
            checksum=b"",  # the blob has its own
            payload=None,
            blob=None,
            created_at=0,
            sources=tuple(dict.fromkeys((id, version) for id, version in sources)),
            parent=parent,
        )
        self._store.write_artifact(row, self._actor)

    def _forgotten(self, keys: Sequence[str]) -> None:
        mine = [key for key in keys if is_key(key)]
        for tiers in self._tiers:
            try:
                tiers.delete(mine)
            except PlaceFailed as error:  # the store's outbox has it
                log.warning("blobs stay for now: %s", error)
