"""An alias moves to what passes the gate; each check can fail by itself; the past is kept."""

from __future__ import annotations

import pytest
import torch
from tests.weights.facts import FACTS as EIGHT
from tests.weights.facts import STRANGER, asked, draft, told

from mnemon import Memory
from mnemon.errors import AliasMoved, InvalidInput, NotFound, StaleArtifact
from mnemon.weights import Gate, Probes, Reader, consolidate, history, promote, publish, rollback
from mnemon.weights import layout as tensors
from mnemon.weights.promotion.alias import write

FACTS = dict(list(EIGHT.items())[:4])
NAMES = list(FACTS)
QUICK = Gate(most=1, texts=1)


@pytest.fixture(scope="module")
def trained(tmp_path_factory, loaded):
    path = tmp_path_factory.mktemp("promoted") / "store.db"
    with Memory(path, namespace="ana") as memory:
        told(memory, FACTS)
        consolidate(memory, *loaded)
    return path


def _keys(memory) -> set[str]:
    return {one.key for one in memory.artifacts.list("adapter") if one.fresh}


def _answers(memory, loaded, names=NAMES, **more) -> dict[str, str]:
    with Reader(memory, *loaded, **more) as reader:
        return {name: reader.answer(asked(name)).text for name in names}


def _known(memory, loaded, **more) -> set[str]:
    return {name for name, text in _answers(memory, loaded, **more).items() if text == FACTS[name]}


def _of(memory, loaded, name: str) -> str:
    with Reader(memory, *loaded, keys=_keys(memory)) as reader:
        return reader.route(asked(name))[0]


def _spoilt(memory, key: str) -> str:
    """An adapter of the same facts whose deltas are noise; its key."""
    one = memory.artifacts.open(key)
    noise = {
        layer: tuple(torch.randn(part.shape[1:], generator=torch.manual_seed(0)) for part in pair)
        for layer, pair in tensors.deltas(one.payload, 1.0, torch.zeros(1)).items()
    }
    header = {name: told for name, told in one.header.items() if name != "options"}
    cubes = [memory.get(id) for id, _ in one.sources]
    return memory.artifacts.derive(
        "adapter", cubes, tensors.to_bytes(tensors.named(noise)), method="noise@1",
        model=one.model, options=one.header["options"], header=header,
    ).key  # fmt: skip


def test_what_passes_is_promoted_and_the_past_says_by_what(memory, loaded) -> None:
    memory.add([f"{NAMES[0]} is here again", "shuga dojai shuga"])
    done = promote(memory, *loaded, why="the first")
    assert done.passed and set(done.line.members) == _keys(memory)
    checks = {one.name: one for one in done.verdict.checks}
    assert (checks["recall"].figure, checks["recall"].asked) == (1.0, len(FACTS))
    assert checks["strangers"].figure == 0.0 and checks["strangers"].asked == len(FACTS)
    assert checks["general"].figure == 1.0 and checks["general"].asked > 0
    assert checks["perplexity"].asked > 0 and checks["earlier"].figure is None
    assert _known(memory, loaded) == set(FACTS)
    (line,) = history(memory)
    assert (line.action, line.why, line.actor) == ("promote", "the first", memory.actor)
    assert line.figures["checks"][0] == {
        "name": "recall", "figure": 1.0, "limit": 0.9, "asked": len(FACTS), "passed": True,
    }  # fmt: skip
    assert "promote" in [event.verb for event in memory.log()]


