from __future__ import annotations

import copy
import hashlib
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mnemon.bench.recall import (
    BOS,
    EOS,
    TASKS,
    Endless,
    Sample,
    ids,
    plain,
    sample,
    text,
    training_sample,
    words,
)
from mnemon.bench.recall.filler import held_out_generator
from mnemon.bench.recall.sampling import draw_sample
from mnemon.errors import InvalidInput, UnknownName

SEVERAL = {"niah_multikey": 4, "multivalue": 4, "vt": 2, "kv": 4, "fact": 4, "update": 4}
# Of what the generator that the bundled model was first made with gave, at 1,024 tokens.
FIRST = "ef7d148f550dc721f4e163bc24cc6f7aa035b673e88a6b52a82e6139ce6fa0b9"
NOW = "8f93315adcef3b8e5961f02172768e387c7bb592590b5e5775ee29b2d75e2d14"


def _bytes(one: Sample) -> bytes:
    return np.array(one.prompt() + one.answer, "<i2").tobytes()


def _places(inside: tuple[int, ...], part: tuple[int, ...]) -> list[int]:
    spots = range(len(inside) - len(part) + 1)
    return [i for i in spots if inside[i : i + len(part)] == part]


def test_the_vocabulary_has_two_thousand_words_that_come_back_from_their_ids():
    assert len(set(words())) == 2048
    assert text(ids("Q : what is the code for")) == "Q : what is the code for"
    assert text(range(2048)).split() == list(words())


def test_a_word_outside_the_vocabulary_is_refused_by_name():
    with pytest.raises(InvalidInput, match="'banana' is no word"):
        ids("the banana")


@given(st.sampled_from(TASKS), st.integers(256, 3000), st.integers(0, 10**6))
def test_a_sample_is_the_same_for_its_seed_and_has_exactly_its_length(task, length, seed):
    one = sample(task, length, seed)
    assert one == sample(task, length, seed)
    assert len(one.prompt()) + len(one.answer) == length
    assert one.context[0] == BOS and one.answer[-1] == EOS
    assert EOS not in one.context and max(one.context) < 2048


def test_seeds_and_lengths_give_different_samples():
    asked = [sample("fact", 512, 0), sample("fact", 512, 1), sample("fact", 513, 0)]
    assert len({one.prompt() for one in asked}) == 3


def test_the_tasks_are_the_ones_that_published_figures_were_measured_on():
    digest = hashlib.sha256()
    for task in TASKS:
        for seed in range(3):
            digest.update(_bytes(sample(task, 1024, seed)))
    assert digest.hexdigest() == NOW


def test_most_tasks_are_byte_for_byte_those_of_the_first_generator():
    digest, fresh = hashlib.sha256(), Endless(held_out_generator())
    for task in TASKS:
        if task not in ("fact", "update"):  # whose keys were in the order of a set
            rng, filler = np.random.default_rng(12345 + 1024), copy.deepcopy(fresh)
            for _ in range(3):
                digest.update(_bytes(draw_sample(rng, filler, task, 1024)))
    assert digest.hexdigest() == FIRST


@pytest.mark.parametrize("task", ["niah_single", "niah_multikey", "kv", "fact", "update"])
def test_what_is_asked_stands_in_the_context_word_for_word(task):
    for seed in range(10):
        one = sample(task, 1024, seed)
        assert _places(one.context, one.answer[:-1])


@pytest.mark.parametrize("task", ["multivalue", "multiquery"])
def test_each_of_several_values_stands_in_the_context(task):
    comma = ids(",")[0]
    for seed in range(10):
        one = sample(task, 1024, seed)
        joined = one.answer[:-1]
        cuts = [-1, *(i for i, token in enumerate(joined) if token == comma), len(joined)]
        values = [joined[a + 1 : b] for a, b in pairwise(cuts)]
        found = [_places(one.context, value) for value in values]
        assert len(values) == 4 and all(found)
        if task == "multivalue":
            assert [spots[0] for spots in found] == sorted(spots[0] for spots in found)


def test_an_update_asks_for_what_was_said_last():
    now, was = ids("now"), ids("is")
    for seed in range(20):
        one = sample("update", 1024, seed)
        subject = one.question[4:7]  # Q : what is NAME 's ATTRIBUTE now ? A :
        first = _places(one.context, subject + was)
        last = max(_places(one.context, subject + was + now), default=-1)
        assert first and last >= max(first)
        assert one.context[last + 5 : last + 7] == one.answer[:-1]


