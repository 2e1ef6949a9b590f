"""Blobs in tiers: what a user sees of them."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
import torch
from tests.kv.tiers.blobs import blob, key_of, same

from mnemon.errors import InvalidInput, StoreClosed
from mnemon.kv.reuse.packing import block_of
from mnemon.kv.tiers import Blob, CostModel, Speed, Tiers, places
from mnemon.kv.tiers.blob import encode

SIZE = blob(1).nbytes


def tiers(**options: Any) -> Tiers:
    return Tiers(**{"costs": CostModel(skips=False), **options})


def test_what_was_put_is_there_at_once_and_after_a_restart(tmp_path: Path) -> None:
    with tiers(disk=tmp_path) as first:
        first.put(blob(1), seconds=0.5)
        assert first.where(key_of(1)) == "host" and same(first.get(key_of(1)), blob(1))
        first.flush()
    with tiers(disk=tmp_path) as again:
        assert again.where(key_of(1)) == "disk" and again.keys() == {key_of(1)}
        found = again.get(key_of(1))
        assert same(found, blob(1)) and found is not None
        assert found.header == {"form": "kv-block", "tokens": 32, "start": 0, "seconds": 0.5}
        assert again.where(key_of(1)) == "host"
        assert same(again.get(key_of(1)), blob(1))
        assert again.get(key_of(2)) is None and again.where(key_of(2)) is None
        counts = again.counts
    told = {name: counts[name] for name in ("hits_disk", "hits_host", "misses", "promoted")}
    assert told == {"hits_disk": 1, "hits_host": 1, "misses": 1, "promoted": 1}


def test_nothing_is_touched_before_it_is_used(tmp_path: Path) -> None:
    before = threading.active_count()
    with tiers(disk=tmp_path / "kv", remote="redis://127.0.0.1:9/0"):
        assert not (tmp_path / "kv").exists() and threading.active_count() == before


def test_from_the_accelerator_down_and_up_again(tmp_path: Path) -> None:
    remote = f"memory://{uuid4().hex}"
    with tiers(accelerator=SIZE, host=SIZE, disk=tmp_path, remote=remote,
               disk_bytes=int(SIZE * 1.7)) as some:  # fmt: skip
        for number in range(1, 5):
            some.put(blob(number), seconds=1.0)
            some.flush()
        places = [some.where(key_of(number)) for number in range(1, 5)]
        assert places == ["remote", "remote", "host", "accelerator"]
        assert same(some.get(key_of(1)), blob(1)), "it comes back from the last tier"
        some.flush()
        assert some.where(key_of(1)) == "accelerator"
        assert [same(some.get(key_of(number)), blob(number)) for number in range(1, 5)] == [
            True
        ] * 4
        assert some.counts["demoted"] > 0 and some.counts["evicted"] == 0


def test_the_last_tier_lets_go_of_what_saves_least(tmp_path: Path) -> None:
    with tiers(host=0, disk=tmp_path, disk_bytes=int(SIZE * 2.7)) as some:
        for number, seconds in ((1, 3.0), (2, 1.0), (3, 2.0)):
            some.put(blob(number), seconds=seconds)
            some.flush()
        assert some.keys() == {key_of(1), key_of(3)}
        some.put(blob(4), seconds=0.1)
        some.flush()
        assert some.keys() == {key_of(1), key_of(3)} and some.counts["refused"] == 1


def test_seconds_that_others_wrote_are_read_before_anything_leaves(tmp_path: Path) -> None:
    budget = int(SIZE * 2.7)
    with tiers(host=0, disk=tmp_path, disk_bytes=budget) as before:
        before.put(blob(1), seconds=9.0)
        before.put(blob(2), seconds=1.0)
    with tiers(host=0, disk=tmp_path, disk_bytes=budget) as some:
        some.put(blob(3), seconds=5.0)
        some.flush()
        assert some.keys() == {key_of(1), key_of(3)}


@pytest.mark.parametrize("remote", ["memory", "redis"])
def test_without_a_disk_the_remote_is_written(remote: str, request: pytest.FixtureRequest) -> None:
    url = f"memory://{uuid4().hex}/kv"
    if remote == "redis":
        url = request.getfixturevalue("redis_server")
        places.delete(url, list(places.keys(url)))
    with tiers(host=0, remote=url) as one, tiers(host=0, remote=url) as other:
        one.put(blob(1), seconds=1.0)
        one.flush()
        assert other.where(key_of(1)) == "remote" and same(other.get(key_of(1)), blob(1))
        assert other.delete([key_of(1), key_of(2)]) == 1
        assert one.get(key_of(1)) is None and one.keys() == set()


def test_deleting_reaches_every_tier_and_what_is_being_written(tmp_path: Path) -> None:
    remote = f"memory://{uuid4().hex}"
    with tiers(disk=tmp_path, disk_bytes=int(SIZE * 2.7), remote=remote) as some:
        for number in range(1, 7):
            some.put(blob(number), seconds=1.0)
        wanted = [key_of(number) for number in range(1, 6)]
        some.prefetch(wanted)
        assert some.delete(wanted) == 5
        some.flush()
        assert some.keys() == {key_of(6)}
        assert [some.get(key) for key in wanted] == [None] * 5
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert [path.name for path in files] == [f"{key_of(6)}.safetensors"]


def test_what_is_prefetched_is_in_memory(tmp_path: Path) -> None:
    with tiers(disk=tmp_path) as before:
        for number in range(1, 6):
            before.put(blob(number), seconds=1.0)
    keys = [key_of(number) for number in range(1, 7)]
    with tiers(disk=tmp_path) as some:
        some.prefetch(keys)
        assert all(same(some.get(key_of(number)), blob(number)) for number in range(1, 6))
        assert {some.where(key) for key in keys} == {"host", None}
        assert some.counts["hits_disk"] + some.counts["hits_host"] == 5


def test_a_load_is_shared_by_all_who_want_it(tmp_path: Path) -> None:
    with tiers(disk=tmp_path) as before:
        before.put(blob(1), seconds=1.0)
    found: list[Blob | None] = []
    with tiers(disk=tmp_path) as some:
        start = threading.Barrier(8)

        def ask() -> None:
            start.wait()
            found.append(some.get(key_of(1)))

        together(ask, 8)
    assert len(found) == 8 and all(same(one, blob(1)) for one in found)


@pytest.mark.parametrize("quantize", [None, "kivi(bits=8)"])
@pytest.mark.parametrize("host", ["1MB", 0])
def test_layers_are_handed_out_in_order(tmp_path: Path, host: str, quantize: str | None) -> None:
    one = blob(1, tokens=45, layers=11)
    with tiers(disk=tmp_path, host=host, quantize=quantize) as before:
        before.put(one, seconds=1.0)
    with tiers(disk=tmp_path, host=host, quantize=quantize) as some:
        stream = some.stream(one.key)
        assert stream is not None and stream.layers == 11 and stream.header["tokens"] == 45
        layers = list(stream)
        whole = some.get(one.key)
        assert whole is not None and torch.equal(stream.tokens, one.tensors["tokens"])
        assert [layer.number for layer in layers] == list(range(11))
        block = block_of(whole)
        assert all(torch.equal(layer.keys, block.keys[layer.number]) for layer in layers)
        assert all(torch.equal(layer.values, block.values[layer.number]) for layer in layers)
        assert some.stream(key_of(2)) is None


def test_a_load_that_takes_longer_than_computing_is_skipped(tmp_path: Path) -> None:
    size = len(encode(Blob(key_of(1), {**blob(1).header, "seconds": 0.5}, blob(1).tensors)))
    slow = CostModel({"disk": Speed(latency=0.1, rate=size)}, learns=False)
    with tiers(host=0, disk=tmp_path, costs=slow) as some:
        some.put(blob(1), seconds=0.5)
        some.put(blob(2), seconds=2.0)
        some.flush()
        assert some.get(key_of(1)) is None and some.counts["skipped"] == 1
        assert same(some.get(key_of(2)), blob(2))
        no, yes, nothing = some.explain([key_of(1), key_of(2), key_of(3)])
    assert (no.tier, no.load, no.compute_seconds) == ("disk", False, 0.5)
    assert no.load_seconds == pytest.approx(1.1)
    assert no.break_even_tokens == float("inf"), "each token is computed sooner than it is loaded"
    assert yes.load and yes.break_even_tokens == pytest.approx(32 * 0.1 / (2.0 - 1.0))
    assert (nothing.tier, nothing.load_seconds, nothing.load) == (None, None, False)


def test_speeds_are_measured_at_first_need(tmp_path: Path) -> None:
    with Tiers(host=0, disk=tmp_path) as some:
        some.put(blob(1, tokens=2000), seconds=3600.0)
        some.flush()
        assert not some.costs.knows("disk")
        (told,) = some.explain([key_of(1)])
        assert some.costs.knows("disk") and told.load_seconds is not None
        assert 0 < told.load_seconds < 3600 and told.load
        assert same(some.get(key_of(1)), blob(1, tokens=2000))


@pytest.mark.parametrize(
    "options",
    [{"host": "lots"}, {"host": -1}, {"disk_bytes": "5 XB"}, {"remote_bytes": True}, {"host": 1.5}],
)
def test_sizes_that_are_none_are_refused(options: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput, match=f"{next(iter(options))}=.*'2GB'"):
        Tiers(**options)


def test_keys_and_headers_that_cannot_be_kept_are_refused() -> None:
    with tiers() as some:
        with pytest.raises(InvalidInput, match="no key"):
            some.put(Blob("../x", {}, {}), seconds=1.0)
        with pytest.raises(InvalidInput, match="no key"):
            some.get("ab")
        with pytest.raises(InvalidInput, match="JSON"):
            some.put(Blob(key_of(1), {"what": object()}, {}), seconds=1.0)


def test_closed_tiers_say_so(tmp_path: Path) -> None:
    some = tiers(disk=tmp_path)
    some.put(blob(1), seconds=1.0)
    some.close()
    some.close()
    with pytest.raises(StoreClosed):
        some.get(key_of(1))
    assert [path.stem for path in tmp_path.rglob("*.safetensors")] == [key_of(1)]


def test_a_view_does_not_keep_what_it_is_a_view_of() -> None:
    large = torch.zeros(1000, 1000)
    with tiers() as some:
        some.put(Blob(key_of(1), {}, {"keys.0": large[:2]}), seconds=1.0)
        found = some.get(key_of(1))
    assert found is not None and found.tensors["keys.0"].untyped_storage().nbytes() == 8000


def test_many_threads_at_once(tmp_path: Path) -> None:
    blobs = {key_of(number): blob(number) for number in range(12)}
    wrong: list[str] = []
    with tiers(host=3 * SIZE, disk=tmp_path, disk_bytes=int(6.5 * SIZE)) as some:

        def work() -> None:
            seed = torch.Generator().manual_seed(threading.get_ident() % 2**31)
            for _ in range(40):
                which, key = (
                    torch.randint(4, (), generator=seed).item(),
                    key_of(int(torch.randint(12, (), generator=seed))),
                )
                if which == 0:
                    some.delete([key])
                elif which == 1:
                    some.put(blobs[key], seconds=1.0)
                elif which == 2:
                    some.prefetch([key])
                found = some.get(key)
                if found is not None and not same(found, blobs[key]):
                    wrong.append(key)

        together(work, 4)
        some.flush()
        assert wrong == [] and some.counts["failed"] == some.counts["damaged"] == 0
        assert some.delete(some.keys()) >= 0 and some.keys() == set()
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def together(work: Callable[[], None], count: int) -> None:
    threads = [threading.Thread(target=work) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
