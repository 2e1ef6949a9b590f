"""The cross-encoder in torch: on a GPU, and where it is trained."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mnemon.errors import EmbedderError
from mnemon.models import lora
from mnemon.models.cross_encoder.head import HEAD, LAYERS, checked
from mnemon.models.cross_encoder.pairs import BESIDE, NOTHING, QUESTION, TURN, Pieces
from mnemon.models.extras import require

if TYPE_CHECKING:
    import numpy as np


def batch(pairs: Sequence[Pieces]) -> tuple[Any, Any]:
    """What the encoder is given: ids and parts int64 [P, L]."""
    import torch

    longest = max(len(pair.ids) for pair in pairs)
    ids, parts = torch.zeros((2, len(pairs), longest), dtype=torch.long)
    for row, pair in enumerate(pairs):
        ids[row, : len(pair.ids)] = torch.tensor(pair.ids)
        parts[row, : len(pair.ids)] = torch.tensor(pair.parts)
    return ids, parts


def features(output: Any, parts: Any) -> tuple[Any, Any]:
    """Of an encoder's output [P, L, D]: how near question and turn are [P, 2], as a whole and piece
    by piece; and [P, 3D] where they agree, where they differ, the first piece."""
    import torch
    from torch.nn import functional

    question, turn = parts == QUESTION, parts == TURN

    def mean(there: Any) -> Any:
        weight = there.unsqueeze(-1).float()
        return functional.normalize((output * weight).sum(1) / weight.sum(1).clamp(min=1.0), dim=-1)

    asked, said = mean(question), mean(turn)
    each = functional.normalize(output, dim=-1)
    alike = each @ each.transpose(1, 2)
    elsewhere = ~(turn | (parts == BESIDE))
    nearest = alike.masked_fill(elsewhere[:, None], -1.0).amax(-1)
    late = (nearest * question).sum(1) / question.sum(1).clamp(min=1)
    near = torch.stack([(asked * said).sum(-1), late], dim=-1)
    rest = torch.cat([asked * said * 20.0, (asked - said).abs() * 10.0, output[:, 0]], dim=-1)
    return near, rest


@dataclass(frozen=True)
class Loaded:
    """`marks` as `joined` takes them; `head` as `LAYERS` names it."""

    tokenizer: Any
    model: Any
    head: tuple[Any, ...]
    device: str

    @property
    def marks(self) -> tuple[int, int]:
        return self.tokenizer.cls_token_id, self.tokenizer.sep_token_id

    def cut(self, text: str, most: int) -> list[int]:
        """The ids of a text's first word-pieces."""
        told = self.tokenizer(text, add_special_tokens=False, truncation=True, max_length=most)
        return list(told["input_ids"])

    def scores(self, pairs: Sequence[Pieces]) -> np.ndarray:
        """float32 [P]."""
        import torch
        from torch.nn import functional

        ids, parts = (part.to(self.device) for part in batch(pairs))
        weight, hidden, bias, last, last_bias = self.head
        with torch.inference_mode():
            there = (parts != NOTHING).long()
            output = self.model(input_ids=ids, attention_mask=there).last_hidden_state.float()
            near, rest = features(output, parts)
            inner = functional.gelu(functional.linear(rest, hidden, bias))
            score = near @ weight + functional.linear(inner, last, last_bias)[:, 0]
            found: np.ndarray = score.cpu().numpy()
            return found


@cache
def loaded(base: str, tuning: Path, device: str) -> Loaded:
    """See `CrossEncoder.load`."""
    require("torch", "torch", "sentence-transformers")
    library = require("transformers", "transformers", "sentence-transformers")
    try:
        tokenizer = library.AutoTokenizer.from_pretrained(base)
        model = library.AutoModel.from_pretrained(base).to(device).eval()
    except (OSError, RuntimeError, ValueError) as error:
        raise EmbedderError(
            f"{base!r} cannot be loaded ({error}): give a model on the hub or a local folder"
        ) from error
    lora.merge(tuning, model)
    head = checked(tuning, lora.read(tuning, HEAD)[1])
    layers = tuple(head[name].float().to(device) for name in LAYERS)
    return Loaded(tokenizer, model, layers, device)
