"""Turns: few compute at once, and a slow one holds up nobody for long."""

from __future__ import annotations

import asyncio

from mnemon.server import turns
from mnemon.server.turns import Turns


def test_no_more_than_so_many_have_one_at_once() -> None:
    async def run() -> int:
        one, at_once, most = Turns(2), 0, 0

        async def work() -> None:
            nonlocal at_once, most
            async with one.turn():
                at_once += 1
                most = max(most, at_once)
                await asyncio.sleep(0.001)
                at_once -= 1

        await asyncio.gather(*(work() for _ in range(20)))
        return most

    assert asyncio.run(run()) == 2


def test_a_slow_one_gives_its_turn_up_and_only_once(monkeypatch) -> None:
    monkeypatch.setattr(turns, "_SECONDS", 0.01)

    async def run() -> None:
        one, end = Turns(1), asyncio.Event()

        async def slow() -> None:
            async with one.turn():
                await end.wait()

        task = asyncio.create_task(slow())
        await asyncio.sleep(0)
        async with asyncio.timeout(5), one.turn():
            end.set()
            await task
            assert one._free.locked()  # what was given up is not given back again

    asyncio.run(run())


def test_who_goes_away_while_waiting_takes_no_turn_along() -> None:
    async def run() -> None:
        one = Turns(1)

        async def wait() -> None:
            async with one.turn():
                pass

        async with one.turn():
            task = asyncio.create_task(wait())
            await asyncio.sleep(0)
            task.cancel()
        async with asyncio.timeout(5), one.turn():
            pass

    asyncio.run(run())
