"""The embedder `context`: what it promises beside `static`, and files that cannot be used."""

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

from mnemon import Memory
from mnemon.errors import EmbedderError, InvalidInput, InvalidText
from mnemon.models import context_model
from mnemon.models.embed.context import ContextEmbedder
from mnemon.models.embed.static import StaticEmbedder
from mnemon.text.rerank import listnet

EMBEDDER, PLAIN = ContextEmbedder(), ContextEmbedder(tuning="")
TEXTS = [
    "Ana moved to Lisbon in March.",
    "naïve café — E=mc², user_id=42",
    "😀 party 🎉 at eight",
    "x",
]
LONG = "memory is text " * 200
ANY_TEXT = st.one_of(
    st.sampled_from([*TEXTS, LONG]), st.text(st.characters(exclude_categories=["Cs"]))
)


@given(texts=st.lists(ANY_TEXT, max_size=8))
def test_any_text_has_the_same_unit_row_alone_and_in_any_batch(texts: list[str]) -> None:
    rows = EMBEDDER.embed(texts)
    assert rows.shape == (len(texts), EMBEDDER.dimension)
    for text, row in zip(texts, rows, strict=True):
        assert np.array_equal(row, EMBEDDER.embed([text])[0])
        assert np.isclose(np.linalg.norm(row), 1.0, atol=1e-5) or not row.any()


def test_another_process_gives_the_same_bits() -> None:
    code = "import sys; from mnemon.models.embed.context import ContextEmbedder as C; "
    code += f"sys.stdout.buffer.write(C().embed({TEXTS!r}).tobytes())"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)
    assert ran.stdout == EMBEDDER.embed(TEXTS).tobytes()


@pytest.mark.parametrize("text", ["", " \n\t", "🎉🎉", "a" * 101])
def test_a_text_without_known_tokens_gives_a_zero_row(text: str) -> None:
    assert not EMBEDDER.embed([text, "hello"])[0].any()
    assert not EMBEDDER.embed_query(text).any()


def test_who_did_it_to_whom_tells_texts_of_the_same_words_apart() -> None:
    said = ["the dog that the man saw bit the child", "the child that the dog saw bit the man"]
    first, second = EMBEDDER.embed(said)
    assert first @ second < 0.995


def test_a_question_is_nearer_its_answer_than_the_untuned_encoder_puts_it() -> None:
    question = "What is the name of Ana's cat?"
    said = ["We adopted a grey one called Miso, she purrs all day.", "What did you name it?"]
    margins = [
        float(np.subtract(*(one.embed(said) @ one.embed_query(question))))
        for one in (EMBEDDER, PLAIN)
    ]
    assert margins[0] > margins[1]


def test_max_tokens_cuts_and_is_part_of_the_revision() -> None:
    short = ContextEmbedder(max_tokens=2)
    expected = EMBEDDER.embed_query("cats dogs")
    assert np.array_equal(short.embed_query("cats dogs planes trains"), expected)
    assert len({short.revision, EMBEDDER.revision, PLAIN.revision}) == 3
    with pytest.raises(InvalidInput, match="max_tokens is 0"):
        ContextEmbedder(max_tokens=0)


def test_a_lone_surrogate_is_refused() -> None:
    with pytest.raises(InvalidText, match="surrogate"):
        EMBEDDER.embed(["half an emoji \ud83d"])


def test_a_memory_is_ranked_by_what_was_fitted_on_its_vectors(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    with Memory(path) as memory:
        memory.add(["We adopted a grey cat called Miso.", "The bridge opened again in May."])
        first = memory.search("What is the cat called?")[0]
        assert "Miso" in first.cube.content
        assert listnet.kind(memory._searcher._embedding.space) == "context"
    with Memory(path) as memory:  # the store's own
        assert memory.search("Which pet do we have?")[0].cube.content == first.cube.content
        assert memory.reindex("static") == 2
        assert "Miso" in memory.search("What is the cat called?")[0].cube.content
    with pytest.raises(EmbedderError, match="reindex"), Memory(path, embedder="context") as memory:
        memory.search("cat")


def test_it_is_another_space_than_the_rows_alone() -> None:
    assert EMBEDDER.model == "mnemon-context-minilm-mpnet"
    assert EMBEDDER.model != StaticEmbedder().model
    assert EMBEDDER.dimension == StaticEmbedder().dimension


def test_the_card_names_the_files_by_their_digests() -> None:
    folder = context_model.FOLDER
    card = json.loads((folder / "card.json").read_text("utf-8"))
    files = {name: (folder / name).read_bytes() for name in card["sha256"]}
    assert card["sha256"] == {name: hashlib.sha256(it).hexdigest() for name, it in files.items()}
    assert {"card.json", "NOTICE", *files} == {file.name for file in folder.iterdir()}
    together = "".join(card["sha256"].values()).encode()
    assert card["revision"] == hashlib.sha256(together).hexdigest()[:16]
    assert {one["licence"] for one in card["sources"]} == {"Apache-2.0"}
    notice = (folder / "NOTICE").read_text("utf-8")
    assert all(one["model"] in notice for one in card["sources"])


def test_a_tuning_of_the_rows_alone_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "static.npz"
    shutil.copy(context_model.BUNDLED.with_name("static.npz"), path)
    with pytest.raises(EmbedderError, match="cannot be used"):
        ContextEmbedder(tuning=str(path)).embed(["hello"])
