"""Cubes compiled to keys and values: each once, fresh as its cube is, resumable."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest
import torch

from mnemon import Draft, Memory, Policy
from mnemon.bench.recall import sample, text
from mnemon.errors import InvalidInput, UnknownName
from mnemon.kv.reuse.chunk import chunk
from mnemon.kv.reuse.low_bit import decoded, form_of
from mnemon.kv.reuse.packing import block_of
from mnemon.kv.tiers import CostModel, Tiers
from mnemon.models import recall_lm
from mnemon.models.local.rendering import rendering, tokens_of
from mnemon.models.template import opening

from .held import lying


@pytest.fixture(scope="module")
def nano():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield recall_lm.load(nano=True)
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def texts():
    words = text(list(sample("niah_multikey", 512, 1).context)).split()
    return [" ".join(words[at : at + 8 + at // 48]) for at in range(0, 240, 24)]


@pytest.fixture
def memory(tmp_path):
    with Memory(tmp_path / "memory.db", namespace="acme/ana") as memory:
        yield memory
        assert memory.fsck() == []


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "memory.db-kv"


def test_each_cube_is_compiled_once_and_is_what_the_model_computes(memory, folder, nano, texts):
    cubes = memory.add(texts)
    told = []
    done = memory.compile({}, nano, progress=lambda *at: told.append(at))
    assert (done.compiled, done.fresh, done.skipped) == (len(texts), 0, ())
    assert told[-1] == (len(texts), len(texts))
    assert done.place == str(folder) and len(lying(folder)) == len(texts)
    rows = {row.sources[0][0]: row for row in memory.artifacts.list(form="kv-chunk")}
    assert sum(row.size for row in rows.values()) == done.bytes
    assert memory.size()["artifact_bytes"] == done.bytes
    tokenizer = nano.tokenizer
    with Tiers(disk=folder, costs=CostModel(skips=False)) as tiers:
        for cube in cubes:
            block = block_of(tiers.get(rows[cube.id].key))
            tokens = tokens_of(tokenizer, rendering(tokenizer)(cube))
            alone = chunk(nano.model, torch.tensor(tokens), opening(tokenizer))
            assert block.tokens.tolist() == tokens and block.start == 1  # behind <bos>
            for kept, computed in zip(
                (*block.keys, *block.values), (*alone.keys, *alone.values), strict=True
            ):
                torch.testing.assert_close(kept, computed, rtol=1e-4, atol=1e-4)
    again = memory.compile([cube.id for cube in cubes], nano)
    assert (again.compiled, again.fresh, again.tokens) == (0, len(texts), 0)


def test_what_changed_is_compiled_again_and_what_is_forgotten_is_gone(memory, folder, nano, texts):
    one, two, *_ = memory.add(texts[:3])
    memory.compile({}, nano)
    memory.update(one.id, texts[5])
    done = memory.compile({}, nano)
    assert (done.compiled, done.fresh) == (1, 2)
    assert sum(not row.fresh for row in memory.artifacts.list(form="kv-chunk")) == 1
    assert memory.artifacts.sweep() == 1 and len(lying(folder)) == 3
    receipt = memory.forget(two.id, purge=True)
    assert (receipt.artifacts, receipt.blobs, len(lying(folder))) == (1, 1, 2)


def test_cubes_of_one_text_share_a_blob_until_one_of_them_goes(memory, folder, nano, texts):
    one, two = memory.add([texts[0], texts[0]])
    assert memory.compile(one.id, nano).compiled == 1
    assert memory.compile([two], nano).fresh == 1
    (row,) = memory.artifacts.list(form="kv-chunk")
    assert {id for id, _ in row.sources} == {one.id, two.id} and row.size > 0
    assert memory.forget(two.id).blobs == 1
    assert memory.compile({}, nano).compiled == 1 and len(lying(folder)) == 1


def test_a_blob_that_is_lost_is_made_again(memory, folder, nano, texts):
    memory.add(texts[:2])
    memory.compile({}, nano)
    next(folder.rglob("*.safetensors")).unlink()
    done = memory.compile({}, nano)
    assert (done.compiled, done.fresh) == (1, 1)


def test_an_interrupted_run_goes_on_where_it_was(memory, folder, nano, texts):
    memory.add(texts)

    def stop(done, total):
        if done >= 4:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        memory.compile({}, nano, progress=stop)
    kept = len(lying(folder))
    assert 4 <= kept < len(texts) and len(memory.artifacts.list(form="kv-chunk")) == kept
    done = memory.compile({}, nano)
    assert (done.compiled, done.fresh) == (len(texts) - kept, kept)


def test_the_selection_is_what_list_and_search_take(memory, nano, texts):
    memory.add(texts[0], kind="fact", session="s")
    memory.add(texts[1:3])
    assert memory.compile({"kind": "fact", "session": "s"}, nano).compiled == 1
    assert memory.compile({"limit": 2}, nano).fresh == 1
    assert memory.compile({"query": texts[2], "k": 1}, nano).compiled == 0 + 1
    for wrong in ({"colour": "red"}, {"query": "x", "colour": "red"}, [7]):
        with pytest.raises(InvalidInput):
            memory.compile(wrong, nano)


def test_only_what_the_actor_may_read_is_compiled(memory, nano, texts):
    secret = memory.add(Draft(texts[0], policy=Policy(readers=("ben",))))
    memory.add(texts[1])
    assert memory.compile({}, nano).compiled == 1
    assert memory.compile([secret.id], nano).compiled == 0
    assert memory.acting("ben").compile([secret.id], nano).compiled == 1


def test_what_cannot_be_compiled_is_told(memory, nano, texts):
    long = memory.add(" ".join(texts * 60))
    (skipped,) = memory.compile({}, nano).skipped
    assert skipped[0] == long.id and "too long" in skipped[1]


def test_a_low_bit_form_has_a_key_and_a_form_of_its_own(memory, folder, nano, texts):
    memory.add(" ".join(texts))
    exact = memory.compile({}, nano)
    low = memory.compile({}, nano, policy="kivi(bits=4)")
    assert (low.compiled, low.fresh) == (1, 0) and low.bytes < exact.bytes / 2
    rows = {row.header["policy"]: row for row in memory.artifacts.list(form="kv-chunk")}
    _, form = form_of("kivi(bits=4)")
    with Tiers(disk=folder, costs=CostModel(skips=False)) as tiers:
        whole = block_of(tiers.get(rows[None].key))
        near = block_of(decoded(tiers.get(rows["recency + kivi(bits=4)"].key), form))
        with pytest.raises(InvalidInput, match="form"):
            decoded(tiers.get(rows["recency + kivi(bits=4)"].key), form_of("kivi(bits=8)")[1])
    assert torch.equal(near.tokens, whole.tokens)
    for kept, computed in zip(near.keys, whole.keys, strict=True):
        assert 0 < (kept - computed).abs().mean() < 0.1 * computed.abs().mean()


@pytest.mark.parametrize(
    ("policy", "why"),
    [("snapkv", "question"), ("leverage", "every token"), ("leverage + kivi(bits=4)", "every")],
)
def test_policies_that_are_no_form_are_refused(memory, nano, policy, why):
    with pytest.raises(InvalidInput, match=why):
        memory.compile({}, nano, policy=policy)


def test_other_forms_and_places_are_refused_with_what_there_is(nano):
    with Memory(":memory:") as memory:
        with pytest.raises(UnknownName, match="there is kv, weights"):
            memory.compile({}, nano, "tables")
        with pytest.raises(InvalidInput, match="to="):
            memory.compile({}, nano)


def test_two_processes_make_the_same_keys(tmp_path, nano, texts):
    code = (
        "import sys, json\nfrom mnemon import Memory\n"
        "with Memory(sys.argv[1], namespace='acme/ana') as memory:\n"
        "    done = memory.compile({}, 'nano')\n"
        "    print(json.dumps([done.compiled, done.fresh]))"
    )
    path = tmp_path / "memory.db"
    with Memory(path, namespace="acme/ana") as memory:
        memory.add(texts[:2])
        memory.compile({"limit": 1}, nano)
    done = subprocess.run(
        [sys.executable, "-c", code, path], capture_output=True, text=True,
        env={**os.environ, "PYTHONHASHSEED": "1"},  # Python's own hash is another there
    )  # fmt: skip
    assert json.loads(done.stdout) == [1, 1], done.stderr


def test_another_model_dtype_or_tenant_has_keys_of_its_own(tmp_path, nano, texts):
    to, keys = tmp_path / "kv", set()
    for number, namespace in enumerate(("acme/ana", "acme/ben", "other/ana")):
        with Memory(tmp_path / f"{number}.db", namespace=namespace) as memory:
            memory.add(texts[0])
            memory.compile({}, nano, to=to)
            keys.update(row.key for row in memory.artifacts.list())
    assert len(keys) == 2
    half = recall_lm.load(nano=True, dtype="bfloat16")
    with Memory(tmp_path / "3.db", namespace="acme/ana") as memory:
        memory.add(texts[0])
        memory.compile({}, half, to=to)
        assert memory.artifacts.list()[0].key not in keys
