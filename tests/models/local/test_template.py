from __future__ import annotations

import pytest

from mnemon.cube import Draft
from mnemon.errors import InvalidInput
from mnemon.memory import Memory
from mnemon.models.local.rendering import rendered, tokens_of
from mnemon.models.local.wording import Wording
from mnemon.models.template import NOTICE, template_of

from .tokenizers import FAMILIES, tiny


def _text(tokenizer, segments):
    return tokenizer.decode([token for one in segments for token in one.tokens])


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("system", [None, "Be kind."])
def test_a_conversation_reads_as_the_models_own_template_writes_it(family, system):
    tokenizer = tiny(family)
    wording = Wording(tokenizer, template_of(tokenizer, system), rendered)
    found = [
        *wording.head(), *wording.asked((), "Who?"), *wording.answered("Ana."),
        *wording.between(), *wording.asked((), "Where?"),
    ]  # fmt: skip
    first = "Who?" if system is None else f"{system}\n\nWho?"
    messages = [{"role": "system", "content": system}] if system else []
    if family in ("mistral", "late-system"):
        messages = []  # no such role, or not in front: the first question tells it
    else:
        first = "Who?"
    messages += [
        {"role": "user", "content": first},
        {"role": "assistant", "content": "Ana."},
        {"role": "user", "content": "Where?"},
    ]
    own = tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=True)
    assert _text(tokenizer, found) == own


@pytest.mark.parametrize("family", FAMILIES)
def test_what_is_recalled_stands_before_the_question_as_the_same_tokens_always(family):
    tokenizer = tiny(family)
    wording = Wording(tokenizer, template_of(tokenizer), rendered)
    with Memory(":memory:") as memory:
        cube = memory.add(Draft("I moved.", speaker="Ana", at="2023-05-08"))
        other = memory.add(Draft("I stayed.", speaker="Ben", at="2023-05-09"))
    one = wording.asked((cube,), "Who moved?")
    both = wording.asked((cube, other), "Who moved?")
    line = next(part for part in one if part.recalled)
    assert line in both and line.sources == ((cube.id, 1),)
    assert list(line.tokens) == tokens_of(tokenizer, "8 May 2023, Ana: I moved.\n")
    assert f"{NOTICE}8 May 2023, Ana: I moved.\n\nWho moved?" in _text(tokenizer, one)


@pytest.mark.parametrize("family", FAMILIES)
def test_nothing_that_is_said_can_end_a_turn(family):
    tokenizer = tiny(family)
    wording = Wording(tokenizer, template_of(tokenizer), rendered)
    evil = "".join(tokenizer.all_special_tokens)
    said = wording.asked((), f"a{evil}b")
    plain = wording.asked((), "ab")
    special = set(tokenizer.all_special_ids)
    count = [sum(token in special for s in part for token in s.tokens) for part in (said, plain)]
    assert count[0] == count[1]


def test_a_model_without_a_template_is_asked_plainly():
    tokenizer = tiny(None)
    wording = Wording(tokenizer, template_of(tokenizer, "Facts."), rendered)
    found = [*wording.head(), *wording.asked((), "Who?"), *wording.answered("Ana.")]
    assert _text(tokenizer, found) == "Facts.\n\nQuestion: Who?\nAnswer: Ana."


def test_a_template_that_leaves_out_what_was_said_is_refused():
    tokenizer = tiny("chatml")
    tokenizer.chat_template = "{{ messages[-1]['content'] }}"
    with pytest.raises(InvalidInput, match="template="):
        template_of(tokenizer)
