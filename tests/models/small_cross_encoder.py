"""A cross-encoder of a few thousand weights, in the layout of the one that is shipped."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

from mnemon.models import lora
from mnemon.text.rerank._calibration import Calibration

WORDS = """did you hear back from the clinic yes surgery is on june when operation i painted fence
green today my sister teaches cello in ghent ana ben : ? . , 14"""


def base(folder: Path, seed: int = 0) -> Path:
    """A BERT of one layer and random weights with its tokenizer."""
    import torch
    from transformers import BertConfig, BertModel, BertTokenizerFast

    folder.mkdir(parents=True, exist_ok=True)
    words = dict.fromkeys(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *WORDS.split()])
    (folder / "vocab.txt").write_text("\n".join(words))
    numbered = {word: number for number, word in enumerate(words)}
    BertTokenizerFast(vocab=numbered).save_pretrained(folder)
    torch.manual_seed(seed)
    config = BertConfig(
        vocab_size=len(words), hidden_size=16, num_hidden_layers=1, num_attention_heads=2,
        intermediate_size=32, max_position_embeddings=256,
    )  # fmt: skip
    BertModel(config).save_pretrained(folder)
    return folder


def tuning(path: Path, folder: Path) -> Path:
    """An adapter that adds nothing, and a head that scores by nearness alone."""
    import torch
    from safetensors.torch import save_file
    from transformers import AutoModel

    model: Any = AutoModel.from_pretrained(folder)
    name = "encoder.layer.0.attention.self.query"
    digest = lora.base_digest({name: model.get_submodule(name).weight})
    tensors = {
        f"{lora.PREFIX}{name}.lora_A.weight": torch.zeros(1, 16),
        f"{lora.PREFIX}{name}.lora_B.weight": torch.zeros(16, 1),
        "head.near.weight": torch.ones(2),
        "head.hidden.weight": torch.zeros(4, 48),
        "head.hidden.bias": torch.zeros(4),
        "head.last.weight": torch.zeros(1, 4),
        "head.last.bias": torch.zeros(1),
    }
    metadata = {
        "config": json.dumps(asdict(lora.Config("small", digest, 1, 1.0))),
        "reading": json.dumps({"fitted_on": [], "calibration": asdict(Calibration())}),
    }
    save_file(tensors, path, metadata=metadata)
    return path
