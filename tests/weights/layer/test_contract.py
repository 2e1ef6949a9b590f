"""What holds for every memory module."""

from __future__ import annotations

import json

import pytest
import torch
from tests.kv.models import forward, named, text, tiny_llama
from tests.weights.layer.conftest import built
from tests.weights.layer.small import Tokenizer
from transformers import DynamicCache

from mnemon import methods
from mnemon.errors import InvalidInput
from mnemon.kv.reuse.fingerprint import fingerprint
from mnemon.weights.bank import attach, load, offload, save, traffic


def test_detaching_leaves_the_model_as_it_was(model, name) -> None:
    _, bank = built(name, model)
    before, names, ids = forward(model, text(9)), set(model.state_dict()), text(9)
    told = fingerprint(model).digest
    with attach(model, bank):
        assert not torch.equal(forward(model, ids), before)
        assert fingerprint(model).digest != told
        with pytest.raises(InvalidInput, match="already"):
            attach(model, bank)
    assert torch.equal(forward(model, ids), before)
    assert set(model.state_dict()) == names and fingerprint(model).digest == told


def test_a_model_that_does_not_fit_is_refused(model, name) -> None:
    _, bank = built(name, model)
    with pytest.raises(InvalidInput, match="dtype"):
        attach(model.half(), bank)
    with pytest.raises(InvalidInput, match="the model has 1"):
        attach(tiny_llama(layers=1), bank)


def test_it_is_built_the_same_again(model, name) -> None:
    (_, one), (_, two) = built(name, model), built(name, model)
    for mine, other in zip(one.state_dict().values(), two.state_dict().values(), strict=True):
        assert torch.equal(mine, other)


def test_gradients_reach_every_parameter(model, name) -> None:
    _, bank = built(name, model)
    with attach(model, bank):
        # Two steps: some parts are zero at first, and others wait for them.
        optimizer = torch.optim.SGD(bank.parameters(), lr=0.1)
        for _ in range(2):
            optimizer.zero_grad()
            model(text(20, batch=4), labels=text(20, batch=4, seed=1)).loss.backward()
            optimizer.step()
    still = [n for n, p in bank.named_parameters() if p.grad is None or not p.grad.any()]
    assert still == []


def test_decoding_with_a_cache_gives_what_one_pass_gives(model, name) -> None:
    _, bank = built(name, model)
    ids, cache = text(14, batch=2), DynamicCache()
    with attach(model, bank) as attached:
        parts = [forward(model, ids[:, :6], cache)]
        parts += [forward(model, ids[:, at : at + 1], cache) for at in range(6, 14)]
        if bank.by == "text":  # the path is that of the text as it began
            bank.address, path = lambda _: path, bank.address(ids[:, :6])
        torch.testing.assert_close(torch.cat(parts, 1), forward(model, ids), atol=1e-3, rtol=1e-3)
        attached.detach()


def test_a_cache_that_was_filled_without_it_is_refused(model, name) -> None:
    _, bank = built(name, model)
    cache = DynamicCache()
    forward(model, text(5), cache)
    with attach(model, bank):
        with pytest.raises(InvalidInput, match="saw others"):
            forward(model, text(1), cache)
        with pytest.raises(InvalidInput, match="input_ids"):
            model(inputs_embeds=torch.zeros(1, 3, 64), **named(model, None))


def test_it_is_saved_and_loaded_and_offloaded_bit_for_bit(model, name, tmp_path) -> None:
    method, bank = built(name, model)
    with attach(model, bank):
        resident = forward(model, text(12, batch=2))
        with pytest.raises(InvalidInput, match="detach"):
            save(bank, method, model, Tokenizer(), tmp_path)
    save(bank, method, model, Tokenizer(), tmp_path)
    again = load(tmp_path, model, Tokenizer(), offload=False)
    mapped = load(tmp_path, model, Tokenizer())
    offload(bank)
    for one in (again, mapped, bank):
        with attach(model, one):
            assert torch.equal(forward(model, text(12, batch=2)), resident)
    assert traffic(again).bytes == 0 and traffic(mapped) == traffic(bank)
    assert 0 < traffic(mapped).bytes < (tmp_path / "memory.safetensors").stat().st_size
    with pytest.raises(InvalidInput, match="elsewhere"):
        save(mapped, method, model, Tokenizer(), tmp_path)


def test_another_base_or_damaged_bytes_are_refused(model, name, tmp_path) -> None:
    method, bank = built(name, model)
    save(bank, method, model, Tokenizer(), tmp_path, {"loss": 0.5})
    manifest = json.loads((tmp_path / "manifest.json").read_text())
    assert manifest["method"] == json.loads(json.dumps(methods.describe(method)))
    file = tmp_path / "memory.safetensors"
    file.write_bytes(file.read_bytes()[:-1] + b"\x7f")
    with pytest.raises(InvalidInput, match="damaged"):
        load(tmp_path, model, Tokenizer())
    with torch.no_grad():
        model.lm_head.weight[0, 0] += 1
    with pytest.raises(InvalidInput, match="another model"):
        load(tmp_path, model, Tokenizer())
    with pytest.raises(InvalidInput, match=r"no manifest\.json"):
        load(tmp_path / "none", model, Tokenizer())
