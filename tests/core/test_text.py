"""Scripts and shapes of text: kept byte for byte, and found."""

from __future__ import annotations

import pytest

TEXTS = [
    "👩‍👩‍👧‍👦 family 🎉🏳️‍🌈",
    "שלום עולם, מה שלומך היום?",
    "اشترت ليلى سيارة حمراء جديدة",
    "Здравствуй, мир",
    "नमस्ते दुनिया",
    "cafe\u0301 in decomposed form",
    "café in composed form",
    "tabs\tand\r\nlines\u2028and\u00a0spaces ",
    "\ufeffwith a mark",
    "\u202eright to left\u202c",
    "a" * 5000,
]


@pytest.mark.parametrize("text", TEXTS)
def test_text_comes_back_byte_for_byte(memory, text):
    cube = memory.add(text)
    assert memory.get(cube.id).content == text
    assert memory.list()[0].content == text


DISTRACTORS = [
    "今天天气很好", "我们去公园散步吧", "昨日は雨が降りました", "電車に乗り遅れた",
    "오늘 날씨가 좋아요", "커피를 마시고 싶다",
    "วันนี้อากาศดี", "ฉันชอบกินข้าว", "The weather is nice", "Кошка спит",
    "ذهب أحمد إلى السوق", "הכלב ישן",
]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "query"),
    [
        ("她的猫叫小白，住在上海", "小白"),
        ("妹は大阪で獣医をしています", "獣医はどこ"),
        ("민수는 부산에서 기타를 배운다", "기타"),
        ("แม่ของฉันทำงานที่โรงพยาบาล", "โรงพยาบาล"),
        ("اشترت ليلى سيارة حمراء", "سيارة"),
        ("דנה קנתה אופניים", "אופניים"),
        ("Бабушка печёт пироги", "пироги"),
        ("Zoë ate a cafe\u0301-cre\u0300me", "café crème"),
        ("The café closed", "cafe"),
        ("ＦＵＬＬ ｗｉｄｔｈ ｃａｍｅｌ", "camel"),
    ],
)
def test_a_query_in_any_script_finds_its_cube(memory, text, query):
    memory.add([*DISTRACTORS, text])
    assert memory.search(query)[0].cube.content == text


def test_an_emoji_query_is_no_error(memory):
    memory.add("hello")
    assert isinstance(memory.search("🎉"), list)
    assert isinstance(memory.search("?!"), list)


def test_names_in_two_forms_of_unicode_are_one_namespace(memory):
    cube = memory.add("x", namespace="Zoe\u0308/cafe\u0301")
    assert cube.namespace == "Zoë/café"
    assert memory.list(namespace="Zoë") == [cube]
