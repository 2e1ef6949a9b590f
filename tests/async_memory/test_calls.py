"""Calls mean what they mean, for a file and over HTTP."""

from __future__ import annotations

import asyncio
import json

import pytest

from mnemon import AsyncMemory, Memory
from mnemon.errors import (
    ImportFailed,
    InvalidInput,
    InvalidTime,
    NotFound,
    ServerError,
    StoreClosed,
)

NOBODY = "http://127.0.0.1:9"


PATIENT = 30.0


def test_calls_mean_what_they_mean(address, tmp_path):
    async def main():
        async with AsyncMemory(address, namespace="acme") as memory:
            assert (memory.path, memory.namespace, memory.actor) == (address, "acme", "user")
            assert repr(memory) == f"AsyncMemory({address!r}, namespace='acme')"
            ana, ben = await memory.add(["Ana lives in Lisbon.", "Ben rows."], session="s")
            cat = await memory.add("We have a cat.", key="cat")
            assert await memory.add("We have a cat.", key="cat") == cat
            assert (await memory.search("Where does Ana live?", 1))[0].cube.id == ana.id
            assert "cat" in (await memory.recall("cat", 100)).text
            assert (await memory.get(ben.id)).content == "Ben rows."
            assert [one.id for one in await memory.list(limit=-1)] == [ana.id, ben.id, cat.id]
            assert await memory.count(kind="episode") == 3
            assert await memory.find(ana.id[-8:]) == [ana.id]
            assert (await memory.update(ana.id, "Ana lives in Porto.")).version == 2
            assert len(await memory.history(ana.id)) == 2
            assert (await memory.restore(ana.id, 1)).version == 3
            link = await memory.link(ana.id, "about", ben.id)
            assert await memory.links(ana.id) == [link]
            assert await memory.unlink(ana.id, "about", ben.id) is True
            assert await memory.feedback(ana.id, True) is None
            assert await memory.expired("2020-01-01") == []
            assert (await memory.forget(ben.id)).cubes == 1
            assert await memory.reflect() == 0 == await memory.reindex()
            assert await memory.fsck() == []
            assert await memory.namespaces() == [("acme", 2)]
            assert (await memory.size())["cubes"] == 2
            actors = [event.actor for event in await memory.acting("bén").log(limit=-1)]
            assert len(actors) > 5 and "bén" not in actors
            await memory.acting("bén").add("mine")
            assert (await memory.log(limit=1))[0].actor == "bén"
            file = tmp_path / "all.jsonl.gz"
            counts = await memory.export(file)
            assert counts["cube"] == 4
            assert (await memory.import_(file)).known == 4
            lines = [line async for line in memory.dump(namespace="acme")]
            assert json.loads(lines[-1])["end"] == counts
            with Memory(address) as direct:
                assert lines[1:-1] == [*direct.dump()][1:-1]

    asyncio.run(main())


def test_jobs_too(address, tmp_path):
    notes = tmp_path / "cat.md"
    notes.write_text("# Cat\n\nMiso is grey.\n")

    async def main():
        async with AsyncMemory(address) as memory:
            job = await memory.jobs.import_(notes, wait=PATIENT, limit=1000)
            assert job.result.added == 1
            assert await memory.jobs.get(job.id) == job
            assert (await memory.jobs.fsck(wait=PATIENT)).result == []
            assert (await memory.jobs.reflect(key="k", wait=PATIENT)).result == 0
            dead = await memory.jobs.reindex("nothing", wait=PATIENT)
            assert dead.state == "dead"
            assert (await memory.jobs.retry(dead.id)).id == dead.id
            await memory.jobs.get(dead.id, wait=PATIENT)
            assert (await memory.jobs.cancel(dead.id)).state == "cancelled"
            assert [one.id for one in await memory.jobs.list(call="import")] == [job.id]

    asyncio.run(main())


def test_errors_are_the_same(address, tmp_path):
    async def main():
        memory = AsyncMemory(address)
        for call, error in (
            (memory.get("nobody"), NotFound),
            (memory.add("x", at="noon"), InvalidTime),
            (memory.search("x", 0), InvalidInput),
            (memory.import_(tmp_path / "nothing.md"), ImportFailed),
            (memory.jobs.get("nobody"), NotFound),
        ):
            with pytest.raises(error):
                await call
        await memory.close()
        await memory.close()
        for call in (memory.count, lambda: memory.add("x")):
            with pytest.raises(StoreClosed):
                await call()
        with pytest.raises(StoreClosed):
            _ = [line async for line in memory.dump()]

    asyncio.run(main())


def test_what_is_not_the_clients_to_say_is_refused():
    with pytest.raises(InvalidInput, match="embedder"):
        AsyncMemory(NOBODY, embedder="static")
    with pytest.raises(InvalidInput, match="api_key"):
        AsyncMemory(":memory:", api_key="x")

    async def main():
        async with AsyncMemory(NOBODY) as memory:
            with pytest.raises(InvalidInput, match="artifacts"):
                memory.artifacts
            with pytest.raises(ServerError, match="mnemon serve"):
                await memory.count()
            with pytest.raises(ServerError):
                _ = [line async for line in memory.dump()]

    asyncio.run(main())


def test_artifacts_of_a_store_of_ones_own():
    async def main():
        async with AsyncMemory(":memory:") as memory:
            cube = await memory.add("x")
            made = await memory.artifacts.derive("summary", [cube], b"x", method="mine@1")
            assert (await memory.artifacts.open(made.key)).payload == b"x"
            assert [one.key for one in await memory.artifacts.list()] == [made.key]

    asyncio.run(main())
