"""Whole cubes are awaited, of a file and over HTTP alike."""

from __future__ import annotations

import asyncio

import pytest

from mnemon import AsyncMemory, Memory
from mnemon.errors import InvalidInput, StoreClosed


def test_cubes_are_composed_fused_moved_and_exported(address, tmp_path) -> None:
    async def main() -> None:
        async with AsyncMemory(address, namespace="ana") as memory:
            ids = [cube.id for cube in await memory.add(["a", "b", "c"])]
            both = await memory.cube(*ids[:2]).compose(kind="summary")
            one = await memory.cube(*ids[1:]).fuse("b and c")  # after it: b is hidden then
            assert (both.content, both.kind, one.content) == ("a\nb", "summary", "b and c")
            assert {cube.id for cube in await memory.list()} == {ids[0], both.id, one.id}
            file = tmp_path / "some.jsonl.gz"
            assert (await memory.cube(both.id).export(file))["cube"] == 1
            with Memory(":memory:", namespace="ana") as other:
                done = await memory.cube(one.id).migrate(other, move=True)
                assert done.forgotten == (one.id,) and other.get(one.id).content == "b and c"
            with pytest.raises(InvalidInput, match="two ids at least"):
                await memory.cube(ids[0]).compose()
            last = memory.cube(*ids)
        with pytest.raises(StoreClosed):
            await last.compose()

    asyncio.run(main())


def test_an_awaited_cube_is_written_by_who_acts(served) -> None:
    async def main() -> None:
        async with AsyncMemory(served, actor="ana") as memory:
            ids = [cube.id for cube in await memory.add(["a", "b"])]
            await memory.acting("ben").cube(*ids).compose()
            assert [event.actor for event in await memory.log()] == ["ana", "ben"]

    asyncio.run(main())
