"""Files go out and in piece by piece, and leave nothing behind when that breaks off."""

from __future__ import annotations

import asyncio
import json

import pytest

from mnemon import AsyncMemory
from mnemon.errors import StoreError


def test_a_broken_off_download_leaves_no_file_and_no_snapshot(address, tmp_path):
    folder = tmp_path / "exports"
    folder.mkdir()

    async def main():
        async with AsyncMemory(address) as memory:
            (cube, *_) = await memory.add([f"line {n} {'x' * 200}" for n in range(1500)])
            lines = memory.dump()
            assert (await anext(lines)).startswith(b'{"mnemon"')
            await lines.aclose()
            exporting = asyncio.create_task(memory.export(folder / "all.jsonl"))
            while not list(folder.iterdir()):
                await asyncio.sleep(0.001)
            exporting.cancel()
            with pytest.raises(asyncio.CancelledError):
                await exporting
            # Purging waits until nobody reads the past, and says so if somebody does.
            assert (await memory.forget(cube.id, purge=True)).purged

    asyncio.run(main())
    assert [one.name for one in folder.iterdir()] in ([], ["all.jsonl"])


def test_a_cut_download_is_told(tmp_path, answering):
    async def main(url):
        async with AsyncMemory(url) as memory:
            with pytest.raises(StoreError):
                await memory.export(tmp_path / "all.jsonl")

    with answering(lambda number: (200, b'{"mnemon": 1}\n{"cube": "x"')) as (url, _):
        asyncio.run(main(url))
    assert list(tmp_path.iterdir()) == []


def test_a_file_is_sent_piece_by_piece(served, tmp_path):
    lines = tmp_path / "many.jsonl"
    lines.write_text(
        "".join(json.dumps({"content": f"{n} {'x' * 400}"}) + "\n" for n in range(900))
    )
    told: list[tuple[int, int]] = []

    async def main(url):
        async with AsyncMemory(url) as memory:
            report = await memory.import_(lines, progress=lambda *done: told.append(done))
            assert report.added == 900

    asyncio.run(main(served))
    size = lines.stat().st_size
    assert len(told) > 1 and told[-1] == (size, size)
