"""Two memories on one file: each sees the other's writes in its next search."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest

from mnemon.errors import DimensionMismatch, EmbedderError, StoreClosed


@dataclass(frozen=True)
class Letters:
    """Counts of letters: an embedder of one's own."""

    model: str = "letters"
    revision: str = "1"
    dimension: int = 26
    wrong: str = ""

    def embed(self, texts):
        rows = [[text.lower().count(chr(97 + i)) + 0.1 for i in range(26)] for text in texts]
        matrix = np.array(rows, np.float32).reshape(len(texts), 26)
        if self.wrong == "short":
            return matrix[:, :5]
        if self.wrong == "few":
            return matrix[:-1]
        if self.wrong in ("nan", "inf"):
            return np.full_like(matrix, float(self.wrong))
        return matrix / np.linalg.norm(matrix, axis=1, keepdims=True)

    def embed_query(self, text):
        return self.embed([text])[0]


@pytest.fixture
def pair(memory, open_memory):
    memory.add(["an ostrich", "a penguin"])
    other = open_memory()
    assert len(other.search("ostrich penguin")) == 2
    return memory, other


def found(memory, query):
    return [hit.cube.content for hit in memory.search(query) if hit.why[0].channel == "words"]


def test_what_the_other_adds_is_found(pair):
    memory, other = pair
    memory.add("a quokka")
    assert found(other, "quokka") == ["a quokka"]
    other.add("a second quokka", namespace="default/new")
    assert set(found(memory, "quokka")) == {"a quokka", "a second quokka"}


def test_what_the_other_changes_or_forgets_is_seen(pair):
    memory, other = pair
    ostrich, penguin = memory.list()
    memory.update(ostrich.id, "an emu")
    assert found(other, "ostrich") == []
    assert found(other, "emu") == ["an emu"]
    memory.forget(penguin.id)
    assert found(other, "penguin") == []
    memory.restore(penguin.id)
    assert found(other, "penguin") == ["a penguin"]


def test_what_the_other_purges_is_gone(pair):
    memory, other = pair
    memory.forget(memory.list()[0].id, purge=True)
    assert found(other, "ostrich") == []
    assert found(other, "penguin") == ["a penguin"]


def test_what_the_other_imports_is_found(pair, tmp_path, open_memory):
    memory, other = pair
    with_quokka = tmp_path / "notes.jsonl"
    memory.export(with_quokka)
    memory.forget(kind="episode", purge=True)
    text = with_quokka.read_text().replace("01", "02").replace("ostrich", "quokka")
    with_quokka.write_text(text)
    memory.import_(with_quokka)
    assert found(other, "quokka") == ["an quokka"]


def test_searching_goes_on_while_the_other_reindexes(pair):
    memory, other = pair
    assert memory.reindex(Letters()) == 2
    assert found(memory, "ostrich") == ["an ostrich"]
    with pytest.raises(EmbedderError, match="own"):
        other.search("ostrich")  # it cannot know another's embedder: an error, not silence
    assert memory.reindex("static") == 2
    assert found(other, "ostrich") == ["an ostrich"]
    assert found(memory, "ostrich") == ["an ostrich"]


def test_an_embedder_of_ones_own_is_asked_for_again(open_memory):
    first = open_memory(embedder=Letters())
    first.add("an ostrich")
    assert open_memory(embedder=Letters()).search("ostrich")[0].cube.content == "an ostrich"
    with pytest.raises(EmbedderError):
        open_memory().add("x")
    with pytest.raises(EmbedderError):
        open_memory(embedder="static").add("x")


@pytest.mark.parametrize(
    ("wrong", "error"),
    [("short", DimensionMismatch), *((wrong, EmbedderError) for wrong in ("few", "nan", "inf"))],
)
def test_a_vector_that_is_none_writes_nothing(open_memory, wrong, error):
    memory = open_memory(embedder=Letters(wrong=wrong))
    with pytest.raises(error):
        memory.add(["one", "two"])
    assert memory.count() == 0
    assert memory.log() == []
    assert memory.fsck() == []


def test_a_closed_memory_says_so(memory, open_memory):
    other = open_memory()
    other.add("x")
    other.close()
    other.close()
    with pytest.raises(StoreClosed):
        other.search("x")
    assert memory.count() == 1
