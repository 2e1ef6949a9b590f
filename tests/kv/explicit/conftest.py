"""A small model with its tokenizer, and how its texts are embedded here."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

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


def _embed(texts: list[str]) -> NDArray[np.float32]:
    rows = np.zeros((len(texts), 64), np.float32)
    for row, text in zip(rows, texts, strict=True):
        for word in text.split():
            row[sum(map(ord, word)) % 64] += 1
    return rows


@pytest.fixture(scope="session")
def embed() -> Any:
    return _embed
