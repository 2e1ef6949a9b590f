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
from hypothesis import given
from hypothesis import strategies as st

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
LONG = "memory is text " * 600
TABLES = (
    "bigram_scales.npy",
    "bigrams.npy",
    "numbers.npy",
    "scales.npy",
    "vectors.npy",
    "words.npy",
)
FILES = (*TABLES, "vocabulary.txt", "card.json")
ANY_TEXT = st.one_of(st.sampled_from(TEXTS), st.text(st.characters(exclude_categories=["Cs"])))
WORDS = st.lists(st.sampled_from(["the", "dogs", "aren't", "🎉", "in", "New", "York,", "naïve"]))


@pytest.fixture(scope="module")
def embedder():
    return StaticEmbedder()


@pytest.fixture(scope="module")
def copy_of_it():
    """The same model as a folder of the user's own, which nobody tuned."""
    return StaticEmbedder(folder=str(static_model.BUNDLED))


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
    alone = {text: embedder.embed([text])[0] for text in TEXTS}
    for text, row in zip(many, embedder.embed(many), strict=True):
        assert np.array_equal(row, alone[text])


@given(texts=st.lists(ANY_TEXT, max_size=20))
def test_any_text_has_the_same_bits_alone_and_in_any_batch(embedder, texts):
    rows = embedder.embed(texts)
    assert len(rows) == len(texts)
    for text, row in zip(texts, rows, strict=True):
        assert np.array_equal(row, embedder.embed([text])[0])


def test_a_long_text_after_texts_without_tokens_has_its_own_row(embedder):
    rows = embedder.embed(["", "🎉", LONG, "x"])
    assert not rows[:2].any()
    assert np.array_equal(rows[2], embedder.embed([LONG])[0])
    assert np.array_equal(rows[3], embedder.embed(["x"])[0])


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
    query, (close, distant) = embedder.embed_query(text), embedder.embed([near, far])
    assert query @ close > query @ distant + 0.1


@pytest.mark.parametrize("text", ["", " \n\t", "\u200b", "🎉🎉", "a" * 101, "\x00\x01"])
def test_a_text_without_known_tokens_gives_a_zero_row(embedder, text):
    assert not embedder.embed([text, "hello"])[0].any()
    assert embedder.token_vectors(text).shape == (0, embedder.dimension)
    assert len(embedder.late_vectors(text)) == 0


def test_order_counts_for_words_beside_each_other(embedder):
    there, back = embedder.embed(["the dog bites the man", "the man bites the dog"])
    assert there @ back < 0.995


def test_latin_letters_of_full_width_mean_the_same(embedder):
    wide, plain = embedder.embed(["ｃａｍｅｌ　ｒｉｄｅ！", "camel ride!"])
    assert (wide == plain).all()


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


@given(words=WORDS)
def test_the_sum_of_the_token_vectors_made_unit_is_the_untuned_embedding(copy_of_it, words):
    text = " ".join(words)
    vectors = copy_of_it.token_vectors(text)
    total = vectors.sum(axis=0)
    length = np.linalg.norm(total) or 1
    assert len(vectors) == copy_of_it.count_tokens([text])[0] - words.count("🎉")
    np.testing.assert_allclose(total / length, copy_of_it.embed_query(text), atol=1e-5)


def test_max_tokens_cuts_token_vectors(embedder):
    short = StaticEmbedder(max_tokens=2)
    expected = embedder.token_vectors("cats dogs")
    assert np.array_equal(short.token_vectors("cats dogs planes trains"), expected)


def test_each_known_token_has_a_late_vector(embedder):
    vectors = embedder.late_vectors("Ana moved 🎉 to Lisbon")
    assert (vectors.shape, vectors.dtype) == ((4, 128), np.float32)
    assert np.isfinite(vectors).all()


@pytest.mark.parametrize(
    ("text", "near", "far"),
    [
        ("my dog", "the puppy", "the tax"),
        ("her violin", "some music", "a lawyer"),
        ("her bike", "a bicycle", "a cat"),
    ],
)
def test_words_that_mean_much_the_same_have_close_late_vectors(embedder, text, near, far):
    query, close, distant = (embedder.late_vectors(one)[-1] for one in (text, near, far))
    assert _cosine(query, close) > _cosine(query, distant) + 0.1


def _cosine(first, second):
    return first @ second / np.linalg.norm(first) / np.linalg.norm(second)


def test_tokens_are_berts_word_pieces(embedder):
    counts = embedder.count_tokens(["Hello, world!", "", "embeddings", "🎉 x"])
    assert counts == [4, 0, 4, 2]  # em ##bed ##ding ##s; the emoji is unknown, of four bytes


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
    files = {file.name for file in static_model.BUNDLED.iterdir()}
    assert files == {*card["sha256"], "card.json"} == {*FILES, "NOTICE"}
    for name, digest in card["sha256"].items():
        assert hashlib.sha256((static_model.BUNDLED / name).read_bytes()).hexdigest() == digest
    assert card["source"]["licence"] == "Apache-2.0"


def test_the_revision_is_the_digest_of_all_that_decides_about_vectors():
    card = json.loads((static_model.BUNDLED / "card.json").read_text("utf-8"))
    used = "".join(card["sha256"][name] for name in sorted({*FILES} - {"card.json"}))
    assert card["revision"] == hashlib.sha256(used.encode()).hexdigest()[:16]


def test_the_bundled_files_stay_small():
    size = sum(path.stat().st_size for path in static_model.BUNDLED.iterdir())
    assert size < 16_000_000
    assert "all-MiniLM-L6-v2" in (static_model.BUNDLED / "NOTICE").read_text("utf-8")


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("content", [None, b"", b"{}"])
def test_a_damaged_folder_says_what_to_do(copy, name, content):
    (copy / name).unlink() if content is None else (copy / name).write_bytes(content)
    with pytest.raises(EmbedderError, match="reinstall mnemon"):
        StaticEmbedder(folder=str(copy)).embed(["hello"])


@pytest.mark.parametrize("name", FILES)
def test_a_file_that_ends_too_early_is_told(copy, name):
    content = (copy / name).read_bytes()
    (copy / name).write_bytes(content[: len(content) // 2])
    with pytest.raises(EmbedderError, match="reinstall mnemon"):
        StaticEmbedder(folder=str(copy)).embed(["hello"])


@pytest.mark.parametrize(
    ("name", "change"),
    [
        *((name, lambda rows: rows[:-1]) for name in TABLES),
        ("scales.npy", lambda scales: scales[:, None]),
        ("vectors.npy", lambda rows: rows.astype(np.float16)),
        ("vectors.npy", lambda rows: rows[:, :128]),
        ("vectors.npy", lambda rows: rows[:, 0]),
        ("bigrams.npy", lambda rows: np.pad(rows, ((0, 0), (0, 64)))),
        ("bigrams.npy", lambda rows: rows[:, 0]),
        ("bigrams.npy", lambda rows: rows.astype(np.float16)),
        ("numbers.npy", lambda numbers: numbers[0]),
        ("words.npy", lambda words: words[:, 0]),
    ],
)
def test_files_that_do_not_fit_each_other_are_told(copy, name, change):
    np.save(copy / name, change(np.load(copy / name)))
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
