"""A small bank of each method and what it is built for, without a model: torch is all it needs."""

from __future__ import annotations

from typing import ClassVar

import torch

SMALL = {
    "engram": {"engram_vocab_size": 50, "n_embed_per_ngram": 8, "n_head_per_ngram": 2},
    "hierarchical-memories": {
        "levels": 2, "clusters": 3, "neurons": (4, 2), "embedding": 16, "layer_ids": (0, 2),
    },
    "ultramem-v2": {"knum": 6, "kdim": 4, "knn": 3, "vdim": 8, "pre_vdim": 8, "layer_ids": (0, 1)},
}  # fmt: skip


class Tokenizer:
    """As much of a transformers tokenizer as is asked for: a word a token."""

    words = tuple(f"{letter}{number}" for number in range(50) for letter in "aA")[:97]
    special_tokens_map: ClassVar[dict[str, str]] = {}

    def __len__(self) -> int:
        return len(self.words)

    def get_vocab(self) -> dict[str, int]:
        return {word: number for number, word in enumerate(self.words)}

    def decode(self, ids: list[int]) -> str:
        return " ".join(self.words[one] for one in ids)


def texts(count: int = 30, tokens: int = 12, seed: int = 0) -> torch.Tensor:
    draw = torch.Generator().manual_seed(seed)
    return torch.randint(2, 97, (count, tokens), generator=draw)
