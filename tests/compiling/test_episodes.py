"""Episodes and explicit memories know their cubes too: what is forgotten is in none of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from mnemon.compiling import MemoryLedger
from mnemon.errors import NotFound
from mnemon.kv.episodes.episodic import EpisodicCache
from mnemon.kv.explicit.library import Library
from mnemon.kv.tiers import CostModel, Tiers
from mnemon.kv.tiers.places import keys
from mnemon.memory import Memory
from mnemon.models import recall_lm

TURNS = [f"user : note that the code for {name} is x04 x1a x44 xc5 ." for name in
         ("maiposhi", "leze", "tizo", "jairo")]  # fmt: skip


def embed(texts: list[str]) -> NDArray[np.float32]:
    rows = np.ones((len(texts), 32), np.float32)
    for row, text in zip(rows, texts, strict=True):
        for word in text.split():
            row[sum(map(ord, word)) % 32] += 1
    return rows


@pytest.fixture(scope="module")
def nano() -> Any:
    return recall_lm.load(nano=True)


@pytest.mark.parametrize("how", ["updated", "forgotten"])
def test_an_episode_is_not_used_when_a_turn_is_no_longer_so(
    tmp_path: Path, nano: Any, how: str
) -> None:
    place = tmp_path / "kv"
    with (
        Memory(tmp_path / "memory.db") as memory,
        Tiers(disk=place, costs=CostModel(skips=False)) as tiers,
    ):
        cubes = memory.add(TURNS)
        ledger = MemoryLedger(memory, tiers=tiers)
        made = EpisodicCache.build(
            *nano, TURNS, embed=embed, budget=24, episodes=2, window=1, block=256,
            sources=[(cube.id, cube.version) for cube in cubes], tiers=tiers, ledger=ledger,
        )  # fmt: skip
        assert made.cache_for(TURNS[0]).slots > 0
        assert set(keys(str(place))) == {one.key for one in made.episodes}
        if how == "updated":
            memory.update(cubes[1].id, "another code")
        else:
            assert memory.forget(cubes[1].id).blobs == len(made.episodes)
            assert list(keys(str(place))) == [] == sorted(tiers.keys())
        with pytest.raises(NotFound, match="changed or was forgotten"):
            made.cache_for(TURNS[0])


def test_a_reference_goes_with_its_own_cube_only(tmp_path: Path, nano: Any) -> None:
    place = tmp_path / "kv"
    with (
        Memory(tmp_path / "memory.db") as memory,
        Tiers(disk=place, costs=CostModel(skips=False)) as tiers,
    ):
        cubes = memory.add(TURNS)
        ledger = MemoryLedger(memory, tiers=tiers)
        sources = [[(cube.id, cube.version)] for cube in cubes]
        library = Library.write(*nano, TURNS, embed=embed, sources=sources)
        library.keep(tiers, ledger)
        assert library.fresh(ledger) == library
        memory.forget(cubes[2].id, purge=True)
        left = {one.key for number, one in enumerate(library.references) if number != 2}
        assert {one.key for one in library.fresh(ledger).references} == left
        assert set(keys(str(place))) == left == tiers.keys()
