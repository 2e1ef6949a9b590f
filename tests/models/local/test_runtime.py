from __future__ import annotations

import threading

import pytest

from mnemon.bench.recall import words
from mnemon.cube import Draft, Span
from mnemon.errors import EmptyContent, InvalidInput, VersionConflict
from mnemon.memory import Memory
from mnemon.models.local import Runtime

OLD, NEW = "x04 x1a x44 xc5", "x11 x92 x03 xfe"
ASK = "what is the code for maiposhi ?"


def fact(value: str = OLD, name: str = "maiposhi") -> str:
    return f"the code for {name} is {value} ."


def test_a_told_fact_is_answered_corrected_and_forgotten(talk, memory):
    cube = memory.add(fact())
    runtime = talk()
    assert runtime.chat(ASK).text == OLD
    memory.update(cube.id, fact(NEW))
    assert runtime.chat(ASK).text == NEW
    memory.forget(cube.id)
    assert NEW not in runtime.chat(ASK).text


def test_what_is_said_in_a_turn_is_known_in_later_ones_of_any_session(talk):
    runtime = talk()
    runtime.chat(fact())
    assert runtime.chat(ASK).text == OLD
    assert runtime.session("other").chat(ASK).text == OLD


def test_a_turn_is_two_cubes_and_the_answer_names_its_sources(talk, memory):
    cube = memory.add(fact())
    reply = talk().chat(ASK)
    question, answer = memory.get(reply.question), memory.get(reply.answer)
    assert (question.content, question.speaker, question.session) == (ASK, "user", "s")
    assert (answer.content, answer.speaker, answer.session) == (OLD, "assistant", "s")
    assert answer.provenance.spans == (Span(cube.id, 1), Span(question.id, 1))
    assert memory.forget(cube.id).cubes == 2
    assert [one.id for one in memory.list()] == [question.id]


def test_forgetting_a_question_takes_its_answer_along(talk, memory):
    memory.add(fact())
    reply = talk().chat(ASK)
    assert memory.forget(reply.question, purge=True).cubes == 2


def test_a_turn_goes_on_from_the_ones_before_and_puts_no_cube_in_twice(talk, memory):
    memory.add(fact())
    runtime = talk()
    first, second = runtime.chat(ASK), runtime.chat(ASK)
    assert (first.trace.turns, second.trace.turns) == (0, 1)
    assert len(first.hits) == 1 and second.hits == () and second.trace.there == 3
    assert second.text == OLD


def test_an_answer_to_what_changed_leaves_with_its_question(talk, memory):
    cube = memory.add(fact())
    runtime = talk()
    runtime.chat(ASK)
    memory.update(cube.id, fact(NEW))
    reply = runtime.chat(ASK)
    assert (reply.trace.turns, reply.trace.left_out) == (0, 1)
    assert (cube.id, 2) in reply.trace.sources and (cube.id, 1) not in reply.trace.sources


def test_a_note_derived_from_what_changed_is_not_put_into_a_prompt(talk, memory):
    cube = memory.add(fact())
    memory.add(Draft(f"maiposhi has code {OLD} .", spans=(Span(cube.id, 1),)))
    memory.update(cube.id, fact(NEW))
    reply = talk().answer(ASK)
    assert reply.trace.stale == 1 and reply.text == NEW


def test_a_conversation_goes_on_in_another_process(nano, tmp_path):
    path = tmp_path / "memory.db"
    with Memory(path) as memory:
        memory.add(fact())
        Runtime(nano, memory, session="s", max_new_tokens=8).chat(ASK)
    with Memory(path) as memory:
        reply = Runtime(nano, memory, session="s", max_new_tokens=8).chat(ASK)
    assert reply.trace.turns == 1 and reply.text == OLD


def test_streaming_gives_the_same_in_pieces(talk, memory):
    memory.add(fact())
    stream = talk().stream(ASK)
    with pytest.raises(InvalidInput, match="not there yet"):
        stream.reply  # the pieces were not taken yet
    pieces = list(stream)
    assert len(pieces) == 4 and "".join(pieces) == OLD == stream.reply.text
    assert talk(session="other").chat(ASK).text == OLD


