"""`mnemon bench speed --store URL`: a database's speed beside the embedded store's, in one run.

Both do every call in turn, so that a busy machine slows both. The database needs nothing in it, may
hold other things, and keeps nothing: its cubes are in a namespace of their own, purged at the end.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from mnemon.bench import provenance, synthetic
from mnemon.bench.scale import Speed
from mnemon.bench.timing import Value, spread, timed
from mnemon.errors import InvalidInput
from mnemon.identity import new_id
from mnemon.memory import Memory
from mnemon.store.address import is_database, shown

_SINGLE = 200
_QUERIES = 200
_WARM = 20

Stores = Mapping[str, Memory]


def run_beside(url: str, sizes: Sequence[int] = (1000, 10_000), seed: int = 0) -> Speed:
    """Measure adds, searches and recalls of a database and of a file at each size.

    Raises:
        InvalidInput: the address is no database's.
    """
    if not is_database(url):
        raise InvalidInput(f"{url!r} is no database: give --store a postgresql:// URL")
    began = datetime.now(UTC).isoformat(timespec="seconds")
    values: list[Value] = []
    for size in sizes:
        values += _at(url, size, seed)
    told = f"mnemon bench speed --store {shown(url)} --sizes {','.join(map(str, sizes))}"
    return Speed(
        tuple(values), (), provenance.machine(), provenance.code(), f"{told} --seed {seed}", began,
        seed,
    )  # fmt: skip


def _at(url: str, size: int, seed: int) -> list[Value]:
    namespace = f"bench-{new_id()}"
    with (
        tempfile.TemporaryDirectory(prefix="mnemon-beside-") as place,
        Memory(Path(place) / "file.db", namespace=namespace) as file,
        Memory(url, namespace=namespace) as database,
    ):
        stores = {"embedded": file, "database": database}
        try:
            return _measured(stores, size, seed)
        finally:
            database.forget(namespace=namespace, purge=True)


def _measured(stores: Stores, size: int, seed: int) -> list[Value]:
    drafts = synthetic.turns(size - _SINGLE, seed)
    values = [
        Value(f"{name}: add in one batch", len(drafts) / timed(memory.add, drafts), "cubes/s",
              size, 1)
        for name, memory in stores.items()
    ]  # fmt: skip
    asked = synthetic.questions(_WARM + _QUERIES, seed)
    more = synthetic.turns(_SINGLE, seed + 1)
    values += _each(stores, size, "add one, durable", more, lambda m: m.add)
    values += _each(stores, size, "search, k 10, first asked", asked, lambda m: m.search)
    values += _each(stores, size, "search, k 10", asked, lambda m: m.search)
    return values + _each(stores, size, "recall, 1000 tokens", asked, lambda m: m.recall)


def _each(
    stores: Stores, size: int, name: str, given: Sequence[Any], call: Callable[[Memory], Any]
) -> list[Value]:
    times: dict[str, list[float]] = {store: [] for store in stores}
    for one in given:
        for store, memory in stores.items():
            times[store].append(timed(call(memory), one) * 1000)
    return [
        value
        for store, taken in times.items()
        for value in spread(f"{store}: {name}", taken[_WARM:], size)
    ]
