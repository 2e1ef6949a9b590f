"""The fastembed embedder: what can be known without downloading a model."""

from __future__ import annotations

import sys
import types

import pytest

from mnemon.errors import EmbedderError, UnknownName
from mnemon.models.embed import fastembed
from mnemon.models.embed.fastembed import FastEmbedEmbedder


class Echo:
    """Stands in for `fastembed.TextEmbedding`, whose weights have to be downloaded."""

    def __init__(self, model_name, cache_dir=None, threads=None):
        if cache_dir == "/nowhere":
            raise ValueError("could not load model from any source")

    @staticmethod
    def list_supported_models():
        return [{"model": "Tiny/Echo", "dim": 2}]

    def embed(self, documents, batch_size):
        return ([3.0, 4.0] for _ in documents)

    def query_embed(self, query, batch_size):
        return ([0.0, 2.0] for _ in query)


@pytest.fixture
def echo(monkeypatch):
    monkeypatch.setitem(sys.modules, "fastembed", types.SimpleNamespace(TextEmbedding=Echo))
    yield FastEmbedEmbedder(model="tiny/echo")
    fastembed._load.cache_clear()


def test_rows_are_unit_and_questions_are_asked_as_such(echo):
    assert echo.embed(["a", ""])[0] == pytest.approx([0.6, 0.8])
    assert echo.embed_query("a") == pytest.approx([0, 1])


def test_an_unknown_model_is_named(echo):
    with pytest.raises(UnknownName, match="no model 'other'"):
        FastEmbedEmbedder(model="other").embed(["a"])


def test_weights_that_cannot_be_had_say_so(echo):
    with pytest.raises(EmbedderError, match="cannot be loaded"):
        FastEmbedEmbedder(model="tiny/echo", cache_dir="/nowhere").embed(["a"])


@pytest.mark.filterwarnings("ignore::Warning")  # of the libraries that it imports
def test_the_real_library_knows_the_default_model():
    pytest.importorskip("fastembed", reason="the extra 'fastembed' is not installed")
    assert FastEmbedEmbedder().dimension == 384
    assert FastEmbedEmbedder().revision.startswith("fastembed-")