def test_what_is_trained_later_waits_for_its_promotion(memory, loaded) -> None:
    promote(memory, *loaded, gate=QUICK)
    memory.add([draft(STRANGER, "x01 x02 x03 x04")])
    consolidate(memory, *loaded)
    with Reader(memory, *loaded) as reader:
        assert reader.answer(asked(STRANGER)).adapter is None
        keys = _keys(memory)
    done = promote(memory, *loaded)
    assert done.passed and set(done.line.members) == keys
    recall, earlier, *_ = done.verdict.checks
    assert (recall.asked, earlier.asked, earlier.figure) == (1, len(FACTS), 1.0)
    assert _answers(memory, loaded, [STRANGER]) == {STRANGER: "x01 x02 x03 x04"}
    back = rollback(memory)
    assert set(back.members) == set(history(memory)[0].members)
    with Reader(memory, *loaded) as reader:
        assert reader.answer(asked(STRANGER)).adapter is None


def test_a_set_that_does_not_recall_is_refused_and_the_alias_stays(memory, loaded) -> None:
    good = promote(memory, *loaded, gate=QUICK).line.members
    bad = _spoilt(memory, good[0])
    done = promote(memory, *loaded, keys={*good, bad})
    assert done.line.action == "refuse" and set(done.verdict.failed) >= {"recall"}
    assert done.line.members == good and bad in done.line.candidate
    assert "recall" in done.line.why
    assert _known(memory, loaded) == set(FACTS)


def test_a_first_set_that_is_refused_answers_nothing(memory, loaded) -> None:
    done = promote(memory, *loaded, gate=Gate(recall=1.1, most=1))
    assert done.line.action == "refuse" and done.line.members == ()
    assert _known(memory, loaded) == set()


def test_a_set_that_lost_what_was_known_is_refused_but_not_for_what_was_forgotten(
    memory, loaded
) -> None:
    promote(memory, *loaded, gate=QUICK)
    lost = _of(memory, loaded, NAMES[0])
    less = _keys(memory) - {lost}
    done = promote(memory, *loaded, keys=less)
    assert done.verdict.failed == ("earlier",) and done.line.action == "refuse"
    assert (done.verdict.checks[1].figure, done.verdict.checks[1].asked) == (0.5, 4)
    memory.forget([id for id, _ in memory.artifacts.open(lost).sources])
    assert promote(memory, *loaded, keys=less, gate=QUICK).passed


def test_strangers_that_are_answered_with_what_is_stored_are_a_failure(memory, loaded) -> None:
    near = Probes(strangers=[asked(f"{STRANGER} {name}") for name in NAMES[:3]])
    done = promote(memory, *loaded, probes=near)
    assert done.verdict.failed == ("strangers",)
    far = Probes(strangers=[asked(STRANGER)])
    assert promote(memory, *loaded, probes=far).passed


def test_what_the_base_could_do_must_still_be_done(memory, loaded) -> None:
    key = _of(memory, loaded, NAMES[0])
    general = [(f"the code for {STRANGER} is x01 x02 . {asked(STRANGER)}", "x01 x02")]
    fine = promote(memory, *loaded, keys={key}, probes=Probes(general=general), gate=QUICK)
    assert fine.passed and fine.verdict.checks[3].asked == 1
    noise = _spoilt(memory, key)
    general = [(f"{NAMES[0]} . {prompt}", answer) for prompt, answer in general]
    done = promote(memory, *loaded, keys={noise}, probes=Probes(general=general))
    check = done.verdict.checks[3]
    assert (check.name, check.figure, check.asked) == ("general", 0.0, 1)


def test_text_that_names_a_subject_must_not_surprise_much_more(memory, loaded) -> None:
    key = _of(memory, loaded, NAMES[0])
    others = Probes(texts=[f"remember : {STRANGER} is here ."])
    fine = promote(memory, *loaded, keys={key}, probes=others, gate=QUICK)
    assert fine.passed and fine.verdict.checks[-1].figure == 1.0
    memory.add([f"remember : {name} is with {STRANGER} ." for name in NAMES])
    noise = {_spoilt(memory, key)}
    done = promote(memory, *loaded, keys=noise, gate=Gate(perplexity=1.05, most=1))
    assert "perplexity" in done.verdict.failed and done.verdict.checks[-1].figure > 2


