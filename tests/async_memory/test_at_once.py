"""Many at once, repeated where that is safe, cancelled cleanly."""

from __future__ import annotations

import asyncio
import json
import threading

import pytest

from mnemon import AsyncMemory, Memory
from mnemon.errors import ServerError, StoreBusy
from mnemon.wire import problems

MANY = 50
PATIENT = 30.0


BUSY = (503, json.dumps(problems.document(StoreBusy("busy"))).encode())


def test_fifty_searches_over_one_client_are_under_way_at_once(answering):
    together = threading.Barrier(MANY)  # nobody is answered before all of them have asked

    def answer(number):
        together.wait(PATIENT)
        return 200, b"[]"

    async def main(url):
        async with AsyncMemory(url) as memory:
            return await asyncio.gather(*(memory.search(f"query {n}") for n in range(MANY)))

    with answering(answer) as (url, asked):
        assert asyncio.run(main(url)) == [[]] * MANY
        assert asked == ["search"] * MANY


def test_the_loop_goes_on_while_a_store_of_ones_own_works(monkeypatch):
    begun, going = threading.Event(), threading.Event()

    def search(self, query, k=10, **_):
        begun.set()
        assert going.wait(PATIENT)
        return []

    monkeypatch.setattr(Memory, "search", search)

    async def main():
        async with AsyncMemory(":memory:") as memory:
            searching = asyncio.create_task(memory.search("x"))
            while not begun.is_set():
                await asyncio.sleep(0.001)
            assert await memory.count() == 0  # on another thread
            going.set()
            assert await searching == []

    asyncio.run(main())


def test_what_may_be_repeated_is_and_nothing_else(answering):
    def ask(answers, call):
        async def main(url):
            async with AsyncMemory(url) as memory:
                return await call(memory)

        with answering(lambda number: answers[number - 1]) as (url, asked):
            try:
                return asyncio.run(main(url)), len(asked)
            except (ServerError, StoreBusy) as error:
                return type(error), len(asked)

    assert ask([None, BUSY, (200, b"[]")], lambda m: m.search("x")) == ([], 3)
    assert ask([None], lambda m: m.add("x")) == (ServerError, 1)
    assert ask([BUSY], lambda m: m.forget("x")) == (StoreBusy, 1)
    assert ask([BUSY] * 4, lambda m: m.count()) == (StoreBusy, 4)
    assert ask([(200, b"<html>")], lambda m: m.count()) == (ServerError, 1)
    assert ask([(500, b"[]")], lambda m: m.jobs.reflect()) == (ServerError, 1)


def test_a_cancelled_search_ends_and_leaves_the_client_whole(answering):
    asked_one, going = threading.Event(), threading.Event()

    def answer(number):
        if number > 1:
            return 200, b"[]"
        asked_one.set()
        going.wait(PATIENT)
        return 200, b"[]"

    async def main(url):
        async with AsyncMemory(url) as memory:
            stuck = asyncio.create_task(memory.search("x"))
            while not asked_one.is_set():
                await asyncio.sleep(0.001)
            stuck.cancel()
            with pytest.raises(asyncio.CancelledError):
                await stuck
            assert await asyncio.gather(*(memory.search("x") for _ in range(5))) == [[]] * 5
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0):
                    await memory.search("x")
            assert await memory.search("x") == []
        going.set()

    with answering(answer) as (url, _):
        asyncio.run(main(url))


def test_a_retry_is_cancelled_too(answering):
    async def main(url):
        async with AsyncMemory(url) as memory:
            task = asyncio.create_task(memory.search("x"))
            while not asked:
                await asyncio.sleep(0.001)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task

    with answering(lambda number: BUSY) as (url, asked):
        asyncio.run(main(url))
        assert 1 <= len(asked) <= 4


def test_a_cancelled_call_on_a_thread_is_made_and_waited_for(tmp_path, monkeypatch):
    begun, going = threading.Event(), threading.Event()
    whole = Memory.add

    def add(self, *args, **given):
        begun.set()
        assert going.wait(PATIENT)
        return whole(self, *args, **given)

    monkeypatch.setattr(Memory, "add", add)

    async def main():
        async with AsyncMemory(tmp_path / "memory.db") as memory:
            adding = asyncio.create_task(memory.add("x"))
            while not begun.is_set():
                await asyncio.sleep(0.001)
            adding.cancel()
            with pytest.raises(asyncio.CancelledError):
                await adding
            going.set()

    asyncio.run(main())
    with Memory(tmp_path / "memory.db") as memory:
        assert (memory.count(), memory.fsck()) == (1, [])
