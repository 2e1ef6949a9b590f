"""Full disks, read-only stores, and files that are no store."""

from __future__ import annotations

import os
import sqlite3
import subprocess

import pytest

from mnemon import Memory
from mnemon.errors import (
    InvalidInput,
    StoreBusy,
    StoreCorrupt,
    StoreError,
    StoreFull,
    StoreReadOnly,
    StoreTooNew,
)


def fill(memory):
    """Ids of what was added until the store was full."""
    kept = []
    with pytest.raises(StoreFull):
        while True:
            kept.append(memory.add(f"cube number {len(kept)} " + "filler " * 400).id)
    return kept


def test_a_full_store_keeps_what_it_has_and_can_be_read(path):
    with Memory(path, max_bytes=400_000) as memory:
        kept = fill(memory)
        assert {cube.id for cube in memory.list(limit=-1)} == set(kept)
        assert memory.search("cube number")[0].cube.id in kept
        assert memory.fsck() == []
    with Memory(path) as memory:
        memory.add("room again")
        assert memory.count() == len(kept) + 1
    assert path.stat().st_size < 500_000


def test_a_batch_that_does_not_fit_is_not_there_in_part(path):
    with Memory(path, max_bytes=400_000) as memory:
        memory.add("small")
        with pytest.raises(StoreFull):
            memory.add([f"{n} " + "filler " * 1000 for n in range(200)])
        assert memory.count() == 1
        assert memory.fsck() == []


