"""A cross-encoder: one encoder reads a question and a turn together and says how well they fit.

Nogueira & Cho 2019, "Passage Re-ranking with BERT", https://arxiv.org/abs/1901.04085. How ours
differs: all-MiniLM-L6-v2 with a rank-16 adapter (LoRA, `mnemon.models.lora`) in the place of BERT;
it also reads the turns before and after; and as that model was made to put like texts near each
other, the score starts from that: from how near the question's pieces are to the turn's, as a whole
(as in the model itself) and each to its nearest (ColBERT, Khattab & Zaharia 2020,
https://arxiv.org/abs/2004.12832), with two layers over both and the first piece to correct it.
Made by `scripts/train_cross_encoder.py`. Limits: English; what is over 48, 96 and twice 32
word-pieces of a question, a turn and those beside it is cut.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from mnemon.errors import EmbedderError
from mnemon.models import lora
from mnemon.models.extras import require
from mnemon.models.tuning import unusable

if TYPE_CHECKING:
    import numpy as np

BASE = "sentence-transformers/all-MiniLM-L6-v2"
BUNDLED = Path(__file__).parent / "recall" / "cross_encoder.safetensors"
LONGEST = {"question": 48, "turn": 96, "beside": 32}
"""Word-pieces that are read of each part."""
HEAD = "head."
LAYERS = ("near.weight", "hidden.weight", "hidden.bias", "last.weight", "last.bias")
NOTHING, QUESTION, TURN, BESIDE, MARK = range(5)
"""What a piece is part of."""


class Passage(NamedTuple):
    """A turn as it is read, "Ana: We moved.", and those beside it, "" for none."""

    turn: str
    before: str = ""
    after: str = ""


def spoken(speaker: str | None, text: str) -> str:
    """A turn as it is read."""
    return f"{speaker}: {text}" if speaker else text


class Pieces(NamedTuple):
    """The word-pieces of a pair, and of which part each is."""

    ids: list[int]
    parts: list[int]


@dataclass(frozen=True)
class CrossEncoder:
    """A base model with what was trained on it.

    Attributes:
        base: hub name, or a local folder, of all-MiniLM-L6-v2; another model is refused.
        tuning: adapter and head, as `scripts/train_cross_encoder.py` writes them.
        device: as torch names it, such as `cuda:0`; None is the first GPU, or else the CPU.
        batch_size: pairs in one forward pass.
    """

    base: str = BASE
    tuning: Path = BUNDLED
    device: str | None = None
    batch_size: int = 16

    def load(self) -> None:
        """Load it now, which takes seconds, rather than when something is first read.

        Raises:
            EmbedderError, MissingExtra: as of `read`.
        """
        _load(self.base, self.tuning, self.device)

    def read(self, question: str, passages: Sequence[Passage]) -> np.ndarray:
        """Scores float32 [P] of passages for one question; they rank, and mean nothing alone.

        Raises:
            EmbedderError: base or tuning cannot be loaded, or do not belong together.
            MissingExtra: transformers, torch or safetensors is not installed.
        """
        import numpy as np

        if not passages:
            return np.zeros(0, np.float32)
        loaded = _load(self.base, self.tuning, self.device)
        pairs = pieces(loaded.tokenizer, question, passages)
        order = sorted(range(len(pairs)), key=lambda place: len(pairs[place].ids))
        found = np.zeros(len(pairs), np.float32)
        for start in range(0, len(order), self.batch_size):
            some = order[start : start + self.batch_size]
            found[some] = loaded.scores([pairs[place] for place in some])
        return found


def pieces(tokenizer: Any, question: str, passages: Sequence[Passage]) -> list[Pieces]:
    """Question, turn, the turn before and the one after, each with a mark behind it."""

    def cut(texts: Sequence[str], most: int) -> list[list[int]]:
        told = tokenizer(list(texts), add_special_tokens=False, truncation=True, max_length=most)
        return list(told["input_ids"])

    (asked,) = cut([question], LONGEST["question"])
    read = [
        cut([passage[part] for passage in passages], LONGEST["beside" if part else "turn"])
        for part in range(3)
    ]
    marks = (tokenizer.cls_token_id, tokenizer.sep_token_id)
    return [joined(marks, asked, *parts) for parts in zip(*read, strict=True)]


def joined(marks: tuple[int, int], question: list[int], *turns: list[int]) -> Pieces:
    """A pair from its parts: question, turn, the turns beside it; `marks` are the first and that
    behind each part."""
    first, behind = marks
    pair = Pieces([first], [MARK])
    for place, span in enumerate((question, *turns)):
        pair.ids.extend([*span, behind])
        pair.parts.extend([*[min(QUESTION + place, BESIDE)] * len(span), MARK])
    return pair


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
class _Loaded:
    tokenizer: Any
    model: Any
    head: tuple[Any, ...]
    device: str

    def scores(self, pairs: Sequence[Pieces]) -> Any:
        """float32 [P], as numpy."""
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
            return score.cpu().numpy()


@cache
def _load(base: str, tuning: Path, device: str | None) -> _Loaded:
    torch = require("torch", "torch", "sentence-transformers")
    library = require("transformers", "transformers", "sentence-transformers")
    place = device or ("cuda" if torch.cuda.is_available() else "cpu")
    try:
        tokenizer = library.AutoTokenizer.from_pretrained(base)
        model = library.AutoModel.from_pretrained(base).to(place).eval()
    except (OSError, RuntimeError, ValueError) as error:
        raise EmbedderError(
            f"{base!r} cannot be loaded ({error}): give a model on the hub or a local folder"
        ) from error
    lora.merge(tuning, model)
    _, head = lora.read(tuning, HEAD)
    try:
        layers = tuple(head[f"{HEAD}{name}"].float().to(place) for name in LAYERS)
    except KeyError as error:
        raise unusable(tuning, f"it has no {error}: it is no cross-encoder's") from error
    return _Loaded(tokenizer, model, layers, place)


@cache
def told(tuning: Path) -> dict[str, Any]:
    """What a tuning says of itself: `fitted_on`, and the `calibration` of what it is mixed into.

    Raises:
        EmbedderError: it cannot be read, or is no cross-encoder's.
        MissingExtra: safetensors is not installed.
    """
    metadata, _ = lora.read(tuning, HEAD)
    try:
        found: dict[str, Any] = json.loads(metadata["reading"])
    except (KeyError, ValueError) as error:
        raise unusable(tuning, "it is no cross-encoder's") from error
    return found
