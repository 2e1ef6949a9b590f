"""What is read ahead of questions changes no answer, holds nobody up and outlives nothing."""

from __future__ import annotations

import multiprocessing
import os
import threading
import time
import warnings

import pytest

from mnemon import Memory
from mnemon.bench import synthetic
from mnemon.store.index import ahead, foresight, terms_ahead
from mnemon.store.rows import Filter
from mnemon.store.sqlite import SQLiteStore
from mnemon.text import ahead as turns_ahead
from mnemon.text import facets, lexicon

TURNS = 300
QUESTIONS = synthetic.questions(30, 0)


@pytest.fixture
def path(tmp_path, monkeypatch):
    """A store whose scope is worth reading ahead."""
    monkeypatch.setattr(foresight, "LEAST", 100)
    path = tmp_path / "memory.db"
    with Memory(path) as memory:
        memory.add(synthetic.turns(TURNS, 0))
    return path


def hits(memory, text="Where is the violin?", **chosen):
    return [(hit.cube.id, hit.score) for hit in memory.search(text, **chosen)]


def threads():
    return [thread for thread in threading.enumerate() if thread.name.startswith("mnemon-index")]


def read(memory):
    """(turns whose facets are known, whether all posting lists are)."""
    view = memory._searcher.look("anything", Filter(memory.namespace))[0]
    return len(facets.of(view)._turns), memory._searcher._scopes[memory.namespace]._terms._complete


def settled(memory):
    """Two questions, and what these have read ahead."""
    for question in QUESTIONS[:2]:
        memory.search(question)
    memory._searcher.settle()
    return read(memory)


