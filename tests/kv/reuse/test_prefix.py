"""A prefix that is kept is not computed again, and nobody can tell from what comes out."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from tests.kv.models import forward, text, tiny_llama
from tests.kv.reuse.prompts import Shelf, Versions, recomputed
from transformers import PreTrainedModel

from mnemon.errors import InvalidInput
from mnemon.kv import KVCache
from mnemon.kv.reuse.conversation import last_only
from mnemon.kv.reuse.prefix import PrefixCache
from mnemon.kv.tiers import CostModel, Tiers

PROMPT = text(70)[0].tolist()


@pytest.fixture(scope="module")
def model() -> PreTrainedModel:
    return tiny_llama()


def fill(prefixes: PrefixCache, tokens: list[int], sources: Any = ()) -> int:
    """Compute a prompt in passes of 16 tokens, and publish it."""
    cache = KVCache(prefixes.model, "recency", 1.0)
    for piece in torch.tensor([tokens]).split(16, 1):
        forward(prefixes.model, piece, cache)
    return prefixes.publish(cache, tokens, sources, seconds=1.0)


def finish(prefixes: PrefixCache, tokens: list[int]) -> tuple[int, torch.Tensor]:
    """Tokens reused of a prompt, and the logits after it."""
    begun = prefixes.begin(tokens)
    rest = torch.tensor([tokens[begun.reused :]])
    told = last_only(prefixes.model)
    return begun.reused, forward(prefixes.model, rest, begun.cache, **told)[0, -1]


@pytest.mark.parametrize("shelf", [None, Shelf()])
def test_whole_blocks_of_a_common_beginning_are_reused(model: PreTrainedModel, shelf: Any) -> None:
    prefixes = PrefixCache(model, tiers=shelf, size=16)
    assert fill(prefixes, PROMPT) == 4
    assert fill(prefixes, PROMPT) == 0
    other = PROMPT[:40] + [3] * 20
    reused, logits = finish(prefixes, other)
    assert reused == 32
    assert torch.equal(logits, recomputed(model, other, 16, 32))
    begun = prefixes.begin(PROMPT)
    assert begun.by_tier == {"memory" if shelf is None else "host": 64}


def test_the_last_token_is_always_computed(model: PreTrainedModel) -> None:
    prefixes = PrefixCache(model, size=16)
    fill(prefixes, PROMPT[:64])
    assert prefixes.begin(PROMPT[:64]).reused == 48
    assert prefixes.begin(PROMPT[:1]).reused == 0
    with pytest.raises(InvalidInput, match="at least one token"):
        prefixes.begin([])


def test_what_rests_on_a_changed_source_is_dropped_everywhere(model: PreTrainedModel) -> None:
    shelf, ledger = Shelf(), Versions()
    ledger.cubes = {"a": 1, "b": 1}
    prefixes = PrefixCache(model, tiers=shelf, ledger=ledger, size=16)
    sources = lambda begin, end: [("b", 1)] if begin == 32 else [("a", 1)]  # noqa: E731
    assert fill(prefixes, PROMPT, sources) == 4
    fork = PROMPT[:48] + PROMPT[:16]
    assert fill(prefixes, fork, sources) == 1
    ledger.cubes["b"] = 2
    assert prefixes.begin(PROMPT).reused == 32
    assert len(shelf.blobs) == 2  # the fork's end is gone too, though nobody asked for it
    assert prefixes.counts["stale"] == 3


def test_a_source_that_changes_while_it_is_published_takes_the_bytes_back(
    model: PreTrainedModel,
) -> None:
    shelf, ledger = Shelf(), Versions()
    ledger.cubes = {"a": 1, "b": 2}
    prefixes = PrefixCache(model, tiers=shelf, ledger=ledger, size=16)
    sources = lambda begin, end: [("b", 1)] if begin == 32 else [("a", 1)]  # noqa: E731
    assert fill(prefixes, PROMPT, sources) == 2
    assert len(shelf.blobs) == len(ledger.records) == 2
    assert prefixes.counts["withdrawn"] == 1


def test_a_damaged_block_is_computed_again(model: PreTrainedModel) -> None:
    shelf = Shelf()
    prefixes = PrefixCache(model, tiers=shelf, size=16)
    fill(prefixes, PROMPT)
    shelf.damage(list(shelf.blobs)[1])
    reused, logits = finish(prefixes, PROMPT)
    assert reused == 16 and prefixes.counts["damaged"] == 1
    assert torch.equal(logits, recomputed(model, PROMPT, 16))
    assert fill(prefixes, PROMPT) == 1
    assert prefixes.begin(PROMPT).reused == 64


def test_what_is_written_but_not_recorded_is_not_used(model: PreTrainedModel) -> None:
    """As a process that died between the two leaves it."""
    shelf = Shelf()
    fill(PrefixCache(model, tiers=shelf, size=16), PROMPT)
    assert len(shelf.blobs) == 4
    after = PrefixCache(model, tiers=shelf, ledger=Versions(), size=16)
    assert after.begin(PROMPT).reused == 0
    assert not shelf.blobs


def test_blocks_on_disk_are_found_by_the_next_process(
    model: PreTrainedModel, tmp_path: Path
) -> None:
    with Tiers(disk=tmp_path, costs=CostModel(skips=False)) as tiers:
        fill(PrefixCache(model, tiers=tiers, size=16), PROMPT)
        tiers.flush()
    with Tiers(disk=tmp_path, costs=CostModel(skips=False)) as tiers:
        prefixes = PrefixCache(model, tiers=tiers, size=16)
        begun = prefixes.begin(PROMPT)
        assert begun.by_tier == {"disk": 64}
        assert prefixes.begin(PROMPT).by_tier == {"host": 64}
        rest = torch.tensor([PROMPT[64:]])
        logits = forward(model, rest, begun.cache, **last_only(model))[0, -1]
        assert torch.equal(logits, recomputed(model, PROMPT, 16, 32, 48, 64))
        assert prefixes.forget(tiers.keys()) == 4
    assert not list(tmp_path.rglob("*.safetensors"))


def test_forgotten_keys_go_with_what_continues_them(model: PreTrainedModel) -> None:
    shelf = Shelf()
    prefixes = PrefixCache(model, tiers=shelf, size=16)
    fill(prefixes, PROMPT)
    second = list(shelf.blobs)[1]
    shelf.delete([second])  # also if it is lost itself
    assert prefixes.begin(PROMPT).reused == 16
    assert prefixes.forget([second]) == 2
    assert len(shelf.blobs) == 1


def test_memory_is_bounded_and_what_is_in_use_stays(model: PreTrainedModel) -> None:
    block = 16 * 3 * 2 * 2 * 16 * 4
    prefixes = PrefixCache(model, size=16, memory=4 * block)
    fill(prefixes, PROMPT)
    assert prefixes.nbytes == 4 * block
    begun = prefixes.begin(PROMPT[:40])
    other = text(70, seed=5)[0].tolist()
    fill(prefixes, other)
    assert prefixes.nbytes == 4 * block
    assert prefixes.known(PROMPT) == 32
    assert prefixes.known(other) == 32  # its end went first
    prefixes.release(begun.cache)
    fill(prefixes, other)
    assert (prefixes.known(PROMPT), prefixes.known(other)) == (0, 64)


def test_a_model_that_was_changed_meanwhile_publishes_nothing() -> None:
    model = tiny_llama()
    prefixes = PrefixCache(model, size=16)
    begun = prefixes.begin(PROMPT)
    forward(model, torch.tensor([PROMPT]), begun.cache)
    with torch.no_grad():
        model.model.embed_tokens.weight.mul_(1.5)
    with pytest.raises(InvalidInput, match="changed since"):
        prefixes.publish(begun.cache, PROMPT, seconds=1.0)
