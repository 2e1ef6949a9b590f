"""What tests of memory modules share: a tiny decoder, and a small bank of each method for it."""

from __future__ import annotations

import pytest
from tests.kv.models import tiny_llama
from tests.weights.layer.small import SMALL, Tokenizer, texts

from mnemon import methods
from mnemon.weights.bank import given


def built(name: str, model):
    method = methods.load("weights.layer", name, **SMALL[name])
    return method, method.build(given(model, Tokenizer(), texts().tolist()))


@pytest.fixture
def model():
    return tiny_llama()


@pytest.fixture(params=methods.names("weights.layer"))
def name(request) -> str:
    return request.param
