"""Killed writers, many writers, forked writers."""

from __future__ import annotations

import multiprocessing
import os
import random
import signal
import threading
import time
import warnings

import pytest

from mnemon import Memory


@pytest.mark.parametrize("round", range(2))
def test_a_killed_writer_loses_nothing_acknowledged(path, child, round):
    process = child("writer", path, "victim", 1000, 1)
    first = process.stdout.readline().strip()
    time.sleep(random.uniform(0.0, 0.6))
    process.send_signal(signal.SIGKILL)
    acknowledged = [first, *process.communicate()[0].split()]
    with Memory(path) as memory:
        there = {cube.id: cube.content for cube in memory.list(limit=-1)}
        assert there.keys() >= set(acknowledged)
        for id in (acknowledged[0], random.choice(acknowledged), acknowledged[-1]):
            assert id in {hit.cube.id for hit in memory.search(there[id])}
        assert memory.fsck() == []


def test_five_processes_write_into_one_new_file(path, child):
    batches = [25, 20, 10, 1, 1]
    writers = [child("writer", path, f"writer{i}", 80, most) for i, most in enumerate(batches)]
    answers = [writer.communicate(timeout=120) for writer in writers]
    for writer, (_, errors) in zip(writers, answers, strict=True):
        assert (writer.returncode, errors[-300:]) == (0, "")
    acknowledged = [id for said, _ in answers for id in said.split()]
    assert len(set(acknowledged)) == 400
    with Memory(path) as memory:
        assert {cube.id for cube in memory.list(limit=-1)} == set(acknowledged)
        last = "writer4 wrote number 79"
        assert last in {hit.cube.content for hit in memory.search(last)}
        assert memory.fsck() == []


def test_eight_threads_write_through_one_memory(path):
    with Memory(path) as memory:
        kept, failed = [], []

        def write(name):
            try:
                for n in range(0, 100, 25):
                    kept.extend(memory.add([f"{name} wrote {n + i}" for i in range(24)]))
                    kept.append(memory.add(f"{name} wrote {n + 24}"))
                    memory.search("wrote", 3)
            except Exception as error:  # noqa: BLE001 - a thread has nobody else to tell
                failed.append(error)

        threads = [threading.Thread(target=write, args=(f"thread{i}",)) for i in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert failed == []
        assert {c.id for c in memory.list(limit=-1)} == {c.id for c in kept}
        assert len(kept) == 800
        assert memory.fsck() == []


def in_a_fork(work):
    """The exit code of a forked child that did some work."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of forking with threads, since 3.12
        process = multiprocessing.get_context("fork").Process(target=work)
        process.start()
        process.join(30)
    return process.exitcode


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system cannot fork")
def test_a_child_works_with_a_memory_opened_before_the_fork(path):
    with Memory(path) as memory:
        memory.add("from the parent")
        memory.search("parent")

        def work():
            assert memory.search("parent")[0].cube.content == "from the parent"
            memory.add("from the child")

        assert in_a_fork(work) == 0
        memory.add("from the parent again")
        assert memory.search("child")[0].cube.content == "from the child"
        assert (memory.count(), memory.fsck()) == (3, [])


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system cannot fork")
def test_a_child_goes_on_writing_after_its_parent_closed(path):
    memory = Memory(path)
    memory.add("from the parent")
    closed = multiprocessing.get_context("fork").Event()

    def work():
        memory.add("before")
        memory.search("parent")
        closed.wait(20)
        memory.add("after")
        memory.close()

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        process = multiprocessing.get_context("fork").Process(target=work)
        process.start()
    while memory.count() < 2:
        time.sleep(0.01)
    memory.close()
    closed.set()
    process.join(30)
    with Memory(path) as again:
        contents = [cube.content for cube in again.list()]
        assert contents == ["from the parent", "before", "after"]
        assert (process.exitcode, again.fsck()) == (0, [])


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system cannot fork")
def test_a_volatile_memory_is_the_childs_own_after_a_fork():
    with Memory(":memory:") as memory:
        memory.add("from the parent")

        def work():
            memory.add("from the child")
            assert memory.count() == 2

        assert in_a_fork(work) == 0
        assert memory.count() == 1
