"""Facts that nobody knows, in the language of the bundled model, with questions about them.

the code for maiposhi is x04 x1a x44 xc5 .    Q : what is the code for maiposhi ? A :
foubiko 's city is leze tizo .                Q : what is foubiko 's city now ? A :
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mnemon.bench.recall import text, vocabulary
from mnemon.bench.recall.planting import Draw
from mnemon.errors import InvalidInput

_STRANGERS = 50


@dataclass(frozen=True, slots=True)
class Fact:
    """What is told, a question in the model's own words and one in others, and the answer.

    `other` is told instead, in a context that contradicts it: with the answer `instead`.
    """

    subject: str
    told: str
    question: str
    paraphrase: str
    value: str
    other: str
    instead: str


def facts(count: int, seed: int) -> tuple[list[Fact], list[Fact]]:
    """So many facts to tell, codes and attributes in turn; and others never told, 50 at most.

    Raises:
        InvalidInput: more than there are words for.
    """
    most, strangers = len(vocabulary.content()) - _STRANGERS, min(count, _STRANGERS)
    if not 0 < count <= most:
        raise InvalidInput(f"{count} facts: the language has words for 1 to {most}")
    draw = Draw(np.random.default_rng([seed, count]))
    names = draw.words(count + strangers)
    made = [_fact(draw, text([name]), number) for number, name in enumerate(names)]
    return made[:count], made[count:]


def _fact(draw: Draw, name: str, number: int) -> Fact:
    if number % 2 == 0:
        value, other = text(draw.values(4)), text(draw.values(4))
        stem = f"the code for {name}"
        asked, again = f"what is {stem}", f"what code has {name}"
    else:
        value, other = text(draw.any_words(2)), text(draw.any_words(2))
        attributes = vocabulary.attributes()
        attribute = text([attributes[draw.rng.integers(len(attributes))]])
        stem = f"{name} 's {attribute}"
        asked, again = f"what is {stem} now", f"which {attribute} has {name}"
    return Fact(
        name, f"{stem} is {value} .", _put(asked), _put(again), value,
        f"remember : {stem} is {other} .", other,
    )  # fmt: skip


def _put(question: str) -> str:
    return f"Q : {question} ? A :"
