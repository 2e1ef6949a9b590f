"""With a memory's ledger: what tells a cube that changed or was forgotten is not loaded."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from mnemon import Memory

from .engine import Engine
from .test_connector import PROMPT, Start, asked, blobs

Told = Callable[..., Engine]


@pytest.fixture
def memory(tmp_path: Path) -> Iterator[Memory]:
    with Memory(tmp_path / "m.db", namespace="acme/ana") as one:
        yield one


@pytest.fixture
def told(started: Start, tmp_path: Path, memory: Memory) -> Told:
    extra = {"memory": str(tmp_path / "m.db"), "namespace": "acme/ana"}
    return lambda **more: started(extra={**extra, **more})


def naming(*sources: tuple[str, int]) -> dict[str, Any]:
    return {"kv_transfer_params": {"mnemon_sources": [list(one) for one in sources]}}


def test_a_changed_cube_ends_the_use_of_what_told_it(told: Told, memory: Memory) -> None:
    cube = memory.add("Ana lives in Porto.")
    params = naming((cube.id, cube.version))
    told().run(PROMPT, **params)
    assert told().matched(asked(PROMPT, **params)) == 24
    memory.update(cube.id, "Ana lives in Lisbon.")
    engine = told()
    assert engine.matched(asked(PROMPT, **params)) == 0
    found = engine.run(PROMPT, **naming((cube.id, 2)))
    assert found.loaded == 0 and engine.is_right(found)


def test_a_forgotten_cube_s_blobs_are_gone(told: Told, memory: Memory, disk: Path) -> None:
    cube, other = memory.add("Ana lives in Porto."), memory.add("Bo has a cat.")
    told().run(PROMPT, **naming((cube.id, 1)))
    told().run(PROMPT[::-1], **naming((other.id, 1)))
    engine = told()
    assert len(blobs(disk)) == 6
    memory.forget(cube.id)
    assert len(blobs(disk)) == 3
    assert engine.matched(asked(PROMPT, **naming((cube.id, 1)))) == 0
    assert engine.matched(asked(PROMPT[::-1], **naming((other.id, 1)))) == 24


def test_what_does_not_say_its_sources_is_neither_loaded_nor_kept(told: Told, disk: Path) -> None:
    told().run(PROMPT)
    assert told().matched(asked(PROMPT)) == 0
    assert blobs(disk) == []
    told().run(PROMPT, **naming())
    assert told().matched(asked(PROMPT, **naming())) == 24


def test_a_cube_that_changes_while_it_is_computed_is_not_kept(
    told: Told, memory: Memory, disk: Path
) -> None:
    cube = memory.add("Ana lives in Porto.")
    memory.update(cube.id, "Ana lives in Lisbon.")
    engine = told()
    ran = engine.run(PROMPT, **naming((cube.id, 1)))
    assert engine.is_right(ran) and blobs(disk) == []


def test_tenants_share_nothing(told: Told) -> None:
    told().run(PROMPT, **naming())
    assert told(namespace="acme/bo").matched(asked(PROMPT, **naming())) == 24
    assert told(namespace="other/bo").matched(asked(PROMPT, **naming())) == 0
