"""An embedder can be named for a new store; one that has vectors keeps its own."""

from __future__ import annotations

from mnemon import Memory


def test_a_new_store_embeds_by_the_one_that_is_named(run, store, tmp_path):
    said = tmp_path / "said.jsonl"
    said.write_text('{"content": "We adopted a grey cat called Miso."}\n', "utf-8")
    run("import", str(said), "--embedder", "static")
    run("add", "The bridge opened again in May.")  # by the store's own
    run("add", "We sleep in a tent.", "--embedder", "static")
    assert "Miso" in run("search", "Which pet do we have?", "-k", "1").stdout
    with Memory(store) as memory:
        trace = memory.recall("Which pet do we have?", budget=20).trace
    assert trace["space"].startswith("mnemon-static-")


def test_a_store_of_another_one_says_how_to_move_it(run, ids):
    done = run("add", "We sleep in a tent.", "--embedder", "static", expect=1)
    assert "reindex" in done.output
    assert len(run("ls").stdout.splitlines()) == 1 + len(ids)


def test_an_unknown_one_is_told_with_those_that_are_known(run):
    done = run("add", "We sleep in a tent.", "--embedder", "contxt", expect=2)
    assert "contxt" in done.output and "context" in done.output
