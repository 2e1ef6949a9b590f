"""Which form answers a question: weights, keys and values, or text; and that they never mix."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from tests.weights.facts import LONGER as FACTS
from tests.weights.facts import STRANGER, told

from mnemon.bench.recall import words
from mnemon.cube import Span
from mnemon.errors import InvalidInput, NotFound
from mnemon.kv.tiers import CostModel, Tiers
from mnemon.memory import Memory
from mnemon.models.local import Runtime
from mnemon.weights import Gate, Reader, consolidate, promote

NAMES = list(FACTS)
OTHER = "x01 x02 x03 x04"


def asked(name: str) -> str:
    return f"what is the code for {name} ?"


def fact(name: str, value: str = OTHER) -> str:
    return f"the code for {name} is {value} ."


@pytest.fixture(scope="session")
def trained(tmp_path_factory, nano) -> Path:
    path = tmp_path_factory.mktemp("forms") / "store.db"
    with Memory(path, namespace="ana") as memory:
        told(memory, FACTS)
        consolidate(memory, *nano)
    return path


@pytest.fixture
def memory(trained, tmp_path) -> Iterator[Memory]:
    shutil.copytree(trained.parent, tmp_path / "copy")
    with Memory(tmp_path / "copy" / trained.name, namespace="ana") as opened:
        yield opened


def cube_of(memory: Memory, name: str):
    return next(one for one in memory.list(kind="fact") if name in one.content.split())


def test_an_adapter_answers_what_it_knows_without_text(talk, memory) -> None:
    reply = talk(weights=True).chat(asked(NAMES[0]))
    plain = talk(session="t").chat(asked(NAMES[0]))
    assert reply.text == plain.text == FACTS[NAMES[0]]
    assert (reply.trace.form, plain.trace.form) == ("weights", "text")
    assert reply.trace.adapter in {one.key for one in memory.artifacts.list("adapter")}
    assert reply.hits == () and plain.hits and plain.trace.adapter is None
    assert reply.trace.spared > 0 and reply.trace.prompt < plain.trace.prompt


def test_an_answer_from_weights_ends_with_any_fact_of_its_adapter(talk, memory) -> None:
    reply = talk(weights=True).chat(asked(NAMES[0]))
    (artifact,) = [one for one in memory.artifacts.list() if one.key == reply.trace.adapter]
    spans = memory.get(reply.answer).provenance.spans
    assert spans == (*(Span(*one) for one in artifact.sources), Span(reply.question, 1))
    neighbour = next(id for id, _ in artifact.sources if id != cube_of(memory, NAMES[0]).id)
    assert reply.answer in memory.forget(neighbour).ids


def test_what_no_adapter_knows_is_left_to_text(talk, memory) -> None:
    memory.add(fact(STRANGER))
    reply = talk(weights=True).chat(asked(STRANGER))
    assert (reply.text, reply.trace.form) == (OTHER, "text")
    assert "no adapter knows" in reply.trace.why


def test_a_stale_adapter_is_never_worn_and_the_trace_says_so(talk, memory, nano) -> None:
    runtime = talk(weights=True)
    memory.update(cube_of(memory, NAMES[0]).id, fact(NAMES[0]))
    reply = runtime.chat(asked(NAMES[0]))
    assert (reply.text, reply.trace.form, reply.trace.adapter) == (OTHER, "text", None)
    assert "stale" in reply.trace.why
    consolidate(memory, *nano)
    reply = runtime.session("new").chat(asked(NAMES[0]))
    assert (reply.text, reply.trace.form) == (OTHER, "weights")


def test_after_a_rollback_text_answers_until_it_is_consolidated_again(talk, memory, nano) -> None:
    then = datetime.now(UTC)
    runtime = talk(weights=True)
    memory.update(cube_of(memory, NAMES[0]).id, fact(NAMES[0]))
    consolidate(memory, *nano)
    assert runtime.answer(asked(NAMES[0])).text == OTHER
    assert memory.rollback(then).forms == {"adapter": 1}
    reply = runtime.answer(asked(NAMES[0]))
    assert (reply.text, reply.trace.form) == (FACTS[NAMES[0]], "text")
    assert len(consolidate(memory, *nano).trained) == 1
    reply = runtime.answer(asked(NAMES[0]))
    assert (reply.text, reply.trace.form) == (FACTS[NAMES[0]], "weights")


def test_a_forgotten_fact_is_not_answered_and_its_neighbour_from_text(talk, memory) -> None:
    runtime = talk(weights=True)
    reply = runtime.chat(asked(NAMES[0]))
    artifact = memory.artifacts.open(reply.trace.adapter)
    gone = cube_of(memory, NAMES[0]).id
    (other,) = {id for id, _ in artifact.sources} - {gone}
    name = next(name for name in NAMES if cube_of(memory, name).id == other)
    memory.forget(gone, purge=True)
    reply = runtime.chat(asked(NAMES[0]))
    assert FACTS[NAMES[0]] not in reply.text and reply.trace.form == "text"
    reply = runtime.session("new").chat(asked(name))
    assert (reply.text, reply.trace.form) == (FACTS[name], "text")


def test_text_that_tells_otherwise_goes_before_weights(talk, memory) -> None:
    memory.add(fact(NAMES[0]))
    reply = talk(weights=True).chat(asked(NAMES[0]))
    assert (reply.trace.form, reply.trace.adapter) == ("text", None)
    assert "the context tells" in reply.trace.why


def test_text_that_says_the_same_or_only_asks_does_not_close_the_gate(talk, memory) -> None:
    memory.add(fact(NAMES[0], FACTS[NAMES[0]]))
    runtime = talk(weights=True)
    forms = [runtime.chat(asked(NAMES[0])).trace.form for _ in range(2)]
    assert forms == ["weights", "weights"]


def test_other_namespaces_never_wear_it(talk, memory, nano) -> None:
    with Memory(memory.path, namespace="ben") as other:
        reply = Runtime(nano, other, weights=True, max_new_tokens=8).chat(asked(NAMES[0]))
    assert reply.trace.form == "text" and FACTS[NAMES[0]] not in reply.text


def test_turns_that_alternate_give_what_recomputation_gives(
    trained, memory, nano, tmp_path
) -> None:
    shutil.copytree(trained.parent, tmp_path / "other")
    names = [NAMES[0], STRANGER, NAMES[1], STRANGER, NAMES[0], STRANGER]
    with Memory(tmp_path / "other" / trained.name, namespace="ana") as other:
        found = []
        for place, reuse in ((memory, "prefix"), (other, "none")):
            place.add(fact(STRANGER))
            runtime = Runtime(
                nano, place, session="s", reuse=reuse, verify=1.0, weights=True, max_new_tokens=8
            )
            replies = [runtime.chat(asked(name)) for name in names]
            found.append([(one.text, one.trace.adapter, one.trace.prompt) for one in replies])
            assert runtime.verifying.counts["looked"] == 3 and runtime.verifying.largest < 1e-3
    assert found[0] == found[1]
    assert [adapter is not None for _, adapter, _ in found[0]] == [True, False] * 3


def test_what_a_worn_turn_computes_is_never_kept(talk, memory, nano, tmp_path) -> None:
    with Tiers(disk=tmp_path / "kv", costs=CostModel(skips=False)) as tiers:
        runtime = talk(weights=True, tiers=tiers)
        for name in NAMES:
            assert runtime.chat(asked(name)).trace.form == "weights"
    assert {one.form for one in memory.artifacts.list()} == {"adapter"}


def test_sessions_on_two_threads_do_not_answer_from_each_others_adapters(memory, nano) -> None:
    memory.add(fact(STRANGER))
    first = Runtime(nano, memory, session="one", weights=True, verify=1.0, max_new_tokens=8)
    found: dict[str, list[tuple[str, str]]] = {}

    def ask(runtime: Runtime, name: str) -> None:
        replies = [runtime.answer(asked(name)) for _ in range(3)]
        found[name] = [(one.text, one.trace.form) for one in replies]

    given = [(first, NAMES[0]), (first.session("two"), STRANGER), (first.session("3"), NAMES[-1])]
    threads = [threading.Thread(target=ask, args=one) for one in given]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert set(found[NAMES[0]]) == {(FACTS[NAMES[0]], "weights")}
    assert set(found[NAMES[-1]]) == {(FACTS[NAMES[-1]], "weights")}
    assert {text for text, _ in found[STRANGER]} == {OTHER}
    assert first.verifying.largest < 1e-3


def test_an_answer_that_is_slow_to_be_taken_holds_nobody_up(talk, memory) -> None:
    memory.add(fact(STRANGER))
    runtime = talk(weights=True)
    slow = runtime.stream(asked(NAMES[0]))
    begun = next(slow)
    assert runtime.session("b").chat(asked(STRANGER)).text == OTHER
    assert begun + "".join(slow) == FACTS[NAMES[0]] and slow.reply.trace.form == "weights"


def test_a_reader_that_is_open_on_the_model_is_told(talk, memory, nano) -> None:
    with Reader(memory, *nano), pytest.raises(InvalidInput, match="close its reader"):
        talk(weights=True)
    talk(weights=True)


def test_an_alias_says_which_adapters_answer(talk, memory, nano) -> None:
    one, *rest = memory.artifacts.list("adapter")
    known = next(name for name in NAMES if cube_of(memory, name).id == one.sources[0][0])
    quick = Gate(most=1, texts=1)
    promote(memory, *nano, keys=[one.key], alias="tried", gate=quick)
    promote(memory, *nano, keys=[two.key for two in rest], gate=quick)
    found = [talk(weights=told).answer(asked(known)).trace.form for told in (True, "tried")]
    assert found == ["text", "weights"]
    with pytest.raises(NotFound, match="no alias 'other'"):
        talk(weights="other")


def test_weights_need_the_store_itself(nano) -> None:
    with pytest.raises(InvalidInput, match="need the store itself"):
        Runtime(nano, Memory("http://localhost:1"), weights=True)


def test_kept_keys_and_values_of_what_is_recalled_are_a_form(talk, memory) -> None:
    runtime = talk(reuse="blend")
    assert runtime.answer(asked(NAMES[0])).trace.form == "text"
    memory.compile({"kind": "fact"}, runtime, to=runtime.shared.tiers)
    trace = runtime.session("new").answer(asked(NAMES[0])).trace
    assert trace.form == "kv" and "(chunk)" in trace.why and trace.reused["chunk"]


def test_blocks_of_a_tier_are_a_form_too(memory, nano, tmp_path) -> None:
    told(memory, dict.fromkeys(words()[-12:], OTHER))
    for forms in (["text"], ["kv"]):
        with Tiers(disk=tmp_path / "kv", costs=CostModel(skips=False)) as tiers:
            runtime = Runtime(nano, memory, tiers=tiers, max_new_tokens=8)
            assert [runtime.chat(asked(NAMES[0])).trace.form] == forms