def test_forgetting_makes_room_in_a_full_store(path):
    with Memory(path, max_bytes=400_000) as memory:
        kept = fill(memory)
        assert memory.forget(kept[: len(kept) // 2], purge=True).purged
        assert memory.add("small again").version == 1
        assert memory.fsck() == []


@pytest.fixture
def small_disk(tmp_path):
    """A disk of one megabyte."""
    folder = tmp_path / "disk"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(folder)]
    try:
        mounted = subprocess.run(command, capture_output=True).returncode == 0
    except OSError:
        mounted = False
    if not mounted:
        pytest.skip("no right to mount a small disk")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def test_a_full_disk_keeps_what_was_acknowledged(small_disk):
    with Memory(small_disk / "memory.db") as memory:
        kept = fill(memory)
        assert {cube.id for cube in memory.list(limit=-1)} == set(kept)
        cube = memory.get(kept[0])
        with pytest.raises((OSError, StoreFull)):
            memory.artifacts.derive("kv", [cube], b"x" * 2_000_000, method="m")
    with Memory(small_disk / "memory.db", read_only=True) as memory:
        assert {cube.id for cube in memory.list(limit=-1)} == set(kept)
        assert memory.fsck() == []


def test_a_read_only_memory_reads(path):
    with Memory(path) as memory:
        cube = memory.add("an ostrich")
    before = path.read_bytes()
    with Memory(path, read_only=True) as memory:
        assert memory.search("ostrich")[0].cube.id == memory.get(cube.id).id
        assert "ostrich" in memory.recall("ostrich").text
        assert memory.fsck() == []
    assert path.read_bytes() == before


def test_a_read_only_memory_refuses_every_write(path, tmp_path):
    with Memory(path) as memory:
        one, two = memory.add(["one", "two"])
        memory.export(tmp_path / "all.jsonl")
    with Memory(path, read_only=True) as memory:
        for write in (
            lambda: memory.add("x"),
            lambda: memory.update(one.id, "x"),
            lambda: memory.forget(one.id),
            lambda: memory.forget(one.id, purge=True),
            lambda: memory.link(one.id, "about", two.id),
            lambda: memory.feedback(one.id, True),
            lambda: memory.fsck(repair=True),
            lambda: memory.artifacts.derive("kv", [one], b"x", method="m"),
        ):
            with pytest.raises(StoreReadOnly):
                write()
        assert memory.count() == 2


def test_a_read_only_memory_follows_another_writer(path):
    with Memory(path) as writer, Memory(path, read_only=True) as reader:
        assert reader.search("ostrich") == []
        writer.add("an ostrich")
        assert len(reader.search("ostrich")) == 1


def test_a_store_that_is_not_there_is_not_opened_read_only(path):
    with pytest.raises(StoreError):
        Memory(path, read_only=True)
    assert not path.exists()


def made(path, *statements):
    connection = sqlite3.connect(path)
    for statement in statements:
        connection.execute(statement)
    connection.commit()
    connection.close()


def a_text(path):
    path.write_text("dear diary, " * 1000)


def a_short_text(path):
    path.write_text("dear diary")


def another_program(path):
    made(path, "CREATE TABLE t (x)", "INSERT INTO t VALUES (1)")


def another_program_with_a_layout_number(path):
    made(path, "PRAGMA user_version = 1", "CREATE TABLE t (x)")


def a_newer_layout(path):
    Memory(path).close()
    made(path, "PRAGMA user_version = 999")


@pytest.mark.parametrize("read_only", [False, True])
@pytest.mark.parametrize(
    ("make", "error"),
    [
        (a_text, StoreCorrupt),
        (a_short_text, StoreCorrupt),
        (another_program, StoreCorrupt),
        (another_program_with_a_layout_number, StoreCorrupt),
        (a_newer_layout, StoreTooNew),
    ],
)
def test_a_file_that_is_no_store_of_ours_is_refused_and_not_touched(path, make, error, read_only):
    make(path)
    before = path.read_bytes()
    with pytest.raises(error):
        Memory(path, read_only=read_only)
    assert path.read_bytes() == before
    assert read_only or [file.name for file in path.parent.iterdir()] == [path.name]


@pytest.mark.parametrize("read_only", [False, True])
@pytest.mark.parametrize("left", [1, 99, 100, 4095, 4096, 4097, 0.5, 0.9, -4096, -1])
def test_a_truncated_store_is_refused_and_not_touched(path, left, read_only):
    with Memory(path) as memory:
        memory.add([f"cube {n}" for n in range(300)])
    size = path.stat().st_size
    os.truncate(path, int(size * left) if isinstance(left, float) else left % size)
    before = path.read_bytes()
    with pytest.raises(StoreCorrupt):
        Memory(path, read_only=read_only)
    assert path.read_bytes() == before


def test_a_damaged_page_is_an_error_and_never_an_empty_answer(path):
    with Memory(path) as memory:
        memory.add([f"cube {n}" for n in range(300)])
    data = bytearray(path.read_bytes())
    data[4096:] = os.urandom(len(data) - 4096)
    path.write_bytes(data)
    with pytest.raises(StoreCorrupt), Memory(path) as memory:
        memory.list()


def test_a_folder_and_a_missing_folder_are_refused(tmp_path):
    with pytest.raises(StoreError, match="folder"):
        Memory(tmp_path)
    with pytest.raises(StoreError, match="does not exist"):
        Memory(tmp_path / "nowhere" / "memory.db")
    assert list(tmp_path.iterdir()) == []


def test_an_empty_file_becomes_a_store(path):
    path.touch()
    with Memory(path) as memory:
        memory.add("x")
        assert memory.fsck() == []


def test_a_path_with_odd_characters_is_a_path(tmp_path):
    path = tmp_path / "a b?mode=ro#ü%20.db"
    with Memory(path) as memory:
        memory.add("x")
    assert path.exists()


def test_a_store_held_by_another_is_busy_and_then_works(path):
    with Memory(path, timeout=0.2) as memory:
        memory.add("one")
        holder = sqlite3.connect(path, isolation_level=None)
        holder.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreBusy):
            memory.add("two")
        assert len(memory.search("one")) == 1
        holder.execute("ROLLBACK")
        holder.close()
        assert memory.add("two").version == 1
        assert memory.count() == 2


def test_fsck_sees_damage_and_mends_what_is_derived(path):
    with Memory(path) as memory:
        memory.add(["an ostrich", "a penguin"])
    made(path, "UPDATE versions SET length = 99 WHERE row = 1")
    with Memory(path) as memory:
        assert [problem.rule for problem in memory.fsck()] == ["words-complete"]
        assert memory.fsck(repair=True) == []
        assert memory.search("ostrich")[0].cube.content == "an ostrich"


def test_fsck_sees_changed_content(path):
    with Memory(path) as memory:
        memory.add(["an ostrich", "a penguin"])
    made(path, "UPDATE versions SET content = 'an emu' WHERE row = 1")
    with Memory(path) as memory:
        assert [problem.rule for problem in memory.fsck()] == ["content-digest"]
        assert memory.fsck(repair=True) != []


def test_closing_a_full_store_is_no_error(path):
    memory = Memory(path, max_bytes=400_000)
    kept = fill(memory)
    memory.search("number", len(kept))
    memory.close()
    assert issubclass(StoreFull, StoreError)
    assert not issubclass(StoreFull, InvalidInput)