def test_a_scope_that_was_read_ahead_gives_the_same_hits(path, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(foresight, "LEAST", 10**9)
        with Memory(path) as memory:
            plain = [hits(memory, question) for question in QUESTIONS]
            assert threads() == []
    with Memory(path) as memory:
        assert settled(memory) == (TURNS, True)
        assert [hits(memory, question) for question in reversed(QUESTIONS)] == plain[::-1]


@pytest.mark.parametrize("ask", ["search", "recall"])
def test_one_question_has_nothing_read_ahead(path, ask):
    with Memory(path) as memory:
        getattr(memory, ask)(QUESTIONS[0])
        assert threads() == []


def test_what_comes_and_goes_after_reading_ahead_is_found_and_gone(path):
    with Memory(path) as memory:
        assert settled(memory)[1]
        new = memory.add("The zebu met a quagga.").id
        other = memory.add("A quagga and the zebu were at the zoo again.").id
        assert {new, other} <= {id for id, _ in hits(memory, "zebu quagga")}
        memory.forget(new)
        memory.forget(other, purge=True)
        assert not {new, other} & {id for id, _ in hits(memory, "zebu quagga")}


def test_what_another_memory_adds_while_lists_are_read_is_found(path, monkeypatch):
    monkeypatch.setattr(terms_ahead, "_PIECE", 1)
    scan, go, begun = SQLiteStore.scan_postings, threading.Event(), threading.Event()

    def held(self, num, after, before, most):
        if after > "m":
            begun.set()
            go.wait(10)
        return scan(self, num, after, before, most)

    monkeypatch.setattr(SQLiteStore, "scan_postings", held)
    with Memory(path) as memory, Memory(path) as writer:
        for question in QUESTIONS[:2]:
            memory.search(question)
        assert begun.wait(10)  # lists from a to m have been read
        new = writer.add("An aardvark met a zebu.").id
        memory.search(QUESTIONS[0])
        go.set()
        for _ in range(2):
            for said in ("aardvark", "zebu"):
                assert new in {id for id, _ in hits(memory, said)}
            for question in QUESTIONS:
                memory.search(question)
            memory._searcher.settle()
        assert read(memory)[1]


def test_lists_that_are_too_many_to_keep_are_read_again(path):
    with Memory(path) as memory:
        plain = [hits(memory, question) for question in QUESTIONS]
        settled(memory)
        terms = memory._searcher._scopes[memory.namespace]._terms
        terms._most = terms.nbytes // 4
        new = memory.add("The zebu has a violin.").id
        assert new in {id for id, _ in hits(memory, "zebu violin")}
        memory.forget(new, purge=True)
        assert [hits(memory, question) for question in QUESTIONS] == plain
        assert not terms._complete and terms.nbytes <= terms._most


def test_closing_ends_reading_ahead(path, monkeypatch):
    monkeypatch.setattr(turns_ahead, "_PIECE", 1)
    foresee, begun = facets.Facets._foresee, threading.Event()

    def slow(self, whole, rows):
        begun.set()
        time.sleep(0.02)
        return foresee(self, whole, rows)

    monkeypatch.setattr(facets.Facets, "_foresee", slow)
    memory = Memory(path)
    for question in QUESTIONS[:2]:
        memory.search(question)
    assert begun.wait(10)
    known = facets.of(memory._searcher.look("anything", Filter(memory.namespace))[0])
    memory.close()
    assert threads() == [] and len(known._turns) < TURNS


def test_what_could_not_be_read_ahead_is_told_and_tried_again(path, monkeypatch):
    with Memory(path) as memory:
        with monkeypatch.context() as patch:
            patch.setattr(turns_ahead.TurnsAhead, "_portion", lambda *given: 1 // 0)
            settled(memory)
            with pytest.raises(ZeroDivisionError):
                for question in QUESTIONS:
                    memory.search(question)
        for question in QUESTIONS:
            memory.search(question)
        memory._searcher.settle()
        assert read(memory)[0] >= TURNS


def test_a_large_scope_is_read_ahead_when_nobody_searches(path, monkeypatch):
    monkeypatch.setattr(ahead, "AT_ONCE", 100)
    monkeypatch.setattr(ahead, "_PATIENCE", 0.05)
    monkeypatch.setattr(ahead, "_QUIET", 3600)
    with Memory(path) as memory:
        known, complete = settled(memory)
        assert known < TURNS and not complete
        monkeypatch.setattr(ahead, "_QUIET", 0)
        memory.search(QUESTIONS[2])
        memory._searcher.settle()
        assert read(memory) == (TURNS, True)


def test_reading_ahead_leaves_words_alone_that_are_known(path, monkeypatch):
    words = lexicon.Lexicon(lexicon.StaticEmbedder(), 256)
    monkeypatch.setattr(facets, "lexicon", lambda: words)
    monkeypatch.setattr(turns_ahead, "_PIECE", 1)
    words.numbers([f"word{number}" for number in range(90)])
    with Memory(path) as memory:
        memory._searcher.look(QUESTIONS[0], Filter(memory.namespace))
        view = memory._searcher.look(QUESTIONS[0], Filter(memory.namespace))[0]
        facets.words(view, [0])
        memory._searcher.settle()
        assert 1 < len(facets.of(view)._turns) < TURNS and words.oldest == 1


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system cannot fork")
def test_a_child_goes_on_where_its_parent_was_reading(path, monkeypatch):
    monkeypatch.setattr(turns_ahead, "_PIECE", 1)
    with Memory(path) as memory:
        for question in QUESTIONS[:2]:
            memory.search(question)
        children = []
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # of forking with threads
            for _ in range(5):  # each in the middle of some piece
                child = multiprocessing.get_context("fork").Process(
                    target=_ask_on, args=(memory, hits(memory))
                )
                child.start()
                children.append(child)
        for child in children:
            child.join(60)
        assert [child.exitcode for child in children] == [0] * 5


def _ask_on(memory, expected):
    assert hits(memory) == expected
    for question in QUESTIONS:
        memory.search(question)
    memory._searcher.settle()
    assert read(memory) == (TURNS, True) or read(memory)[0] > TURNS
