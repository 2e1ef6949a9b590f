"""AsyncMemory: the calls of Memory, awaited: the same ones, at once, cancelled cleanly."""

from __future__ import annotations

import asyncio
import inspect
import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from mnemon import AsyncMemory, Memory
from mnemon.artifacts import Artifacts
from mnemon.async_memory import AsyncArtifacts, AsyncJobs, Options
from mnemon.errors import (
    ImportFailed,
    InvalidInput,
    InvalidTime,
    MissingExtra,
    NotFound,
    ServerError,
    StoreBusy,
    StoreClosed,
    StoreError,
)
from mnemon.jobs import Jobs
from mnemon.server import serving
from mnemon.server.settings import Settings
from mnemon.wire import problems

NOBODY = "http://127.0.0.1:9"
MANY = 50
PATIENT = 30.0


def public(kind):
    return {name for name in dir(kind) if not name.startswith("_")}


@pytest.mark.parametrize(
    ("face", "subject"), [(AsyncMemory, Memory), (AsyncJobs, Jobs), (AsyncArtifacts, Artifacts)]
)
def test_both_faces_have_the_same_calls(face, subject):
    own = {"namespace", "actor", "artifacts"} if face is AsyncMemory else set()
    assert public(face) - own == public(subject)
    for name in public(subject):
        mine, theirs = getattr(face, name), getattr(subject, name)
        if isinstance(theirs, property):
            assert isinstance(mine, property), name
        elif name not in ("dump", "acting"):
            assert inspect.iscoroutinefunction(mine), name
            assert mine.__doc__, name
        if name != "add" and callable(theirs):
            mine, theirs = inspect.signature(mine), inspect.signature(theirs)
            assert mine.parameters == theirs.parameters, name
    given = set(inspect.signature(Memory.__init__).parameters) - {"self", "path"}
    assert set(Options.__annotations__) == given


def test_the_types_are_those_of_memory(tmp_path):
    code = tmp_path / "typed.py"
    code.write_text(
        "from mnemon import AsyncMemory\n"
        "async def main() -> None:\n"
        "    async with AsyncMemory('x', namespace='a') as memory:\n"
        "        reveal_type(await memory.search('x', 3, explain=True))\n"
        "        reveal_type(await memory.add(['x']))\n"
        "        reveal_type(await memory.add('x'))\n"
        "        reveal_type((await memory.jobs.import_('x', limit=3)).result)\n"
        "        async for line in memory.dump():\n"
        "            reveal_type(line)\n"
        "        await memory.search(3)\n"
        "        await memory.recall('x', colour='red')\n"
        "        await memory.get()\n"
        "        AsyncMemory('x', colour='red')\n"
    )
    cache = Path(__file__).parents[1] / ".mypy_cache"
    checked = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", "--cache-dir", cache, code],
        capture_output=True, text=True, cwd=Path(__file__).parents[1],
    )  # fmt: skip
    said = [line.partition(": ")[2] for line in checked.stdout.splitlines()]
    types = ("list[mnemon.cube.Hit]", "list[mnemon.cube.MemCube]", "mnemon.cube.MemCube",
             "mnemon.portable.ImportReport | None", "bytes")  # fmt: skip
    assert said[:5] == [f'note: Revealed type is "{one}"' for one in types]
    assert [line[-11:].strip("[ ]") for line in said[5:9]] == ["arg-type", "call-arg"] + [
        "call-arg"
    ] * 2


@contextmanager
def served(path: Path) -> Iterator[str]:
    server = serving.server(Settings(path, port=0))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        threading.Event().wait(0.005)
    try:
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join()


@pytest.fixture(params=["a file", "over HTTP"])
def address(request, tmp_path):
    path = tmp_path / "memory.db"
    if request.param == "a file":
        yield str(path)
    else:
        with served(path) as url:
            yield url


def test_calls_mean_what_they_mean(address, tmp_path):
    async def main():
        async with AsyncMemory(address, namespace="acme") as memory:
            assert (memory.path, memory.namespace, memory.actor) == (address, "acme", "user")
            assert repr(memory) == f"AsyncMemory({address!r}, namespace='acme')"
            ana, ben = await memory.add(["Ana lives in Lisbon.", "Ben rows."], session="s")
            cat = await memory.add("We have a cat.", key="cat")
            assert await memory.add("again", key="cat") == cat
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


@contextmanager
def answering(answer) -> Iterator[tuple[str, list[str]]]:
    """A server whose answer to each request is `answer(number)`: (status, body), or None to hang
    up; and what it was asked."""
    asked: list[str] = []
    lock = threading.Lock()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def reply(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            with lock:
                asked.append(self.path.removeprefix("/v1/").partition("?")[0])
                number = len(asked)
            found = answer(number)
            if found is None:
                self.close_connection = True
                return
            self.send_response(found[0])
            self.send_header("Content-Length", str(len(found[1])))
            self.end_headers()
            self.wfile.write(found[1])

        do_GET = do_POST = reply  # noqa: N815 - http.server's own names

        def log_message(self, *_: object) -> None:
            pass

    class Server(ThreadingHTTPServer):
        daemon_threads = True
        request_queue_size = 2 * MANY

        def handle_error(self, *_: object) -> None:
            pass  # a client that went away is what some tests are about

    with Server(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}", asked
        finally:
            server.shutdown()
            thread.join()


def test_fifty_searches_over_one_client_are_under_way_at_once():
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


BUSY = (503, json.dumps(problems.document(StoreBusy("busy"))).encode())


def test_what_may_be_repeated_is_and_nothing_else():
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


def test_a_cancelled_search_ends_and_leaves_the_client_whole():
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


def test_a_retry_is_cancelled_too():
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


def test_a_cut_download_is_told(tmp_path):
    async def main(url):
        async with AsyncMemory(url) as memory:
            with pytest.raises(StoreError):
                await memory.export(tmp_path / "all.jsonl")

    with answering(lambda number: (200, b'{"mnemon": 1}\n{"cube": "x"')) as (url, _):
        asyncio.run(main(url))
    assert list(tmp_path.iterdir()) == []


def test_a_file_is_sent_piece_by_piece(tmp_path):
    lines = tmp_path / "many.jsonl"
    lines.write_text(
        "".join(json.dumps({"content": f"{n} {'x' * 400}"}) + "\n" for n in range(900))
    )
    told: list[tuple[int, int]] = []

    async def main(url):
        async with AsyncMemory(url) as memory:
            report = await memory.import_(lines, progress=lambda *done: told.append(done))
            assert report.added == 900

    with served(tmp_path / "memory.db") as url:
        asyncio.run(main(url))
    size = lines.stat().st_size
    assert len(told) > 1 and told[-1] == (size, size)


def test_it_costs_nothing_before_it_is_asked_for():
    code = (
        "import sys, mnemon; from mnemon import AsyncMemory; import threading;"
        "print([name for name in ('httpx2', 'tenacity', 'numpy', 'mnemon.client')"
        " if name in sys.modules], threading.active_count())"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[] 1"


def test_without_the_extra_the_pip_line_is_told(monkeypatch):
    monkeypatch.setitem(sys.modules, "httpx2", None)
    with pytest.raises(MissingExtra, match=r"mnemon\[client\]"):
        AsyncMemory(NOBODY)
