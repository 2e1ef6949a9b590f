"""A small model with a tokenizer, and a conversation about two people."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from mnemon.bench.reuse.history import History, history
from mnemon.models import recall_lm


@cache
def _nano() -> Any:
    return recall_lm.load(nano=True)


@pytest.fixture(scope="session")
def model() -> Any:
    return _nano().model


@pytest.fixture(scope="session")
def tokenizer() -> Any:
    return _nano().tokenizer


@pytest.fixture(scope="session")
def told() -> History:
    return history(0, people=2, sessions=2, turns=3, filler=8)


def embed(texts: list[str]) -> NDArray[np.float32]:
    """Counts of words, hashed: texts with the same names are near each other."""
    rows = np.zeros((len(texts), 64), np.float32)
    for row, text in zip(rows, texts, strict=True):
        for word in text.split():
            row[sum(map(ord, word)) % 64] += 1
    return rows


@pytest.fixture(name="embed", scope="session")
def _embed() -> Any:
    return embed
