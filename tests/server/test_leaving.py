"""Real processes that are told to stop, or lose one of their workers."""

from __future__ import annotations

import os
import signal
import threading
import time

import httpx2
import pytest

from mnemon import Memory

from .test_killed import children


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
    child, url = process("--workers", workers, "--drain", "1.5")
    wait_for(lambda: ready(url) == 200)
    with Memory(url) as memory, httpx2.Client(base_url=url, timeout=30) as kept:
        memory.add("before")
        document = {"document": {"text": "One long sentence of many words. " * 6000}}
        answers = []
        thread = threading.Thread(
            target=lambda: answers.append(kept.post("/v1/add", json=document, timeout=60))
        )
        child.send_signal(signal.SIGTERM)
        wait_for(lambda: ready(url) == 503)
        memory.add("while it drains")
        thread.start()
        thread.join()
    assert child.wait(timeout=40) == 0
    assert [one.status_code for one in answers] == [200]
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


def test_workers_do_not_outlive_the_process_that_started_them(process):
    child, url = process("--workers", "2")
    wait_for(lambda: ready(url) == 200)
    child.kill()
    wait_for(lambda: ready(url) is None)


def test_workers_that_cannot_start_are_not_started_for_ever(process, path):
    path.write_bytes(b"this is no store" * 100)
    child, _ = process("--workers", "2")
    assert child.wait(timeout=60) == 1
