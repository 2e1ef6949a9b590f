from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from mnemon.models.local.pieces import pieces

from .tokenizers import tiny

TOKENIZER = tiny(None)


def _ids(text):
    return TOKENIZER(text, add_special_tokens=False)["input_ids"]


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=40))
def test_all_pieces_together_are_the_text(text):
    kept = text.replace("\x00", "\ufffd")  # no store can hold it
    assert "".join(pieces(_ids(text), TOKENIZER)) == kept.strip()


def test_a_letter_of_several_tokens_comes_whole():
    given = list(pieces(_ids("né 日本 🙂!"), TOKENIZER))
    assert all("\ufffd" not in piece for piece in given) and len(given) > 3


@given(st.text("ab\n", max_size=12), st.text("ab\n", max_size=6))
def test_the_answer_ends_before_a_stop_however_it_is_cut(before, after):
    whole = before + "\n\nQ:" + after
    said = whole.lstrip()
    expected = said.partition("\n\nQ:")[0].rstrip()
    given = list(pieces(_ids(whole), TOKENIZER, ("\n\nQ:",)))
    assert "".join(given) == expected


def test_what_cannot_become_a_letter_any_more_is_not_lost():
    whole = _ids("a日")
    assert "".join(pieces(whole[:-1], TOKENIZER)).startswith("a")
