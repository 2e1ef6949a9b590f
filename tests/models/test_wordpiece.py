"""Our word-pieces against the reference, Hugging Face `tokenizers`: the same ids for any text."""

from __future__ import annotations

import json
import os
import random
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mnemon import sample
from mnemon.errors import InvalidInput, InvalidText
from mnemon.models import wordpiece
from mnemon.models.static_model import BUNDLED
from mnemon.models.wordpiece import WordPiece

VOCABULARY = (BUNDLED / "vocabulary.txt").read_text("utf-8").split("\n")[:-1]
SMALL = ["[UNK]", "un", "##aff", "##able", "##a", "a", "b", ",", "##b"]
HARD = [
    "naïve café — E=mc², user_id=42",
    "ΣΑΣ σας İstanbul ıI ẞß ﬁ Å \u212b \u1e9b\u0323",
    "e\u0301\u0327,\u0301 a\u00adb\u200bc\x00d\x07e\x7ff\x85g\ufffdh\ue000i",
    "x\x0by\x0cz\x1cw \u2028 \u2029 \u3000 \xa0.",
    "日本語 東京は한국어 \uf900\U0002f800\u3007 ｱｶﾞ カ\u3099",
    "[UNK] [PAD]x[unk][CLS][SEP][MASK] [ UNK] [[UNK]] é[UNK]é",
    "## ##ing #hash $5+5=10 a|b `c` ~d^ «e» „f“ …",
    "👩\u200d💻 🇩🇪 \u0e01\u0e33 \u0915\u093f \ud7a3",
]
# Where normalisers go wrong, more often than chance would have it.
TRICKY = st.sampled_from([*" \t\n\r.,-[]#aeszΣİß中한\u0301\u00ad\u1ab0\u302e", "[UNK]", "[PAD]"])
MIXED = st.one_of(TRICKY, st.characters(exclude_categories=["Cs"]), st.sampled_from(VOCABULARY))
TEXTS = st.one_of(st.text(), st.lists(TRICKY).map("".join), st.lists(MIXED).map("".join))


@pytest.fixture(scope="module")
def pieces():
    return WordPiece(BUNDLED / "vocabulary.txt")


@pytest.fixture(scope="module")
def reference():
    hugging = pytest.importorskip("tokenizers", reason="pip install 'mnemon[test]'")
    ids = {piece: id for id, piece in enumerate(VOCABULARY)}
    tokenizer = hugging.Tokenizer(hugging.models.WordPiece(ids, unk_token="[UNK]"))
    tokenizer.normalizer = hugging.normalizers.BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = hugging.pre_tokenizers.BertPreTokenizer()
    tokenizer.add_special_tokens(["[PAD]", "[UNK]"])
    return lambda text: tokenizer.encode(text, add_special_tokens=False).ids


@given(text=TEXTS)
def test_any_text_has_the_ids_of_the_reference(pieces, reference, text):
    ids = reference(text)
    assert pieces.ids(text) == ids
    counted = pieces.count(text)
    assert counted >= len(ids) and (pieces.unknown in ids or counted == len(ids))


@pytest.mark.parametrize("text", HARD)
def test_hard_texts_have_the_ids_of_the_reference(pieces, reference, text):
    assert pieces.ids(text) == reference(text)


def test_every_character_has_the_ids_of_the_reference(pieces, reference):
    # All of planes 0, 1 and 14, where text is, and every 37th character beyond.
    codes = [*range(0xD800), *range(0xE000, 0x20000), *range(0xE0000, 0xE0200)]
    codes += range(0x20000, sys.maxunicode, 37)
    for start in range(0, len(codes), 256):
        text = " x ".join(f"a{chr(code)}b" for code in codes[start : start + 256])
        assert pieces.ids(text) == reference(text), f"from U+{codes[start]:04X} on"


@pytest.mark.parametrize("length", [99, 100, 101])
@pytest.mark.parametrize("char", ["a", "é", "각", "ﬁ", "İ"])
def test_the_longest_word_is_that_of_the_reference(pieces, reference, char, length):
    assert pieces.ids(char * length) == reference(char * length)


