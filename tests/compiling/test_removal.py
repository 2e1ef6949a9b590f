"""Forgetting reaches every place where bytes of what was compiled lie, or says which it did not."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from mnemon import Memory, places, removal
from mnemon.errors import NotFound, PurgeIncomplete, StaleArtifact
from mnemon.kv.tiers.places import place_of
from mnemon.store import open_store

from .held import Book, key, lying

GONE = "unix:///nowhere/at/all.sock"  # a Redis that nobody started


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "kv"


@pytest.fixture
def memory(tmp_path):
    with Memory(tmp_path / "memory.db", namespace="acme/ana") as memory:
        yield memory
        assert {one.rule for one in memory.fsck()} <= {"removal-pending"}


def test_what_was_made_of_a_forgotten_cube_goes_with_all_that_continues_it(memory, folder):
    book = Book(memory, folder, "memory://removal")
    head, ana, ben = memory.add(["head", "ana", "ben"])
    first = book.publish("head", head)
    second = book.publish("ana", ana, parent=first)
    third = book.publish("more", parent=second)
    other = book.publish("ben", ben, parent=first)
    assert book.ledger.fresh([first, second, third, other]) == {first, second, third, other}
    receipt = memory.forget(ana.id)
    assert (receipt.artifacts, receipt.blobs, receipt.pending) == (2, 4, ())
    assert lying(folder) == lying("memory://removal") == book.held.memory == {first, other}
    assert book.ledger.fresh([first, second, third, other]) == {first, other}
    receipt = memory.forget(head.id, purge=True)
    assert (receipt.artifacts, receipt.blobs) == (2, 4)
    assert lying(folder) == lying("memory://removal") == book.held.memory == set()


def test_an_update_makes_stale_and_a_sweep_removes(memory, folder):
    book = Book(memory, folder)
    cube = memory.add("ana")
    made = book.publish("ana", cube)
    memory.update(cube.id, "ana moved")
    assert book.ledger.fresh([made]) == set() and lying(folder) == {made}
    with pytest.raises(StaleArtifact):
        memory.artifacts.open(made)
    with pytest.raises(StaleArtifact):
        book.publish("ana and more", parent=made)
    assert [one.fresh for one in memory.artifacts.list(form="kv-block")] == [False]
    assert memory.artifacts.sweep() == 1
    assert lying(folder) == book.held.memory == set()


def test_a_place_that_cannot_be_reached_is_told_and_tried_again(memory, folder):
    book = Book(memory, folder)
    places.add(memory._store, GONE)
    ana, ben = memory.add(["ana", "ben"])
    made, more = book.publish("ana", ana), book.publish("ben", ben)
    receipt = memory.forget(ana.id)
    assert (receipt.blobs, receipt.pending) == (1, (GONE,))
    with pytest.raises(PurgeIncomplete, match="nowhere") as caught:
        memory.forget(ben.id, purge=True)
    assert caught.value.receipt.pending == (GONE,) and caught.value.receipt.blobs == 1
    assert caught.value.receipt.purged and lying(folder) == set()
    assert memory.size()["removals"] == 2
    assert [one.waiting for one in memory.artifacts.places()] == [0, 2]
    assert [one.rule for one in memory.fsck(repair=True)] == ["removal-pending"] * 2
    waiting = {key for one in memory._store.waiting() for key in one.keys}
    assert waiting == {made, more}
    assert memory.artifacts.leave(GONE) == 2
    assert memory.fsck() == []
    with pytest.raises(NotFound):
        memory.artifacts.leave(GONE)


def test_a_folder_of_another_host_waits_for_it(tmp_path, folder, monkeypatch):
    path = tmp_path / "memory.db"
    with Memory(path) as memory:
        book = Book(memory, folder)
        cube = memory.add("ana")
        made = book.publish("ana", cube)
        del book
        (folder / ".mnemon-place").unlink()  # as another host would not find it there
        with monkeypatch.context() as elsewhere:
            elsewhere.setattr("socket.gethostname", lambda: "other")
            (pending,) = memory.forget(cube.id).pending
            assert pending.endswith(f":{folder}") and not pending.startswith("other")
            assert not memory.artifacts.places()[0].reached
        assert lying(folder) == {made}
        assert memory.fsck(repair=True) == []
        assert lying(folder) == set()


def test_a_folder_is_known_by_its_mark_under_another_host_name(tmp_path, folder, monkeypatch):
    with Memory(tmp_path / "memory.db") as memory:
        book = Book(memory, folder)
        cube = memory.add("ana")
        book.publish("ana", cube)
        monkeypatch.setattr("socket.gethostname", lambda: "the-next-container")
        Book(memory, folder)
        assert len(memory.artifacts.places()) == 1
        assert memory.forget(cube.id).pending == () and lying(folder) == set()


def test_bytes_that_no_artifact_names_are_found_and_removed(memory, folder):
    book = Book(memory, folder)
    ana, ben = memory.add(["ana", "ben"])
    made = book.publish("ana", ana)
    book.held.put(key("a process died before it told"))
    (problem,) = memory.fsck()
    assert problem.rule == "place-orphan"
    assert memory.forget(ben.id, purge=True).blobs == 1
    assert lying(folder) == {made} and memory.fsck() == []
    book.held.put(key("another"))
    assert memory.fsck(repair=True) == [] and lying(folder) == {made}


def test_half_written_bytes_of_a_dead_process_go_with_a_purge(memory, folder):
    Book(memory, folder)
    half = folder / "partial" / f"{key('half')}.1.ab"
    half.parent.mkdir()
    half.write_text("ana")
    memory.forget(memory.add("ana").id, purge=True)
    assert not half.exists()


def test_a_folder_that_cannot_be_read_is_pending(memory, folder):
    Book(memory, folder)
    (folder / "ab").write_text("a file where a folder of blobs would be")
    with pytest.raises(PurgeIncomplete) as caught:
        memory.forget(memory.add("ana").id, purge=True)
    assert caught.value.receipt.pending[0].endswith(str(folder))
    assert [one.rule for one in memory.fsck()] == ["place-orphan"]
    (folder / "ab").unlink()


def test_what_is_published_again_after_a_restore_is_fresh_again(memory, folder):
    book = Book(memory, folder)
    cube = memory.add("ana")
    first = book.publish("ana", cube)
    memory.forget(cube.id)
    assert lying(folder) == set()
    assert book.publish("ana", memory.restore(cube.id)) == first
    assert book.ledger.fresh([first]) == {first} == lying(folder)
    assert memory.forget(cube.id).blobs == 1


def test_other_memories_of_the_process_are_told_and_dead_ones_are_not(tmp_path, folder):
    path = tmp_path / "memory.db"
    with Memory(path) as one, Memory(path) as two:
        book = Book(one, folder)
        made = book.publish("ana", one.add("ana"))
        two.forget(one.list()[0].id)
        assert made not in book.held.memory
        del book
        two.forget(one.add("ben").id)


def test_tenants_do_not_see_each_others_blocks(tmp_path, folder):
    with Memory(tmp_path / "memory.db") as memory:
        from mnemon.compiling import MemoryLedger

        ledgers = [MemoryLedger(memory, name) for name in ("acme/ana", "acme/ben", "other/eve")]
        assert [one.salt for one in ledgers] == ["acme", "acme", "other"]
        told = {"form": "kv-block", "parent": None, "header": {}, "size": 1}
        ledgers[0].record(key("head"), sources=(), **told)
        assert [len(one.fresh([key("head")])) for one in ledgers] == [1, 1, 0]


def test_passwords_of_places_are_not_shown(memory):
    places.add(memory._store, "redis://ana:secret@cache:6379/0")
    assert memory.artifacts.places()[0].address == "redis://ana@cache:6379/0"
    assert memory.artifacts.leave("redis://ana@cache:6379/0") == 0


CHILD = """
import os, signal, sys
from mnemon import Memory, removal
from tests.compiling.held import Book
path, folder = sys.argv[1:]
memory = Memory(path)
book = Book(memory, folder)
cube = memory.add("ana")
one = book.publish("ana", cube)
book.publish("more", parent=one)
print("published", flush=True)
removal._remove = lambda store, one: os.kill(os.getpid(), signal.SIGKILL)
memory.forget(cube.id, purge={purge})
"""


@pytest.mark.parametrize("purge", [False, True])
def test_a_process_killed_before_it_removed_is_finished_by_the_next(tmp_path, folder, purge):
    path = tmp_path / "memory.db"
    root = Path(__file__).parents[2]
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(CHILD).format(purge=purge), path, folder],
        cwd=root, capture_output=True, text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(root / "src"), str(root)])},
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (-signal.SIGKILL, "published\n"), done.stderr
    assert len(lying(folder)) == 2
    raw = open_store(str(path))
    assert [len(one.keys) for one in raw.waiting()] == [2]
    raw.close()
    with Memory(path) as memory:
        assert lying(folder) == set() and memory._store.waiting() == []
        assert memory.count() == 0


def test_who_may_only_read_removes_nothing(tmp_path, folder):
    path = tmp_path / "memory.db"
    with Memory(path) as memory:
        book = Book(memory, folder)
        cube = memory.add("ana")
        made = book.publish("ana", cube)
        memory._store.retire([cube.id], "me")
    with Memory(path, read_only=True) as memory:
        assert lying(folder) == {made}
        assert [one.rule for one in memory.fsck()] == ["removal-pending"]
    place_of(folder).delete([])
    removal.carry_out(store := open_store(str(path)))
    store.close()
    assert lying(folder) == set()
