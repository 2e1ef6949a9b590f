"""Forgetting, links and usage."""

from __future__ import annotations

import pytest

from mnemon import Draft, methods
from mnemon.errors import InvalidInput, NotFound, StaleArtifact, StoreCorrupt


def summarised(memory, *cubes):
    """A method's summary of some cubes, as the core would add it."""
    method = methods.load("text.extract", "centroid")
    (draft,) = method.extract(cubes)
    fields = {name: getattr(draft, name) for name in Draft.__dataclass_fields__}
    return memory.add(Draft(**{**fields, "producer": methods.producer(method)}))


def filled(memory):
    memory.add(
        [
            Draft("a", speaker="Ana", session="s", at="2020-01-01"),
            Draft("b", kind="fact", metadata={"tag": ["x", "y"]}, at="2021-01-01"),
            Draft("c", speaker="Ana", at="2022-01-01"),
        ]
    )
    memory.add("d", namespace="default/deep", at="2023-01-01")


@pytest.mark.parametrize("purge", [False, True])
@pytest.mark.parametrize(
    ("chosen", "left"),
    [
        ({"kind": "fact"}, "acd"),
        ({"kind": ["fact", "episode"]}, ""),
        ({"speaker": "Ana"}, "bd"),
        ({"session": "s"}, "bcd"),
        ({"since": "2021-06-01"}, "ab"),
        ({"until": "2021-01-01"}, "bcd"),
        ({"since": "2020-06-01", "until": "2022-06-01"}, "ad"),
        ({"metadata": {"tag": "y"}}, "acd"),
        ({"namespace": "default/deep"}, "abc"),
        ({"namespace": "default"}, ""),
        ({"speaker": "Ana", "session": "s"}, "bcd"),
        ({"ids": []}, "abcd"),
        ({"ids": ["nobody"]}, "abcd"),
    ],
)
def test_what_is_chosen_is_forgotten_and_the_dry_run_said_so(memory, chosen, left, purge):
    filled(memory)
    told = memory.forget(**chosen, dry_run=True, purge=purge)
    assert memory.count() == 4
    done = memory.forget(**chosen, purge=purge)
    assert [cube.content for cube in memory.list()] == list(left)
    assert (told.cubes, told.versions, told.ids) == (done.cubes, done.versions, done.ids)


@pytest.mark.parametrize("purge", [False, True])
def test_a_dry_run_counts_all_that_hangs_on_it(memory, purge):
    one, two = memory.add(["one", "two"])
    memory.update(one.id, "uno")
    summary = summarised(memory, memory.get(one.id), two)
    memory.link(two.id, "about", summary.id)
    memory.link(one.id, "about", two.id)
    memory.artifacts.derive("kv", [summary], b"x", method="m")
    told = memory.forget(one.id, dry_run=True, purge=purge)
    done = memory.forget(one.id, purge=purge)
    for name in ("cubes", "versions", "links", "artifacts", "ids", "purged"):
        assert getattr(told, name) == getattr(done, name), name
    assert (done.cubes, done.links, done.artifacts) == (2, 2, 1)
    assert (told.dry_run, done.dry_run) == (True, False)


def test_forgetting_nothing_in_particular_is_refused(memory):
    memory.add("x")
    for empty in ({}, {"metadata": {}}, {"purge": True}):
        with pytest.raises(InvalidInput):
            memory.forget(**empty)
    assert memory.count() == 1


def test_forgetting_the_forgotten_or_the_missing_counts_nothing(memory):
    cube = memory.add("x")
    assert memory.forget([cube.id, cube.id]).cubes == 1
    assert memory.forget(cube.id).cubes == 0
    assert memory.forget("nobody", purge=True).cubes == 0
    assert memory.forget(cube.id, purge=True).cubes == 1


def test_a_receipt_and_the_log_have_no_content(memory):
    cube = memory.add("xylophone", speaker="Quagga", metadata={"m": "okapi"}, source="zebu")
    receipt = memory.forget(cube.id, purge=True)
    assert receipt.ids == (cube.id,)
    assert not any(word in f"{receipt}{memory.log()}" for word in ("xyl", "Quag", "okapi", "zebu"))


def test_a_purged_cube_is_nowhere(memory):
    cube = memory.add("xylophone")
    memory.forget(cube.id, purge=True)
    assert memory.search("xylophone", as_of=cube.recorded_at) == []
    for ask in (memory.get, memory.history, memory.restore):
        with pytest.raises(NotFound):
            ask(cube.id)