def test_answer_stores_nothing(talk, memory):
    memory.add(fact())
    assert talk().answer(ASK).text == OLD
    assert memory.count() == 1


def test_a_stopped_answer_stores_nothing(talk, memory):
    memory.add(fact())
    runtime = talk()
    stream = runtime.stream(ASK)
    next(stream)
    stream.close()
    assert memory.count() == 1
    assert runtime.chat(ASK).text == OLD


def test_a_failed_answer_stores_nothing(talk, memory, monkeypatch):
    memory.add(fact())
    runtime = talk()
    feed = runtime.way.feed

    def broken(token):
        monkeypatch.setattr(runtime.way, "feed", feed)
        raise RuntimeError("out of memory")

    monkeypatch.setattr(runtime.way, "feed", broken)
    with pytest.raises(RuntimeError):
        runtime.chat(ASK)
    assert memory.count() == 1
    assert runtime.chat(ASK).text == OLD


def test_an_answer_whose_source_changed_meanwhile_is_not_stored(talk, memory):
    cube = memory.add(fact())
    stream = talk().stream(ASK)
    next(stream)
    memory.update(cube.id, fact(NEW))
    with pytest.raises(VersionConflict):
        list(stream)
    assert memory.count() == 1


def test_a_second_question_waits_for_nobody_in_its_own_thread(talk, memory):
    memory.add(fact())
    runtime = talk()
    stream = runtime.stream(ASK)
    next(stream)
    with pytest.raises(InvalidInput, match="still streaming"):
        runtime.chat(ASK)
    stream.close()


def test_sessions_of_one_model_answer_at_the_same_time(talk, memory):
    memory.add(fact())
    runtime, said = talk(), {}

    def ask(name):
        said[name] = runtime.session(name).chat(ASK).text

    threads = [threading.Thread(target=ask, args=(str(i),)) for i in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert said == dict.fromkeys("0123", OLD)


def test_old_turns_leave_many_at_once(talk, memory):
    cube = memory.add(fact())
    runtime = talk(context=160, budget=100)
    traces = [runtime.chat(ASK).trace for _ in range(14)]
    starts = [trace.dropped for trace in traces]
    assert all(trace.prompt + 8 <= 160 for trace in traces)
    assert starts == sorted(starts) and starts[-1] >= 5
    assert len(set(starts)) <= 6  # it moved seldom
    # What left with them was recalled again.
    assert all((cube.id, 1) in trace.sources for trace in traces)


def test_sampling_repeats_with_its_seed(talk, memory):
    memory.add(fact())
    runtime = talk()
    said = [runtime.answer(ASK, temperature=5.0, seed=seed).text for seed in (1, 1, 2, 3)]
    assert said[0] == said[1] and len(set(said)) > 1
    assert runtime.answer(ASK, temperature=1.0, top_p=0.01, seed=5).text == OLD


def test_what_does_not_go_is_refused(talk):
    for given, said in (
        ({"reuse": "always"}, "'always'"),
        ({"context": 99_999}, "99999"),
        ({"verify": 2.0}, "verify=2.0"),
    ):
        with pytest.raises(InvalidInput, match=said):
            talk(**given)
    with pytest.raises(EmptyContent):
        talk().chat("  ")
    with pytest.raises(InvalidInput, match="max_new_tokens"):
        talk().chat(ASK, max_new_tokens=0)
    with pytest.raises(InvalidInput, match="window"):
        talk(context=12).chat(ASK)
    with pytest.raises(InvalidInput, match="temperature"):
        talk().chat(ASK, temperature=-1)


def test_a_short_question_finds_its_own_fact_whatever_was_asked_before(talk, memory):
    names = [word for word in words() if word.isalpha() and len(word) > 4][-24:]
    cubes = {name: memory.add(fact(f"x{n:02x} x1c xa7 xb9", name)) for n, name in enumerate(names)}
    runtime = talk(budget=40)  # room for one
    for name in names[:10]:
        reply = runtime.chat(f"what is the code for {name} ?")
        assert (cubes[name].id, 1) in reply.trace.sources
