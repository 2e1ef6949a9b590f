"""Real processes that are told to stop, or lose one of their workers."""

from __future__ import annotations

import json
import os
import signal
import socket
import sys
import time
from contextlib import ExitStack, suppress
from pathlib import Path

import httpx2
import pytest

from mnemon import Memory

from .test_killed import children

ASKING = (
    b"POST /v1/add HTTP/1.1\r\nHost: %b\r\nContent-Type: application/json\r\n"
    b"Content-Length: %d\r\nExpect: 100-continue\r\n\r\n"
)


def wait_for(found):
    until = time.monotonic() + 30
    while not (value := found()):
        assert time.monotonic() < until
        time.sleep(0.02)
    return value


def ready(url):
    try:
        return httpx2.get(f"{url}/readyz", timeout=10).status_code
    except httpx2.HTTPError:
        return None


@pytest.mark.parametrize("workers", ["1", "2"])
def test_it_is_not_ready_first_and_ends_what_was_begun(process, path, workers):
    child, url = process("--workers", workers, "--drain", "30")
    wait_for(lambda: all(ready(url) == 200 for _ in range(16)))  # whoever is asked
    address = httpx2.URL(url)
    with Memory(url) as memory, socket.create_connection((address.host, address.port)) as begun:
        memory.add("before")
        child.send_signal(signal.SIGTERM)
        wait_for(lambda: ready(url) == 503)
        memory.add("while it drains")
        body = json.dumps({"document": {"text": "One long sentence of many words. " * 6000}})
        begun.sendall(ASKING % (address.netloc, len(body)))
        assert begun.recv(1000).startswith(b"HTTP/1.1 100 ")
        child.send_signal(signal.SIGTERM)  # a second one ends the wait
        begun.sendall(body.encode())
        begun.settimeout(60)
        assert begun.recv(1000).startswith(b"HTTP/1.1 200 ")
    # One that serves by itself ends by the signal, as uvicorn does, once all is done.
    assert child.wait(timeout=60) == (-signal.SIGTERM if workers == "1" else 0)
    with Memory(path) as memory:
        assert {"before", "while it drains"} <= {cube.content for cube in memory.list(limit=-1)}
        assert memory.fsck() == []


def test_a_worker_that_dies_is_replaced(process):
    child, url = process("--workers", "2")
    wait_for(lambda: ready(url) == 200)
    first = wait_for(lambda: len(children(child.pid)) == 2 and set(children(child.pid)))
    os.kill(min(first), signal.SIGKILL)
    wait_for(lambda: len(children(child.pid)) == 2 and set(children(child.pid)) != first)
    with Memory(url) as memory:
        assert all(memory.add(f"number {n}") for n in range(10))
    child.send_signal(signal.SIGTERM)
    assert child.wait(timeout=40) == 0


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux deals connections out")
def test_all_processes_get_connections(process):
    child, url = process("--workers", "2")
    wait_for(lambda: all(ready(url) == 200 for _ in range(16)))
    pids = wait_for(lambda: len(children(child.pid)) == 2 and children(child.pid))
    before = [sockets(pid) for pid in pids]
    with ExitStack() as stack:
        for _ in range(40):
            held = stack.enter_context(httpx2.Client())
            assert held.get(f"{url}/healthz").status_code == 200
        more = [sockets(pid) - old for pid, old in zip(pids, before, strict=True)]
    assert sum(more) >= 40 and min(more) >= 5  # of 40, fewer than 5 once in ten million times


def test_workers_do_not_outlive_the_process_that_started_them(process):
    child, url = process("--workers", "2")
    wait_for(lambda: ready(url) == 200)
    child.kill()
    wait_for(lambda: ready(url) is None)


def test_workers_that_cannot_start_are_not_started_for_ever(process, path):
    path.write_bytes(b"this is no store" * 100)
    child, _ = process("--workers", "2")
    assert child.wait(timeout=60) == 1


def sockets(pid):
    """How many sockets a process has open."""
    count = 0
    for one in Path(f"/proc/{pid}/fd").iterdir():
        with suppress(FileNotFoundError):  # closed meanwhile
            count += str(one.readlink()).startswith("socket:")
    return count
