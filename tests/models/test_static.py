"""The bundled embedder: what its vectors mean, and that it stands any text."""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from mnemon.errors import EmbedderError, InvalidInput, InvalidText
from mnemon.models import static_model
from mnemon.models.embed import static
from mnemon.models.embed.static import StaticEmbedder

TEXTS = [
    "Ana moved to Lisbon in March.",
    "The new graphics card arrived today, 24 GB!",
    "naïve café — E=mc², user_id=42",
    "😀 party 🎉 at eight",
    "日本 の 人",
    "x",
]
FILES = ("vectors.npy", "scales.npy", "vocabulary.txt", "card.json")


@pytest.fixture(scope="module")
def embedder():
    return StaticEmbedder()


@pytest.fixture
def copy(tmp_path):
    """A folder with a copy of the bundled model."""
    for name in FILES:
        shutil.copy(static_model.BUNDLED / name, tmp_path)
    return tmp_path


def test_rows_are_unit_float32(embedder):
    rows = embedder.embed(TEXTS)
    assert (rows.shape, rows.dtype) == ((len(TEXTS), embedder.dimension), np.float32)
    np.testing.assert_allclose(np.linalg.norm(rows, axis=1), 1, atol=1e-5)


def test_a_text_has_the_same_bits_alone_and_in_any_batch(embedder):
    many = (TEXTS * 200)[1:]
    alone = {text: embedder.embed_query(text) for text in TEXTS}
    for text, row in zip(many, embedder.embed(many), strict=True):
        assert np.array_equal(row, alone[text])


def test_another_process_gives_the_same_bits(embedder):
    code = "import sys; from mnemon.models.embed.static import StaticEmbedder as S; "
    code += f"sys.stdout.buffer.write(S().embed({TEXTS!r}).tobytes())"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)
    assert ran.stdout == embedder.embed(TEXTS).tobytes()


@pytest.mark.parametrize(
    ("text", "near", "far"),
    [
        ("Where does Ana live?", "Ana's home is in Lisbon", "The soup needs more salt"),
        ("My dog is ill", "The puppy was taken to the vet", "Interest rates rose again"),
        ("She plays the violin", "He is a musician in an orchestra", "The car needs petrol"),
        ("buying a house", "a mortgage for the new home", "watching football on television"),
    ],
)
def test_paraphrases_are_closer_than_the_unrelated(embedder, text, near, far):
    query, close, distant = embedder.embed([text, near, far])
    assert query @ close > query @ distant + 0.1


@pytest.mark.parametrize("text", ["", " \n\t", "\u200b", "🎉🎉", "a" * 101, "\x00\x01"])
def test_a_text_without_known_tokens_gives_a_zero_row(embedder, text):
    assert not embedder.embed([text, "hello"])[0].any()
    assert embedder.token_vectors(text).shape == (0, embedder.dimension)


def test_no_texts_give_no_rows(embedder):
    assert embedder.embed([]).shape == (0, embedder.dimension)
    assert embedder.count_tokens([]) == []


@pytest.mark.parametrize("text", ["memory is text " * 70_000, "z" * 10**6, ", " * 500_000])
def test_a_million_characters_are_embedded_by_their_start(embedder, text):
    start = text[: 8 * static.MAX_TOKENS]
    assert np.array_equal(embedder.embed_query(text), embedder.embed_query(start))


def test_max_tokens_cuts_vectors_and_is_part_of_the_revision(embedder):
    short = StaticEmbedder(max_tokens=2)
    expected = embedder.embed_query("cats dogs")
    assert np.array_equal(short.embed_query("cats dogs planes trains"), expected)
    assert short.revision != embedder.revision


def test_max_tokens_must_be_positive():
    with pytest.raises(InvalidInput, match="max_tokens is 0"):
        StaticEmbedder(max_tokens=0)


def test_the_mean_of_the_token_vectors_is_the_embedding(embedder):
    vectors = embedder.token_vectors(TEXTS[0])
    mean = vectors.mean(axis=0)
    assert len(vectors) == embedder.count_tokens([TEXTS[0]])[0]
    np.testing.assert_allclose(
        mean / np.linalg.norm(mean), embedder.embed_query(TEXTS[0]), atol=1e-6
    )


def test_tokens_are_berts_word_pieces(embedder):
    counts = embedder.count_tokens(["Hello, world!", "", "embeddings", "🎉 x"])
    assert counts == [4, 0, 4, 2]  # em ##bed ##ding ##s; the emoji is one unknown token


def test_long_texts_are_counted_whole(embedder):
    once = embedder.count_tokens(["one two, three.\n"])[0]
    text = "one two, three.\n" * 20_000
    assert embedder.count_tokens([text, "x"]) == [once * 20_000, 1]
    assert len(embedder.token_ids([text])[0]) == once * 20_000


def test_a_lone_surrogate_is_refused(embedder):
    with pytest.raises(InvalidText, match="surrogate"):
        embedder.embed(["half an emoji \ud83d"])


@pytest.mark.parametrize("texts", [["fine", None], ["fine", 3]])
def test_what_is_no_text_is_refused(embedder, texts):
    with pytest.raises((InvalidText, TypeError)):
        embedder.embed(texts)


def test_the_card_names_the_files_by_their_digests():
    card = json.loads((static_model.BUNDLED / "card.json").read_text("utf-8"))
    for name, digest in card["sha256"].items():
        assert hashlib.sha256((static_model.BUNDLED / name).read_bytes()).hexdigest() == digest
    assert card["source"]["licence"] == "Apache-2.0"


def test_the_bundled_files_stay_small():
    size = sum(path.stat().st_size for path in static_model.BUNDLED.iterdir())
    assert size < 9_000_000
    assert "all-MiniLM-L6-v2" in (static_model.BUNDLED / "NOTICE").read_text("utf-8")


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("content", [None, b"", b"{}"])
def test_a_damaged_folder_says_what_to_do(copy, name, content):
    (copy / name).unlink() if content is None else (copy / name).write_bytes(content)
    with pytest.raises(EmbedderError, match="reinstall mnemon"):
        StaticEmbedder(folder=str(copy)).embed(["hello"])


def test_another_folder_is_another_model(copy):
    card = json.loads((copy / "card.json").read_text("utf-8"))
    (copy / "card.json").write_text(json.dumps(card | {"model": "mine"}), "utf-8")
    assert StaticEmbedder(folder=str(copy)).model == "mine"
    assert StaticEmbedder().model == "mnemon-static-minilm-l6"


def test_the_table_is_mapped_not_loaded():
    code = (
        "import numpy; from mnemon.models.embed.static import StaticEmbedder\n"
        "import resource; peak = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "before = peak(); StaticEmbedder().embed(['hello there'] * 100); print(peak() - before)"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    unit = 1 if sys.platform == "darwin" else 1024  # bytes on macOS, KiB on Linux
    assert int(ran.stdout) * unit < 25 * 2**20


def test_no_environment_variable_is_set(embedder):
    source = Path(static.__file__).read_text("utf-8")
    embedder.embed(TEXTS)
    assert "environ" not in source
