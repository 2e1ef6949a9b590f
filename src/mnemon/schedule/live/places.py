"""Where keys and values lie now, and moving them: bytes are copied, then removed where they lay."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from mnemon import places
from mnemon.errors import PlaceFailed
from mnemon.kv.tiers.places import Place, place_of
from mnemon.store.address import is_database

if TYPE_CHECKING:
    from mnemon.kv.tiers import Tiers
    from mnemon.memory import Memory


@dataclass(frozen=True)
class Places:
    """Tiers of a store.

    Attributes:
        addresses: a folder or URL of each tier that things may come to, the fastest first.
        lying: which tier each key lies in, the fastest that has it.
        everywhere: whether all places of the store could be looked at: if not, what was not found
            may lie in another.
        tiers: of this process, with the host's memory; None: it keeps none there.
        hosted: keys that lie in it.
    """

    addresses: dict[str, str]
    lying: dict[str, str] = field(repr=False)
    everywhere: bool
    tiers: Tiers | None = None
    hosted: frozenset[str] = frozenset()
    _all: dict[str, tuple[str, ...]] = field(default_factory=dict, repr=False)

    def move(self, memory: Memory, key: str, to: str) -> bool:
        """Bring keys and values of an artifact to a tier; whether they lie there now.

        Raises:
            PlaceFailed: a place cannot be reached.
        """
        if to == "host":
            return self._into_host(key)
        if key in self.hosted and self.tiers is not None and self.lying.get(key) == to:
            self.tiers.unload([key])
            return True
        # First the store is told of the place: what is forgotten from now on goes from there too.
        places.add(memory._store, self.addresses[to])
        with closing(place_of(self.addresses[to])) as target:
            for address in self._all[self.lying[key]]:
                with closing(place_of(address)) as source:
                    if _copied(source, target, key):
                        source.delete([key], halves=False)
                        return _still(memory, key, target)
        return False

    def _into_host(self, key: str) -> bool:
        assert self.tiers is not None, "only who has tiers is told to bring something into memory"
        self.tiers.get(key)
        return self.tiers.where(key) in ("accelerator", "host")


def surveyed(
    memory: Memory, to: Tiers | Path | str | None, remote: str | None, keys: Sequence[str]
) -> Places:
    """Look where some keys lie.

    Args:
        to: as of `Memory.compile`. remote: a URL besides.

    Raises:
        PlaceFailed: a place that this process should reach cannot be read.
    """
    tiers = None if to is None or isinstance(to, str | Path) else to
    named = [str(to)] if isinstance(to, str | Path) else list(tiers.addresses if tiers else ())
    if to is None and memory.path != ":memory:" and not is_database(memory.path):
        named = [f"{memory.path}-kv"]
    named += [] if remote is None else [remote]
    known = memory._store.places()
    others = [one.address for one in known if places.reached(one)]
    everywhere = len(others) == len(known)
    named = [*map(_normal, named)]
    by_tier: dict[str, list[str]] = {"disk": [], "remote": []}
    for address in dict.fromkeys([*named, *others]):
        by_tier[_tier(address)].append(address)
    first = {_tier(one): one for one in reversed(named)}
    ordered = {tier: first[tier] for tier in by_tier if tier in first}
    lying = dict(_lying(by_tier, frozenset(keys)))
    hosted = [key for key in keys if tiers and tiers.where(key) in ("accelerator", "host")]
    all_ = {tier: tuple(some) for tier, some in by_tier.items()}
    return Places(ordered, lying, everywhere, tiers, frozenset(hosted), all_)


def _normal(address: str) -> str:
    return address if "://" in address else str(Path(address).absolute())


def _tier(address: str) -> str:
    return "remote" if places.folder_of(address) is None else "disk"


def _lying(by_tier: dict[str, list[str]], keys: frozenset[str]) -> Iterator[tuple[str, str]]:
    for tier in ("remote", "disk"):  # the faster one is told last
        for address in by_tier[tier] if keys else ():
            folder = places.folder_of(address)
            if folder is None or folder.is_dir():
                with closing(place_of(address)) as place:
                    yield from ((key, tier) for key in place.sizes() if key in keys)


def _copied(source: Place, target: Place, key: str) -> bool:
    reading = source.open(key)
    if reading is None:
        return False
    with reading:
        data = bytearray(reading.size)
        got = reading.into(0, memoryview(data))
    if got != len(data):
        raise PlaceFailed(f"{key[:16]} could be read to byte {got} only, of {len(data)}")
    target.write(key, data)
    return target.size(key) == len(data)


def _still(memory: Memory, key: str, target: Place) -> bool:
    """Whether it is still wanted: what was forgotten while it was copied goes again."""
    if memory._store.artifact(memory.namespace, key) is not None:
        return True
    target.delete([key])
    return False
