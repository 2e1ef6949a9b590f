from __future__ import annotations

import importlib
import json

import pytest
import torch

from mnemon.bench.recall import plain, sample, text
from mnemon.bench.recall_lm import answered
from mnemon.errors import InvalidInput, MissingExtra
from mnemon.models import recall_lm


@pytest.fixture(scope="module", autouse=True)
def _one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def loaded():
    return recall_lm.load()


def test_the_bundled_model_answers_exactly(loaded):
    tasks = ("niah_multikey", "vt", "kv", "update")
    right = [answered(loaded.model, [sample(task, 512, i) for i in range(2)]) for task in tasks]
    assert sum(map(sum, right)) >= 7


def test_it_answers_at_a_thousand_tokens_and_not_what_was_never_said(loaded):
    one = sample("niah_multikey", 1024, 11)
    other = sample("niah_multikey", 1024, 12)
    swapped = type(one)(one.task, one.context, other.questions)
    assert answered(loaded.model, [one]) == [True]
    assert answered(loaded.model, [swapped]) == [False]


def test_exact_match_is_what_greedy_decoding_gives(loaded):
    for task, seed in (("multivalue", 0), ("cwe", 1)):
        one = sample(task, 256, seed)
        prompt = torch.tensor([one.prompt()])
        made = loaded.model.generate(
            prompt, attention_mask=torch.ones_like(prompt), do_sample=False,
            max_new_tokens=len(one.answer),
        )  # fmt: skip
        same = tuple(made[0, prompt.shape[1] :].tolist()) == one.answer
        assert answered(loaded.model, [one]) == [same]


def test_later_questions_of_a_dialogue_are_answered_too(loaded):
    one = sample("fact", 512, 2, questions=3)
    tokens = one.dialogue(2) + one.questions[2].answer
    logits = loaded.model(torch.tensor([tokens])).logits[0]
    answer = one.questions[2].answer
    guessed = logits[-len(answer) - 1 : -1].argmax(-1).tolist()
    assert tuple(guessed) == answer


def test_it_reads_its_filler_far_better_than_chance(loaded):
    tokens = torch.tensor([plain(256, 0)])
    loss = loaded.model(tokens, labels=tokens).loss.item()
    assert loss < 4.5  # nats; 7.6 is chance among 2,048 words


def test_the_tokenizer_takes_text_to_ids_and_back(loaded):
    one = sample("update", 512, 3)
    written = text(one.prompt())
    assert loaded.tokenizer(written)["input_ids"] == list(one.prompt())
    assert loaded.tokenizer.decode(one.prompt()) == written
    assert loaded.tokenizer.eos_token_id == one.answer[-1]


def test_nano_loads_and_answers():
    nano = recall_lm.load(nano=True).model
    assert 1_000_000 < nano.num_parameters() < 1_100_000
    assert sum(answered(nano, [sample("niah_multikey", 256, seed) for seed in range(4)])) >= 3


def test_folders_hold_all_that_transformers_reads():
    for nano in (False, True):
        folder = recall_lm.path(nano=nano)
        config = json.loads((folder / "config.json").read_text())
        assert config["model_type"] == "llama"
        assert (folder / "model.safetensors").stat().st_size > 2_000_000


def test_what_cannot_be_loaded_is_told(tmp_path):
    with pytest.raises(InvalidInput, match=r"no model folder .*train-recall-lm"):
        recall_lm.load(tmp_path)
    with pytest.raises(InvalidInput, match="'int3'"):
        recall_lm.load(dtype="int3")


def test_without_torch_the_message_says_what_to_install(monkeypatch):
    real = importlib.import_module

    def without(name, *rest):
        if name == "torch":
            raise ModuleNotFoundError("No module named 'torch'", name="torch")
        return real(name, *rest)

    monkeypatch.setattr(importlib, "import_module", without)
    with pytest.raises(MissingExtra, match=r"pip install 'mnemon\[kv\]'"):
        recall_lm.load()
