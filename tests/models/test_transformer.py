"""Encoders in numpy: what they say is what torch says, whatever stands beside a text."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mnemon.errors import EmbedderError
from mnemon.models import lora, transformer
from mnemon.models.embed.minilm import MiniLM
from mnemon.models.transformer.buckets import buckets
from mnemon.models.transformer.layers import gelu

from . import small_transformers as small

REASON = "the extra 'kv' is not installed"
# The libraries' own deprecations are theirs to mend.
pytestmark = pytest.mark.filterwarnings("ignore::Warning")

TEXTS = ["We adopted a grey cat called Miso.", "Wow, great! What?", "In July.", "miso " * 400, ""]
KINDS = ["bert", "mpnet"]


@pytest.fixture(scope="module", params=KINDS)
def model(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """(folder, the model as torch has it)"""
    pytest.importorskip("torch", reason=REASON)
    pytest.importorskip("transformers", reason=REASON)
    folder = tmp_path_factory.mktemp("models") / request.param
    return folder, getattr(small, request.param)(folder)


def by_torch(model: Any, ids: list[int]) -> np.ndarray:
    """The mean of the token outputs."""
    import torch

    with torch.no_grad():
        given = torch.tensor([ids])
        told = model(input_ids=given, attention_mask=torch.ones_like(given)).last_hidden_state
    return np.asarray(told[0].mean(0))


def test_the_vectors_are_those_of_torch(model: Any) -> None:
    folder, torch_model = model
    encoder = transformer.opened(folder, None, 256)
    found = encoder.encode(TEXTS)
    assert found.dtype == np.float32
    for text, row in zip(TEXTS, found, strict=True):
        ids = [encoder.ends[0], *encoder.pieces.ids(text)[:254], encoder.ends[1]]
        np.testing.assert_allclose(row, by_torch(torch_model, ids), atol=2e-5)


def test_what_stands_beside_a_text_does_not_change_its_vector(model: Any) -> None:
    encoder = transformer.opened(model[0], None, 256)
    together = encoder.encode(TEXTS * 3)
    for text, row in zip(TEXTS * 3, together, strict=True):
        np.testing.assert_allclose(row, encoder.encode([text])[0], atol=1e-6)


def test_an_adapter_adds_the_same_as_in_torch(model: Any, tmp_path: Path) -> None:
    from safetensors.torch import save_file

    folder, torch_model = model
    names = [
        name for name, part in torch_model.named_modules()
        if name.startswith("encoder.layer.1.") and getattr(part, "weight", None) is not None
        and part.weight.ndim == 2
    ]  # fmt: skip
    digest = lora.base_digest({name: torch_model.get_submodule(name).weight for name in names})
    tensors = {}
    for name in names:
        import torch

        out, width = torch_model.get_submodule(name).weight.shape
        tensors[f"{lora.PREFIX}{name}.lora_A.weight"] = torch.randn(3, width).half()
        tensors[f"{lora.PREFIX}{name}.lora_B.weight"] = torch.randn(out, 3).half() * 0.1
    told = {"config": json.dumps(asdict(lora.Config("small", digest, 3, 0.5)))}
    save_file(tensors, tmp_path / "adapter", metadata=told)
    plain = transformer.opened(folder, None, 256)
    adapted = transformer.opened(folder, tmp_path / "adapter", 256)
    assert np.abs(plain.encode(TEXTS) - adapted.encode(TEXTS)).max() > 0.01
    copy = type(torch_model).from_pretrained(folder).eval()
    lora.merge(tmp_path / "adapter", copy)
    ids = [adapted.ends[0], *adapted.pieces.ids(TEXTS[0]), adapted.ends[1]]
    np.testing.assert_allclose(adapted.encode(TEXTS[:1])[0], by_torch(copy, ids), atol=2e-5)


def test_an_adapter_for_other_weights_is_refused(model: Any) -> None:
    with pytest.raises(EmbedderError, match="sentence-transformers/all-MiniLM-L6-v2"):
        MiniLM(base=str(model[0])).embed(["Miso"])


@pytest.mark.parametrize(
    ("file", "content", "told"),
    [
        ("config.json", None, "config.json"),
        ("config.json", "{}", "no model_type"),
        ("config.json", "no JSON", "Expecting value"),
        ("vocab.txt", "a\nb\n", "is not in list"),
        ("model.safetensors", "no tensors", "cannot be loaded"),
        ("model.safetensors", None, "cannot be loaded"),
    ],
)
def test_a_damaged_folder_is_told(
    tmp_path: Path, file: str, content: str | None, told: str
) -> None:
    pytest.importorskip("torch", reason=REASON)
    small.bert(tmp_path, layers=1)
    (tmp_path / file).unlink()
    if content is not None:
        (tmp_path / file).write_text(content)
    with pytest.raises(EmbedderError, match=told):
        transformer.opened(tmp_path, None, 256)


def test_another_architecture_is_told(tmp_path: Path) -> None:
    pytest.importorskip("torch", reason=REASON)
    small.bert(tmp_path, layers=1)
    config = json.loads((tmp_path / "config.json").read_text())
    (tmp_path / "config.json").write_text(json.dumps(config | {"model_type": "roberta"}))
    with pytest.raises(EmbedderError, match="it is a roberta with gelu, and bert or mpnet"):
        transformer.opened(tmp_path, None, 256)
    (tmp_path / "config.json").write_text(json.dumps(config | {"num_hidden_layers": 3}))
    with pytest.raises(EmbedderError, match=r"have no 'encoder\.layer\.1\."):
        transformer.opened(tmp_path, None, 256)


@given(st.lists(st.floats(-30, 30, width=32), min_size=1, max_size=50))
def test_gelu_is_that_of_torch(values: list[float]) -> None:
    torch = pytest.importorskip("torch", reason=REASON)
    found = gelu(np.array(values, dtype=np.float32))
    wanted = torch.nn.functional.gelu(torch.tensor(values))
    np.testing.assert_allclose(found, wanted.numpy(), atol=2e-6)


@settings(max_examples=20)
@given(st.integers(1, 400))
def test_buckets_are_those_of_transformers(length: int) -> None:
    torch = pytest.importorskip("torch", reason=REASON)
    models = pytest.importorskip("transformers.models.mpnet.modeling_mpnet", reason=REASON)
    distances = np.arange(-length, length + 1)
    wanted = models.MPNetEncoder.relative_position_bucket(torch.tensor(distances))
    np.testing.assert_array_equal(buckets(distances, 32), wanted.numpy())
