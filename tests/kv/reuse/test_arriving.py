"""A cache whose layers arrive during the pass gives what a cache that has them gives."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from mnemon.errors import DamagedBlob, InvalidInput
from mnemon.kv import seam
from mnemon.kv.reuse import keys
from mnemon.kv.reuse.arriving import arriving
from mnemon.kv.reuse.prefix import PrefixCache
from mnemon.kv.tiers import CostModel, Tiers
from mnemon.kv.tiers.streaming import Stream

from ..models import text, tiny_llama

SIZE = 8


@pytest.mark.parametrize("where", ["host", "disk"])
def test_it_gives_the_same_bits_and_goes_on(tmp_path: Path, where: str) -> None:
    model, ids = tiny_llama(), text(30)
    tokens = ids[0].tolist()
    with _filled(model, tokens, tmp_path) as tiers:
        begun = PrefixCache(model, tiers=tiers, size=SIZE).begin(tokens)
        wanted = seam.forward(model, ids[:, begun.reused :], begun.cache)
        more = seam.forward(model, ids[:, :3], begun.cache)
        if where == "disk":
            tiers = Tiers(disk=tmp_path, costs=CostModel(skips=False))
        with tiers:
            cache = arriving(model, _streams(model, tiers, tokens[:24]))
            assert cache.get_seq_length() == 24
            assert torch.equal(seam.forward(model, ids[:, 24:], cache), wanted)
            assert torch.equal(seam.forward(model, ids[:, :3], cache), more)
            assert cache.slots == begun.cache.slots == 33


def test_a_damaged_layer_ends_the_pass(tmp_path: Path) -> None:
    model, ids = tiny_llama(), text(30)
    tokens = ids[0].tolist()
    _filled(model, tokens, tmp_path).close()
    file = max(tmp_path.rglob("*.safetensors"))
    data = bytearray(file.read_bytes())
    data[-1] ^= 1
    file.write_bytes(data)
    with Tiers(disk=tmp_path, costs=CostModel(skips=False)) as tiers:
        cache = arriving(model, _streams(model, tiers, tokens[:24]))
        with pytest.raises(DamagedBlob):
            seam.forward(model, ids[:, 24:], cache)


def test_what_is_no_beginning_of_the_model_is_refused(tmp_path: Path) -> None:
    tokens = text(30)[0].tolist()
    with _filled(tiny_llama(), tokens, tmp_path) as tiers:
        streams = _streams(tiny_llama(), tiers, tokens[:24])
        for model, given in ((tiny_llama(layers=2), streams), (tiny_llama(), [])):
            with pytest.raises(InvalidInput, match="layers"):
                arriving(model, given)


def _filled(model: torch.nn.Module, tokens: list[int], folder: Path) -> Tiers:
    tiers = Tiers(disk=folder, costs=CostModel(skips=False))
    prefixes = PrefixCache(model, tiers=tiers, size=SIZE)
    cache = prefixes.begin(tokens).cache
    seam.forward(model, torch.tensor([tokens]), cache)
    assert prefixes.publish(cache, tokens, seconds=1.0) == 3
    tiers.flush()
    return tiers


def _streams(model: torch.nn.Module, tiers: Tiers, tokens: list[int]) -> list[Stream]:
    root = PrefixCache(model, size=SIZE).root()
    found = [tiers.stream(key) for key in keys.chain(root, tokens, SIZE)]
    assert all(one is not None for one in found)
    return [one for one in found if one is not None]
