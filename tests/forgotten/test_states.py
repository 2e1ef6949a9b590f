"""Latent states and banks are asked too, each by itself: what is left and tells is found."""

from __future__ import annotations

import pytest
import torch
from tests.weights.facts import LONGER, STRANGER, draft, told

from mnemon import Memory, Policy, methods
from mnemon.errors import AccessDenied, InvalidInput, NotFound, StaleArtifact
from mnemon.forgotten import questions, verify
from mnemon.weights import LatentReader, remember
from mnemon.weights.ask import ASK
from mnemon.weights.bank import attach, given, keep, kept
from mnemon.weights.lesson import lesson, pairs

SOME = dict(list(LONGER.items())[:3])
NAME = next(iter(SOME))


@pytest.fixture
def plain():
    with Memory(":memory:", namespace="ana") as opened:
        yield opened


def _left_behind(memory: Memory, made) -> str:
    """The same bytes, said to be of other cubes; its key."""
    header = {name: one for name, one in made.header.items() if name != "options"}
    return memory.artifacts.derive(
        made.form, memory.list(kind="fact"), made.payload, method=made.method, model=made.model,
        options=made.header["options"], header=header,
    ).key  # fmt: skip


def test_a_state_that_was_rebuilt_does_not_tell_and_one_that_was_left_does(plain, nano) -> None:
    ids = told(plain, SOME)
    made = plain.artifacts.open(remember(plain, *nano, slots=16).state.key)
    assert LatentReader(plain, *nano).answer(f"what is the code for {NAME}").text == SOME[NAME]
    asked = questions(plain, [ids[NAME]])
    receipt = plain.forget(ids[NAME], purge=True)
    again = remember(plain, *nano, slots=16).state
    report = verify(plain, receipt, asked, nano)
    assert report.clean and {one.where: one.looked for one in report.looks}["states"] == 1
    plain.artifacts.drop([again.key])
    left = _left_behind(plain, made)
    (found,) = [one for one in verify(plain, receipt, asked, nano).looks if one.found]
    assert (found.where, found.what) == ("states", (left,))


def _taught(cubes, nano):
    """An engram that was trained until it tells some facts."""
    method = methods.load("weights.layer", "engram", engram_vocab_size=499)
    bank = method.build(given(*nano))
    rows = [pairs(lesson(cube), nano.tokenizer, ASK)[0] for cube in cubes]
    ids = torch.tensor([[*one.prompt, *one.target] for one in rows])
    start = len(rows[0].prompt)
    nano.model.requires_grad_(False)
    with attach(nano.model, bank):
        optimizer = torch.optim.Adam(bank.parameters(), lr=0.02)
        for _ in range(100):
            logits = nano.model(ids, use_cache=False).logits[:, start - 1 : -1]
            loss = torch.nn.functional.cross_entropy(logits.flatten(0, 1), ids[:, start:].flatten())
            if loss < 0.02:
                break
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    return method, bank


def test_a_bank_is_kept_with_its_cubes_and_goes_with_each(plain, nano) -> None:
    ids = told(plain, SOME)
    cubes = plain.list(kind="fact")
    method, bank = _taught(cubes, nano)
    made = keep(plain, cubes, bank, method, *nano, {"steps": 1.0})
    assert (made.form, made.sources) == ("bank", tuple((one.id, 1) for one in cubes))
    again = kept(plain, *nano)
    with torch.no_grad():
        ids_of = torch.arange(5, 15)[None]
        with attach(nano.model, bank):
            one = nano.model(ids_of).logits
        with attach(nano.model, again):
            assert torch.equal(one, nano.model(ids_of).logits)
    payload = plain.artifacts.open(made.key)
    other = next(name for name in SOME if name != NAME)
    plain.update(ids[other], draft(other, "x01 x02").content)
    with pytest.raises(StaleArtifact):
        kept(plain, *nano, made.key)
    asked = questions(plain, [ids[NAME]])
    receipt = plain.forget(ids[NAME], purge=True)
    assert receipt.forms["bank"] == 1
    with pytest.raises(NotFound, match="keep one"):
        kept(plain, *nano)
    assert verify(plain, receipt, asked, nano).clean
    left = _left_behind(plain, payload)
    (found,) = [one for one in verify(plain, receipt, asked, nano).looks if one.found]
    assert (found.where, found.what) == ("banks", (left,))


def test_a_bank_is_kept_for_its_model_and_of_what_may_become_weights(plain, nano) -> None:
    method = methods.load("weights.layer", "engram", engram_vocab_size=499)
    bank = method.build(given(*nano))
    cube = plain.add(draft(STRANGER, "x01"))
    made = keep(plain, [cube], bank, method, *nano)
    with pytest.raises(InvalidInput, match="no bank of this model"):
        plain.artifacts.derive("bank", [cube], b"", method="method:x/y@1", options={"n": 1})
        kept(plain, *nano, plain.artifacts.list("bank")[-1].key)
    with attach(nano.model, bank), pytest.raises(InvalidInput, match="detach"):
        keep(plain, [cube], bank, method, *nano)
    plain.update(cube.id, policy=Policy(compile=False))
    with pytest.raises(AccessDenied, match="may not be compiled"):
        keep(plain, plain.list(kind="fact"), bank, method, *nano)
    assert not next(one for one in plain.artifacts.list("bank") if one.key == made.key).fresh
