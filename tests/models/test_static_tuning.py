"""The static model tuned for recall: what that changes, and files that cannot be used."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from mnemon import Memory
from mnemon.errors import EmbedderError
from mnemon.models import static_model, static_tuning
from mnemon.models.embed.context import ContextEmbedder
from mnemon.models.embed.static import StaticEmbedder

UNTUNED = StaticEmbedder(folder=str(static_model.BUNDLED))
PIECES, DIMENSION = static_model.load(static_model.BUNDLED).single.vectors.shape


def neutral() -> static_tuning.Tuning:
    """One that changes nothing."""
    ones = np.ones(PIECES, np.float32)
    return static_tuning.Tuning(ones, ones, np.ones(2, np.float32), np.eye(DIMENSION, dtype="f4"))


def made(path: Path, **parts: np.ndarray) -> StaticEmbedder:
    static_tuning.write(path, static_tuning.Tuning(**(vars(neutral()) | parts)))
    return StaticEmbedder(tuning=str(path))


def test_a_question_is_nearer_its_answer_than_the_model_alone_puts_it() -> None:
    question = "What is the name of Ana's cat?"
    said = ["We adopted a grey one called Miso, she purrs all day.", "What did you name it?"]
    margins = [
        float(np.subtract(*(one.embed(said) @ one.embed_query(question))))
        for one in (StaticEmbedder(), UNTUNED)
    ]
    assert margins[0] > margins[1]


def test_one_that_changes_nothing_changes_nothing(tmp_path: Path) -> None:
    same = made(tmp_path / "same.npz")
    texts = ["Ana moved to Lisbon in March.", "x", ""]
    np.testing.assert_allclose(same.embed(texts), UNTUNED.embed(texts), atol=1e-6)
    np.testing.assert_allclose(same.embed_query(texts[0]), UNTUNED.embed_query(texts[0]), atol=1e-6)


def test_what_a_piece_weighs_decides_about_a_text(tmp_path: Path) -> None:
    weights = np.ones(PIECES, np.float32)
    weights[UNTUNED.token_ids(["wow"])[0]] = 0.0
    deaf = made(tmp_path / "deaf.npz", turns=weights, pairs=np.zeros(2, np.float32))
    wow, plain = deaf.embed(["wow lisbon", "lisbon"])
    np.testing.assert_allclose(wow, plain, atol=1e-6)
    assert deaf.embed_query("wow").any()  # in questions it weighs what it did


def test_another_tuning_is_another_space(tmp_path: Path) -> None:
    mine = made(tmp_path / "mine.npz", pairs=np.full(2, 0.5, np.float32))
    assert len({mine.revision, StaticEmbedder().revision, UNTUNED.revision}) == 3
    path = tmp_path / "a.db"
    with Memory(path) as memory:
        memory.add("We adopted a cat.")
    with pytest.raises(EmbedderError, match="reindex"), Memory(path, embedder=mine) as memory:
        memory.search("cat")


@pytest.mark.parametrize("embedder", [StaticEmbedder, ContextEmbedder])
@pytest.mark.parametrize("content", [None, b"", b"PK\x03\x04", b"no archive"])
def test_a_damaged_tuning_says_what_to_do(
    tmp_path: Path, content: bytes | None, embedder: type[StaticEmbedder | ContextEmbedder]
) -> None:
    path = tmp_path / "broken.npz"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(EmbedderError, match="reinstall mnemon"):
        embedder(tuning=str(path)).embed(["hello"])


def test_a_tuning_of_another_model_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "small.npz"
    static_tuning.write(
        path, static_tuning.Tuning(*(part[:1] for part in vars(neutral()).values()))
    )
    with pytest.raises(EmbedderError, match=r"not \[\(29"):
        StaticEmbedder(tuning=str(path)).embed(["hello"])