def test_a_chain_of_variables_leads_from_the_value_to_the_last_name():
    var, equals, dot = ids("VAR = .")
    for seed in range(10):
        one = sample("vt", 1024, seed)
        names, value = one.answer[:-1], one.question[5:8]  # Q : which VAR holds x.. x.. x.. ? A :
        spots = [_places(one.context, (var, names[0], equals, *value, dot))]
        spots += [_places(one.context, (var, b, equals, var, a, dot)) for a, b in pairwise(names)]
        assert len(names) == 5 and all(spots)
        assert [one[0] for one in spots] == sorted(one[0] for one in spots)


def test_the_most_common_word_is_the_most_common():
    for seed in range(10):
        one = sample("cwe", 1024, seed)
        (common,) = one.answer[:-1]
        listed = [
            token
            for place in _places(one.context, ids("list :"))
            for token in one.context[place + 2 : place + 10]
        ]
        others = max(listed.count(token) for token in set(listed) if token > 390 != common)
        assert listed.count(common) >= others


@pytest.mark.parametrize("task", SEVERAL)
def test_a_context_answers_several_different_questions_within_the_same_length(task):
    one = sample(task, 2048, 5, questions=SEVERAL[task])
    asked = {each.ids for each in one.questions}
    assert len(asked) == SEVERAL[task] == len(one.questions)
    assert all(each.task == task for each in one.questions)
    last = len(one.questions) - 1
    assert len(one.dialogue(last)) + len(one.questions[last].answer) == 2048
    assert one.prompt(last) == one.context + one.questions[last].ids
    if task in ("niah_multikey", "kv", "fact", "update"):
        assert all(_places(one.context, each.answer[:-1]) for each in one.questions)


def test_a_dialogue_holds_the_earlier_questions_with_their_answers():
    one = sample("kv", 1024, 0, questions=3)
    first, second, third = one.questions
    assert one.dialogue(0) == one.prompt()
    said = first.ids + first.answer + second.ids + second.answer
    assert one.dialogue(2) == one.context + said + third.ids


def test_what_cannot_be_asked_is_refused_with_what_to_do():
    with pytest.raises(UnknownName, match="there are niah_single"):
        sample("niah", 512, 0)
    with pytest.raises(InvalidInput, match="answers 1, not 2 questions: ask fewer"):
        sample("niah_single", 512, 0, questions=2)
    with pytest.raises(InvalidInput, match=r"32 tokens are too few for multivalue .* it needs"):
        sample("multivalue", 32, 0)
    with pytest.raises(InvalidInput, match="0 questions"):
        sample("kv", 512, 0, questions=0)
    with pytest.raises(InvalidInput, match="seed -1"):
        sample("kv", 512, -1)


def test_plain_filler_is_held_out_and_of_its_length():
    one = plain(700, 3)
    assert one == plain(700, 3) != plain(700, 4)
    assert len(one) == 700 and one[0] == BOS and EOS not in one
    with pytest.raises(InvalidInput, match="at least 2"):
        plain(1, 0)


def test_training_samples_have_their_length_and_answers_after_the_context():
    made, fresh = [], Endless(np.random.default_rng(5))
    for _ in range(2):
        rng, filler = np.random.default_rng(4), copy.deepcopy(fresh)
        made.append([training_sample(rng, filler, 512) for _ in range(50)])
    for one, again in zip(*made, strict=True):
        assert (one.tokens == again.tokens).all()
        assert len(one.tokens) == len(one.answers) == 512
        assert one.answers.any() and not one.answers[: one.context].any()
        assert one.answers[-1] and one.tokens[-1] == EOS


def test_training_takes_families_as_often_as_it_is_told():
    rng, filler = np.random.default_rng(4), Endless(np.random.default_rng(5))
    shares = {"niah": 0.0, "kv": 1.0, "cwe": 0.0}
    key = ids("Q : key")
    # A quarter of the contexts is a mixture, of families chosen alike; here there are but two.
    made = [
        training_sample(rng, filler, 256, {**shares, "vt": 0.0, "dialogue": 0.0}) for _ in range(40)
    ]
    pure = sum(bool(_places(tuple(one.tokens.tolist()), key)) for one in made)
    assert pure >= 20
