"""The client: a Memory that is somewhere else. What calls mean is in tests/server/."""

from __future__ import annotations

import gzip
import inspect
import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from mnemon import Memory
from mnemon.client import RemoteMemory, jobs, reading
from mnemon.client.jobs import RemoteJobs
from mnemon.errors import (
    ImportFailed,
    InvalidInput,
    NotFound,
    ServerError,
    StoreBusy,
    StoreClosed,
    StoreError,
    UnknownName,
)
from mnemon.jobs import Jobs
from mnemon.portable import ImportReport
from mnemon.wire import problems

NOBODY = "http://127.0.0.1:9"  # the discard port: nothing listens there


def public(kind):
    return [name for name in dir(kind) if not name.startswith("_")]


def test_an_address_gives_a_memory_of_the_same_calls():
    with Memory(NOBODY, namespace="acme") as memory:
        assert isinstance(memory, Memory) and type(memory) is RemoteMemory
        assert repr(memory) == "Memory('http://127.0.0.1:9', namespace='acme')"
    for name in public(Memory):
        assert getattr(RemoteMemory, name) is not getattr(Memory, name), name
        if callable(getattr(Memory, name)):
            mine, theirs = (inspect.signature(getattr(k, name)) for k in (RemoteMemory, Memory))
            assert [*mine.parameters] == [*theirs.parameters], name


