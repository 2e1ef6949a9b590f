"""Claims: sentences taken apart just far enough to see that two of them cannot both be so.

A claim has a topic (stems of its content words) and says something of it: that it is so or not so,
one side or the other of an opposite, a number, the value of something that has only one. English,
by word lists, no parser: it sees "I eat meat" against "I don't eat meat", and not against "I'm a
vegetarian". Questions, requests, conditions and what passed at a moment ("yesterday I didn't go")
claim nothing lasting; what a pronoun stands for ("it isn't easy") is not known: all left out.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

from mnemon import analysis
from mnemon.text.opposites import sides

_WORD = re.compile(r"[^\W_]+(?:[.,:][0-9]+)*(?:'[^\W_]+)?")
_CLAUSE = re.compile(
    r"(?<=[.!?;])\s+|\n+|,? \b(?:but|although|though|whereas|while|because)\b "
    r"|(?:,| and) (?=not\b|never\b|no\b|(?:do|does|is|are|ca|wo)n't\b)"
)
_NEGATORS = frozenset({
    "not", "no", "never", "nobody", "none", "neither", "nor", "cannot", "without", "hardly",
    "nothing", "nowhere",
})  # fmt: skip
_PASSING = re.compile(
    r"\b(?:yesterday|today|tonight|tomorrow|ago|earlier|recently|just|this (?:morning|afternoon"
    r"|evening|week|weekend|time|year|month)|last (?!name)\w+|next \w+|did|didn|was(?! born)|wasn"
    r"|were(?! born)|weren|went|got|had|hadn|haven|hasn|came|made|took|saw|been|will|won|would"
    r"|wouldn|could|couldn|might|may|if|unless|wish|hope|maybe|perhaps|going to|i'll|we'll"
    r"|(?:i|we|he|she|they|it) \w+ed)\b",
    re.IGNORECASE,
)
_UNKNOWN = re.compile(  # pronouns of the second and third person
    r"\b(?:it|its|he|him|his|she|her|hers|they|them|their|theirs|you|your|yours|ones)\b"
    r"|\b(?:this|that|these|those)(?:'s| is| are| isn't| aren't)\b",
    re.IGNORECASE,
)
_SET_PHRASE = re.compile(
    r"\b(?:can't wait|cannot wait|can't help|no (?:wonder|problem|worries|way|doubt|matter)"
    r"|not (?:a problem|sure|only|just|to mention|bad)|don't worry|why not"
    r"|(?:don't|doesn't|do not|does not) (?:know|think|mind|understand))\b",
    re.IGNORECASE,
)
_STATES = re.compile(  # a subject, or a verb that needs one
    r"\b(?:i|we|my|our|the|an?|no|nobody|there|every|all|some|several|is|are|am|has|have|does|do"
    r"|doesn't|isn't|aren't)\b|'(?:s|m|re) ",
    re.IGNORECASE,
)
_REQUEST = re.compile(r"\W*(?:please|let's|let me|don't|do not|never \w+ing)\b", re.IGNORECASE)
_LONGEST = 300  # characters of a clause: what runs on is no plain statement
_ASIDE = re.compile(r"\[[^\]]*\]")  # what an importer adds, such as what a photo shows
# What says how much or how surely, and not what.
_LIGHT = analysis.STOPWORDS | frozenset({
    "absolutely", "actually", "also", "always", "anymore", "any", "anything", "bye", "certainly",
    "congrats", "definitely", "each", "enough", "even", "ever", "every", "everything", "exactly",
    "few", "full", "get", "gets", "haha", "hello", "here", "hey", "hi", "honestly", "kind", "lot",
    "lots", "longer", "many", "more", "most", "much", "now", "often", "oh", "ok", "okay", "only",
    "own", "people", "person", "pretty", "probably", "quite", "really", "several", "somebody",
    "someone", "something", "sorry", "still", "sure", "surely", "thank", "thanks", "thing",
    "things", "too", "totally", "usually", "very", "well", "wow", "yeah", "yep", "yes", "yet",
})  # fmt: skip
_IRREGULAR = {
    "children": "child", "men": "man", "women": "woman", "feet": "foot", "teeth": "tooth",
    "mice": "mouse", "geese": "goose", "wives": "wife",
}  # fmt: skip
_COUNTED = {"once": 1.0, "twice": 2.0, "thirty": 30.0, "forty": 40.0, "fifty": 50.0} | {
    word: float(number)
    for number, word in enumerate(
        (
            "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten",
            "eleven", "twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen",
            "eighteen", "nineteen", "twenty",
        )
    )
}  # fmt: skip
_DIGITS = re.compile(r"(\d+)(?:[.:](\d+))?(?:st|nd|rd|th)?$")
# What there is one of: its name, then "is", then which it is.
_SINGLE = re.compile(
    r"(?P<slot>.*?(?:"
    r"\b(?:favou?rite|name|surname|nickname|birthday|hometown|home town|birthplace|job|address|age"
    r"|capital|password|nationality|profession)\b.*?(?:\bis|\bare|'s)"
    r"|\b(?:live|lives|living|reside|resides) in|\bborn (?:in|on)|\bworks? (?:as|at|for)"
    r"|(?:\bis|\bam|\bare|'m|'s) (?:from|in|on|at|called|named)))\s+(?P<value>.+)",
    re.IGNORECASE,
)

WAYS = ("negation", "opposites", "numbers", "values")
"""In which two claims on one topic may differ."""


@dataclass(frozen=True, slots=True)
class Claim:
    """One statement of a text.

    `topic`: stems of what it is about, opposites by their axis; `negated`; `poles`: axis → +1 or
    -1; `numbers`: stem of what is counted → how many; `value`: stems of what a slot with one value
    holds (the topic is then the slot), or empty.
    """

    topic: frozenset[str]
    negated: bool
    poles: Mapping[str, int]
    numbers: Mapping[str, frozenset[float]]
    value: frozenset[str]


def claims(text: str) -> tuple[Claim, ...]:
    """The lasting statements of a text, in order."""
    clauses = _CLAUSE.split(_ASIDE.sub(" ", text[:8192].replace("’", "'")))
    return tuple(claim for clause in clauses if _lasts(clause) for claim in _claim(clause))


def overlap(one: Claim, other: Claim) -> float:
    """How much of two claims is about the same: Dice coefficient of their topics, in [0, 1]."""
    total = len(one.topic) + len(other.topic)
    return 2.0 * len(one.topic & other.topic) / total if total else 0.0


def agree(one: Claim, other: Claim, by: Collection[str] = WAYS) -> bool:
    """Whether two claims on one topic point the same way, of those ways of differing that `by`
    names. Two turns make none: "not cold" and "hot" agree."""
    axes = one.poles.keys() & other.poles.keys()
    counted = one.numbers.keys() & other.numbers.keys()
    turns = {
        "negation": int(one.negated != other.negated),
        "opposites": sum(one.poles[axis] != other.poles[axis] for axis in axes),
        "numbers": int(any(one.numbers[u].isdisjoint(other.numbers[u]) for u in counted)),
        "values": int(bool(one.value and other.value) and one.value.isdisjoint(other.value)),
    }
    return sum(turns[way] for way in by) % 2 == 0


def negations(text: str) -> int:
    """How many words of a text deny."""
    return sum(map(_negates, _words(text.replace("’", "'"))))


def _lasts(clause: str) -> bool:
    """Whether a clause states something of a known subject that may still be so later."""
    without = (_PASSING, _UNKNOWN, _SET_PHRASE)
    return (
        len(clause) <= _LONGEST
        and _STATES.search(clause) is not None
        and not _REQUEST.match(clause)
        and not analysis.asks(clause)
        and not any(pattern.search(clause) for pattern in without)
    )


def _claim(clause: str) -> Iterator[Claim]:
    numbers, words = _counted(_words(clause))
    negated = sum(map(_negates, words)) % 2 == 1
    said = [word for word in words if not _negates(word)]
    slot = None if negated or numbers else _SINGLE.match(clause)
    value = _stems(_words(slot["value"])) if slot else frozenset()
    poles = {axis: side for word in said for axis, side in sides(_bare(word))}
    if slot and value:
        yield Claim(_stems(_words(slot["slot"])), False, {}, {}, value)
    elif about := _stems(said) | (numbers.keys() - {""}):
        yield Claim(about | poles.keys(), negated, poles, numbers, frozenset())


def _words(text: str) -> list[str]:
    return _WORD.findall(text.lower())


def _negates(word: str) -> bool:
    return word.endswith("n't") or word in _NEGATORS


def _bare(word: str) -> str:
    return word.partition("'")[0]


def _stems(words: Sequence[str]) -> frozenset[str]:
    """Stems of content words that lie on no axis."""
    bare = map(_bare, words)
    return frozenset(_stem(word) for word in bare if word not in _LIGHT and not sides(word))


def _stem(word: str) -> str:
    return next(iter(analysis.terms(_IRREGULAR.get(word, word))), word)


def _counted(words: Sequence[str]) -> tuple[dict[str, frozenset[float]], list[str]]:
    """(what is counted → how many, the other words). What follows a number is what it counts."""
    found: dict[str, frozenset[float]] = {}
    left: list[str] = []
    for place, word in enumerate(words):
        number = _number(word)
        if number is None:
            left.append(word)
            continue
        after = (_bare(one) for one in words[place + 1 :])
        unit = next((one for one in after if one not in _LIGHT), "")
        told = "" if _number(unit) is not None else _stem(unit) if unit else ""
        found[told] = found.get(told, frozenset()) | {number}
    return found, left


def _number(word: str) -> float | None:
    digits = _DIGITS.match(word.replace(",", ""))
    if digits is None:
        return _COUNTED.get(word)
    return float(f"{digits[1]}.{digits[2] or 0}")
