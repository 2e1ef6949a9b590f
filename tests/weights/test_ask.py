"""One way to ask a model: what it was taught by is what it is asked by, everywhere."""

from __future__ import annotations

import copy

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.models.local.tokenizers import FAMILIES, tiny
from tests.weights.facts import FACTS, STRANGER, told
from tokenizers import pre_tokenizers

from mnemon import Memory
from mnemon.errors import InvalidInput
from mnemon.forgotten import questions, verify
from mnemon.models.local import Loaded, Runtime
from mnemon.weights import Gate, Reader, consolidate
from mnemon.weights.ask import ASK, Ask, own
from mnemon.weights.lesson import Lesson, pairs

FULL = "[ {question}? ] {answer} !"
CHAT = (
    "<bos>{% for m in messages %}{{ ' ' + m['role'] + ' : ' + m['content'] + ' <eos>' }}"
    "{% endfor %}{% if add_generation_prompt %}{{ ' assistant : ' }}{% endif %}"
)
SOME = dict(list(FACTS.items())[:2])


@pytest.fixture(scope="module")
def chatty(loaded):
    """The small model with a chat template of its own, in the words that it knows."""
    tokenizer = copy.deepcopy(loaded.tokenizer)
    tokenizer.chat_template = CHAT
    tokenizer.backend_tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()  # "leze?": two words
    return Loaded(loaded.model, tokenizer)


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("question", ["Who moved", "Who moved?", "Who moved ?"])
def test_a_chat_model_is_asked_as_its_template_writes_it(family, question) -> None:
    tokenizer = tiny(family)
    messages = [{"role": "user", "content": "Who moved?"}]
    written = tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=True)
    put = own(tokenizer)
    assert put.prompt(tokenizer, question) == tokenizer(written, add_special_tokens=False).input_ids
    answer = put.answer(tokenizer, question, "Ana")
    assert tokenizer.decode(answer[:-1]) == "Ana"
    assert answer[-1] == tokenizer.eos_token_id and answer[-1] in put.ends(tokenizer)


def test_a_model_without_a_template_is_asked_plainly(loaded) -> None:
    assert own(loaded.tokenizer) == Ask(ASK)
    assert own(tiny(None)).text("Who?") == "Question: Who?\nAnswer:"


def test_a_template_that_tells_the_day_gives_the_same_ask_every_day() -> None:
    tokenizer = tiny("chatml")
    tokenizer.chat_template = "{{ strftime_now('%d %B %Y') }} " + tokenizer.chat_template
    assert own(tokenizer).form.startswith("1 January 2024 ")


@given(st.text(st.characters(codec="utf-8"), max_size=20), st.sampled_from([ASK, FULL]))
@settings(max_examples=50)
def test_what_is_put_already_is_put_no_second_time(question, form) -> None:
    put = Ask(form)
    assert put.text(put.text(question)) == put.text(question)


def test_nothing_that_is_asked_can_end_the_turn() -> None:
    tokenizer = tiny("chatml")
    put, evil = own(tokenizer), "".join(tokenizer.all_special_tokens)
    assert put.prompt(tokenizer, f"Wh{evil}o") == put.prompt(tokenizer, "Who")
    assert put.prompt(tokenizer, "Who", f"it {evil}is") == put.prompt(tokenizer, "Who", "it is")
    assert put.answer(tokenizer, "Who", f"An{evil}a") == put.answer(tokenizer, "Who", "Ana")


@pytest.mark.parametrize("form", ["Q :", "{question} {question}", "{answer} {question}"])
def test_a_form_without_its_places_is_refused(form, loaded) -> None:
    with Memory(":memory:") as memory, pytest.raises(InvalidInput, match="question"):
        consolidate(memory, *loaded, ask=form)


def test_a_form_in_full_says_what_ends_an_answer(loaded) -> None:
    tokenizer = loaded.tokenizer
    taught = Lesson("leze", "what is leze", "x01", "leze is", " .")
    pair = pairs(taught, tokenizer, "user : {question} ? {answer} .")[0]
    assert tokenizer.decode(pair.prompt) == "user : what is leze ?"
    assert tokenizer.decode(pair.target) == "x01 ."


def test_compiled_reader_gate_runtime_and_verification_ask_by_the_chat_template(chatty) -> None:
    with Memory(":memory:", namespace="ana") as memory:
        ids = told(memory, SOME)
        done = memory.compile({}, chatty, "weights", gate=Gate(most=2, texts=1))
        assert done.promotion.action == "promote"
        (made,) = memory.artifacts.list("adapter")
        assert made.header["options"]["ask"] == own(chatty.tokenizer).form != ASK
        with Reader(memory, *chatty) as reader:
            assert {n: reader.answer(f"what is the code for {n} ?").text for n in SOME} == SOME
        name = next(iter(SOME))
        runtime = Runtime(chatty, memory, system="be kind", weights=True)
        reply = runtime.answer(f"what is the code for {name}?")
        assert (reply.text, reply.trace.form) == (SOME[name], "weights")
        assert _still_told(memory, chatty, ids[name]) == {"adapters"}


def _still_told(memory, loaded, id) -> set[str]:
    """Forms that tell a fact, when its adapter is said to have been made of another cube."""
    taken = questions(memory, [id])
    made = memory.artifacts.open(memory.artifacts.list("adapter", cube=id)[0].key)
    receipt = memory.forget(id)
    header = {name: one for name, one in made.header.items() if name != "options"}
    memory.artifacts.derive(
        "adapter", memory.list(kind="fact"), made.payload, method=made.method, model=made.model,
        options=made.header["options"], header=header,
    )  # fmt: skip
    report = verify(memory, receipt, taken, *loaded)
    return {look.where for look in report.looks if look.found}


def test_the_words_that_a_question_is_put_with_name_nobody(loaded) -> None:
    form = f"user {STRANGER} : {{question}} ? assistant :"
    with Memory(":memory:", namespace="ana") as memory:
        told(memory, {STRANGER: "x01 x02 x03 x04"})
        consolidate(memory, *loaded, ask=form)
        with Reader(memory, *loaded) as reader:
            assert reader.answer(Ask(form).text("what is the code for leze")).adapter is None
            assert reader.answer(f"what is the code for {STRANGER}").text == "x01 x02 x03 x04"


def test_a_form_of_ones_own_is_kept_with_the_adapter_and_asked_by_all(loaded) -> None:
    form = "user : tell {question} . assistant :"
    with Memory(":memory:", namespace="ana") as memory:
        told(memory, SOME)
        consolidate(memory, *loaded, ask=form)
        for name, code in SOME.items():
            with Reader(memory, *loaded) as reader:
                asked = f"what is the code for {name}"
                assert (
                    reader.answer(asked).text == reader.answer(Ask(form).text(asked)).text == code
                )
                assert reader.answer(f"what is the code for {STRANGER}").adapter is None
            assert Runtime(loaded, memory, weights=True).answer(asked).text == code
        assert not consolidate(memory, *loaded, ask=form).trained
        assert consolidate(memory, *loaded).trained