def test_a_file_needs_no_http():
    code = (
        "import sys; from mnemon import Memory; memory = Memory(':memory:'); memory.add('x');"
        "print([name for name in ('httpx2', 'fastapi', 'pydantic', 'tenacity', 'mnemon.client')"
        " if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_what_is_not_the_clients_to_say_is_refused():
    for wrong in ({"embedder": "static"}, {"program": "memgas"}, {"read_only": True}, {"x": 1}):
        with pytest.raises(InvalidInput, match=next(iter(wrong))):
            Memory(NOBODY, **wrong)
    with pytest.raises(InvalidInput, match="api_key"):
        Memory(":memory:", api_key="x")
    with Memory(NOBODY) as memory, pytest.raises(InvalidInput, match="artifacts"):
        memory.artifacts
    with Memory(NOBODY) as memory, pytest.raises(InvalidInput, match="beside the store"):
        memory.compile({}, "nano")
    with Memory(NOBODY) as memory, pytest.raises(AttributeError):
        memory.nothing
    with Memory(NOBODY) as memory, pytest.raises(InvalidInput):
        memory.reindex(object())


def test_nobody_there_and_a_closed_memory():
    memory = Memory(NOBODY)
    for call in (memory.list, lambda: memory.add("x"), lambda: [*memory.dump()]):
        with pytest.raises(ServerError, match="mnemon serve"):
            call()
    memory.close()
    memory.close()
    for call in (memory.list, lambda: memory.add("x"), lambda: [*memory.dump()]):
        with pytest.raises(StoreClosed):
            call()


@contextmanager
def answering(*answers: tuple[int, bytes] | None) -> Iterator[tuple[str, list[str]]]:
    """A server that gives these answers in turn (None: it hangs up), and what it was asked."""
    asked: list[str] = []
    left = list(answers)

    class Handler(BaseHTTPRequestHandler):
        def answer(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            asked.append(f"{self.command} {self.path.partition('?')[0]}")
            answer = left.pop(0)
            if answer is not None:
                self.send_response(answer[0])
                self.send_header("Content-Length", str(len(answer[1])))
                self.end_headers()
                self.wfile.write(answer[1])

        do_GET = do_POST = answer  # noqa: N815 - http.server's own names

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}", asked
        finally:
            server.shutdown()
            thread.join()


BUSY = (503, json.dumps(problems.document(StoreBusy("busy"))).encode())


def test_a_server_that_is_not_there_has_written_nothing():
    with Memory("http://127.0.0.1:1") as memory:
        for call in (lambda: memory.count(), lambda: memory.add("x")):
            with pytest.raises(ServerError, match="cannot be reached") as told:
                call()
            assert "may have been made" not in str(told.value)


def test_what_may_be_repeated_is_and_nothing_else():
    with answering(None, BUSY, (200, b"[]")) as (url, asked), Memory(url) as memory:
        assert memory.search("x") == []
        assert asked == ["POST /v1/search"] * 3
    with answering(None) as (url, asked), Memory(url) as memory:
        with pytest.raises(ServerError, match="may have been made"):
            memory.add("x")
        assert asked == ["POST /v1/add"]
    with answering(BUSY) as (url, asked), Memory(url) as memory:
        with pytest.raises(StoreBusy, match="busy"):
            memory.forget("x")
        assert asked == ["POST /v1/forget"]
    gone = (404, b'{"status": 404, "type": "urn:mnemon:not-found", "detail": "x"}')
    with answering(BUSY, gone) as (url, asked), Memory(url) as memory:
        with pytest.raises(NotFound, match="x"):
            memory.add("x", key="once")
        assert len(asked) == 2


@pytest.mark.parametrize("answer", [(200, b"<html>"), (200, b"7"), (404, b"no"), (500, b"[]"),
                                    (302, b"")])  # fmt: skip
def test_what_is_no_mnemon_is_told(answer):
    with answering(answer) as (url, _), Memory(url) as memory, pytest.raises(ServerError) as raised:
        memory.get("x")
    assert "check that a Mnemon server is there" in str(raised.value)


def test_a_download_that_breaks_off_leaves_no_file(tmp_path):
    cut = (200, b'{"mnemon": 1}\n{"cube": "x"')
    with answering(cut) as (url, _), Memory(url) as memory, pytest.raises(StoreError):
        memory.export(tmp_path / "all.jsonl")
    assert list(tmp_path.iterdir()) == []


def test_listings_go_over_as_many_pages_as_they_take(url, monkeypatch):
    monkeypatch.setattr(reading, "_PAGE", 3)
    with Memory(url) as memory:
        ids = [memory.add(str(n)).id for n in range(8)]
        for limit, expected in ((-1, ids), (100, ids), (7, ids[:7]), (3, ids[:3]), (0, [])):
            assert [cube.id for cube in memory.list(limit=limit)] == expected
        events = memory.log(limit=-1)
        assert [event.cube for event in events] == ids
        assert memory.log(limit=4) == events[-4:]


def test_files_go_out_and_in(url, path, tmp_path):
    with Memory(url) as memory, Memory(path) as direct:
        memory.add(["one", "two"], namespace="acme/ana")
        plain, packed = tmp_path / "all.jsonl", tmp_path / "part.jsonl.gz"
        assert memory.export(plain) == {"cube": 2, "link": 0, "tombstone": 0}
        assert memory.export(packed, namespace="acme") == direct.export(tmp_path / "direct.jsonl")
        lines = gzip.decompress(packed.read_bytes()).splitlines()
        assert lines[1:-1] == (tmp_path / "direct.jsonl").read_bytes().splitlines()[1:-1]
        assert [*memory.dump()][1:-1] == [*direct.dump()][1:-1]
        told: list[tuple[int, int]] = []
        report = memory.import_(packed, progress=lambda *done: told.append(done))
        assert (report.added, report.known) == (0, 2) and told[-1] == (packed.stat().st_size,) * 2
        notes = tmp_path / "cat.md"
        notes.write_text("# Cat\n\nMiso is grey.\n\n# Dog\n\nRex is brown.\n")
        assert memory.import_(notes, limit=1000).added == 2
        assert memory.list(limit=-1)[-1].provenance.source.startswith("markdown:cat.md")
        with pytest.raises(InvalidInput, match="zip"):
            memory.import_(tmp_path)
        with pytest.raises(ImportFailed, match="no such file"):
            memory.import_(tmp_path / "nothing.md")
        with pytest.raises(UnknownName, match="colour"):
            memory.import_(notes, colour="red")


def test_the_jobs_of_a_server_are_asked_for_alike():
    for name in public(Jobs):
        assert getattr(RemoteJobs, name) is not getattr(Jobs, name), name
        mine, theirs = (inspect.signature(getattr(kind, name)) for kind in (RemoteJobs, Jobs))
        assert [*mine.parameters] == [*theirs.parameters], name


def test_jobs_over_http(url, tmp_path, monkeypatch):
    monkeypatch.setattr(jobs, "_LONGEST_S", 0.01)  # so that waiting takes several requests
    notes = tmp_path / "cat.md"
    notes.write_text("# Cat\n\nMiso is grey.\n")
    with Memory(url, namespace="acme") as memory:
        job = memory.jobs.import_(notes, wait=30, key="cat", limit=1000)
        assert (job.state, job.namespace, job.result) == ("done", "acme", ImportReport(added=1))
        assert memory.jobs.import_(notes, key="cat", limit=1000) == job
        ids = [memory.jobs.fsck(wait=30).id for _ in range(3)]
        monkeypatch.setattr(jobs, "_PAGE", 2)
        everything = [*reversed(ids), job.id]
        for limit, expected in ((-1, everything), (3, everything[:3]), (1, everything[:1])):
            assert [one.id for one in memory.jobs.list(limit=limit)] == expected
        assert [one.id for one in memory.jobs.list(before=ids[0])] == [job.id]
        for call in (memory.jobs.run, memory.jobs.start):
            with pytest.raises(InvalidInput, match="a server"):
                call()
        with pytest.raises(InvalidInput, match="zip"):
            memory.jobs.import_(tmp_path)
        with pytest.raises(InvalidInput, match="object"):
            memory.jobs.reindex(object())
        with pytest.raises(NotFound, match="no job"):
            memory.jobs.cancel("nobody")


def test_a_job_is_asked_for_again_only_under_a_key():
    job = (202, json.dumps({"id": "x", "call": "fsck", "namespace": None, "actor": "user",
                            "state": "waiting", "created_at": "2026-01-01T00:00:00+00:00",
                            "due_at": "2026-01-01T00:00:00+00:00"}).encode())  # fmt: skip
    with answering(None) as (url, asked), Memory(url) as memory:
        with pytest.raises(ServerError):
            memory.jobs.fsck()
        assert len(asked) == 1
    with answering(None, BUSY, job) as (url, asked), Memory(url) as memory:
        assert memory.jobs.fsck(key="once").id == "x"
        assert asked == ["POST /v1/fsck"] * 3


def test_what_is_compiled_goes_out_and_in_if_asked_for(url, path, tmp_path):
    with Memory(url) as memory, Memory(path) as direct:
        cube = direct.add("one")
        made = direct.artifacts.derive("adapter", [cube], b"weights", method="method:x/y@1")
        file = tmp_path / "all.jsonl"
        assert "artifact" not in memory.export(file)
        assert memory.export(file, artifacts=True)["artifact"] == 1
        assert [*memory.dump(artifacts=True)][1:-1] == [*direct.dump(artifacts=True)][1:-1]
        report = memory.import_(file)
        assert (report.known, report.artifacts, report.malformed) == (1, 0, [])
        direct.artifacts.sweep()
        assert direct.artifacts.open(made.key).payload == b"weights"
