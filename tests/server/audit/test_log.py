"""The audit log as a file: what verify finds, what a crash leaves, and who may write at once."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mnemon.errors import StoreError, StoreFull
from mnemon.server.audit.entry import digest_of, drafted
from mnemon.server.audit.file import AuditFile
from mnemon.server.audit.verifying import anchor, verify

SOURCE = Path(__file__).parents[3] / "src"


def filled(folder: Path, entries: int, rotate_bytes: int = 2**20) -> AuditFile:
    log = AuditFile(folder / "a.db", rotate_bytes)
    for n in range(entries):
        log.append("36d388ca", "forget", "done", namespace="acme/ana", cubes=n, status=200)
    return log


def test_a_log_that_nobody_touched_is_sound_over_its_files(tmp_path):
    log = filled(tmp_path, 30, rotate_bytes=2000)
    found = verify(log)
    assert (found.entries, found.problems, found.notes) == (30, [], [])
    assert len(log.files()) > 3 and all(path.stat().st_size <= 2000 for path in log.files())
    assert {path.stat().st_mode & 0o777 for path in log.files()} == {0o600}
    assert [entry.seq for _, entry in log.entries()] == list(range(1, 31))


def changed(lines: list[bytes], how: str, at: int, other: int, byte: int) -> list[bytes]:
    told = list(lines)
    if how == "change":
        line = bytearray(told[at])
        place = byte % (len(line) - 1)
        line[place] = ord("1") if line[place] != ord("1") else ord("2")
        told[at] = bytes(line)
    elif how == "remove":
        del told[at]
    elif how == "swap":
        told[at], told[other] = told[other], told[at]
    elif how == "repeat":
        told.insert(other, told[at])
    elif how == "reseal":  # change an entry and give it the hash that fits
        from mnemon.server.audit.entry import Entry, read

        entry = read(told[at])
        assert entry is not None
        fields = {name: getattr(entry, name) for name in Entry.__slots__}
        told[at] = Entry(**{**fields, "who": "someone"}).sealed().line()
    elif how == "cut":
        told = told[:at]
    elif how == "tear":
        told = [*told[:at], told[at][: byte % (len(told[at]) - 1)]]
    return told


@pytest.fixture(scope="module")
def eight(tmp_path_factory):
    """A log of eight entries, to be copied."""
    return filled(tmp_path_factory.mktemp("eight"), 8)


def copied(folder: Path, log: AuditFile) -> AuditFile:
    copy = AuditFile(folder / "a.db")
    copy.path.write_bytes(log.path.read_bytes())
    copy.head_path.write_bytes(log.head_path.read_bytes())
    return copy


@settings(deadline=None)
@given(
    st.sampled_from(["change", "remove", "swap", "repeat", "reseal", "cut", "tear"]),
    st.integers(0, 7), st.integers(0, 7), st.integers(0, 400), st.booleans(),
)  # fmt: skip
def test_verify_finds_every_change(tmp_path_factory, eight, how, at, other, byte, later):
    log = copied(tmp_path_factory.mktemp("log"), eight)
    before = log.path.read_bytes()
    after = b"".join(changed(before.splitlines(keepends=True), how, at, other, byte))
    log.path.write_bytes(after)
    if later:  # the server goes on writing after the change: it must not cover it up
        AuditFile(log.path.with_name("a.db")).append("x", "add", "done")
    assert bool(verify(log).problems) == (after != before)


def test_an_anchor_kept_elsewhere_finds_a_log_that_was_cut_with_its_head(tmp_path):
    log = filled(tmp_path, 8)
    kept = anchor("{}:{}".format(*verify(log).head))
    lines = log.path.read_bytes().splitlines(keepends=True)
    log.path.write_bytes(b"".join(lines[:5]))
    log.head_path.unlink()
    assert "head is missing" in verify(log).problems[0]
    log.append("x", "add", "done")
    assert any("mended (head missing)" in problem for problem in verify(log).problems)
    head = json.dumps(
        {"seq": 5, "hash": json.loads(lines[4])["hash"], "size": len(b"".join(lines[:5]))}
    )
    log.path.write_bytes(b"".join(lines[:5]))
    log.head_path.write_text(head)  # as one who may write everything would do
    assert verify(log).problems == []
    assert "entry 8 of your anchor is not here" in verify(log, [kept]).problems
    for n in range(4):
        log.append("x", "add", "done", cubes=n)
    assert "entry 8 is not the one of your anchor" in verify(log, [kept]).problems


def test_older_files_may_be_moved_away_up_to_an_anchor(tmp_path):
    log = filled(tmp_path, 12, rotate_bytes=2000)
    oldest = log.files()[0]
    last = json.loads(oldest.read_bytes().splitlines()[-1])
    oldest.unlink()
    assert "entry 1 was to follow" in verify(log).problems[0]
    found = verify(log, [(last["seq"], last["hash"])])
    assert found.problems == [] and "your anchor" in found.notes[0]


def test_a_torn_last_line_is_mended_and_told(tmp_path):
    log = filled(tmp_path, 3)
    with log.path.open("ab") as file:
        file.write(b'{"at":"2026-')
    assert "line 4 is no entry" in verify(log).problems
    AuditFile(tmp_path / "a.db").append("x", "add", "done")
    found = verify(log)
    assert (found.entries, found.problems) == (5, [])
    assert "torn_bytes 12" in found.notes[0]


def test_a_head_that_was_not_written_in_time_is_no_problem(tmp_path):
    log = filled(tmp_path, 3)
    head = log.head_path.read_bytes()
    log.append("x", "add", "done")
    log.head_path.write_bytes(head)
    log.append("x", "add", "done")
    found = verify(log)
    assert (found.entries, found.problems, found.notes) == (5, [], [])


WRITER = """
import sys, threading
from pathlib import Path
from mnemon.server.audit.file import AuditFile
log = AuditFile(Path(sys.argv[1]), 20_000)
def work():
    while True:
        sys.stdout.write(f"{log.append('key', 'add', 'done').seq}\\n")
        sys.stdout.flush()
