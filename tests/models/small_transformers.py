"""Encoders of a few thousand random weights, in folders as the model hub has them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

WORDS = "we adopted a grey cat called miso ##s wow great what is the name of in july ? . , ' 14"


def bert(folder: Path, layers: int = 2) -> Any:
    """A BERT, which is returned as transformers has it."""
    from transformers import BertConfig, BertModel

    words = _vocabulary(folder, ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"])
    return _saved(folder, BertModel, BertConfig(
        vocab_size=len(words), hidden_size=16, num_hidden_layers=layers, num_attention_heads=2,
        intermediate_size=32, max_position_embeddings=300,
    ))  # fmt: skip


def mpnet(folder: Path) -> Any:
    """An MPNet, which is returned as transformers has it."""
    from transformers import MPNetConfig, MPNetModel

    words = _vocabulary(folder, ["<s>", "<pad>", "</s>", "<unk>", "[UNK]", "<mask>"])
    return _saved(folder, MPNetModel, MPNetConfig(
        vocab_size=len(words), hidden_size=16, num_hidden_layers=2, num_attention_heads=2,
        intermediate_size=32, max_position_embeddings=300,
    ))  # fmt: skip


def _vocabulary(folder: Path, special: list[str]) -> list[str]:
    folder.mkdir(parents=True, exist_ok=True)
    words = list(dict.fromkeys([*special, *WORDS.split()]))
    (folder / "vocab.txt").write_text("\n".join(words) + "\n")
    return words


def _saved(folder: Path, kind: Any, config: Any) -> Any:
    import torch

    torch.manual_seed(0)
    model = kind(config).eval()
    with torch.no_grad():  # as they begin, norms and biases do nothing
        for name, part in model.named_parameters():
            scale = 0.5 if "relative" in name else 0.1
            part.add_(scale * torch.randn_like(part))
    model.save_pretrained(folder)
    return model