def test_the_sample_conversation_has_the_ids_of_the_reference(pieces, reference):
    lines = (Path(sample.__file__).parent / "conversation.jsonl").read_text("utf-8").splitlines()
    assert [pieces.ids(line) for line in lines] == [reference(line) for line in lines]


def test_locomo_has_the_ids_of_the_reference(pieces, reference):
    folder = os.environ.get("MNEMON_DATA")
    if not folder or not (Path(folder) / "locomo10.json").exists():
        pytest.skip("set MNEMON_DATA to a folder with locomo10.json")
    for one in json.loads((Path(folder) / "locomo10.json").read_text("utf-8"))[::3]:
        text = json.dumps(one, ensure_ascii=False)
        assert pieces.ids(text) == reference(text)


@pytest.mark.parametrize(
    ("text", "ids"),
    [
        ("Unaffable", [1, 2, 3]),
        ("unaffable,a", [1, 2, 3, 7, 5]),
        ("ab áB", [5, 8, 5, 8]),
        ("able", [0]),  # its pieces are known only inside a word
        ("abx", [0]),  # one unknown part makes the whole word unknown
        ("a" * 100, [5] + [4] * 99),
        ("a" * 101, [0]),
        ("a[UNK]b", [5, 0, 6]),
        ("", []),
    ],
)
def test_words_are_cut_into_the_longest_known_pieces(text, ids):
    small = WordPiece(SMALL)
    assert small.ids(text) == ids


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("ab áB", 4),
        ("able", 1),  # unknown, four bytes
        ("a" * 101, 26),  # too long for a word: unknown
        (f"ab {'a' * 400} ab", 2 + 100 + 2),
        ("ก" * 8, 6),  # three bytes each
        ("a" * 40_000 + " " + "a" * 40_000, 20_000),  # in parts
        ("", 0),
    ],
)
def test_an_unknown_word_counts_by_its_bytes(text, count):
    assert WordPiece(SMALL).count(text) == count


def test_a_list_and_a_file_are_the_same_vocabulary(pieces, tmp_path):
    assert WordPiece(VOCABULARY).ids(HARD[0]) == pieces.ids(HARD[0])
    # A piece may have what `str.splitlines` takes for the end of a line.
    (tmp_path / "own.txt").write_text("[UNK]\na\x1cb\nc", "utf-8")
    assert WordPiece(tmp_path / "own.txt").size == 3


@pytest.mark.parametrize("vocabulary", [[], ["a"], ["[UNK]", "a", "a"]])
def test_what_is_no_vocabulary_is_refused(vocabulary):
    with pytest.raises(InvalidInput, match="no vocabulary"):
        WordPiece(vocabulary)


@pytest.mark.parametrize("text", [None, 3, b"bytes", "half an emoji \ud83d"])
def test_what_is_no_text_is_refused(pieces, text):
    with pytest.raises(InvalidText, match="cannot be tokenised"):
        pieces.ids(text)


def test_parts_of_a_text_have_the_pieces_of_the_whole(pieces, monkeypatch):
    whole = [pieces.ids(text) for text in HARD]
    monkeypatch.setattr(wordpiece, "PART_CHARACTERS", 2)
    assert [pieces.ids(text) for text in HARD] == whole


def test_full_caches_change_nothing_and_stay_bounded(monkeypatch):
    monkeypatch.setattr(wordpiece, "CACHED_WORDS", 3)
    monkeypatch.setattr(wordpiece, "CACHED_CHARACTERS", 3)
    small, words = WordPiece(SMALL), ["Á", "b", "un", "unable", "x", "é", "unaffa"]
    expected = {word: WordPiece(SMALL).ids(word) for word in words}
    for word in random.Random(0).choices(words, k=200):
        assert small.ids(word) == expected[word]
    assert len(small._pieces) <= 3 and len(small._characters) <= 3
