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
from mnemon.errors import StoreError
from mnemon.store.index import ahead, foresight
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


def by_words(memory, text):
    """Ids of what holds a word of a text, or stands beside what does."""
    return {
        hit.cube.id
        for hit in memory.search(text)
        if any(reason.channel == "words" for reason in hit.why)
    }


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
        assert {new, other} <= by_words(memory, "quagga")
        memory.forget(new)
        memory.forget(other, purge=True)
        assert not {new, other} & {id for id, _ in hits(memory, "zebu quagga")}


def test_what_another_memory_adds_while_lists_are_read_is_found(path, monkeypatch):
    scan, go, begun = SQLiteStore.scan_postings, threading.Event(), threading.Event()
    late = []

    def held(self, num, after, before, most):
        found = scan(self, num, after, before, most)
        if after > "m" and found and not begun.is_set():
            late.append(found[-1][0])
            begun.set()
            go.wait(10)
        return found

    monkeypatch.setattr(SQLiteStore, "scan_postings", held)
    with Memory(path) as memory, Memory(path) as writer:
        for question in QUESTIONS[:2]:
            memory.search(question)
        assert begun.wait(10)  # lists from a to m have been read, and a few behind
        new = writer.add(f"An aardvark: {late[0]}.").id
        memory.search(QUESTIONS[0])
        go.set()
        for question in QUESTIONS:
            memory.search(question)
            memory._searcher.settle()
        assert read(memory)[1]
        for word in ("aardvark", *late):
            assert new in by_words(memory, word)


def test_lists_that_are_too_many_to_keep_are_read_again(path):
    with Memory(path) as memory:
        plain = [hits(memory, question) for question in QUESTIONS]
        settled(memory)
        terms = memory._searcher._scopes[memory.namespace]._terms
        terms._most = terms.nbytes // 4
        new = memory.add("The zebu has a violin.").id
        assert new in by_words(memory, "zebu")
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


def test_a_store_that_failed_while_it_was_read_ahead_fails_no_search(path, monkeypatch):
    def failing(*given):
        raise StoreError("the database is away")

    with Memory(path) as memory:
        with monkeypatch.context() as patch:
            patch.setattr(turns_ahead.TurnsAhead, "_portion", failing)
            settled(memory)
            assert all(memory.search(question) for question in QUESTIONS)
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
    monkeypatch.setattr(turns_ahead, "_PIECE", 50)
    keep, parent, begun = facets.Turns.keep, os.getpid(), threading.Event()

    def slow(self, rows, told):
        if os.getpid() == parent and threading.current_thread() in threads():
            begun.set()
            time.sleep(0.1)  # with a lock that a child wants too
        return keep(self, rows, told)

    with Memory(path) as memory:
        expected = hits(memory)
        monkeypatch.setattr(facets.Turns, "keep", slow)
        memory.search(QUESTIONS[0])
        assert begun.wait(10)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # of forking with threads
            child = multiprocessing.get_context("fork").Process(
                target=_ask_on, args=(memory, expected)
            )
            child.start()
        child.join(20)
        child.kill()  # if it waits for what its parent held
        assert child.exitcode == 0


def _ask_on(memory, expected):
    assert hits(memory) == expected
    for question in QUESTIONS:
        memory.search(question)
    memory._searcher.settle()
    known, complete = read(memory)
    assert known >= TURNS and complete
