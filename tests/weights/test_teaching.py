"""A language model reads facts of any form: what it notes is trained, what it invents is not."""

from __future__ import annotations

import json
import re

import pytest
from tests.integrations.scripted import running
from tests.weights.facts import FACTS

from mnemon import Memory
from mnemon.cube import Draft, Policy
from mnemon.errors import UpstreamFailed
from mnemon.models.completing import ChatModel
from mnemon.weights import Reader, consolidate, teach

NAME, CODE = next(iter(FACTS.items()))


def fact(name: str, code: str) -> str:
    return f"{code} opens the door of {name} ."


def reads(prompt: str) -> str:
    """What a good model says of such facts."""
    code, name = re.findall(r"^(.+) opens the door of (\S+) \.$", prompt, re.M)[0]
    questions = [f"what opens the door of {name}?", f"say it: {code}", "what is it?"]
    told = {"subject": name, "relation": "code", "value": code, "questions": questions}
    return f"Here it is:\n```json\n{json.dumps(told)}\n```"


@pytest.fixture
def told():
    with Memory(":memory:", namespace="ana") as memory:
        memory.add([Draft(fact(name, code), kind="fact") for name, code in [*FACTS.items()][:2]])
        yield memory


def test_facts_of_any_form_are_trained_once_they_were_read(told, loaded) -> None:
    assert len(consolidate(told, *loaded).unread) == 2
    taught = teach(told, reads)
    assert len(taught.noted) == 2 and not taught.refused
    assert not consolidate(told, *loaded).unread
    with Reader(told, *loaded) as reader:
        for name, code in [*FACTS.items()][:2]:
            assert reader.answer(f"what is the code for {name} ?").text == code
            assert reader.answer(f"what opens the door of {name} ?").text == code
    assert teach(told, reads).noted == ()


def test_what_is_noted_is_a_version_that_can_be_seen_and_taken_back(told) -> None:
    cube = told.list()[0]
    teach(told, reads)
    now = told.get(cube.id)
    assert (now.content, now.version) == (cube.content, 2)
    assert now.metadata["value"] == CODE
    assert now.metadata["questions"] == [f"what opens the door of {NAME}"]
    told.restore(cube.id, 1)
    assert "value" not in told.get(cube.id).metadata


def test_a_fact_that_changed_is_read_again_not_trained_as_it_was(told, loaded) -> None:
    cube = told.list()[0]
    teach(told, reads)
    told.update(cube.id, fact(NAME, "x11 x12"))
    assert consolidate(told, *loaded, steps=1).unread == (cube.id,)
    assert teach(told, reads).noted == (cube.id,)
    assert told.get(cube.id).metadata["value"] == "x11 x12"


def test_metadata_of_a_users_own_are_no_notes(told, loaded) -> None:
    own = {"subject": "zoe", "relation": "code", "value": "x21", "read": True}
    told.add([Draft("of zoe .", kind="own", metadata=own)])
    assert not consolidate(told, *loaded, kind="own", steps=1).unread


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ("I would rather not", "no JSON"),
        ("{broken", "no JSON"),
        ('["a"]', "no JSON"),
        ("{}", "nothing to ask"),
        ('{"subject": "SUB", "value": "x00"}', "not all there"),
        ('{"subject": "SUB", "relation": "code", "value": ["x00"]}', "not all there"),
        ('{"subject": "the door", "relation": "code", "value": "of gold"}', "does not stand"),
        ('{"subject": "somebody", "relation": "code", "value": "x00"}', "does not stand"),
        ('{"subject": "door", "relation": "code", "value": "the door"}', "not apart"),
    ],
)
def test_what_a_model_invents_is_not_noted(told, said, why) -> None:
    before = [(one.id, one.version) for one in told.list()]
    taught = teach(told, lambda prompt: said.replace("SUB", NAME))
    assert not taught.noted
    assert len(taught.refused) == 2 and all(why in one for one in taught.refused.values())
    assert [(one.id, one.version) for one in told.list()] == before


def test_nothing_withheld_is_shown_to_a_model(told) -> None:
    told.add([Draft(fact("nobody", "x99"), kind="fact", policy=Policy(compile=False))])
    seen: list[str] = []

    def looks(prompt: str) -> str:
        seen.append(prompt)
        return reads(prompt)

    assert len(teach(told, looks).withheld) == 1
    assert seen and not any("nobody" in one for one in seen)


def test_a_known_form_gets_questions_in_other_words_on_request(told) -> None:
    (cube,) = told.add([Draft(f"the code for {NAME} is {CODE} .", kind="other")])
    said = json.dumps(
        {"subject": NAME, "relation": "code", "value": CODE, "questions": [f"{NAME} needs what"]}
    )
    assert not teach(told, lambda _: said, kind="other").noted
    assert teach(told, lambda _: said, kind="other", everything=True).noted == (cube.id,)


def test_a_model_behind_an_endpoint_is_asked_and_named(told, monkeypatch) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    with running() as model:
        model.script = lambda asked: reads(asked.last[1])
        taught = teach(told, ChatModel("small", f"{model.url}/v1"))
    assert len(taught.noted) == len(model.asked) == 2
    assert {one.actor for one in told.log() if one.verb == "update"} == {"model:small"}


def test_an_endpoint_that_is_not_there_is_told() -> None:
    with pytest.raises(UpstreamFailed, match="small"):
        ChatModel("small", "http://127.0.0.1:9/v1", max_retries=0)("hello")
