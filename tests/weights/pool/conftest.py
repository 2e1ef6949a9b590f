"""Models of the pool's tests: the small one as it is, and one trained for a few seconds."""

from __future__ import annotations

import pytest
from tests.weights.pool.models import FEW, Loaded

from mnemon.bench.pool_training.run import train
from mnemon.models import recall_lm
from mnemon.weights.pool import _retriever as retrieving


@pytest.fixture(scope="session")
def plain() -> Loaded:
    """Not trained for pools; its projectors are random."""
    model, tokenizer = recall_lm.load(nano=True)
    retrieving.add(model, 8)
    return Loaded(model, tokenizer)


@pytest.fixture(scope="session")
def taught() -> Loaded:
    model, tokenizer = recall_lm.load(nano=True)
    train(model, FEW)
    return Loaded(model, tokenizer)
