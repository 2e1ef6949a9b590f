"""A sentence encoder as a student: adapters on every linear layer, the model itself stays.

Three of them, which saw the same in other orders, become one: what they add to the weights is
averaged ("Model soups", Wortsman et al. 2022, https://arxiv.org/abs/2203.05482) and cut to the best
addition of the rank that is kept.
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file
from torch import Tensor, nn
from torch.nn import functional
from transformers import AutoModel, AutoTokenizer

from mnemon.models import lora
from tune.conversations import Conversation

RANK, SCALE, DROPPED = 16, 2.0, 0.05
RATE, DECAY = 1e-3, 0.01
TURN, QUESTION = 128, 64  # word-pieces read, the special ones included
BATCH = 256


class Adapted(nn.Module):
    """A linear layer with a low-rank addition that begins at nothing."""

    def __init__(self, linear: nn.Linear, dropped: float) -> None:
        super().__init__()
        wide = linear.in_features
        self.linear = linear
        self.low = nn.Parameter(torch.randn(RANK, wide, device=linear.weight.device) / wide**0.5)
        self.high = nn.Parameter(linear.weight.new_zeros(linear.out_features, RANK))
        self.dropout = nn.Dropout(dropped)

    def forward(self, values: Tensor) -> Tensor:
        added = functional.linear(functional.linear(self.dropout(values), self.low), self.high)
        found: Tensor = self.linear(values) + SCALE * added
        return found

    @torch.no_grad()
    def join(self, others: Sequence[Adapted], kept: int) -> None:
        """Become the mean of several, of the rank `kept`."""
        every = [self, *others]
        mean = torch.stack([one.high.double() @ one.low.double() for one in every]).mean(0)
        left, strength, right = torch.linalg.svd(mean, full_matrices=False)
        root = strength[:kept].sqrt()
        self.high = nn.Parameter((left[:, :kept] * root).to(self.high))
        self.low = nn.Parameter((root[:, None] * right[:kept]).to(self.low))


@dataclass(frozen=True)
class Base:
    """A model whose encoder's linear layers, `names`, have additions; `digest` is of it alone."""

    model: Any
    names: list[str]
    digest: str


def adapted(folder: str, device: str, dropped: float) -> Base:
    """The model in a folder, itself frozen."""
    model = AutoModel.from_pretrained(folder).to(device)
    model.requires_grad_(False)
    names = [
        name
        for name, module in model.named_modules()
        if isinstance(module, nn.Linear) and name.startswith("encoder.")
    ]
    digest = lora.base_digest({name: model.get_submodule(name).weight for name in names})
    for name in names:
        above, _, own = name.rpartition(".")
        module = model.get_submodule(above)
        setattr(module, own, Adapted(getattr(module, own), dropped))
    return Base(model, names, digest)


def written(model: nn.Module, names: Sequence[str]) -> dict[str, Tensor]:
    """Those additions as `mnemon.models.lora` reads them, in float16."""
    return {
        f"{lora.PREFIX}{name}.lora_{part}.weight": matrix.detach().cpu().half().contiguous()
        for name in names
        for layer in [model.get_submodule(name)]
        for part, matrix in (("A", layer.low), ("B", layer.high))
    }


class EncoderStudent(nn.Module):
    """Mean of the token outputs, made unit, as sentence-transformers runs the model `base`."""

    seeds = (0, 1, 2)
    judged = 0.65

    def __init__(self, base: str, folder: str, device: str, kept: int = RANK) -> None:
        super().__init__()
        self.base, self.kept, self.device = base, kept, device
        self.tokenizer = AutoTokenizer.from_pretrained(folder)
        opened = adapted(folder, device, DROPPED)
        self.model, self.names, self.digest = opened.model, opened.names, opened.digest
        self.sharpness = nn.Parameter(torch.tensor(math.log(20.0), device=device))

    def turns(self, conversation: Conversation) -> Tensor:
        kept = conversation.kept
        if "batches" not in kept:  # tokens once, not at every step
            kept["batches"] = batched(self.tokenizer, conversation.turns, TURN, self.device)
        return pooled(self.model, *kept["batches"])

    def questions(self, conversation: Conversation, chosen: Sequence[int]) -> Tensor:
        asked = [conversation.questions[place] for place in chosen]
        return pooled(self.model, *batched(self.tokenizer, asked, QUESTION, self.device))

    def rates(self) -> list[dict[str, Any]]:
        low_rank = [part for part in self.parameters() if part.requires_grad]
        low_rank = [part for part in low_rank if part is not self.sharpness]
        return [
            {"params": low_rank, "lr": RATE, "weight_decay": DECAY},
            {"params": [self.sharpness], "lr": 1e-2},
        ]

    def penalty(self) -> float:
        return 0.0

    def join(self, others: Sequence[EncoderStudent]) -> None:
        for name in self.names:
            own, *theirs = (one.model.get_submodule(name) for one in (self, *others))
            own.join(theirs, self.kept)

    def write(self, path: Path) -> None:
        """As `mnemon.models.lora` reads it, in float16."""
        rank = len(self.model.get_submodule(self.names[0]).low)
        config = lora.Config(self.base, self.digest, rank, SCALE)
        save_file(
            written(self.model, self.names), path, metadata={"config": json.dumps(asdict(config))}
        )


def batched(
    tokenizer: Any, texts: Sequence[str], most: int, device: str
) -> tuple[list[Any], Tensor]:
    """Texts of like length together, in word-pieces, at most so many; and where each came from."""
    order = sorted(range(len(texts)), key=lambda place: len(texts[place]))
    batches = []
    for start in range(0, len(order), BATCH):
        said = [texts[place] for place in order[start : start + BATCH]]
        read = tokenizer(said, padding=True, truncation=True, max_length=most, return_tensors="pt")
        batches.append(read.to(device))
    return batches, torch.tensor(order, device=device).argsort()


def pooled(model: Any, batches: Sequence[Any], back: Tensor) -> Tensor:
    """Unit vectors [N, D] of texts: means of their token outputs."""
    found = []
    for batch in batches:
        with torch.autocast(back.device.type, dtype=torch.bfloat16):
            told = model(**batch).last_hidden_state
        there = batch["attention_mask"].unsqueeze(-1).float()
        found.append((told.float() * there).sum(1) / there.sum(1))
    return functional.normalize(torch.cat(found)[back], dim=-1)
