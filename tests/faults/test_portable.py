"""Portable files, whole, damaged and newer."""

from __future__ import annotations

import gzip
import json

import pytest

from mnemon import Draft, Memory
from mnemon.errors import ImportFailed


@pytest.fixture
def memory():
    with Memory(":memory:") as memory:
        cubes = memory.add([f"cube number {n}" for n in range(30)])
        memory.add(Draft("a fact", kind="fact", speaker="Ana", metadata={"a": [1]}))
        memory.update(cubes[0].id, "changed")
        memory.forget(cubes[1].id)
        memory.link(cubes[2].id, "about", cubes[3].id)
        memory.forget(memory.add("gone").id, purge=True)
        yield memory


@pytest.fixture
def empty():
    with Memory(":memory:") as empty:
        yield empty
        assert empty.fsck() == []


def records(file):
    data = file.read_bytes()
    text = gzip.decompress(data) if file.suffix == ".gz" else data
    return [json.loads(line) for line in text.splitlines()][1:-1]


@pytest.mark.parametrize("name", ["all.jsonl", "all.jsonl.gz"])
def test_what_was_exported_is_imported_whole(memory, empty, tmp_path, name):
    counts = memory.export(tmp_path / name)
    assert counts == {"cube": 31, "link": 1, "tombstone": 1}
    report = empty.import_(tmp_path / name)
    assert (report.added, report.links, report.malformed) == (31, 1, [])
    empty.export(tmp_path / f"again-{name}")
    assert records(tmp_path / f"again-{name}") == records(tmp_path / name)


def test_importing_twice_adds_nothing(memory, empty, tmp_path):
    memory.export(tmp_path / "all.jsonl")
    empty.import_(tmp_path / "all.jsonl")
    again = empty.import_(tmp_path / "all.jsonl")
    assert (again.added, again.known, again.links) == (0, 31, 0)
    assert memory.import_(tmp_path / "all.jsonl").added == 0


def test_what_was_imported_is_found(memory, empty, tmp_path):
    memory.export(tmp_path / "all.jsonl")
    empty.import_(tmp_path / "all.jsonl")
    assert empty.search("number 17")[0].cube == memory.search("number 17")[0].cube


def test_what_was_purged_here_stays_away(memory, empty, tmp_path):
    memory.export(tmp_path / "all.jsonl")
    empty.import_(tmp_path / "all.jsonl")
    purged = empty.forget(kind="fact", purge=True)
    report = empty.import_(tmp_path / "all.jsonl")
    assert (report.added, report.purged, report.known) == (0, purged.cubes, 30)
    assert empty.list(kind="fact") == []


def test_tombstones_travel(memory, empty, tmp_path):
    memory.export(tmp_path / "old.jsonl")
    memory.forget(kind="fact", purge=True)
    memory.export(tmp_path / "new.jsonl")
    empty.import_(tmp_path / "new.jsonl")
    report = empty.import_(tmp_path / "old.jsonl")
    assert (report.added, report.purged) == (0, 1)


@pytest.mark.parametrize("name", ["all.jsonl", "all.jsonl.gz"])
@pytest.mark.parametrize("part", [0.2, 0.5, 0.9, 0.999])
def test_a_truncated_file_keeps_what_is_whole_and_says_so(memory, empty, tmp_path, part, name):
    file = tmp_path / name
    memory.export(file)
    data = file.read_bytes()
    file.write_bytes(data[: int(len(data) * part)])
    report = empty.import_(file)
    assert 0 <= report.added == empty.size()["versions"] - (report.added > 0)
    assert report.malformed != []
    assert part > 0.99 or "ends early" in report.malformed[-1][1]


def reported(memory, file):
    try:
        return memory.import_(file, "mnemon").malformed
    except ImportFailed as error:
        return [str(error)]


