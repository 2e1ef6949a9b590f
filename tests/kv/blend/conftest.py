"""A tiny model and texts in chunks."""

from __future__ import annotations

import pytest
from tests.kv.models import tiny_llama
from transformers import PreTrainedModel


@pytest.fixture(scope="session")
def model() -> PreTrainedModel:
    return tiny_llama()
