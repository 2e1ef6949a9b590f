"""What kind of word a word is, as bits: what it tells about a turn that holds it."""

from __future__ import annotations

import re

from mnemon.analysis import STOPWORDS

FUNCTION, FIRST_PERSON, NUMBER, TIME, BEFORE_PLACE = 1, 2, 4, 8, 16

_YEAR = re.compile(r"(?:19|20)\d\d")
_FIRST_PERSON = frozenset(("i", "my", "me", "mine", "we", "our", "us"))
_NUMBER = frozenset(
    """one two three four five six seven eight nine ten twice once couple few several dozen
    half""".split()  # noqa: SIM905
)
_TIME = frozenset(
    """yesterday today tomorrow tonight last next ago week weeks weekend month months year years
    since monday tuesday wednesday thursday friday saturday sunday morning evening january february
    march april june july august september october november december""".split()  # noqa: SIM905
)
_BEFORE_PLACE = frozenset(("in", "at", "to", "from", "near"))


def kind(word: str) -> int:
    """The bits of a word in lower case."""
    bits = FUNCTION * (word in STOPWORDS) | FIRST_PERSON * (word in _FIRST_PERSON)
    bits |= NUMBER * (word in _NUMBER or word.isdecimal())
    bits |= TIME * (word in _TIME or _YEAR.fullmatch(word) is not None)
    return bits | BEFORE_PLACE * (word in _BEFORE_PLACE)
