"""The sentence-transformers embedder on a tiny random model made here."""

from __future__ import annotations

import numpy as np
import pytest

from mnemon.errors import EmbedderError
from mnemon.models.embed.sentence_transformers import SentenceTransformersEmbedder

WORDS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "ana", "lives", "in", "lisbon", "ask", ":"]
# The libraries' own deprecations are theirs to mend.
pytestmark = pytest.mark.filterwarnings("ignore::Warning")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A BERT of one layer, 8 wide, saved with a query prompt."""
    reason = "the extra 'sentence-transformers' is not installed"
    library = pytest.importorskip("sentence_transformers", reason=reason)
    transformers = pytest.importorskip("transformers")
    home = tmp_path_factory.mktemp("tiny")
    (home / "vocab.txt").write_text("\n".join(WORDS))
    transformers.BertTokenizer(str(home / "vocab.txt")).save_pretrained(home)
    size = {"hidden_size": 8, "num_hidden_layers": 1, "num_attention_heads": 2}
    config = transformers.BertConfig(vocab_size=len(WORDS), intermediate_size=8, **size)
    transformers.BertModel(config).save_pretrained(home)
    # A plain transformers folder: the library adds mean pooling.
    model = library.SentenceTransformer(str(home), prompts={"query": "ask: "}, device="cpu")
    model.save(str(home / "saved"))
    return str(home / "saved")


@pytest.fixture
def embedder(folder):
    return SentenceTransformersEmbedder(model=folder, device="cpu", batch_size=2)


def test_rows_are_unit_and_as_wide_as_the_model(embedder):
    rows = embedder.embed(["ana lives in lisbon", "lisbon", "ana"])
    assert rows.shape == (3, embedder.dimension) == (3, 8)
    np.testing.assert_allclose(np.linalg.norm(rows, axis=1), 1, atol=1e-5)


def test_batch_equals_single_and_blank_is_zero(embedder):
    rows = embedder.embed(["ana lives in lisbon", "", "ana"])
    np.testing.assert_allclose(rows[2], embedder.embed(["ana"])[0], atol=1e-5)
    assert not rows[1].any()


def test_a_question_gets_the_models_query_prompt(embedder):
    prompted = embedder.embed(["ask: ana"])[0]
    np.testing.assert_allclose(embedder.embed_query("ana"), prompted, atol=1e-5)
    assert not np.allclose(embedder.embed_query("ana"), embedder.embed(["ana"])[0], atol=1e-5)


def test_a_model_that_is_not_there_says_so(folder, tmp_path):
    with pytest.raises(EmbedderError, match="cannot be loaded"):
        SentenceTransformersEmbedder(model=str(tmp_path / "none")).embed(["ana"])
