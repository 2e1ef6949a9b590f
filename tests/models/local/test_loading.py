from __future__ import annotations

import importlib

import pytest

from mnemon.errors import InvalidInput, MissingExtra
from mnemon.models import recall_lm
from mnemon.models.local import Runtime, load
from mnemon.models.local.loading import tokenizer_of


def test_a_folder_loads_as_the_bundled_name_does(nano):
    found = load(recall_lm.path(nano=True), device="cpu", dtype="float32")
    assert found.model.num_parameters() == nano.model.num_parameters()
    assert found.tokenizer.get_vocab() == nano.tokenizer.get_vocab()


def test_what_the_recall_model_loads_as_is_taken_too(memory):
    runtime = Runtime(recall_lm.load(nano=True), memory)
    assert runtime.tokenizer.eos_token == "<eos>"


def test_a_models_tokenizer_is_found_beside_its_weights(nano):
    assert tokenizer_of(nano.model).get_vocab() == nano.tokenizer.get_vocab()
    assert load("nano", device="cpu", dtype="bfloat16").model.dtype.itemsize == 2


def test_what_cannot_be_loaded_is_told(tmp_path, nano):
    with pytest.raises(InvalidInput, match="no folder"):
        load(tmp_path / "missing")
    with pytest.raises(InvalidInput, match=r"no config\.json"):
        load(tmp_path)
    with pytest.raises(InvalidInput, match="'int3'"):
        load("nano", dtype="int3")
    (tmp_path / "config.json").write_text("{}")
    with pytest.raises(InvalidInput, match="recall-lm, nano"):
        load(tmp_path)
    with pytest.raises(InvalidInput, match="device 'nowhere'"):
        load("nano", device="nowhere")


def test_a_model_from_nowhere_needs_its_tokenizer(nano, memory, monkeypatch):
    monkeypatch.setattr(nano.model.config, "_name_or_path", "")
    monkeypatch.setattr(nano.model, "name_or_path", "")
    with pytest.raises(InvalidInput, match="tokenizer="):
        Runtime(nano.model, memory)


def test_without_torch_the_message_says_what_to_install(monkeypatch):
    real = importlib.import_module

    def without(name, *rest):
        if name == "torch":
            raise ModuleNotFoundError("No module named 'torch'", name="torch")
        return real(name, *rest)

    monkeypatch.setattr(importlib, "import_module", without)
    with pytest.raises(MissingExtra, match=r"pip install 'mnemon\[kv\]'"):
        load("nano")
