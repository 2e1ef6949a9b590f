from datetime import UTC, datetime
from html import unescape

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markupsafe import escape

from mnemon.server.page import diff, shown, tree


@given(st.text(), st.lists(st.text(min_size=1, max_size=5), max_size=4))
def test_text_is_never_markup_and_nothing_of_it_is_lost(told, words):
    html = str(shown.text(told, words))
    plain = html.replace("<mark>", "").replace("</mark>", "")
    if shown._HIDDEN.search(told) is None:
        assert unescape(plain) == unescape(str(escape(told)))
        assert "<" not in plain
    assert shown._HIDDEN.search(html) is None


@pytest.mark.parametrize("char", ["\u202e", "\u2066", "\u200b", "\x1b", "\U000e0041", "\ufeff"])
def test_what_hides_or_turns_text_round_is_shown_by_its_code(char):
    html = str(shown.text(f"a{char}b"))
    assert char not in html and f"U+{ord(char):04X}" in html
    assert char not in shown.flat(f"a{char}b")


def test_writing_that_needs_joiners_stays_as_it_is():
    for told in ("می‌خواهم", "👨‍👩‍👧", "שלום", "a\tb\nc"):
        assert str(shown.text(told)) == told


def test_matched_words_are_marked_whole_and_in_any_case():
    html = shown.text("Lemon lemonade, LEMON!", ["lemon"])
    assert html == "<mark>Lemon</mark> lemonade, <mark>LEMON</mark>!"
    assert shown.text("a<b", ["b"]) == "a&lt;<mark>b</mark>"


def test_an_excerpt_holds_the_word_that_matched():
    told = "x " * 1000 + "needle" + " y" * 1000
    cut = shown.excerpt(told, ["needle"])
    assert "needle" in cut and len(cut) < 610 and cut[0] == cut[-1] == "…"
    assert shown.excerpt("short", ["needle"]) == "short"


def test_times_and_sizes_read_well():
    assert ">9 Mar 2025, 14:05<" in shown.moment(datetime(2025, 3, 9, 14, 5, tzinfo=UTC))
    assert ">9 Mar 2025<" in shown.moment(datetime(2025, 3, 9, tzinfo=UTC))
    assert [shown.size(n) for n in (0, 999, 1500, 2_000_000)] == [
        "0 B",
        "999 B",
        "1.5 kB",
        "2.0 MB",
    ]


@given(st.text(), st.text())
def test_a_diff_holds_both_texts(old, new):
    pieces = diff.compare(old, new)
    assert "".join(piece.text for piece in pieces if piece.kind != "added") == old
    assert "".join(piece.text for piece in pieces if piece.kind != "removed") == new


def test_a_diff_of_long_texts_goes_by_lines():
    old = "".join(f"line {n}\n" for n in range(2000))
    pieces = diff.compare(old, old.replace("line 7\n", "line seven\n"))
    assert [piece.text for piece in pieces if piece.kind != "same"] == ["line 7\n", "line seven\n"]


def test_the_tree_has_what_lies_between_and_sums_upwards():
    found = tree.branches([("a/b/c", 2), ("a/d", 3), ("z", 9), ("a-b", 1)])
    assert [(one.path, one.own, one.total, one.depth) for one in found] == [
        ("z", 9, 9, 0), ("a", 0, 5, 0), ("a/d", 3, 3, 1), ("a/b", 0, 2, 1), ("a/b/c", 2, 2, 2),
        ("a-b", 1, 1, 0),
    ]  # fmt: skip
