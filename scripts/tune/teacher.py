"""A teacher: a tuned encoder of sentence-transformers, and lines of talk for it to judge."""

from __future__ import annotations

import random
from collections.abc import Sequence
from pathlib import Path

import torch
from distil import textfile
from torch import Tensor
from transformers import AutoModel, AutoTokenizer

from mnemon.models import lora
from tune.conversations import Conversation
from tune.encoder import TURN, batched, pooled
from tune.lesson import Known

STRETCH, STRETCHES = 512, 160  # lines that are compared with each other, and how often so many
SOURCES = ("SMS", "comedy", "dialogues", "Tatoeba", "tweets", "chatterbot", "patterns")
SHORTEST = 12  # characters of a line


class Teacher:
    """A model in a folder with an adapter merged in: means of token outputs, made unit."""

    def __init__(self, folder: str, adapter: Path, device: str) -> None:
        self._device = device
        self._tokenizer = AutoTokenizer.from_pretrained(folder)
        self._model = AutoModel.from_pretrained(folder)
        lora.merge(adapter, self._model)
        self._model.to(device).eval()

    def know(self, conversations: Sequence[Conversation]) -> dict[str, Known]:
        """By conversation."""
        return {
            one.id: Known(self.vectors(one.turns), self.vectors(one.questions))
            for one in conversations
        }

    @torch.no_grad()
    def vectors(self, texts: Sequence[str]) -> Tensor:
        """Unit vectors float32 [N, D]."""
        return pooled(self._model, *batched(self._tokenizer, texts, TURN, self._device))


def talk(file: Path, device: str) -> list[Conversation]:
    """Lines of what people say, from the file of `distil_texts.py context`, drawn at random: a line
    stands beside none, those that ask are the questions, and nothing answers them."""
    lines = [
        text
        for source, text in textfile.read(file)
        if any(name in source for name in SOURCES) and len(text) > SHORTEST
    ]
    random.Random(0).shuffle(lines)
    starts = range(0, STRETCH * STRETCHES, STRETCH)
    return [_stretch(f"talk-{at}", lines[at : at + STRETCH], device) for at in starts]


def _stretch(id: str, lines: list[str], device: str) -> Conversation:
    none = torch.full((len(lines),), len(lines), device=device)
    lengths = torch.tensor([len(line.split()) for line in lines], device=device)
    asked = [line for line in lines if line.endswith("?")]
    evidence = torch.zeros(len(asked), len(lines), dtype=torch.bool, device=device)
    return Conversation(id, "talk", lines, asked, none, none, lengths, evidence)
