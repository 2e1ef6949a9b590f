"""Turns of processes at one file: nobody is in it beside another, and no death is for ever."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import threading
from contextlib import ExitStack
from pathlib import Path

import pytest

from mnemon import Memory
from mnemon.errors import StoreBusy
from mnemon.store.sqlite.turn import Turns

SOURCE = Path(__file__).parents[2] / "src"
_HOLDS = """
import sys, time
from mnemon.store.sqlite.turn import Turns
with Turns(sys.argv[1], 30.0).turn():
    print("mine", flush=True)
    time.sleep(60)
"""
_WRITES = """
import sys
from mnemon.store.sqlite.turn import Turns
turns = Turns(sys.argv[1], 60.0)
for _ in range(30):
    with turns.turn(), open(sys.argv[2], "a") as file:
        for word in ("in", "out"):
            file.write(f"{word} {sys.argv[3]}\\n")
            file.flush()
"""


@pytest.fixture
def store(tmp_path):
    return str(tmp_path / "held.db")


def begun(program, *told):
    """A process of its own."""
    env = {**os.environ, "PYTHONPATH": str(SOURCE)}
    return subprocess.Popen([sys.executable, "-c", program, *told], stdout=subprocess.PIPE, env=env)


@pytest.fixture
def holder(store):
    """Starts a process whose turn it is."""
    with ExitStack() as stack:

        def start():
            child = stack.enter_context(begun(_HOLDS, store))
            stack.callback(child.kill)
            assert child.stdout.readline() == b"mine\n"
            return child

        yield start


def test_one_process_at_a_time_and_each_comes_to_its_turn(store, tmp_path):
    told = tmp_path / "told"
    children = [begun(_WRITES, store, str(told), name) for name in "abc"]
    for child in children:
        with child:
            assert child.wait() == 0
    lines = told.read_text().split("\n")[:-1]
    assert len(lines) == 3 * 30 * 2
    for came, went in zip(lines[::2], lines[1::2], strict=True):
        assert (came[:-1], went[:-1]) == ("in ", "out ") and came[-1] == went[-1]


def test_who_does_not_get_a_turn_in_time_is_told(store, holder):
    holder()
    with pytest.raises(StoreBusy, match="longer than the timeout"), Turns(store, 0.1).turn():
        pass


def test_who_is_killed_gives_the_turn_up(store, holder):
    child = holder()
    os.kill(child.pid, signal.SIGKILL)
    child.wait()
    with Turns(store, 30.0).turn():
        pass


def test_a_line_is_made_when_processes_meet(store):
    with Memory(store) as memory:
        memory.add("one")
        assert not Turns(store, 1.0).taken
        other = sqlite3.connect(store, isolation_level=None, check_same_thread=False)
        other.execute("BEGIN IMMEDIATE")
        timer = threading.Timer(0.05, lambda: other.execute("ROLLBACK"))
        timer.start()
        memory.add("two")
        timer.join()
        other.close()
        assert Turns(store, 1.0).taken
        memory.add("three")
        assert memory.count() == 3


def test_a_store_waits_for_its_turn(store, holder):
    with Memory(store, timeout=0.2) as memory:
        memory.add("one")
        child = holder()
        with pytest.raises(StoreBusy):
            memory.add("two")
        os.kill(child.pid, signal.SIGKILL)
        child.wait()
        assert memory.add("two").version == 1
        assert [cube.content for cube in memory.list()] == ["one", "two"]
