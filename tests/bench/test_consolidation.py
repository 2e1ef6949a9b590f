from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
import torch
from click.testing import CliRunner

from mnemon.bench import bases, device
from mnemon.bench.bases import Base
from mnemon.bench.consolidation import report, run, table
from mnemon.bench.consolidation.meter import Meter, held
from mnemon.cli.app import mnemon
from mnemon.errors import InvalidInput, UnknownName, WrongDevice
from mnemon.weights.optimize import Part


@pytest.fixture(scope="module", autouse=True)
def _one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(autouse=True)
def _garbage_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    """To look for it between rows of models this small took half of the time."""
    monkeypatch.setattr(device, "clear", lambda where: None)


def test_the_command_measures_and_says_what_cannot_run(tmp_path) -> None:
    rows = "adamw,sgd,scale,ist,ist uniform,paged-adamw-8bit,adamw + checkpointing"
    done = CliRunner().invoke(mnemon, [
        "bench", "consolidation", "--json", "--facts", "2", "--steps", "4", "--seeds", "1",
        "--methods", rows, "--out", str(tmp_path),
    ])  # fmt: skip
    assert done.exit_code == 0, done.output
    found = json.loads(done.stdout)
    by = {(one["job"], one["setting"]): one for one in found["rows"]}
    assert len(by) == 21
    adam, sgd = by["lora", "adamw"], by["lora", "sgd"]
    assert adam["state"] > 2 * adam["gradients"] - 1 and sgd["state"] == 0
    assert by["lora", "adamw + checkpointing"]["activations"] < adam["activations"]
    assert adam["loss"] == pytest.approx(by["lora", "adamw + checkpointing"]["loss"])
    assert found["ist_bytes_to_all"] <= 0.3 and found["scale_bytes_to_adam"] <= 0.45
    assert "adapters only" in by["upper", "ist"]["refused"]
    assert "cannot" in by["lora", "paged-adamw-8bit"]["refused"] or (
        "not installed" in by["lora", "paged-adamw-8bit"]["refused"]
    )
    assert by["scratch", "sgd"]["recall"] is None and by["lora", "sgd"]["recall"] is not None
    assert "| cannot run: " in (tmp_path / "report.md").read_text()


def test_a_shape_of_random_weights_is_trained_like_a_model(tmp_path) -> None:
    done = CliRunner().invoke(mnemon, [
        "bench", "consolidation", "--json", "--facts", "2", "--steps", "4", "--seeds", "1",
        "--methods", "adamw,scale", "--model", "llama-mini", "--dtype", "float32",
    ])  # fmt: skip
    assert done.exit_code == 0, done.output
    found = json.loads(done.stdout)
    by = {(one["job"], one["setting"]): one for one in found["rows"]}
    whole = by["scratch", "adamw"]
    assert whole["tokens"] == 4 * 64 and whole["state"] >= 2 * whole["weights"]
    assert 7 < whole["loss"] < 9  # a uniform guess among 4,096 tokens has 8.3
    assert by["lora", "scale"]["options"]["learning_rate"] == 0.002  # that of shapes
    assert found["context"]["card"] is None and whole["allocated"] is None


def test_a_shape_has_as_many_weights_as_the_model_it_is_named_after() -> None:
    config = bases._config(bases.SHAPES["llama-1b"])
    model = bases.fresh(config, "meta", torch.bfloat16)
    assert sum(one.numel() for one in model.parameters()) == 1_235_814_400  # Llama 3.2 1B's
    assert model.dtype == torch.bfloat16 and torch.get_default_dtype() == torch.float32


def test_a_meter_counts_what_is_alive() -> None:
    weight = torch.ones(1000, requires_grad=True)
    meter = Meter(torch.nn.Module(), [Part("w", weight, "vector")])
    with meter.watching():
        loss = meter.loss(lambda: (weight * 2).sin().sum())
        found = loss()
        found.backward()
    assert meter.weights == held([weight, weight[5:]]) == 4000
    assert meter.gradients == 4000
    assert 4000 <= meter.activations <= 4008  # the doubled weights wait for the sine's gradient
    assert meter.live >= meter.activations + 4000


def test_every_method_of_the_slots_has_a_row() -> None:
    from mnemon import methods
    from mnemon.bench.consolidation.rows import SETTINGS

    assert {one.method for one in SETTINGS} == set(methods.names("weights.optimize"))
    assert {one.offload for one in SETTINGS} - {None} == set(methods.names("weights.offload"))


def test_what_cannot_be_measured_is_refused() -> None:
    with pytest.raises(InvalidInput, match="too few"):
        run.run_consolidation(2, 3)
    with pytest.raises(UnknownName, match="lora"):
        run.run_consolidation(2, 5, jobs=["loras"])
    with pytest.raises(UnknownName, match="adamw"):
        run.run_consolidation(2, 5, settings=["adam"])
    with pytest.raises(UnknownName, match="llama-1b"):
        run.run_consolidation(2, 5, base=Base("llama-2b"))
    with pytest.raises(WrongDevice, match="a CUDA device that is here"):
        run.run_consolidation(2, 5, base=Base(device="mps"))


def test_a_seed_that_diverged_has_no_figure() -> None:
    row = table.Row("scratch", "sgd", "sgd", None, {})
    told = dict.fromkeys(("weights", "gradients", "state", "activations", "live"), 1)
    told |= dict.fromkeys(("resident", "allocated", "reserved", "beside", "host", "recall"))
    told |= dict.fromkeys(("tokens", "first_seconds", "step_seconds", "step_cpu_seconds"), 1)
    merged = table.merged(row, [
        told | {"loss": 1.0, "held_out": 2.0}, told | {"loss": float("nan"), "held_out": 3.0}
    ])  # fmt: skip
    assert merged.loss is None and merged.losses == (1.0, None) and merged.held_out == 2.5
    ratios = table.ratios([merged, table.Row("scratch", "scale", "scale", None, {}, loss=1.0)])
    assert ratios["scale_loss_to_sgd"] is None and report._line(merged)[8:] == ["-", "2.500", "-"]


def test_the_report_has_a_column_for_each_figure() -> None:
    row = table.Row("lora", "x", "sgd", None, {}, "no")
    assert len(report._line(row)) == len(report._HEAD)
    assert len(report._card_line(row)) == len(report._CARD_HEAD)
    done = table.Row("lora", "x", "sgd", None, {}, tokens=512, step_seconds=0.5, allocated=2**21)
    assert len(report._card_line(done)) == len(report._CARD_HEAD)
    assert report._card_line(done)[5] == "2" and report._card_line(done)[11] == "1,024"