@pytest.mark.parametrize(
    "change",
    [
        lambda memory, cube: memory.update(cube.id, "changed"),
        lambda memory, cube: memory.forget(cube.id),
        lambda memory, cube: memory.forget(cube.id, purge=True),
    ],
)
def test_a_summary_goes_with_its_source(memory, change):
    one, two = memory.add(["Ana likes tea", "Ben likes coffee"])
    summary = summarised(memory, one, two)
    second = summarised(memory, summary)
    assert summary.provenance.producer == "method:text.extract/centroid@1"
    change(memory, one)
    left = {cube.id for cube in memory.list()}
    assert left.isdisjoint({summary.id, second.id})
    assert not {hit.cube.id for hit in memory.search("tea coffee")} & {summary.id, second.id}


def test_a_link_is_read_written_and_ended(memory):
    one, two = memory.add(["one", "two"])
    link = memory.link(one.id, "about", two.id, weight=0.5, metadata={"why": "x"})
    assert memory.links(two.id) == [link]
    assert memory.unlink(one.id, "about", two.id)
    assert not memory.unlink(one.id, "about", two.id)
    assert memory.links(one.id) == []
    assert memory.links(one.id, as_of=link.recorded_at) == [link]


def test_a_link_to_nothing_is_refused(memory):
    cube = memory.add("one")
    with pytest.raises(NotFound):
        memory.link(cube.id, "about", "nobody")
    with pytest.raises(InvalidInput):
        memory.link(cube.id, "", cube.id)


def test_reads_and_feedback_are_counted(open_memory):
    memory = open_memory()
    cube = memory.add("a quokka")
    memory.search("quokka")
    memory.recall("quokka")
    memory.feedback(cube.id, helpful=True)
    memory.feedback([cube.id], helpful=False)
    memory.close()
    usage = open_memory().get(cube.id).usage
    assert (usage.reads, usage.helpful, usage.unhelpful) == (2, 1, 1)


def test_feedback_on_nothing_is_refused(memory):
    with pytest.raises(NotFound):
        memory.feedback("nobody", helpful=True)


def test_artifacts_are_opened_fresh_or_not_at_all(memory):
    cube = memory.add("one")
    artifact = memory.artifacts.derive("kv", [cube], b"x" * 200_000, method="m")
    assert memory.artifacts.open(artifact.key).payload == b"x" * 200_000
    memory.update(cube.id, "two")
    with pytest.raises(StaleArtifact):
        memory.artifacts.open(artifact.key)
    with pytest.raises(StaleArtifact):
        memory.artifacts.derive("kv", [cube], b"y" * 200_000, method="other")
    assert memory.artifacts.sweep() == 1
    assert memory.fsck() == []


def test_deriving_again_gives_the_artifact_that_is_there(memory):
    cube = memory.add("one")
    first = memory.artifacts.derive("kv", [cube], b"x" * 200_000, method="m")
    again = memory.artifacts.derive("kv", [cube], b"y" * 200_000, method="m")
    assert again.payload == first.payload
    assert memory.fsck() == []


def test_a_damaged_artifact_is_refused_and_can_be_made_again(memory, path):
    cube = memory.add("one")
    artifact = memory.artifacts.derive("kv", [cube], b"x" * 200_000, method="m")
    (path.parent / "memory.db-blobs" / artifact.key).write_bytes(b"z" * 200_000)
    with pytest.raises(StoreCorrupt):
        memory.artifacts.open(artifact.key)
    assert memory.fsck()[0].rule == "blob-damaged"
    assert memory.artifacts.derive("kv", [cube], b"y" * 200_000, method="m").payload[:1] == b"y"


def test_an_artifact_of_another_namespaces_cube_is_refused(memory):
    cube = memory.add("theirs", namespace="beside")
    with pytest.raises(InvalidInput):
        memory.artifacts.derive("kv", [cube], b"x", method="m")


def test_a_receipt_says_per_form_what_went(memory):
    cube = memory.add("one")
    memory.update(cube.id, "two")
    for form in ("note", "note", "adapter"):
        method = f"m{len(memory.artifacts.list())}"
        memory.artifacts.derive(form, [memory.get(cube.id)], b"x", method=method)
    plan = memory.forget(cube.id, dry_run=True)
    assert plan.forms == {"adapter": 1, "note": 2}
    assert memory.forget(cube.id).forms == plan.forms
    assert memory.forget(cube.id, purge=True).forms == {"text": 2, "vectors": 2}
