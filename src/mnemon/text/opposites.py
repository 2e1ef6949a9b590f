"""Opposites: English antonyms as axes with two sides, and words that a prefix turns round.

A small list of everyday words, made by hand; a word may lie on several axes ("old" and "young",
"old" and "new").
"""

from __future__ import annotations

from functools import cache

_AXES = """
love like enjoy adore prefer|hate dislike detest loathe despise
noisy loud|quiet silent
cheap inexpensive affordable|expensive costly pricey
single unmarried divorced|married
healthy|sick ill unwell
early|late
strict|lenient easygoing
working works|broken
start starts begin begins|end ends finish finishes stop stops
warm hot|cold cool chilly freezing
open opens|closed close closes shut
alive|dead
happy glad|sad unhappy miserable
full|empty
rich wealthy|poor
tall|short
long|short
big large huge|small little tiny
old|young
old|new
easy simple|hard difficult tough
safe|dangerous unsafe
good great excellent|bad terrible awful
inside indoors|outside outdoors
left|right
win wins|lose loses
succeed succeeds pass passes|fail fails
hit hits hitting|miss misses missing
clean|dirty
dry|wet
strong|weak
fast quick|slow
high|low
agree agrees|disagree disagrees
accept accepts|refuse refuses reject rejects
remember remembers|forget forgets
arrive arrives|leave leaves depart departs
buy buys|sell sells
true right correct|false wrong
awake|asleep
public|private
employed|unemployed jobless
cooked|raw
thick|thin
wide|narrow
light|dark
light|heavy
near close|far
friendly|rude hostile
increase increases rise rises|decrease decreases fall falls
allow allows permit permits|forbid forbids ban bans
trust trusts|distrust distrusts
optimistic|pessimistic
introvert introverted|extrovert extroverted
"""
_TURNED = """
un able aware certain clear comfortable common even fair finished fit fortunate friendly happy
un healthy important interested kind known likely locked lucky married necessary paid pleasant
un popular reliable safe stable successful sure tidy usual willing
dis abled connected honest loyal obedient organised organized respectful satisfied
im mature mobile moral patient perfect polite possible practical probable
in accurate active adequate appropriate capable complete correct dependent direct effective
in efficient expensive experienced flexible formal secure sensitive sufficient valid visible
ir rational regular relevant responsible
il legal literate logical
non alcoholic fiction smoking vegetarian
"""


def sides(word: str) -> tuple[tuple[str, int], ...]:
    """The axes a lower-case word lies on, and which side of each: +1 or -1; none for most."""
    return _axes().get(word, ())


@cache
def _axes() -> dict[str, tuple[tuple[str, int], ...]]:
    axes: dict[str, tuple[tuple[str, int], ...]] = {}
    for line in _AXES.strip().splitlines():
        for end, side in zip(line.split("|"), (1, -1), strict=True):
            for word in end.split():
                axes[word] = (*axes.get(word, ()), (line, side))
    for line in _TURNED.strip().splitlines():
        prefix, *words = line.split()
        for word in words:
            for form, side in ((word, 1), (prefix + word, -1)):
                axes[form] = (*axes.get(form, ()), (f"{prefix}-{word}", side))
    return axes
