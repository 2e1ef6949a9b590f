"""Compiling from the command line, and the places where that lies."""

from __future__ import annotations

from tests.weights.facts import FACTS, draft

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
    run("compile", "--all", "--model", "nano", "--form", "tables", expect=2)


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


def test_facts_become_weights_that_a_gate_lets_answer(run, store, parsed):
    with Memory(store) as memory:
        fact, _ = memory.add([draft(name, code) for name, code in list(FACTS.items())[:2]])
        memory.add("shuga dojai", kind="fact")
    done = run("compile", "--all", "--model", "nano", "--form", "weights")
    assert done.stdout.startswith("compiled 2 cubes: ") and "no fact of a form" in done.stderr
    assert "'current' points at 1 adapter: compiled to weights" in done.stdout
    again = parsed(run("compile", fact.id, "--model", "nano", "--form", "weights", "--json"))
    assert (again["compiled"], again["fresh"], again["promotion"]) == (0, 1, None)
    (listed,) = parsed(run("weights", "list", "--json"))["aliases"]
    assert (listed["action"], len(listed["members"])) == ("promote", 1)
    shown = run("weights", "history").stdout
    assert "promote by user" in shown and "recall: 1 (limit 0.9) passed" in shown
    assert "points at 0 adapters" in run("weights", "rollback", "--why", "it was wrong").stdout
    assert [one["why"] for one in parsed(run("weights", "history", "--json"))] == [
        "compiled to weights", "it was wrong",
    ]  # fmt: skip
    run("weights", "rollback", expect=1)
    run("weights", "rollback", "nobody", expect=1)
    run("compile", "--all", "--model", "nano", "--form", "weights", "--to", "x", expect=2)


def test_a_namespace_is_withheld_from_weights_and_allowed_again(run, store, parsed):
    with Memory(store, namespace="acme/ana") as memory:
        fact = memory.add("the code for fabulu is x01 x02 .", kind="fact")
        memory.artifacts.derive("adapter", [fact], b"x", method="m@1")
    assert "1 artifact dropped" in run("weights", "withhold", "acme").stdout
    assert "acme: withheld since" in run("weights", "list").stdout
    assert parsed(run("weights", "list", "--json"))["withheld"][0]["namespace"] == "acme"
    given = ("-n", "acme/ana", "compile", "--all", "--model", "nano", "--form", "weights")
    assert "namespace 'acme' is withheld" in run(*given, expect=1).stderr
    run("weights", "allow", "acme")
    run("weights", "allow", "acme", expect=1)
    run("weights", "withhold", "../acme", expect=2)
    verbs = [entry["verb"] for entry in parsed(run("audit", "show", "--json"))]
    assert verbs == ["weights-withhold", "weights-allow"]
