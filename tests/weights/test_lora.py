from __future__ import annotations

import pytest
import torch
from tests.weights.facts import FACTS, asked, draft, told

from mnemon import Memory
from mnemon.bench.recall import BOS, ids
from mnemon.errors import InvalidInput, UnknownName
from mnemon.weights import Reader, consolidate, publish
from mnemon.weights.seam import _alike


def _payloads(memory) -> dict[str, bytes]:
    found = [memory.artifacts.open(one.key) for one in memory.artifacts.list("adapter")]
    return {one.header["subjects"][0]: one.payload for one in found}


def test_a_shard_is_decided_by_its_own_facts_alone(memory, loaded) -> None:
    with Reader(memory, *loaded) as reader:
        first, *_ = sorted(reader.keys)
        alone = {name: FACTS[name] for name in FACTS if reader.route(asked(name))[0] == first}
    with Memory(":memory:", namespace="ana") as other:
        told(other, alone)
        consolidate(other, *loaded)
        (subject, payload), *rest = _payloads(other).items()
    assert not rest and _payloads(memory)[subject] == payload


def test_the_model_is_as_it_was(loaded) -> None:
    model = loaded.model
    before = {name: one.clone() for name, one in model.state_dict().items()}
    asking = {name: one.requires_grad for name, one in model.named_parameters()}
    with Memory(":memory:", namespace="ana") as memory:
        told(memory, dict(list(FACTS.items())[:1]))
        consolidate(memory, *loaded, steps=2)
    after = model.state_dict()
    assert before.keys() == after.keys()
    assert all(torch.equal(one, after[name]) for name, one in before.items())
    assert asking == {name: one.requires_grad for name, one in model.named_parameters()}


@pytest.mark.filterwarnings("ignore:.is_gradient_checkpointing:FutureWarning")  # peft asks
def test_peft_loads_what_is_published_and_says_the_same(memory, loaded, tmp_path) -> None:
    from peft import PeftModel

    from mnemon.models import recall_lm

    publish(memory, *loaded, tmp_path, "latest")
    name = next(iter(FACTS))
    given = torch.tensor([[BOS, *ids(asked(name))]])
    with Reader(memory, *loaded) as reader, torch.no_grad():
        key, _ = reader.route(asked(name))
        reader.swap(key)
        ours = loaded.model(given).logits
    served = PeftModel.from_pretrained(
        recall_lm.load(nano=True).model, tmp_path / "adapters" / str(key)
    )
    with torch.no_grad():
        torch.testing.assert_close(served(given).logits, ours, atol=1e-4, rtol=1e-4)


def test_a_name_moves_and_what_it_named_stays(memory, loaded, tmp_path) -> None:
    first = publish(memory, *loaded, tmp_path, "latest")
    cube = memory.list()[0]
    memory.update(cube.id, draft(next(iter(FACTS)), "x05 x06 x07 x08").content)
    consolidate(memory, *loaded)
    second = publish(memory, *loaded, tmp_path, "latest")
    assert first != second
    assert (tmp_path / "names" / "latest").read_text() == second
    assert (tmp_path / "sets" / f"{first}.json").is_file()
    assert not list(tmp_path.rglob("*.partial"))


def test_what_cannot_be_trained_is_refused(memory, loaded, tmp_path) -> None:
    with pytest.raises(InvalidInput, match="role"):
        consolidate(memory, *loaded, role="taste")
    with pytest.raises(InvalidInput, match="place for the question"):
        consolidate(memory, *loaded, ask="Q : ? A :")
    with pytest.raises(InvalidInput, match="take 1 to 3"):
        consolidate(memory, *loaded, phrasings=4)
    with pytest.raises(UnknownName, match="no option"):
        consolidate(memory, *loaded, rank=8)
    with pytest.raises(InvalidInput, match="the model has 4"):
        consolidate(memory, *loaded, layers=5)
    with pytest.raises(InvalidInput, match="no name"):
        publish(memory, *loaded, tmp_path, "../up")


def test_upper_layers_may_differ_by_rounding_alone() -> None:
    drawn = torch.Generator().manual_seed(0)
    hidden = torch.randn(1, 20, 64, generator=drawn)
    noise = torch.randn(1, 20, 64, generator=drawn)
    for dtype, most in ((torch.float32, 1e-3), (torch.float16, 8e-3), (torch.bfloat16, 6e-2)):
        near, far = (hidden + share * most * noise for share in (0.5, 3))
        assert _alike(near.to(dtype), hidden.to(dtype))
        assert not _alike(far.to(dtype), hidden.to(dtype))