def test_what_fails_when_it_is_judged_again_goes_back(memory, loaded) -> None:
    first = {_of(memory, loaded, NAMES[0])}
    promote(memory, *loaded, keys=first, gate=QUICK)
    promote(memory, *loaded, gate=QUICK)
    done = promote(memory, *loaded, gate=Gate(recall=1.1, most=1))
    assert done.line.action == "rollback" and set(done.line.members) == first
    assert [one.action for one in history(memory)] == ["promote", "promote", "rollback"]


def test_going_back_and_back_ends_at_the_base_alone(memory, loaded) -> None:
    one = {_of(memory, loaded, NAMES[0])}
    promote(memory, *loaded, keys=one, gate=QUICK)
    promote(memory, *loaded, gate=QUICK)
    assert set(rollback(memory, why="it was wrong").members) == one
    assert rollback(memory).members == () and _known(memory, loaded) == set()
    with pytest.raises(NotFound, match="nothing to go back to"):
        rollback(memory)
    with pytest.raises(NotFound, match="no alias"):
        rollback(memory, "other")


def test_a_reader_sees_a_move_at_its_next_question(memory, loaded) -> None:
    keys = _keys(memory)
    with Reader(memory, *loaded) as reader:
        assert reader.keys == keys
        base = memory.artifacts.list("adapter")[0].model
        line = write(memory, [], "current", base, "promote", keys)
        write(memory, [line], "current", base, "promote", ())
        assert reader.answer(asked(NAMES[0])).adapter is None and reader.keys == frozenset()


def test_who_judged_an_older_past_moves_nothing(memory, loaded) -> None:
    line = promote(memory, *loaded, gate=QUICK).line
    with pytest.raises(AliasMoved):
        write(memory, [], "current", line.model, "promote", ())
    assert history(memory) == [line]


def test_names_are_apart_and_must_be_known(memory, loaded) -> None:
    some = {_of(memory, loaded, NAMES[0])}
    promote(memory, *loaded, keys=some, alias="small", gate=QUICK)
    assert _known(memory, loaded) == set(FACTS)  # `current` is not there yet
    with Reader(memory, *loaded, alias="small") as reader:
        assert reader.keys == some
    for alias, error in (("nobody", NotFound), ("../up", NotFound)):
        with pytest.raises(error):
            Reader(memory, *loaded, alias=alias)
    with Memory(":memory:") as empty, pytest.raises(InvalidInput, match="consolidate first"):
        promote(empty, *loaded)
    with pytest.raises(InvalidInput, match="no name"):
        promote(memory, *loaded, alias="../up")
    with pytest.raises(NotFound, match="no adapter"):
        promote(memory, *loaded, keys=["0" * 64])


def test_what_is_stale_or_forgotten_never_answers_whatever_is_promoted(memory, loaded) -> None:
    promote(memory, *loaded, gate=QUICK)
    one, two = (
        next(cube.id for cube in memory.list() if name in cube.content.split())
        for name in (NAMES[0], NAMES[-1])
    )
    with Reader(memory, *loaded) as reader:
        memory.update(one, draft(NAMES[0], "x05 x06").content)
        memory.forget(two)
        with pytest.raises(StaleArtifact):
            reader.answer(asked(NAMES[0]))
        with pytest.raises(NotFound):
            reader.answer(asked(NAMES[-1]))
    assert not {NAMES[0], NAMES[-1]} & _known(memory, loaded)


def test_only_what_is_promoted_is_published(memory, loaded, tmp_path) -> None:
    some = {_of(memory, loaded, NAMES[0])}
    promote(memory, *loaded, keys=some, gate=QUICK)
    publish(memory, *loaded, tmp_path, "latest")
    assert {folder.name for folder in (tmp_path / "adapters").iterdir()} == some


def test_another_namespace_has_another_alias(memory, loaded) -> None:
    promote(memory, *loaded, gate=QUICK)
    with Memory(memory.path, namespace="ana/notes") as below:
        assert history(below) == []
