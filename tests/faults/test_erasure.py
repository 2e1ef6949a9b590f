"""After a purge no byte of the content is in any file of the store."""

from __future__ import annotations

import random
import signal
import time

import pytest

from mnemon import Draft, Memory, Span
from mnemon.cube import Policy
from mnemon.errors import PurgeIncomplete
from mnemon.store.sqlite import purge

MARK = "Zyxquaggoth"


def remains(path):
    """Files of the store's folder that hold the marker in any form."""
    forms = [MARK, MARK.lower(), MARK.upper(), "zyxquaggoth"[:9]]
    needles = [form.encode(coding) for form in forms for coding in ("utf-8", "utf-16-le")]
    files = [file for file in path.parent.rglob("*") if file.is_file()]
    return [file.name for file in files if any(n in file.read_bytes() for n in needles)]


def marked(memory):
    """A cube that has the marker everywhere, and everything that can be made of it."""
    memory.add([f"an ordinary cube {n}" for n in range(50)])
    cube = memory.add(
        Draft(
            f"{MARK}ing began with {MARK}", speaker=f"{MARK} One", session=f"s-{MARK}",
            source=f"file:{MARK}", key=f"k-{MARK}", metadata={"who": MARK, MARK: [MARK]},
            policy=Policy(writers=("user", MARK)),
        ),
        namespace=f"default/{MARK}",
    )  # fmt: skip
    memory.update(cube.id, "harmless now", speaker="nobody", metadata={})
    memory.update(cube.id, f"and again {MARK}s", source=None)
    now = memory.get(cube.id)
    summary = memory.add(
        Draft(f"about {MARK}", producer="method:m@1", spans=(Span(now.id, now.version),))
    )
    memory.link(cube.id, "about", summary.id, metadata={"why": MARK})
    payload = MARK.encode() * 20_000
    memory.artifacts.derive("kv", [now], payload, method="m")
    memory.artifacts.derive("small", [summary], MARK.encode(), method="m", header={"t": MARK})
    memory.search(MARK)
    return cube, summary


def test_the_marker_is_there_before(path):
    with Memory(path) as memory:
        marked(memory)
        assert len(remains(path)) >= 2


@pytest.mark.parametrize("closed", [False, True])
def test_no_byte_is_left_in_any_file(path, closed):
    with Memory(path) as memory:
        cube, summary = marked(memory)
        if closed:
            memory.close()
            memory = Memory(path)
        receipt = memory.forget(cube.id, purge=True)
        assert set(receipt.ids) == {cube.id, summary.id}
        assert remains(path) == []
        assert (memory.count(), memory.fsck()) == (50, [])
        memory.close()
    assert remains(path) == []


def test_no_byte_is_left_of_what_was_forgotten_before(path):
    with Memory(path) as memory:
        cube, _ = marked(memory)
        memory.forget(cube.id)
        assert remains(path) != []
        memory.forget(cube.id, purge=True)
        assert remains(path) == []


def test_no_byte_is_left_while_another_memory_has_the_store_open(path):
    with Memory(path) as memory, Memory(path) as other:
        cube, _ = marked(memory)
        assert other.search(MARK)
        other.list()
        memory.forget(cube.id, purge=True)
        assert remains(path) == []
        assert other.search("ordinary cube 7", k=50)[0].cube.content.startswith("an ordinary")
    assert remains(path) == []


def test_no_byte_is_left_of_an_artifact_that_was_never_published(path):
    with Memory(path) as memory:
        cube, _ = marked(memory)
        blobs = path.parent / "memory.db-blobs"
        (blobs / "0123.77-1.partial").write_bytes(MARK.encode())  # a process died while writing it
        assert [problem.rule for problem in memory.fsck()] == ["blob-orphan"]
        memory.forget(cube.id, purge=True)
        assert remains(path) == []


def test_a_reader_in_another_process_makes_it_incomplete_and_fsck_finishes(path, child):
    with Memory(path, timeout=0.2) as memory:
        cube, _ = marked(memory)
        holder = child("holder", path)
        assert holder.stdout.readline() == "holding\n"
        with pytest.raises(PurgeIncomplete) as caught:
            memory.forget(cube.id, purge=True)
        assert cube.id in caught.value.receipt.ids
        assert MARK not in str(memory.search(MARK))
        assert [problem.rule for problem in memory.fsck()] == ["purge-pending"]
        holder.communicate("")
        assert memory.fsck(repair=True) == []
        assert remains(path) == []


def test_a_writer_in_another_process_makes_it_incomplete_too(path, child):
    with Memory(path, timeout=0.2) as memory:
        cube, _ = marked(memory)
        holder = child("holder", path)
        assert holder.stdout.readline() == "holding\n"
        with pytest.raises(PurgeIncomplete, match="fsck"):
            memory.forget(cube.id, purge=True)
        holder.send_signal(signal.SIGKILL)
        holder.communicate()
        memory.forget(memory.list()[0].id, purge=True)  # the next purge finishes it as well
        assert (remains(path), memory.fsck()) == ([], [])


@pytest.mark.parametrize("round", range(6))
def test_a_purge_that_is_killed_anywhere_can_be_finished(path, child, round):
    with Memory(path) as memory:
        cube, _ = marked(memory)
    process = child("purger", path, cube.id)
    assert process.stdout.readline() == "going\n"
    time.sleep(random.uniform(0.0, 0.04))
    process.send_signal(signal.SIGKILL)
    process.communicate()
    with Memory(path) as memory:
        assert memory.fsck(repair=True) == []
        memory.forget(cube.id, purge=True)
        assert (remains(path), memory.count()) == ([], 50)


def test_a_crash_between_deleting_and_erasing_is_reported_and_mended(path):
    with Memory(path) as memory:
        cube, _ = marked(memory)
        memory._store._writer.run(lambda c: purge.delete(c, [cube.id], "user", 1))
    with Memory(path) as memory:
        rules = {problem.rule for problem in memory.fsck()}
        assert rules == {"purge-pending", "blob-orphan"}
        assert memory.fsck(repair=True) == []
        assert remains(path) == []
