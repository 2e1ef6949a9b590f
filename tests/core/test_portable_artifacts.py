from __future__ import annotations

import hashlib
import json

import pytest

from mnemon import Memory, portable_artifacts


@pytest.fixture
def memory():
    with Memory(":memory:", namespace="ana") as opened:
        yield opened


@pytest.fixture
def there():
    with Memory(":memory:", namespace="ana") as opened:
        yield opened


def _derived(memory, content: str = "x", payload: bytes = b"weights"):
    cube = memory.add(content)
    made = memory.artifacts.derive(
        "adapter", [cube], payload, method="method:x/y@1", model="m", options={"r": 4},
        header={"learnt": True},
    )  # fmt: skip
    return cube, made


def _rewritten(path, change) -> None:
    """The file with its artifact lines changed, and a digest that fits."""
    lines = [json.loads(line) for line in path.read_bytes().splitlines()]
    for one in lines:
        if "artifact" in one:
            change(one)
    *body, end = [json.dumps(one, separators=(",", ":")).encode() + b"\n" for one in lines]
    told = {**json.loads(end), "sha256": hashlib.sha256(b"".join(body)).hexdigest()}
    path.write_bytes(b"".join(body) + json.dumps(told).encode() + b"\n")


@pytest.mark.parametrize("size", [7, 100_000])
def test_artifacts_go_along_and_are_as_fresh(memory, there, tmp_path, size: int) -> None:
    cube, made = _derived(memory, payload=b"w" * size)
    path = tmp_path / "a.jsonl"
    assert memory.export(path, artifacts=True)["artifact"] == 1
    report = there.import_(path)
    assert (report.artifacts, report.recipes, report.malformed) == (1, 0, [])
    found = there.artifacts.open(made.key)
    assert found.payload == b"w" * size and found.header == made.header
    assert (found.sources, found.model, found.method) == (made.sources, "m", made.method)
    again = there.import_(path)
    assert (again.artifacts, again.known, again.malformed) == (0, 1, [])
    there.update(cube.id, "y")
    assert not there.artifacts.list()[0].fresh
    refused = there.import_(path)
    assert refused.artifacts == 0 and "version 2 here" in refused.malformed[0][1]


def test_without_asking_none_goes(memory, tmp_path) -> None:
    _derived(memory)
    path = tmp_path / "a.jsonl"
    assert memory.export(path) == {"cube": 1, "link": 0, "tombstone": 0}
    assert b"artifact" not in path.read_bytes()


def test_a_large_one_is_a_recipe(memory, there, tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(portable_artifacts, "MOST", 6)
    _, made = _derived(memory)
    path = tmp_path / "a.jsonl.gz"
    memory.export(path, artifacts=True)
    report = there.import_(path)
    assert (report.artifacts, report.recipes, there.artifacts.list()) == (0, 1, [])
    assert made.size > 6


def test_a_stale_one_does_not_go(memory, tmp_path) -> None:
    cube, _ = _derived(memory)
    memory.update(cube.id, "y")
    assert "artifact" not in memory.export(tmp_path / "a.jsonl", artifacts=True)


def test_none_comes_without_its_sources(memory, there, tmp_path) -> None:
    cube, _ = _derived(memory)
    path = tmp_path / "a.jsonl"
    memory.export(path, artifacts=True)
    there.import_(path)
    there.forget(cube.id, purge=True)
    report = there.import_(path)
    assert report.purged == 1 and report.artifacts == 0 and there.artifacts.list() == []
    assert "is not here" in report.malformed[0][1]


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (lambda one: one.update(payload="eHh4"), "not what was written"),
        (lambda one: one.update(payload="no base64!"), "not a artifact record"),
        (lambda one: one.update(model="another"), "its key is not"),
        (lambda one: one["header"].update(options={"r": 8}), "its key is not"),
        (lambda one: one.update(namespace="bob"), "its key is not"),
        (lambda one: one.update(sources=[]), "no sources"),
        (lambda one: one.update(sources=[["x", "1"]]), "version is str"),
        (lambda one: one.pop("method"), "method"),
    ],
)
def test_a_line_that_is_not_what_it_says_is_refused(
    memory, there, tmp_path, change, why: str
) -> None:
    _derived(memory)
    path = tmp_path / "a.jsonl"
    memory.export(path, artifacts=True)
    _rewritten(path, change)
    report = there.import_(path)
    assert report.added == 1 and there.artifacts.list() == []
    assert why in report.malformed[0][1]


def test_a_namespace_takes_its_own_alone(memory, there, tmp_path) -> None:
    _derived(memory)
    other = memory.add("secret", namespace="bob")
    with_bob = tmp_path / "all.jsonl"
    assert memory.export(with_bob, artifacts=True)["cube"] == 2
    path = tmp_path / "ana.jsonl"
    assert memory.export(path, namespace="ana", artifacts=True)["cube"] == 1
    assert other.id.encode() not in path.read_bytes()