for _ in range(3):
    threading.Thread(target=work).start()
"""


def test_kill_9_loses_no_entry_that_was_acknowledged(tmp_path):
    store, acknowledged = tmp_path / "a.db", []
    for _ in range(3):
        children = [
            subprocess.Popen(
                [sys.executable, "-c", WRITER, str(store)], stdout=subprocess.PIPE, text=True,
                env=os.environ | {"PYTHONPATH": str(SOURCE)},
            )
            for _ in range(2)
        ]  # fmt: skip
        for child in children:
            acknowledged += [int(child.stdout.readline()) for _ in range(30)]
            child.send_signal(signal.SIGKILL)
        for child in children:
            acknowledged += [int(line) for line in child.communicate()[0].split("\n")[:-1]]
    log = AuditFile(store, 20_000)
    log.append("x", "add", "done")
    found = verify(log)
    assert found.problems == []
    assert found.entries >= max(acknowledged) and len(set(acknowledged)) == len(acknowledged)


def test_threads_write_one_chain(tmp_path):
    log = AuditFile(tmp_path / "a.db", 4000)
    threads = [
        threading.Thread(target=lambda: [log.append("k", "add", "done") for _ in range(20)])
        for _ in range(5)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (verify(log).entries, verify(log).problems) == (100, [])


def test_verifying_does_not_hold_up_writers(tmp_path):
    log = filled(tmp_path, 4, rotate_bytes=1000)
    with log.moment() as (head, entries):
        for _ in range(4):  # some of them in a new file
            AuditFile(tmp_path / "a.db", 1000).append("k", "add", "done")
        assert [entry.seq for _, entry in entries] == [1, 2, 3, 4] and head.seq == 4
    assert (verify(log).entries, verify(log).problems) == (8, [])


def test_a_receipt_is_found_however_it_is_laid_out_and_a_forged_one_is_not(tmp_path):
    receipt = {"cubes": 2, "ids": ["a", "b"], "at": "2026-01-01T00:00:00+00:00"}
    log = filled(tmp_path, 2)
    log.append("k", "forget", "done", receipt=digest_of(receipt))
    again = json.loads(json.dumps(receipt, indent=4))
    assert [entry.seq for entry in verify(log, receipts=[again]).receipts] == [3]
    assert verify(log, receipts=[{**receipt, "cubes": 3}]).problems


def test_a_log_that_cannot_be_written_says_so(tmp_path):
    log = filled(tmp_path, 1)
    log.path.unlink()
    log.path.mkdir()
    with pytest.raises(StoreError, match="audit log"):
        log.append("x", "add", "done")


def test_entries_written_together_are_one_chain_over_as_many_files_as_they_need(tmp_path):
    log = AuditFile(tmp_path / "a.db", 1000)
    log.append("k", "add", "done")
    written = log.append_each([drafted("k", "add", "done", cubes=n) for n in range(20)])
    assert [(entry.seq, entry.cubes) for entry in written] == [(n + 2, n) for n in range(20)]
    assert [entry for _, entry in log.entries()][1:] == written
    assert verify(log).problems == [] and len(log.files()) > 3
    assert all(path.stat().st_size <= 1000 for path in log.files())
    log.append("k", "add", "done")
    assert (verify(log).entries, verify(log).problems) == (22, [])


def test_of_entries_that_do_not_fit_on_the_disk_none_is_left(tmp_path, monkeypatch):
    log, write = filled(tmp_path, 2), os.write
    before = log.path.read_bytes()
    monkeypatch.setattr(os, "write", lambda handle, data: write(handle, data[: len(data) // 2]))
    with pytest.raises(StoreFull):
        log.append_each([drafted("k", "add", "done") for _ in range(3)])
    monkeypatch.undo()
    assert log.path.read_bytes() == before and verify(log).problems == []
    assert log.append("k", "add", "done").seq == 3
