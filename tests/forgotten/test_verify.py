"""Forgetting is looked at in every form: what is left is found, and a model is asked."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.weights.facts import LONGER, draft

from mnemon import Memory
from mnemon.errors import InvalidInput
from mnemon.forgotten import Report, questions, verify
from mnemon.kv.tiers import CostModel, Tiers
from mnemon.models.local import Runtime
from mnemon.weights import consolidate

NAMES = list(LONGER)


def cube_of(memory: Memory, name: str):
    return next(one for one in memory.list(kind="fact") if name in one.content.split())


def found(report: Report) -> dict[str, int]:
    return {look.where: look.found for look in report.looks if look.found}


def test_a_model_tells_a_fact_before_and_not_after(memory, nano, tmp_path) -> None:
    with Tiers(disk=tmp_path / "kv", costs=CostModel(skips=False)) as tiers:
        runtime = Runtime(nano, memory, tiers=tiers, weights=True, max_new_tokens=8)
        memory.compile({"kind": "fact"}, runtime, to=tiers)
        asked = f"what is the code for {NAMES[0]} ?"
        assert runtime.answer(asked).text == LONGER[NAMES[0]]
        cube = cube_of(memory, NAMES[0])
        taken = questions(memory, [cube.id])
        receipt = memory.forget(cube.id, purge=True)
        assert receipt.forms == {"text": 1, "vectors": 1, "adapter": 1, "kv-chunk": 1}
        report = verify(memory, receipt, taken, nano)
        assert report.clean and report.asked == 1 and report.unasked == ()
        consolidate(memory, *nano)
        report = verify(memory, receipt, taken, nano)
        assert found(report) == {} and {look.where for look in report.looks} >= {
            "text", "words", "other text", "adapter", "kv-chunk", "places", "store", "bytes",
            "recall", "gate", "adapters",
        }  # fmt: skip
        assert LONGER[NAMES[0]] not in runtime.answer(asked).text


def test_an_adapter_that_still_has_it_is_found_by_what_it_says(memory, nano) -> None:
    cube = cube_of(memory, NAMES[0])
    taken = questions(memory, [cube.id])
    (key,) = [one.key for one in memory.artifacts.list("adapter", cube=cube.id)]
    artifact = memory.artifacts.open(key)
    receipt = memory.forget(cube.id)
    other = next(iter(memory.list(kind="fact")))
    memory.artifacts.derive(  # what a program that forgets its sources would leave behind
        "adapter", [other], artifact.payload, method=artifact.method, model=artifact.model,
        options=artifact.header["options"],
        header={name: told for name, told in artifact.header.items() if name != "options"},
    )  # fmt: skip
    report = verify(memory, receipt, taken, nano)
    assert found(report) == {"gate": 1, "adapters": 1} and not report.clean
    (look,) = [look for look in report.looks if look.where == "gate"]
    assert look.what != (key,) and look.nats > -0.5 > -5 > look.bare


def test_another_cube_that_says_it_is_found(memory, nano) -> None:
    cube = cube_of(memory, NAMES[0])
    other = memory.add(f"remember {NAMES[0]} : {LONGER[NAMES[0]]} , he said")
    taken = questions(memory, [cube.id])
    report = verify(memory, memory.forget(cube.id), taken)
    (look,) = [look for look in report.looks if look.where == "other text"]
    assert look.what == (other.id,) and report.asked == 0


def test_what_the_past_keeps_is_no_remains_unless_it_was_purged(memory) -> None:
    cube = cube_of(memory, NAMES[0])
    taken = questions(memory, [cube.id])
    receipt = memory.forget(cube.id)
    assert verify(memory, receipt, taken).clean
    memory.restore(cube.id)
    assert found(verify(memory, receipt, taken))["text"] == 1


def test_bytes_that_are_left_in_a_file_are_found(memory, tmp_path) -> None:
    cube = cube_of(memory, NAMES[0])
    taken = questions(memory, [cube.id])
    receipt = memory.forget(cube.id, purge=True)
    blobs = Path(f"{memory.path}-blobs") if memory._store.blobs is None else memory._store.blobs
    blobs.mkdir(exist_ok=True)
    (blobs / "left").write_bytes(b"\0" * (1 << 20) + cube.content.encode())
    told = found(verify(memory, receipt, taken))
    assert told["bytes"] == 1
    (blobs / "left").unlink()


def test_versions_before_are_asked_too(memory) -> None:
    cube = cube_of(memory, NAMES[0])
    memory.update(cube.id, draft(NAMES[0], "x01 x02").content)
    values = {one.lesson.value for one in questions(memory, [cube.id])}
    assert values == {LONGER[NAMES[0]], "x01 x02"}


def test_what_no_question_asks_for_is_named(memory) -> None:
    odd = memory.add("shuga dojai shuga")
    taken = questions(memory, [odd.id])
    assert verify(memory, memory.forget(odd.id), taken).unasked == (odd.id,)


def test_a_dry_run_is_refused(memory) -> None:
    receipt = memory.forget(kind="fact", dry_run=True)
    with pytest.raises(InvalidInput, match="dry run"):
        verify(memory, receipt)


def test_nothing_in_a_report_is_content(memory, nano) -> None:
    cube = cube_of(memory, NAMES[0])
    memory.add(f"remember {NAMES[0]} : {LONGER[NAMES[0]]} , he said")
    taken = questions(memory, [cube.id])
    report = verify(memory, memory.forget(cube.id), taken, nano)
    assert LONGER[NAMES[0]] not in repr(report) and LONGER[NAMES[0]] not in repr(taken)
