"""Clients at once, clients that go away, streams that must stay clean."""

import json
import subprocess
import time

import anyio
import pytest
from tests.server.mcp.conftest import COMMAND, connected, environment, parameters
from tests.server.mcp.test_greeting import initialize

from mnemon import Memory


def started(store, *options):
    return subprocess.Popen(
        [*COMMAND, "mcp", *options], env=environment(store),
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip


def said(process, *messages):
    for message in messages:
        process.stdin.write(json.dumps(message).encode() + b"\n")
    process.stdin.flush()


def adding(id, content):
    params = {"name": "add_memory", "arguments": {"content": content}}
    return {"jsonrpc": "2.0", "id": id, "method": "tools/call", "params": params}


INITIALIZED = {"jsonrpc": "2.0", "method": "notifications/initialized"}


@pytest.fixture(scope="module")
def both(tmp_path_factory):
    """Two servers on one store: to start them takes longer than what they are asked."""
    server = parameters(tmp_path_factory.mktemp("both") / "memory.db")
    with connected(server) as first, connected(server) as second:
        yield first, second


def test_many_calls_at_once(both):
    wire, _ = both
    before = wire.ask("memory_status")["memories"]

    async def many():
        async def one(n):
            await wire.client.call_tool("add_memory", {"content": f"Number {n} is in."})
            return await wire.client.call_tool("search_memory", {"query": f"number {n}"})

        answers = []
        async with anyio.create_task_group() as tasks:
            for n in range(24):
                tasks.start_soon(lambda n=n: _into(answers, one(n)))
        return answers

    answers = wire.portal.call(many)
    assert len(answers) == 24 and not any(answer.is_error for answer in answers)
    assert wire.ask("memory_status")["memories"] == before + 24


async def _into(answers, call):
    answers.append(await call)


def test_two_servers_on_one_store(both):
    first, second = both
    first.ask("add_memory", content="Written by the first.")
    assert "Written by the first." in second.ask("recall", query="Who has written?")["text"]


def test_everything_at_once_in_the_pipe_then_gone(tmp_path):
    """A client that writes all it has and closes: what it asked for is answered, once each."""
    process = started(tmp_path / "memory.db")
    said(process, initialize(), INITIALIZED, adding(2, "Sent in one go."))
    process.stdin.flush()
    lines = [json.loads(process.stdout.readline()) for _ in range(2)]
    out, err = process.communicate(timeout=20)
    assert [line["id"] for line in lines] == [1, 2] and out == b"" and err == b""
    assert process.returncode == 0
    with Memory(tmp_path / "memory.db") as memory:
        assert memory.count() == 1


def test_a_client_that_disappears(tmp_path):
    """It dies while an answer is under way: the server ends, quietly, and what it did is kept."""
    process = started(tmp_path / "memory.db")
    said(process, initialize())
    process.stdout.readline()
    process.stdout.close()
    said(process, INITIALIZED, adding(2, "Kept though nobody hears it."))
    process.stdin.close()
    assert process.stderr.read() == b""
    process.stderr.close()
    assert process.wait(20) == 0
    with Memory(tmp_path / "memory.db") as memory:
        assert memory.count() == 1


def test_nonsense_is_no_end_and_killed_nothing_acknowledged_is_lost(tmp_path):
    process = started(tmp_path / "memory.db")
    process.stdin.write(b"no json\n")
    said(process, initialize(), INITIALIZED, adding(2, "Acknowledged."))
    answers = [json.loads(process.stdout.readline()) for _ in range(2)]
    assert [answer["id"] for answer in answers] == [1, 2]
    assert "Remembered" in str(answers[1]["result"])
    process.kill()
    process.communicate()
    with Memory(tmp_path / "memory.db") as memory:
        assert memory.count() == 1


def test_a_client_that_never_says_anything(tmp_path):
    process = started(tmp_path / "memory.db")
    time.sleep(0.2)
    out, err = process.communicate(timeout=20)
    assert (process.returncode, out, err) == (0, b"", b"")
    assert not (tmp_path / "memory.db").exists()


def test_what_its_program_lacks_is_told_at_start_after_the_greeting(tmp_path):
    process = started(tmp_path / "memory.db", "--program", "cross-encoded")
    out, err = process.communicate(json.dumps(initialize()).encode() + b"\n", timeout=60)
    assert process.returncode == 2 and b"reindex --embedder minilm" in err
    assert [json.loads(line)["id"] for line in out.splitlines()] == [1]
