"""Any sequence of calls: what comes back is what was put; budgets hold; what is deleted is gone."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any
from uuid import uuid4

import fsspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from redis import Redis
from tests.kv.tiers.blobs import blob, key_of, same

from mnemon.kv.tiers import CostModel, Tiers, places
from mnemon.kv.tiers.blob import Blob

BLOBS = {key_of(number): blob(number, tokens=4 + 4 * (number % 3)) for number in range(6)}
KEYS = sorted(BLOBS)
LARGE = max(one.nbytes for one in BLOBS.values())
STEPS = st.lists(
    st.tuples(
        st.sampled_from(["put", "put", "put", "get", "get", "stream", "prefetch", "delete",
                         "flush", "restart"]),
        st.sampled_from(KEYS),
        st.sampled_from([0.1, 1.0, 5.0]),
    ),
    min_size=3,
    max_size=20,
)  # fmt: skip


def step(some: Tiers, what: str, key: str, seconds: float, known: set[str]) -> None:
    found: Blob | None = None
    if what == "put":
        some.put(BLOBS[key], seconds=seconds)
        known.add(key)
    elif what == "get":
        found = some.get(key)
        assert found is None or (key in known and same(found, BLOBS[key]))
    elif what == "stream":
        stream = some.stream(key)
        for layer in [] if stream is None else stream:
            assert key in known
            assert layer.keys.equal(BLOBS[key].tensors[f"keys.{layer.number}"])
    elif what == "prefetch":
        some.prefetch([key])
    elif what == "delete":
        some.delete([key])
        known.discard(key)
        assert some.where(key) is None and some.get(key) is None
    elif what == "flush":
        some.flush()


def content(folder: Path, remote: str) -> bytes:
    """Every byte that lies on disk or remotely, names included."""
    files = [path for path in folder.rglob("*") if path.is_file()]
    held = b"".join(path.name.encode() + path.read_bytes() for path in files)
    if remote.startswith("unix"):
        server = Redis.from_url(remote)
        for name in server.scan_iter():
            held += name + (server.get(name) or b"")
        server.close()
        return held
    system, root = fsspec.core.url_to_fs(remote)
    return held + b"".join(path.encode() + system.cat_file(path) for path in system.find(root))


def nbytes(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*.safetensors"))


def run(steps: list[tuple[str, str, float]], remote: str, budgets: tuple[int, int, int]) -> None:
    accelerator, host, disk = budgets
    options: dict[str, Any] = {
        "accelerator": accelerator, "host": host, "disk_bytes": disk, "remote": remote,
        "remote_bytes": 3 * LARGE,
    }  # fmt: skip
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        some = Tiers(disk=folder, costs=CostModel(skips=False), **options)
        known: set[str] = set()
        for what, key, seconds in steps:
            if what == "restart":
                some.close()
                some = Tiers(disk=folder, costs=CostModel(skips=False), **options)
            step(some, what, key, seconds, known)
            assert all(held.shelf.nbytes <= (held.shelf.budget or 0) for held in some._memory.tiers)
            assert nbytes(folder) <= disk
        some.flush()
        for key in KEYS[:3]:
            some.delete([key])
            held = content(folder, remote)
            assert key.encode() not in held
            assert BLOBS[key].tensors["values.1"].numpy().tobytes() not in held
        assert some.keys() <= set(KEYS[3:]) & known
        some.delete(KEYS)
        assert content(folder, remote) == b"" and some.keys() == set()
        some.close()


@settings(max_examples=25)
@given(steps=STEPS, accelerator=st.sampled_from([0, LARGE]), host=st.sampled_from([0, 2 * LARGE]),
       disk=st.sampled_from([LARGE // 2, 3 * LARGE, 10 * LARGE]))  # fmt: skip
def test_any_sequence_of_calls(
    steps: list[tuple[str, str, float]], accelerator: int, host: int, disk: int
) -> None:
    run(steps, f"memory://{uuid4().hex}", (accelerator, host, disk))


@settings(max_examples=8)
@given(steps=STEPS)
def test_any_sequence_of_calls_with_redis(
    redis_server: str, steps: list[tuple[str, str, float]]
) -> None:
    places.delete(redis_server, list(places.keys(redis_server)))
    run(steps, redis_server, (0, LARGE, 2 * LARGE))


@pytest.mark.parametrize("partial", [True, False])
def test_what_a_dead_process_left_half_written_goes_with_its_key(
    tmp_path: Path, partial: bool
) -> None:
    if partial:
        (tmp_path / "partial").mkdir()
        (tmp_path / "partial" / f"{KEYS[0]}.1.ab").write_bytes(b"half of a secret")
    with Tiers(disk=tmp_path) as some:
        some.put(BLOBS[KEYS[0]], seconds=1.0)
        assert some.delete([KEYS[0]]) == 1
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []
