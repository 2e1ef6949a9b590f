from __future__ import annotations

import pytest
from tests.weights.facts import FACTS, STRANGER, asked, draft

from mnemon.cube import Draft, Policy
from mnemon.errors import NotFound, StaleArtifact
from mnemon.weights import Reader, consolidate


def _answers(memory, loaded) -> dict[str, str]:
    with Reader(memory, *loaded) as reader:
        return {name: reader.answer(asked(name)).text for name in FACTS}


def _cube(memory, name: str):
    return next(one for one in memory.list() if name in one.content.split())


def test_forgetting_one_trains_its_shard_only(memory, loaded) -> None:
    before = {one.key for one in memory.artifacts.list("adapter")}
    gone = next(iter(FACTS))
    memory.forget(_cube(memory, gone).id, purge=True)
    done = consolidate(memory, *loaded)
    assert [len(one.sources) for one in done.trained] == [1]
    assert set(done.kept) < before and len(done.kept) == len(before) - 1
    answers = _answers(memory, loaded)
    assert answers.pop(gone) != FACTS[gone]
    assert answers == {name: code for name, code in FACTS.items() if name != gone}


def test_a_reader_opened_before_answers_nothing_forgotten(memory, loaded) -> None:
    gone = next(iter(FACTS))
    with Reader(memory, *loaded) as reader:
        memory.forget(_cube(memory, gone).id)
        with pytest.raises(NotFound):
            reader.answer(asked(gone))


def test_what_changed_is_refused_then_learnt_anew(memory, loaded) -> None:
    name = next(iter(FACTS))
    with Reader(memory, *loaded) as reader:
        memory.update(_cube(memory, name).id, draft(name, "x05 x06 x07 x08").content)
        with pytest.raises(StaleArtifact):
            reader.answer(asked(name))
    done = consolidate(memory, *loaded)
    assert len(done.trained) == 1 and len(done.trained[0].sources) == 2
    assert _answers(memory, loaded) == {**FACTS, name: "x05 x06 x07 x08"}


def test_what_may_not_be_compiled_never_is(memory, loaded) -> None:
    name = next(iter(FACTS))
    cube = _cube(memory, name)
    memory.forget(cube.id)
    kept = memory.add([Draft(cube.content, kind="fact", policy=Policy(compile=False))])
    done = consolidate(memory, *loaded)
    assert done.withheld == (kept[0].id,)
    assert _answers(memory, loaded)[name] != FACTS[name]


def test_consolidating_again_trains_nothing(memory, loaded) -> None:
    done = consolidate(memory, *loaded)
    assert done.trained == () and len(done.kept) == len(FACTS) // 2


def test_all_facts_of_a_subject_stand_in_one_shard(memory, loaded) -> None:
    name = next(iter(FACTS))
    more = memory.add(f"{name} 's city is shuga dojai .", kind="fact")
    (made,) = consolidate(memory, *loaded).trained
    assert len(made.sources) == 3 and (more.id, 1) in made.sources
    with Reader(memory, *loaded) as reader:
        assert reader.answer(asked(name)).text == FACTS[name]
        assert reader.answer(f"Q : what is {name} 's city now ? A :").text == "shuga dojai"


def test_what_is_no_fact_of_a_known_form_is_told(memory, loaded) -> None:
    odd = memory.add("shuga dojai shuga", kind="fact")
    assert consolidate(memory, *loaded).unread == (odd.id,)


def test_what_did_not_learn_is_told_and_never_worn(memory, loaded) -> None:
    name = STRANGER
    memory.add([draft(name, "x01 x02 x03 x04"), draft(name, "x05 x06 x07 x08")])
    (made,) = (done := consolidate(memory, *loaded)).trained
    assert done.unlearnt == (made.key,)
    with Reader(memory, *loaded) as reader:
        assert reader.answer(asked(name)).adapter is None


def test_what_only_some_may_read_or_what_ends_is_withheld(memory, loaded) -> None:
    ours = Policy(readers=(memory.actor,))
    cubes = memory.add([
        Draft(f"the code for {STRANGER} is x01 .", kind="fact", policy=ours),
        Draft(f"{STRANGER} 's city is shuga .", kind="fact", valid_to="2099-01-01"),
    ])  # fmt: skip
    done = consolidate(memory, *loaded)
    assert set(done.withheld) == {cube.id for cube in cubes} and done.trained == ()