@pytest.mark.parametrize("name", ["all.jsonl", "all.jsonl.gz"])
def test_a_flipped_byte_is_reported_wherever_it_is(memory, tmp_path, name):
    file = tmp_path / name
    memory.export(file)
    data = file.read_bytes()
    for place in range(200, len(data), max(1, len(data) // 30)):
        flipped = bytearray(data)
        flipped[place] ^= 1 << place % 7
        file.write_bytes(flipped)
        with Memory(":memory:") as other:
            assert reported(other, file)
            assert (other.fsck(), len(other.list())) == ([], other.count())


@pytest.mark.parametrize(
    "head", [{"mnemon": 2}, {"mnemon": 99, "new": True}, {"mnemon": "1"}, {"mnemon": None}]
)
def test_a_file_of_another_format_is_refused(memory, empty, tmp_path, head):
    file = tmp_path / "all.jsonl"
    memory.export(file)
    lines = file.read_text().splitlines()
    file.write_text("\n".join([json.dumps(head, separators=(",", ":")), *lines[1:]]) + "\n")
    with pytest.raises(ImportFailed):
        empty.import_(file)
    assert empty.count() == 0


GOOD = {"version": 1, "kind": "fact", "content": "x", "producer": "me", "valid_from": 0,
        "recorded_at": 1}  # fmt: skip


@pytest.mark.parametrize(
    "change",
    [
        {"content": ""}, {"content": None}, {"content": "a\x00"}, {"content": "\ud800"},
        {"valid_from": "x"}, {"valid_from": 10**30}, {"valid_from": None}, {"recorded_at": 2**63},
        {"retired_at": 0}, {"version": 2}, {"version": True}, {"metadata": []}, {"metadata": "x"},
        {"readers": [1]}, {"readers": 7}, {"spans": [1]}, {"spans": [["a", "b", 0, 1]]},
        {"speaker": 3}, {"speaker": "\x00"}, {"confidence": "x"}, {"compile": "yes"}, {"kind": 1},
    ],
)  # fmt: skip
def test_a_malformed_record_is_reported_and_the_rest_is_kept(empty, tmp_path, change):
    cubes = [
        {"cube": name, "namespace": "default", "key": None, "versions": [version]}
        for name, version in (("a", GOOD), ("b", {**GOOD, **change}), ("c", GOOD))
    ]
    file = tmp_path / "all.jsonl"
    lines = [json.dumps(one, separators=(",", ":")) for one in ({"mnemon": 1}, *cubes)]
    file.write_text("\n".join(lines) + "\n")
    report = empty.import_(file)
    assert {cube.id for cube in empty.list()} == {"a", "c"}
    assert [place for place, _ in report.malformed] == ["all.jsonl:3", "all.jsonl:4"]


@pytest.mark.parametrize(
    "record",
    [
        {"cube": 1}, {"cube": ["x"], "namespace": "a", "versions": [GOOD]}, {"link": 5},
        {"link": {"src": "a"}}, {"tombstone": 5, "purged_at": 1}, {"tombstone": "x"}, {"other": 1},
        {"cube": "x", "namespace": "../a", "versions": [GOOD]}, [], 5, None,
        {"cube": "x", "namespace": "a", "versions": []}, {"cube": "x", "namespace": "a"},
        {"cube": "x", "namespace": "a", "versions": [GOOD, {**GOOD, "version": 2}]},
    ],
)  # fmt: skip
def test_a_record_that_is_none_is_reported(empty, tmp_path, record):
    file = tmp_path / "all.jsonl"
    file.write_text('{"mnemon":1}\n' + json.dumps(record) + "\n")
    report = empty.import_(file)
    assert (empty.count(), report.added, len(report.malformed)) == (0, 0, 2)


def test_an_export_that_fails_leaves_no_half_file(memory, tmp_path):
    with pytest.raises(OSError, match="nowhere"):
        memory.export(tmp_path / "nowhere" / "all.jsonl")
    (tmp_path / "all.jsonl").mkdir()
    with pytest.raises(OSError, match=r"all\.jsonl"):
        memory.export(tmp_path / "all.jsonl")
    assert [file.name for file in tmp_path.iterdir()] == ["all.jsonl"]
