"""Compiling from the command line, and the places where that lies."""

from __future__ import annotations

from mnemon import Memory, places


def test_cubes_are_compiled_once_and_forgotten_with_their_blobs(run, ids, store, parsed):
    told = parsed(run("compile", "--all", "--model", "nano", "--device", "cpu", "--json"))
    assert (told["compiled"], told["fresh"], told["skipped"]) == (3, 0, [])
    done = run("compile", "--kind", "fact", "--model", "nano", "--policy", "kivi(bits=4)")
    assert done.stdout.startswith("compiled 1 cube: ")
    assert f"{store}-kv" in run("places").stdout
    run("forget", ids[2], "--purge", "--yes")
    assert parsed(run("places", "--json"))[0]["waiting"] == 0
    run("compile", "--model", "nano", expect=2)
    run("compile", ids[0], "--all", "--model", "nano", expect=2)
    run("compile", "--all", "--model", "nano", "--form", "weights", expect=2)


def test_a_place_that_cannot_be_reached_is_told_and_may_be_left(run, ids, store):
    run("compile", "--all", "--model", "nano")
    with Memory(store) as memory:
        places.add(memory._store, "unix:///nowhere.sock")
    done = run("forget", ids[0], "--yes")
    assert "blob" in done.stdout and "may still lie in unix:///nowhere.sock" in done.stderr
    assert "removal-pending" in run("fsck", expect=1).stdout
    assert "given up" in run("places", "--leave", "unix:///nowhere.sock").stderr
    run("fsck")
    run("places", "--leave", "unix:///nowhere.sock", expect=1)


def test_without_places_there_is_nothing_to_show(run, ids):
    assert "no places" in run("places", expect=1).stderr
