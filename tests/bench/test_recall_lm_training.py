from __future__ import annotations

import json
from dataclasses import replace

import pytest
import torch
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from mnemon.bench.recall import TASKS, sample
from mnemon.bench.recall_lm_training import evaluation, export, schedule
from mnemon.bench.recall_lm_training.model import Llama
from mnemon.bench.recall_lm_training.muon import Muon
from mnemon.bench.recall_lm_training.recipe import Recipe, Shape, nano
from mnemon.bench.recall_lm_training.run import train
from mnemon.bench.recall_lm_training.schedule import Phase
from mnemon.bench.recall_lm_training.workers import Batches
from mnemon.cli.app import mnemon
from mnemon.errors import InvalidInput
from mnemon.models import recall_lm

TINY = Recipe(
    Shape(32, 2, 2, 1, 16, 48, positions=512), 1.5, (Phase((256,), 1), Phase((256, 512), 1)), 512,
    looks=(256,),
)  # fmt: skip


@pytest.fixture(scope="module", autouse=True)
def _one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tiny")
    train(TINY, folder, device="cpu", workers=0, held_out=1)
    return folder


def test_a_run_leaves_a_folder_that_transformers_opens_and_a_log(trained):
    found = recall_lm.load(trained)
    assert found.model.config.num_key_value_heads == 1
    assert found.tokenizer("Q :")["input_ids"]
    log = [json.loads(line) for line in (trained / "train_log.jsonl").read_text().splitlines()]
    assert log[0]["recipe"]["shape"]["hidden"] == 32 and log[0]["parameters"] > 0
    assert {"step", "held-out", "done"} <= {line["event"] for line in log}
    assert set(log[-2]["exact"]) == set(TASKS)


def test_training_lowers_the_loss():
    torch.manual_seed(0)
    model = Llama(TINY.shape)
    batches = Batches(replace(TINY, phases=(Phase((256,), 1),)))
    tokens, answers = next(iter(batches))
    tokens, muon = tokens.long(), Muon([p for p in model.parameters() if p.shape[0] == 32], 0.0)
    rotary, losses = model.rotary(*tokens.shape), []
    for _ in range(8):
        answer, rest = model.losses(model.hidden(tokens, rotary), tokens, answers)
        (answer + rest).backward()
        muon.step(0.02, 0.9)
        losses.append((answer + rest).item())
    assert losses[-1] < losses[0] - 0.1


def test_a_second_stage_goes_on_from_the_first_and_from_no_other_shape(trained, tmp_path):
    train(replace(TINY, seconds=0.2), tmp_path, device="cpu", workers=0, held_out=0, start=trained)
    assert recall_lm.load(tmp_path).model.config.hidden_size == 32
    with pytest.raises(InvalidInput, match="another shape"):
        export.read_weights(Llama(replace(TINY.shape, hidden=16)), trained)
    with pytest.raises(InvalidInput, match="no model folder"):
        export.read_weights(Llama(TINY.shape), trained / "nowhere")


def test_the_model_in_training_is_the_llama_of_transformers():
    model = Llama(nano().shape)
    export.read_weights(model, recall_lm.path(nano=True))
    tokens = torch.tensor(
        [sample("vt", 256, 0).prompt()[:200], sample("kv", 256, 1).prompt()[:200]]
    )
    with torch.no_grad():
        ours = model.logits(model.hidden(tokens, model.rotary(2, 200))).view(2, 200, -1)
        theirs = recall_lm.load(nano=True).model(tokens).logits
    assert torch.allclose(ours, theirs, atol=2e-3)
    held = {task: evaluation.held_out(256, 2)[task] for task in ("niah_single", "kv")}
    assert evaluation.accuracy(model, held)["niah_single"] == 1.0


def test_muon_steps_as_that_of_torch():
    torch.manual_seed(0)
    shapes = [(6, 4), (6, 4), (3, 5)]
    ours = [torch.nn.Parameter(torch.randn(shape)) for shape in shapes]
    theirs = [torch.nn.Parameter(one.detach().clone()) for one in ours]
    plain = torch.optim.Muon(theirs, lr=0.1, weight_decay=0.02, momentum=0.9)
    stacked = Muon(ours, weight_decay=0.02)
    for _ in range(3):
        for one, other in zip(ours, theirs, strict=True):
            one.grad = torch.randn_like(one)
            other.grad = one.grad.clone()
        plain.step()
        stacked.step(0.1, 0.9)
    for one, other in zip(ours, theirs, strict=True):
        assert torch.allclose(one, other, atol=0.02)  # torch's works in bfloat16 everywhere
        assert one.grad is None


@given(st.floats(0, 1), st.integers(0, 10_000))
def test_rates_rise_with_steps_and_fall_with_time(passed, step):
    factor = schedule.factor(step, passed, warmup=100, decay=0.5)
    assert 0.01 <= factor <= 1
    assert factor >= schedule.factor(step, min(1.0, passed + 0.1), 100, 0.5)
    assert factor <= schedule.factor(step + 1, passed, 100, 0.5)


def test_phases_follow_the_share_of_time_that_has_passed():
    phases = (Phase((256,), 10), Phase((512,), 30))
    assert [schedule.phase(phases, passed) for passed in (0, 0.2, 0.26, 1.0)] == [0, 0, 1, 1]


def test_batches_are_the_same_for_a_seed_and_others_for_another():
    first, again = (next(iter(Batches(TINY)))[0] for _ in range(2))
    assert first.shape == (2, 256) and torch.equal(first, again)
    assert not torch.equal(first, next(iter(Batches(replace(TINY, seed=2))))[0])


def test_nano_has_one_stage(tmp_path):
    told = ["bench", "train-recall-lm", str(tmp_path / "x"), "--nano", "--refine", str(tmp_path)]
    done = CliRunner().invoke(mnemon, told)
    assert done.exit_code == 2 and "one stage" in done.output
